/* Recursive Fibonacci numbers: calls, returns and a deep stack to look at. */
#include "guest.h"

enum { INDEX = 27, VALUE = 196418 };

NOINLINE uint64_t fib(uint64_t n)
{
    if (n < 2)
        return n;
    uint64_t before = fib(n - 1);
    MEMORY_BARRIER(); /* otherwise GCC turns one of the calls into a loop */
    return before + fib(n - 2);
}

static uint64_t kernel(void)
{
    return fib(INDEX);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return benchmark("fib27", argc, argv, kernel, VALUE);

    uint64_t value = fib(INDEX);
    print_text("fib(");
    print_unsigned(INDEX);
    print_text(") = ");
    print_unsigned(value);
    print_char('\n');
    return 0;
}
