/*
 * All vCPUs count on one counter with LR and SC: no count may be lost.
 * Arguments: [mode] [vCPUs] [counts of each].
 */
#include "tasks.h"

static uint64_t counter;

/* One LR, one addition, one SC, from the start again when that fails. */
NOINLINE void count(uint64_t *target, uint64_t times)
{
    uint64_t value;
    while (times-- > 0)
        __asm__ volatile("0:  lr.d %0, %1\n"
                 "    addi %0, %0, 1\n"
                 "    sc.d %0, %0, %1\n"
                 "    bnez %0, 0b\n"
                 : "=&r"(value), "+A"(*target));
}

static void work(uint64_t index, void *data)
{
    (void)index;
    count(&counter, *(const uint64_t *)data);
}

int main(int argc, char **argv)
{
    struct mp_options options = mp_make_options(MP_CALL, 8, work, NULL);
    uint64_t times = 10000;
    if (!task_options(&options, argc, argv, LOAN_MODES))
        return 2;
    if (argc > 3 && !parse_unsigned(argv[3], &times)) {
        print_text("mp-lrsc: the third argument is the counts of each vCPU\n");
        return 2;
    }
    int64_t failed = run_task(&options, work, &times);
    print_failures(options.vcpus);
    print_unsigned(options.vcpus);
    print_text(" vCPUs counted to ");
    print_unsigned(counter);
    print_text("; expected ");
    print_unsigned(options.vcpus * times);
    print_char('\n');
    return failed != 0 || counter != options.vcpus * times;
}
