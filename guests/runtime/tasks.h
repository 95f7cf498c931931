/* What the multiprocess guests have in common: their arguments, their stacks, printed statuses. */
#ifndef TASKS_H
#define TASKS_H

#include "guest.h"
#include <hartscope/multiprocess.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Options from the environment, then from the arguments [mode] [vCPUs]. `modes` has a bit for each
 * mode that the guest can work in (1 << MP_CALL ...). Maps stacks for the modes that need them.
 * Says what is wrong and returns false when the mode is none of those.
 */
bool task_options(struct mp_options *options, int argc, char **argv, unsigned modes);

enum {
    ALL_MODES = 1 << MP_SHARED | 1 << MP_CALL | 1 << MP_FORK | 1 << MP_FORK_HERE |
            1 << MP_WORKSPACE,
    /* Where a vCPU's stores, atomics included, reach the others while it runs. */
    LOAN_MODES = ALL_MODES & ~(1 << MP_WORKSPACE),
};

/* Room for the statuses of the largest task. */
extern struct mp_status statuses[MP_MAXIMUM_VCPUS];

/* Starts, joins into `statuses`, and prints what cannot be started. Failed vCPUs, or -errno. */
int64_t run_task(const struct mp_options *options, mp_function function, void *data);

/* One line: "vCPU 3: fault at 0x8, signal 11". */
void print_status(const struct mp_status *status);

/* A line for each that failed. */
void print_failures(uint64_t count);

/* Where part `index` of `parts` begins in `length` elements; it ends where the next would begin. */
static inline uint64_t part_start(uint64_t length, uint64_t index, uint64_t parts)
{
    return length * index / parts;
}

#ifdef __cplusplus
}
#endif

#endif
