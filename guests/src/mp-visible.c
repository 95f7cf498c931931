/*
 * When does one vCPU see another's store? The first reads a flag, says that it is ready, and spins
 * until the flag changes; the second sets it some time later. Both must come to their end: on a
 * page that nobody had touched before and on one that main had written, with a fence in the loop
 * and without. Arguments: [mode].
 */
#include "tasks.h"

enum { PAGE = 4096, DELAY = 20000, LIMIT = 200000000 };

static struct {
    volatile uint64_t flag;
    uint8_t rest[PAGE - sizeof(uint64_t)];
} pages[4] __attribute__((aligned(PAGE)));

static uint64_t ready[4]; /* apart from the pages, which this would change */

struct test {
    const char *name;
    bool written; /* by main, before the task */
    bool fence;
};

static const struct test tests[] = {
    { "a fresh page, with a fence", false, true },
    { "a fresh page, without a fence", false, false },
    { "a written page, with a fence", true, true },
    { "a written page, without a fence", true, false },
};

enum { TESTS = sizeof tests / sizeof *tests };

/* Nothing but plain loads: the vCPU may use its old page for a while, but not for ever. */
static NOINLINE void spin(volatile uint64_t *flag)
{
    while (*flag == 0)
        continue;
}

static NOINLINE void spin_with_fence(volatile uint64_t *flag)
{
    while (*flag == 0)
        __asm__ volatile("fence r, r" ::: "memory");
}

static void wait_for_flag(uint64_t test)
{
    if (pages[test].flag != 0) /* takes the page as it was at the fork */
        return;
    __atomic_store_n(&ready[test], 1, __ATOMIC_SEQ_CST);
    if (tests[test].fence)
        spin_with_fence(&pages[test].flag);
    else
        spin(&pages[test].flag);
}

static void set_flag(uint64_t test)
{
    while (__atomic_load_n(&ready[test], __ATOMIC_SEQ_CST) == 0)
        continue;
    for (volatile int i = 0; i < DELAY; i++)
        continue;
    pages[test].flag = 1;
}

static void work(uint64_t index, void *data)
{
    if (index == 0)
        wait_for_flag((uint64_t)data);
    else
        set_flag((uint64_t)data);
}

int main(int argc, char **argv)
{
    struct mp_options options = mp_make_options(MP_CALL, 2, work, NULL);
    if (!task_options(&options, argc, argv, LOAN_MODES) || options.vcpus != 2)
        return 2;
    options.instruction_limit = LIMIT; /* should it never be seen */
    int64_t failed = 0;
    for (uint64_t test = 0; test < TESTS; test++) {
        if (tests[test].written)
            pages[test].flag = 0;
        failed += run_task(&options, work, (void *)test);
        print_text(tests[test].name);
        print_text(statuses[0].reason == MP_RETURNED ? ": seen\n" : ": not seen\n");
        print_failures(options.vcpus);
    }
    return failed != 0;
}
