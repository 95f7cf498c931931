/*
 * Crashes, in the way its argument names. Every one must end the guest (or, for `loop`, be
 * stopped) with a clear report, and never harm the emulator.
 */
#include "guest.h"

/* The compiler must not see what these hold, or it would reason the crash away. */
static int *volatile null_pointer = 0;
static volatile uint64_t unmapped_address = 0x70000000;
static volatile uint64_t maximum_depth = UINT64_MAX;

static NOINLINE void null_write(void)
{
    *null_pointer = 42;
}

static NOINLINE void illegal_instruction(void)
{
    __asm__ volatile(".4byte 0xffffffff"); /* never an instruction, in any extension */
}

static NOINLINE uint64_t stack_overflow(uint64_t depth)
{
    volatile char frame[1000];
    frame[depth % sizeof frame] = 1;
    if (depth == maximum_depth)
        return depth;
    return stack_overflow(depth + 1) + (uint64_t)frame[0];
}

static void overflow(void)
{
    stack_overflow(0);
}

static NOINLINE void endless_loop(void)
{
    for (;;)
        MEMORY_BARRIER();
}

/* Code is mapped without write permission. */
static NOINLINE void text_write(void)
{
    volatile uint32_t *code = (volatile uint32_t *)(uintptr_t)null_write;
    *code = 0;
}

/*
 * With compressed instructions a jump target is never misaligned: JALR clears bit 0, and every even
 * address will do. So this lands in the middle of an instruction, and what runs is its upper half;
 * that of the nop 0x00000013 is 0x0000, which is defined to be illegal.
 */
static NOINLINE void misaligned_jump(void)
{
    __asm__ volatile(".option push\n"
                     ".option norvc\n"
                     "    lla t0, 1f + 2\n"
                     "    jr  t0\n"
                     "1:  nop\n"
                     ".option pop\n"
                     :
                     :
                     : "t0");
}

static NOINLINE void wild_jump(void)
{
    void (*nowhere)(void) = (void (*)(void))(uintptr_t)unmapped_address;
    nowhere();
}

static const struct crash {
    const char *name;
    const char *description;
    void (*run)(void);
} menu[] = {
    { "null", "write to address 0", null_write },
    { "illegal", "run an illegal instruction", illegal_instruction },
    { "stack", "recurse until the stack is full", overflow },
    { "loop", "loop without end", endless_loop },
    { "text", "write to the program's own code", text_write },
    { "misaligned", "jump into the middle of an instruction", misaligned_jump },
    { "nowhere", "jump to an unmapped address", wild_jump },
};

enum { CRASHES = sizeof menu / sizeof *menu };

static void print_menu(void)
{
    print_text("Arguments of crash:\n");
    for (int i = 0; i < CRASHES; i++) {
        print_text("  ");
        print_text(menu[i].name);
        print_text(" - ");
        print_text(menu[i].description);
        print_char('\n');
    }
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : menu[0].name;
    for (int i = 0; i < CRASHES; i++) {
        if (!text_equal(name, menu[i].name))
            continue;
        print_text("About to ");
        print_text(menu[i].description);
        print_char('\n');
        menu[i].run();
        print_text("Still running: that should have ended the program.\n");
        return 1;
    }
    print_menu();
    return 2;
}
