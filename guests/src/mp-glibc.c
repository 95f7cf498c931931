/*
 * vCPUs of a glibc program, on private copies of main's stack; pthread_getattr_np tells its bounds.
 * They format text and calculate; main, which owns stdout and the heap, prints.
 */
#include <hartscope/multiprocess.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VCPUS = 4, LINE = 80, LENGTH = 100000 };

static _Thread_local int thread_local_number = 40;

int main(void)
{
    struct mp_options options = mp_make_options(MP_FORK_HERE, VCPUS, NULL, NULL);
    mp_current_stack(&options);
    uint64_t here = (uint64_t)&options;
    int inside = here >= options.stack_base && here - options.stack_base < options.stack_size;
    printf("stack bounds from %s\n", inside ? "pthread_getattr_np" : "the kernel");

    char(*lines)[LINE] = calloc(VCPUS, LINE); /* on the heap, so the vCPUs' stores come back */
    if (!lines)
        return 1;
    thread_local_number++; /* tp is the caller's: all read the same variable */

    struct mp_forked forked = mp_fork(&options);
    if (forked.task == 0) {
        double sum = 0; /* on the stack, so each vCPU has its own */
        for (uint64_t i = forked.id; i <= LENGTH; i += VCPUS)
            sum += 1.0 / (double)i;
        snprintf(lines[forked.id - 1], LINE, "vCPU %" PRIu64 ": %.6f, thread-local %d",
             forked.id, sum, thread_local_number);
        mp_end();
    }
    if (forked.task < 0) {
        printf("the task was not started: %s\n", strerror((int)-forked.task));
        return 1;
    }
    struct mp_status statuses[VCPUS];
    int64_t failed = mp_join(forked.task, statuses, VCPUS);
    for (int i = 0; i < VCPUS; i++)
        printf("%s (%s)\n", lines[i], mp_reason_name(statuses[i].reason));
    printf("failed: %" PRId64 "\n", failed);
    free(lines);
    return failed != 0;
}
