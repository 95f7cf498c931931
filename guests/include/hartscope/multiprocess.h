/*
 * Forked virtual CPUs, for guests of Hartscope: C and C++, with a C library or without.
 *
 * A task is a number of vCPUs that begin as forks of the caller. They run on real threads, and each
 * works on its part:
 *
 *     static void work(uint64_t index, void *data)      // index 0 ... N-1
 *     {
 *         ...
 *     }
 *     int64_t task = mp_call(4, work, &data);           // four vCPUs start
 *     other_work();
 *     int64_t failed = mp_join(task, NULL, 0);          // their stores are here now
 *
 * Compile guests/lib/multiprocess.c and multiprocess-start.S with the program. docs/multiprocess.md
 * describes what the modes promise and has the two structures as tables.
 */
#ifndef HARTSCOPE_MULTIPROCESS_H
#define HARTSCOPE_MULTIPROCESS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#define MP_ASSERT(condition) static_assert(condition, #condition)
#else
#define MP_ASSERT(condition) _Static_assert(condition, #condition)
#endif

/* ---- the kernel's interface ---------------------------------------------- */

/* System calls: the number goes to a7. */
enum {
    MP_SYS_MULTIPROCESS = 110,      /* vCPUs, stacks or 0, bytes per stack -> id */
    MP_SYS_MULTIPROCESS_WAIT = 111, /* -> bitmap of failures; ends a vCPU */
    MP_SYS_START = 2000,            /* struct mp_options * -> task; a vCPU: 0 and its id in a1 */
    MP_SYS_JOIN = 2001,             /* task or -1, struct mp_status *, count -> failed vCPUs */
    MP_SYS_POLL = 2002,             /* task -> vCPUs that have not ended */
};

enum { MP_MAXIMUM_VCPUS = 1024 };

/* What a vCPU's memory is, where its stack lies and what the caller does meanwhile. */
enum mp_mode {
    MP_SHARED = 1,    /* the caller's own memory; stacks from the guest; the caller runs on */
    MP_CALL = 2,      /* a fork; private stacks from the host; the caller runs on */
    MP_FORK = 3,      /* a fork; stacks from the guest; the caller runs on */
    MP_FORK_HERE = 4, /* a fork on a private copy of the caller's stack; the caller waits */
    MP_WORKSPACE = 5, /* a fork where all writes are private until the join; the caller runs on */
};

/* How a vCPU ended. All but MP_RETURNED, and MP_EXITED with code 0, count as failed. */
enum mp_reason {
    MP_RETURNED = 1,    /* its function returned, or it called multiprocess_wait */
    MP_EXITED = 2,      /* exit or exit_group, with `exit_code` */
    MP_FAULT = 3,       /* a fetch, load or store at `fault_address` that is not allowed */
    MP_ILLEGAL = 4,     /* an illegal instruction at `pc` */
    MP_LIMIT = 5,       /* it retired `instruction_limit` instructions */
    MP_KILLED = 6,      /* a signal, ebreak (SIGTRAP), its process or the debugger ended it */
    MP_CONFLICT = 7,    /* workspace: an earlier hart wrote another value to the same byte */
    MP_NOT_STARTED = 8, /* there was no room for it */
};

/* Flags of mp_options: workspace mode only. */
enum {
    MP_KEEP_FAILED = 1,    /* also merge the workspace of a vCPU that failed */
    MP_ALLOW_EFFECTS = 2,  /* allow outside effects; the result may depend on the schedule */
    MP_WITHIN_PROCESS = 4, /* run on threads of this machine's own process */
};

/* The argument of MP_SYS_START. Set everything you do not need to 0. */
struct mp_options {
    uint64_t size;              /* sizeof(struct mp_options) */
    uint64_t mode;              /* enum mp_mode */
    uint64_t vcpus;             /* 1 ... MP_MAXIMUM_VCPUS */
    uint64_t stack_base;        /* shared, fork: the stacks, one after another, lowest address */
                                /* fork-here, workspace: the caller's stack; 0: as the kernel */
                                /*   knows it */
                                /* call: 0 */
    uint64_t stack_size;        /* shared, fork: bytes of each stack */
                                /* fork-here, workspace: bytes of the caller's stack */
                                /* call: bytes of each stack, 0: 512 KiB */
    uint64_t function;          /* shared, call: where a vCPU starts; else for mp_start only */
    uint64_t data;              /* its second argument */
    uint64_t instruction_limit; /* for each vCPU, 0: none */
    uint64_t flags;
};

/* One vCPU's end, from MP_SYS_JOIN. */
struct mp_status {
    uint64_t size;          /* in the first element, before: sizeof(struct mp_status) */
    uint64_t task;          /* as MP_SYS_START returned it */
    uint64_t id;            /* 1 ... vcpus */
    uint64_t hart;          /* its mhartid while it lived */
    uint64_t reason;        /* enum mp_reason */
    uint64_t pc;            /* of the instruction that ended it; MP_LIMIT: the next one */
    uint64_t fault_address; /* MP_FAULT; else 0 */
    uint64_t exit_code;     /* MP_EXITED: 0 ... 255; fault, illegal, killed: the signal; else 0 */
    uint64_t instructions;  /* retired */
};

MP_ASSERT(sizeof(struct mp_options) == 72);
MP_ASSERT(offsetof(struct mp_options, size) == 0);
MP_ASSERT(offsetof(struct mp_options, mode) == 8);
MP_ASSERT(offsetof(struct mp_options, vcpus) == 16);
MP_ASSERT(offsetof(struct mp_options, stack_base) == 24);
MP_ASSERT(offsetof(struct mp_options, stack_size) == 32);
MP_ASSERT(offsetof(struct mp_options, function) == 40);
MP_ASSERT(offsetof(struct mp_options, data) == 48);
MP_ASSERT(offsetof(struct mp_options, instruction_limit) == 56);
MP_ASSERT(offsetof(struct mp_options, flags) == 64);

