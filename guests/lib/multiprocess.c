/*
 * The multiprocess library but for its two assembly stubs. It allocates nothing on a heap, so it
 * works the same with and without a C library; with glibc it asks that for the bounds of the stack.
 */
#if __STDC_HOSTED__ && !defined _GNU_SOURCE
#define _GNU_SOURCE /* pthread_getattr_np */
#endif
#include <hartscope/multiprocess.h>
#if __STDC_HOSTED__
#include <pthread.h>
#include <unistd.h>
#endif

/* Programs may have functions of their own for the plain calls. */
#define WEAK __attribute__((weak))

/* Linux's generic system calls and their constants: without a C library there are no headers. */
enum { SYS_MUNMAP = 215, SYS_MMAP = 222, SYS_MPROTECT = 226 };
enum { PROTECTION_NONE = 0, PROTECTION_READ_WRITE = 3, MAP_PRIVATE_ANONYMOUS = 0x22 };
enum { ERROR_INVALID = -22, LOWEST_ERROR = -4095 };
enum { PAGE_SIZE = 4096 };

/* ---- system calls -------------------------------------------------------- */

/*
 * The number goes to a7, arguments to a0..., the result comes back in a0. Memory is clobbered, so
 * that the compiler reads again after a wait what vCPUs may have written.
 */
static inline int64_t call(uint64_t number, uint64_t first, uint64_t second, uint64_t third)
{
    register uint64_t a0 __asm__("a0") = first;
    register uint64_t a1 __asm__("a1") = second;
    register uint64_t a2 __asm__("a2") = third;
    register uint64_t a7 __asm__("a7") = number;
    __asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a7) : "memory");
    return (int64_t)a0;
}

/* Memory to read and write, or -errno. */
static int64_t map(uint64_t bytes)
{
    register uint64_t a0 __asm__("a0") = 0; /* anywhere */
    register uint64_t a1 __asm__("a1") = bytes;
    register uint64_t a2 __asm__("a2") = PROTECTION_READ_WRITE;
    register uint64_t a3 __asm__("a3") = MAP_PRIVATE_ANONYMOUS;
    register uint64_t a4 __asm__("a4") = UINT64_MAX; /* no file */
    register uint64_t a5 __asm__("a5") = 0;
    register uint64_t a7 __asm__("a7") = SYS_MMAP;
    __asm__ volatile("ecall"
             : "+r"(a0)
             : "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5), "r"(a7)
             : "memory");
    return (int64_t)a0;
}

/* ---- tasks --------------------------------------------------------------- */

struct mp_options mp_make_options(uint64_t mode, uint64_t vcpus, mp_function function, void *data)
{
    return (struct mp_options){
        .size = sizeof(struct mp_options),
        .mode = mode,
        .vcpus = vcpus,
        .function = (uint64_t)function,
        .data = (uint64_t)data,
    };
}

int64_t mp_call(uint64_t vcpus, mp_function function, void *data)
{
    struct mp_options options = mp_make_options(MP_CALL, vcpus, function, data);
    return mp_start(&options);
}

struct mp_forked mp_fork(const struct mp_options *options)
{
    if (options->mode != MP_FORK_HERE && options->mode != MP_WORKSPACE)
        return (struct mp_forked){ ERROR_INVALID, 0 };
    register uint64_t a0 __asm__("a0") = (uint64_t)options;
    register uint64_t a1 __asm__("a1") = 0;
    register uint64_t a7 __asm__("a7") = MP_SYS_START;
    __asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a7) : "memory");
    return (struct mp_forked){ (int64_t)a0, a1 }; /* the caller's a1 is still 0 */
}

void mp_end(void)
{
    call(MP_SYS_MULTIPROCESS_WAIT, 0, 0, 0);
    __builtin_trap(); /* main has called this: there is no vCPU to end */
}

int64_t mp_join(int64_t task, struct mp_status *statuses, uint64_t count)
{
    if (statuses && count > 0)
        statuses[0].size = sizeof(struct mp_status);
    return call(MP_SYS_JOIN, (uint64_t)task, (uint64_t)statuses, count);
}

int64_t mp_poll(int64_t task)
{
    return call(MP_SYS_POLL, (uint64_t)task, 0, 0);
}

/* ---- stacks -------------------------------------------------------------- */

/* Each slot begins with a page that nobody may touch, so that an overflow is a fault. */
int64_t mp_map_stacks(struct mp_options *options, uint64_t bytes)
{
    if (options->vcpus < 1 || options->vcpus > MP_MAXIMUM_VCPUS || bytes < 1 || bytes >> 32)
        return ERROR_INVALID;
    uint64_t slot = ((bytes + PAGE_SIZE - 1) & -(uint64_t)PAGE_SIZE) + PAGE_SIZE;
    int64_t base = map(slot * options->vcpus);
    if (base < 0 && base >= LOWEST_ERROR)
        return base;
    options->stack_base = (uint64_t)base;
    options->stack_size = slot;
    for (uint64_t i = 0; i < options->vcpus; i++) {
        uint64_t guard = options->stack_base + slot * i;
        int64_t error = call(SYS_MPROTECT, guard, PAGE_SIZE, PROTECTION_NONE);
        if (error < 0) {
            mp_unmap_stacks(options);
            return error;
        }
    }
    return 0;
}

