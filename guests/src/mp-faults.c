/*
 * Every vCPU ends in another way, and main learns how: first as statuses, then, by the plain calls,
 * as a bitmap. Arguments: [mode].
 */
#include "tasks.h"

enum { LIMIT = 1000000 };

/* The compiler must not see what these hold, or it would reason the faults away. */
static volatile uint64_t *volatile near_null = (volatile uint64_t *)8;
static volatile uint64_t *volatile unmapped = (volatile uint64_t *)0x70000000;
static volatile bool forever = true;

static NOINLINE void returns(void)
{
}

static NOINLINE void exits(void)
{
    exit_guest(3);
}

static NOINLINE void exits_well(void)
{
    exit_guest(0);
}

static NOINLINE void null_write(void)
{
    *near_null = 42;
}

static NOINLINE void illegal_instruction(void)
{
    __asm__ volatile(".4byte 0xffffffff"); /* never an instruction, in any extension */
}

/* Only the instruction limit ends it. */
static NOINLINE void endless_loop(void)
{
    while (forever)
        continue;
}

static NOINLINE void breakpoint(void)
{
    __asm__ volatile("ebreak");
}

static NOINLINE void unmapped_read(void)
{
    (void)*unmapped;
}

static NOINLINE void wild_jump(void)
{
    ((void (*)(void))(uintptr_t)unmapped)();
}

static const struct way {
    const char *name;
    void (*run)(void);
} ways[] = {
    { "return", returns },
    { "exit(3)", exits },
    { "exit(0)", exits_well },
    { "a write to address 8", null_write },
    { "an illegal instruction", illegal_instruction },
    { "an endless loop", endless_loop },
    { "ebreak", breakpoint },
    { "a read from an unmapped address", unmapped_read },
    { "a jump to an unmapped address", wild_jump },
};

enum { WAYS = sizeof ways / sizeof *ways };

static uint64_t reached[WAYS];

static void work(uint64_t index, void *data)
{
    (void)data;
    reached[index]++; /* stores before the end stay, however it ends */
    ways[index].run();
}

/* The plain calls set no limit, so here the loop is made to end. */
static uint64_t bitmap(void)
{
    forever = false;
    unsigned id = multiprocess(WAYS);
    if (id != 0) {
        work(id - 1, NULL);
        multiprocess_wait();
    }
    return multiprocess_wait();
}

int main(int argc, char **argv)
{
    struct mp_options options = mp_make_options(MP_CALL, WAYS, work, NULL);
    if (!task_options(&options, argc, argv, LOAN_MODES) || argc > 2)
        return 2;
    options.instruction_limit = LIMIT;

    int64_t failed = run_task(&options, work, NULL);
    for (int i = 0; i < WAYS; i++) {
        print_text(ways[i].name);
        print_text(" - ");
        print_status(&statuses[i]);
    }
    print_text("failed vCPUs: ");
    print_signed(failed);
    uint64_t failures = bitmap();
    print_text("\nfailures of the plain calls: 0x");
    print_hex(failures, 16);
    uint64_t stores = 0;
    for (int i = 0; i < WAYS; i++)
        stores += reached[i];
    print_text("\nstores that stayed: ");
    print_unsigned(stores);
    print_char('\n');
    return 0;
}
