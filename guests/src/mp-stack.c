/*
 * Stacks of vCPUs: the caller's, far below where main has ever been; one of the host, as large as
 * asked for; one that is too small; and one that main has mapped.
 */
#include "tasks.h"

enum { VCPUS = 4, DEPTH = 1000, FRAME = 256, LARGE = 1024 * 1024, SMALL = 16 * 1024 };

static uint64_t results[VCPUS];

/* Each level keeps something on the stack that it needs after the levels below have used theirs. */
NOINLINE uint64_t descend(uint64_t depth, uint64_t seed)
{
    volatile uint64_t frame[FRAME / sizeof(uint64_t)];
    frame[depth % (FRAME / sizeof(uint64_t))] = seed + depth;
    uint64_t below = depth == 0 ? 0 : descend(depth - 1, seed);
    return below + frame[depth % (FRAME / sizeof(uint64_t))];
}

static void work(uint64_t index, void *data)
{
    (void)data;
    results[index] = descend(DEPTH, index);
}

/* The sum of seed + 0 ... seed + DEPTH, for each seed. */
static uint64_t wrong_results(void)
{
    uint64_t wrong = 0;
    for (uint64_t seed = 0; seed < VCPUS; seed++) {
        wrong += results[seed] != (DEPTH + 1) * seed + DEPTH * (DEPTH + 1) / 2;
        results[seed] = 0;
    }
    return wrong;
}

static void report(const char *title, int64_t failed)
{
    print_text(title);
    print_text(": ");
    print_signed(failed);
    print_text(" failed, ");
    print_unsigned(wrong_results());
    print_text(" wrong\n");
}

static int64_t count_bits(uint64_t bitmap)
{
    int64_t count = 0;
    for (; bitmap != 0; bitmap >>= 1)
        count += (int64_t)(bitmap & 1);
    return count;
}

/* Every vCPU writes main's local variable: in its own copy of the stack. */
static void on_callers_stack(void)
{
    volatile uint64_t local = 7;
    unsigned id = multiprocess(VCPUS);
    if (id != 0) {
        local += id;
        work(id - 1, NULL);
        if (local != 7 + id)
            results[id - 1] = 0;
        multiprocess_wait();
    }
    report("the caller's stack", count_bits(multiprocess_wait()));
    print_text("main's local variable: ");
    print_unsigned(local);
    print_char('\n');
}

int main(void)
{
    on_callers_stack();

    struct mp_options options = mp_make_options(MP_CALL, VCPUS, work, NULL);
    options.stack_size = LARGE;
    report("a stack of the host", run_task(&options, work, NULL));

    options.stack_size = SMALL;
    int64_t failed = run_task(&options, work, NULL);
    uint64_t faults = 0;
    for (int i = 0; i < VCPUS; i++)
        faults += statuses[i].reason == MP_FAULT;
    report("a stack that is too small", failed);
    print_text("faults: ");
    print_unsigned(faults);
    print_char('\n');

    if (mp_map_stacks(&options, LARGE) < 0)
        return 1;
    multiprocess_stacks(VCPUS, (void *)options.stack_base, options.stack_size, work, NULL);
    report("stacks of the guest", count_bits(multiprocess_wait()));
    mp_unmap_stacks(&options);
    return 0;
}
