/*
 * False sharing on purpose: every vCPU counts in a counter of its own. `packed` they lie in one cache
 * line, `lines` each in one of its own, `pages` each in a page of its own. For the race check, which tells
 * false sharing of lines, of pages, and none. Arguments: [packed | lines | pages] [mode] [vCPUs].
 */
#include "tasks.h"

enum { ROUNDS = 1000, MOST = 8, PAGE = 4096 };

static volatile uint8_t memory[MOST * PAGE] __attribute__((aligned(PAGE)));
static uint64_t distance = sizeof(uint64_t);

static volatile uint64_t *counter(uint64_t index)
{
    return (volatile uint64_t *)&memory[index * distance];
}

static void work(uint64_t index, void *data)
{
    (void)data;
    for (int round = 0; round < ROUNDS; round++)
        *counter(index) += 1;
}

static bool choose_distance(const char *name)
{
    if (text_equal(name, "lines"))
        distance = 64;
    else if (text_equal(name, "pages"))
        distance = PAGE;
    else if (!text_equal(name, "packed")) {
        print_text("the first argument is packed, lines or pages\n");
        return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct mp_options options = mp_make_options(MP_CALL, 4, work, NULL);
    if (argc > 1 && !choose_distance(argv[1]))
        return 2;
    bool named = argc > 1;
    if (!task_options(&options, argc - named, argv + named, LOAN_MODES))
        return 2;
    if (options.vcpus > MOST) {
        print_text("there are counters for 8 vCPUs\n");
        return 2;
    }
    if (run_task(&options, work, NULL) < 0)
        return 1;
    print_failures(options.vcpus);
    uint64_t total = 0;
    for (uint64_t i = 0; i < options.vcpus; i++)
        total += *counter(i);
    print_unsigned(total);
    print_char('\n');
    return total != ROUNDS * options.vcpus;
}
