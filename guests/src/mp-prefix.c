/*
 * Prefix sums in two tasks. In the first each vCPU sums its part in place; main turns the last
 * values into what each part must add; in the second each vCPU adds it. Arguments: [mode] [vCPUs].
 */
#include "tasks.h"

enum { LENGTH = 50000 };

static uint64_t values[LENGTH];
static uint64_t offsets[MP_MAXIMUM_VCPUS];
static struct mp_options options;

static void sum_part(uint64_t index, void *data)
{
    (void)data;
    uint64_t end = part_start(LENGTH, index + 1, options.vcpus);
    uint64_t sum = 0;
    for (uint64_t i = part_start(LENGTH, index, options.vcpus); i < end; i++)
        values[i] = sum += values[i];
}

static void add_offset(uint64_t index, void *data)
{
    (void)data;
    uint64_t end = part_start(LENGTH, index + 1, options.vcpus);
    for (uint64_t i = part_start(LENGTH, index, options.vcpus); i < end; i++)
        values[i] += offsets[index];
}

/* The offset of a part is the total of all before it. */
static void sum_totals(void)
{
    uint64_t sum = 0;
    for (uint64_t part = 0; part < options.vcpus; part++) {
        uint64_t start = part_start(LENGTH, part, options.vcpus);
        uint64_t end = part_start(LENGTH, part + 1, options.vcpus);
        offsets[part] = sum;
        if (end > start)
            sum += values[end - 1];
    }
}

int main(int argc, char **argv)
{
    options = mp_make_options(MP_FORK, 4, sum_part, NULL);
    if (!task_options(&options, argc, argv, ALL_MODES))
        return 2;
    for (uint64_t i = 0; i < LENGTH; i++)
        values[i] = i + 1;

    int64_t failed = run_task(&options, sum_part, NULL);
    print_failures(options.vcpus);
    sum_totals();
    failed |= run_task(&options, add_offset, NULL);
    print_failures(options.vcpus);

    uint64_t wrong = 0; /* the sum of 1 ... n is n (n + 1) / 2 */
    for (uint64_t i = 0; i < LENGTH; i++)
        wrong += values[i] != (i + 1) * (i + 2) / 2;
    print_text("the sum of 1 to ");
    print_unsigned(LENGTH);
    print_text(" is ");
    print_unsigned(values[LENGTH - 1]);
    print_text("\nwrong values: ");
    print_unsigned(wrong);
    print_char('\n');
    return failed != 0 || wrong != 0;
}