int64_t mp_unmap_stacks(const struct mp_options *options)
{
    return call(SYS_MUNMAP, options->stack_base, options->stack_size * options->vcpus, 0);
}

void mp_current_stack(struct mp_options *options)
{
    options->stack_base = options->stack_size = 0;
#ifdef __GLIBC__
    pthread_attr_t attributes;
    void *base;
    size_t size;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0)
        return;
    if (pthread_attr_getstack(&attributes, &base, &size) == 0) {
        options->stack_base = (uint64_t)base;
        options->stack_size = size;
    }
    pthread_attr_destroy(&attributes);
#endif
}

/* ---- mode and vCPUs from the environment --------------------------------- */

static const char *const mode_names[] = {
    [MP_SHARED] = "shared",       [MP_CALL] = "call",           [MP_FORK] = "fork",
    [MP_FORK_HERE] = "fork-here", [MP_WORKSPACE] = "workspace",
};

static const char *const reason_names[] = {
    [MP_RETURNED] = "returned", [MP_EXITED] = "exited",
    [MP_FAULT] = "fault",       [MP_ILLEGAL] = "illegal",
    [MP_LIMIT] = "limit",       [MP_KILLED] = "killed",
    [MP_CONFLICT] = "conflict", [MP_NOT_STARTED] = "not started",
};

enum {
    MODES = sizeof mode_names / sizeof *mode_names,
    REASONS = sizeof reason_names / sizeof *reason_names,
};

const char *mp_mode_name(uint64_t mode)
{
    return mode > 0 && mode < MODES ? mode_names[mode] : "unknown mode";
}

const char *mp_reason_name(uint64_t reason)
{
    return reason > 0 && reason < REASONS ? reason_names[reason] : "unknown reason";
}

/* What follows `prefix` in `text`, or NULL. */
static const char *after(const char *text, const char *prefix)
{
    while (*prefix)
        if (*text++ != *prefix++)
            return NULL;
    return text;
}

uint64_t mp_mode_of(const char *name)
{
    for (uint64_t mode = 1; mode < MODES; mode++) {
        const char *rest = after(name, mode_names[mode]);
        if (rest && !*rest)
            return mode;
    }
    return 0;
}

static char **given_environment;

void mp_use_environment(char **environment)
{
    given_environment = environment;
}

static const char *variable(const char *prefix)
{
    char **environment = given_environment;
#if __STDC_HOSTED__
    if (!environment)
        environment = environ;
#endif
    for (; environment && *environment; environment++) {
        const char *value = after(*environment, prefix);
        if (value)
            return value;
    }
    return NULL;
}

int64_t mp_read_environment(struct mp_options *options)
{
    const char *mode = variable("HARTSCOPE_MODE=");
    const char *vcpus = variable("HARTSCOPE_VCPUS=");
    if (mode && !(options->mode = mp_mode_of(mode)))
        return ERROR_INVALID;
    if (!vcpus)
        return 0;
    options->vcpus = 0;
    do {
        if (*vcpus < '0' || *vcpus > '9')
            return ERROR_INVALID;
        options->vcpus = options->vcpus * 10 + (uint64_t)(*vcpus - '0');
        if (options->vcpus > MP_MAXIMUM_VCPUS)
            return ERROR_INVALID;
    } while (*++vcpus);
    return options->vcpus > 0 ? 0 : ERROR_INVALID;
}

int64_t mp_run(mp_function function, void *data)
{
    enum { STACK_BYTES = 512 * 1024 };
    struct mp_options options = mp_make_options(MP_CALL, 4, function, data);
    int64_t error = mp_read_environment(&options);
    if (error < 0)
        return error;

    int guest_stacks = options.mode == MP_SHARED || options.mode == MP_FORK;
    if (options.mode == MP_FORK_HERE || options.mode == MP_WORKSPACE)
        mp_current_stack(&options);
    if (guest_stacks && (error = mp_map_stacks(&options, STACK_BYTES)) < 0)
        return error;
    int64_t task = mp_start(&options);
    int64_t failed = task < 0 ? task : mp_join(task, NULL, 0);
    if (guest_stacks)
        mp_unmap_stacks(&options);
    return failed;
}

/* ---- the plain calls ----------------------------------------------------- */

WEAK unsigned multiprocess(unsigned vcpus)
{
    return (unsigned)call(MP_SYS_MULTIPROCESS, vcpus, 0, 0);
}

WEAK uint64_t multiprocess_wait(void)
{
    return (uint64_t)call(MP_SYS_MULTIPROCESS_WAIT, 0, 0, 0);
}
