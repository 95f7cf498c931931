/* From the entry point to main, for freestanding guests. */
#include "guest.h"

int main(int argc, char **argv);

#ifdef __PIE__
/*
 * A static-PIE program has no dynamic linker: it must add its load address to the pointers in its
 * own data before it uses any of them. The layouts are ELF's (System V gABI, chapter 5).
 */
struct dynamic {
    int64_t tag;
    uint64_t value;
};
struct rela {
    uint64_t offset;
    uint64_t info;
    int64_t addend;
};

enum { DT_NULL = 0, DT_RELA = 7, DT_RELASZ = 8, R_RISCV_RELATIVE = 3 };

/* Both come from the linker; hidden, so that their addresses need no relocation themselves. */
extern const struct dynamic _DYNAMIC[] __attribute__((visibility("hidden")));
extern const char __ehdr_start[] __attribute__((visibility("hidden")));

static void relocate(void)
{
    uintptr_t base = (uintptr_t)__ehdr_start; /* a PIE is linked at address 0 */
    const struct rela *relocations = 0;
    uint64_t size = 0;

    for (const struct dynamic *d = _DYNAMIC; d->tag != DT_NULL; d++) {
        if (d->tag == DT_RELA)
            relocations = (const struct rela *)(base + d->value);
        else if (d->tag == DT_RELASZ)
            size = d->value;
    }
    for (uint64_t i = 0; i < size / sizeof *relocations; i++) {
        if ((uint32_t)relocations[i].info == R_RISCV_RELATIVE)
            *(uint64_t *)(base + relocations[i].offset) =
                base + (uint64_t)relocations[i].addend;
    }
}
#else
static void relocate(void)
{
}
#endif

/* Called by _start with the stack pointer as the kernel set it. */
_Noreturn void start_guest(long *stack)
{
    relocate();
    int status = main((int)stack[0], (char **)(stack + 1));
    print_flush();
    exit_guest(status);
}
