/*
 * The dot product of two arrays of floats in parts: each vCPU writes the partial sum of its part,
 * and main adds them up. Arguments: [mode] [vCPUs] [elements] [calls] [samples]; with calls it
 * times itself. Two more modes: `plain` is the loop on main alone, and `post` uses the plain calls
 * multiprocess and multiprocess_wait. With 0 elements only starting and joining remain.
 */
#include "tasks.h"

enum { LENGTH = 8192, MAXIMUM_LENGTH = 1 << 24 };

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

/* Runs on each vCPU. */
static void work(uint64_t index, void *data)
{
    (void)data;
    uint64_t start = part_start(length, index, options.vcpus);
    uint64_t end = part_start(length, index + 1, options.vcpus);
    partial[index] = dot(left + start, right + start, end - start);
}

static float sum_of_parts(void)
{
    float sum = 0;
    for (uint64_t i = 0; i < options.vcpus; i++)
        sum += partial[i];
    return sum;
}

static uint64_t plain(void)
{
    return (uint64_t)dot(left, right, length);
}

/* Every vCPU continues here on its own copy of this stack. */
static uint64_t post(void)
{
    unsigned id = multiprocess((unsigned)options.vcpus);
    if (id != 0) {
        work(id - 1, NULL);
        multiprocess_wait(); /* ends the vCPU */
    }
    if (multiprocess_wait() != 0)
        return 0;
    return (uint64_t)sum_of_parts();
}

static uint64_t task(void)
{
    if (run_task(&options, work, NULL) != 0)
        return 0;
    return (uint64_t)sum_of_parts();
}

/* Takes the two modes that only this guest has out of the arguments. */
static uint64_t (*choose_kernel(int argc, char **argv))(void)
{
    static char fork_here[] = "fork-here";
    if (argc < 2)
        return task;
    uint64_t (*kernel)(void) = text_equal(argv[1], "plain")  ? plain
                   : text_equal(argv[1], "post") ? post
                                 : task;
    if (kernel != task)
        argv[1] = fork_here;
    return kernel;
}

int main(int argc, char **argv)
{
    uint64_t (*kernel)(void) = choose_kernel(argc, argv);
    options = mp_make_options(MP_CALL, 4, work, NULL);
    if (!task_options(&options, argc, argv, ALL_MODES))
        return 2;
    if (argc > 3 && (!parse_unsigned(argv[3], &length) || length > MAXIMUM_LENGTH)) {
        print_text("mp-dot: elements are 0 to ");
        print_unsigned(MAXIMUM_LENGTH);
        print_char('\n');
        return 2;
    }
    for (uint64_t i = 0; i < length; i++)
        left[i] = right[i] = 1.0f;
    if (argc > 4) /* from there on its arguments are benchmark's */
        return benchmark("mpdot", argc - 3, argv + 3, kernel, length);

    uint64_t sum = kernel();
    if (kernel == task)
        for (uint64_t i = 0; i < options.vcpus; i++)
            print_status(&statuses[i]);
    print_text("dot of 2 x ");
    print_unsigned(length);
    print_text(" floats = ");
    print_unsigned(sum);
    print_char('\n');
    return sum == length ? 0 : 1;
}
