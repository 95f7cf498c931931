/*
 * The dot product of two arrays of floats in parts that are not equal: the first vCPU has twice the
 * work of each other one, which wait for it at the join. Arguments: [mode] [vCPUs] [elements].
 */
#include "tasks.h"

enum { LENGTH = 9 << 13, MAXIMUM_LENGTH = 1 << 22 };

/* Pages of these that are not used cost nothing: they are never touched. */
static float left[MAXIMUM_LENGTH], right[MAXIMUM_LENGTH];
static float partial[MP_MAXIMUM_VCPUS];
static struct mp_options options;
static uint64_t length = LENGTH;

NOINLINE float dot(const float *x, const float *y, size_t count)
{
    float sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += x[i] * y[i];
    return sum;
}

/* Where the part of a vCPU begins: there is one part more than vCPUs, and the first has two. */
static uint64_t start_of(uint64_t index)
{
    return part_start(length, index == 0 ? 0 : index + 1, options.vcpus + 1);
}

/* Runs on each vCPU. */
static void work(uint64_t index, void *data)
{
    (void)data;
    uint64_t start = start_of(index), end = start_of(index + 1);
    partial[index] = dot(left + start, right + start, end - start);
}

int main(int argc, char **argv)
{
    options = mp_make_options(MP_CALL, 8, work, NULL);
    if (!task_options(&options, argc, argv, ALL_MODES))
        return 2;
    if (argc > 3 && (!parse_unsigned(argv[3], &length) || length > MAXIMUM_LENGTH)) {
        print_text("mp-unbalanced: elements are 0 to ");
        print_unsigned(MAXIMUM_LENGTH);
        print_char('\n');
        return 2;
    }
    for (uint64_t i = 0; i < length; i++)
        left[i] = right[i] = 1.0f;
    if (run_task(&options, work, NULL) != 0)
        return 1;
    float sum = 0;
    for (uint64_t i = 0; i < options.vcpus; i++)
        sum += partial[i];
    print_text("dot of 2 x ");
    print_unsigned(length);
    print_text(" floats = ");
    print_unsigned((uint64_t)sum);
    print_char('\n');
    return (uint64_t)sum == length ? 0 : 1;
}
