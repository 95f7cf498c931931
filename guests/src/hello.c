/* Greets, and prints its arguments. Built a second time as hello-pie, to be loaded anywhere. */
#include "guest.h"

/* A table of pointers: a static-PIE program must relocate it before main. */
static const char *const greeting[] = { "Hello", "from", "RISC-V" };

int main(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof greeting / sizeof *greeting; i++) {
        if (i > 0)
            print_char(' ');
        print_text(greeting[i]);
    }
    print_char('\n');
    for (int i = 1; i < argc; i++) {
        print_text("argument ");
        print_signed(i);
        print_text(": ");
        print_text(argv[i]);
        print_char('\n');
    }
    return 0;
}