MP_ASSERT(sizeof(struct mp_status) == 72);
MP_ASSERT(offsetof(struct mp_status, size) == 0);
MP_ASSERT(offsetof(struct mp_status, task) == 8);
MP_ASSERT(offsetof(struct mp_status, id) == 16);
MP_ASSERT(offsetof(struct mp_status, hart) == 24);
MP_ASSERT(offsetof(struct mp_status, reason) == 32);
MP_ASSERT(offsetof(struct mp_status, pc) == 40);
MP_ASSERT(offsetof(struct mp_status, fault_address) == 48);
MP_ASSERT(offsetof(struct mp_status, exit_code) == 56);
MP_ASSERT(offsetof(struct mp_status, instructions) == 64);

/* ---- tasks --------------------------------------------------------------- */

/* A vCPU's work: its index is its id - 1. */
typedef void (*mp_function)(uint64_t index, void *data);

/* The hart that runs this: mhartid, unique in the machine while the hart lives; 0 is main. */
static inline uint64_t mp_hart_id(void)
{
    uint64_t id;
    __asm__ volatile("csrr %0, mhartid" : "=r"(id));
    return id;
}

/* Options for `vcpus` vCPUs that call `function(index, data)`; the rest 0. */
struct mp_options mp_make_options(uint64_t mode, uint64_t vcpus, mp_function function, void *data);

/*
 * Starts a task in any mode. Each vCPU calls the function of the options and ends when that
 * returns. The task's id, which is positive, or -errno. After mode fork-here all vCPUs have ended.
 */
int64_t mp_start(const struct mp_options *options);

/* mp_start in mode call: `vcpus` vCPUs on stacks of the host. */
int64_t mp_call(uint64_t vcpus, mp_function function, void *data);

/* What mp_fork returns: on the caller a task (or -errno) and 0, on a vCPU 0 and its id. */
struct mp_forked {
    int64_t task;
    uint64_t id;
};

/*
 * For the modes that stay on the caller's stack, fork-here and workspace: returns once on the
 * caller and once on every vCPU, which must end with mp_end. Other modes: -EINVAL.
 */
struct mp_forked mp_fork(const struct mp_options *options);

/* Ends the vCPU that calls it. Not for main, which would wait instead. */
void mp_end(void) __attribute__((noreturn));

/*
 * Waits until the vCPUs of a task (-1: of all this hart's tasks) have ended. Fills up to `count`
 * elements of `statuses`, in order of task and id, unless it is NULL. The number of vCPUs that
 * failed, or -errno: -ECHILD when this hart has no such task, or has joined it already.
 */
int64_t mp_join(int64_t task, struct mp_status *statuses, uint64_t count);

/* How many vCPUs of a task have not ended, or -errno. Does not wait. */
int64_t mp_poll(int64_t task);

/* ---- stacks -------------------------------------------------------------- */

/* Maps memory for as many stacks as the options have vCPUs, of `bytes` each: 0 or -errno. */
int64_t mp_map_stacks(struct mp_options *options, uint64_t bytes);

/* Gives it back, after the join. */
int64_t mp_unmap_stacks(const struct mp_options *options);

/*
 * Writes the bounds of the stack we are on into the options, for modes fork-here and workspace.
 * With glibc they come from pthread_getattr_np; without it, or when it fails, they are 0 and 0, and
 * the kernel goes by what it knows.
 */
void mp_current_stack(struct mp_options *options);

/* ---- mode and vCPUs from the environment --------------------------------- */

/*
 * Runs `function` on vCPUs and joins them: the number that failed, or -errno. The environment says
 * how: HARTSCOPE_VCPUS is their number (4 when absent), HARTSCOPE_MODE one of shared, call, fork,
 * fork-here, workspace (call when absent). -EINVAL when it says something else.
 */
int64_t mp_run(mp_function function, void *data);

/* The same two variables; leaves alone what is not set. 0 or -EINVAL. */
int64_t mp_read_environment(struct mp_options *options);

/* Without a C library nobody else knows where the environment lies: at argv + argc + 1. */
void mp_use_environment(char **environment);

/* The mode of that name, or 0. */
uint64_t mp_mode_of(const char *name);

/* Names for people: "fork-here", "not started". */
const char *mp_mode_name(uint64_t mode);
const char *mp_reason_name(uint64_t reason);

/* ---- the plain calls ----------------------------------------------------- */

/*
 * Forks here: 0 on the caller, when all vCPUs have ended, and 1 ... vcpus on them, which must end
 * with multiprocess_wait.
 */
unsigned multiprocess(unsigned vcpus);

/*
 * On a vCPU: ends it. Elsewhere: waits for all the plain calls' vCPUs of this hart; the bitmap of
 * those that failed since the last time: bits 1 to 61 by id, bit 62 for any higher id.
 */
uint64_t multiprocess_wait(void);

/*
 * Forks onto other stacks: vCPU i calls function(i - 1, data) with its stack pointer at
 * stacks + stack_size * i and ends when that returns; the caller runs on.
 */
void multiprocess_stacks(unsigned vcpus, void *stacks, size_t stack_size, mp_function function,
             void *data);

#undef MP_ASSERT
#ifdef __cplusplus
}
#endif

#endif
