/*
 * Tasks that nobody joins: their vCPUs do their work all the same, and those that still run when
 * main returns are stopped with it. Arguments: [mode] [vCPUs]; the mode is call.
 */
#include "tasks.h"

enum { TASKS = 3 };

static uint64_t passed;
static uint64_t running;

static void pass(uint64_t index, void *data)
{
    (void)index;
    (void)data;
    __atomic_fetch_add(&passed, 1, __ATOMIC_SEQ_CST);
}

static void run_forever(uint64_t index, void *data)
{
    (void)index;
    (void)data;
    __atomic_store_n(&running, 1, __ATOMIC_SEQ_CST);
    for (;;)
        MEMORY_BARRIER();
}

/* With loads that are ordered: see docs/multiprocess.md on stale pages. */
static void wait_until(const uint64_t *counter, uint64_t value)
{
    while (__atomic_load_n(counter, __ATOMIC_SEQ_CST) < value)
        continue;
}

int main(int argc, char **argv)
{
    /* In modes shared and fork each task would need stacks of its own, and fork-here waits. */
    struct mp_options options = mp_make_options(MP_CALL, 4, pass, NULL);
    if (!task_options(&options, argc, argv, 1 << MP_CALL))
        return 2;
    for (int task = 0; task < TASKS; task++)
        if (mp_start(&options) < 0)
            return 1;
    wait_until(&passed, TASKS * options.vcpus);
    print_unsigned(passed);
    print_text(" vCPUs of unjoined tasks have passed\n");

    if (mp_call(1, run_forever, NULL) < 0)
        return 1;
    wait_until(&running, 1);
    print_text("main returns while a vCPU runs\n");
    return 0;
}
