/* The sieve of Eratosthenes up to a million: byte stores at a stride, and branches. */
#include "guest.h"

enum { LIMIT = 1000000, PRIMES = 78498 };

static uint8_t composite[LIMIT + 1];

NOINLINE uint32_t sieve(void)
{
    uint32_t primes = 0;
    for (uint32_t i = 0; i <= LIMIT; i++)
        composite[i] = 0;
    for (uint32_t i = 2; i <= LIMIT; i++) {
        if (composite[i])
            continue;
        primes++;
        for (uint64_t multiple = (uint64_t)i * i; multiple <= LIMIT; multiple += i)
            composite[multiple] = 1;
    }
    return primes;
}

static uint64_t kernel(void)
{
    return sieve();
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return benchmark("sieve1M", argc, argv, kernel, PRIMES);

    uint32_t primes = sieve();
    print_unsigned(primes);
    print_text(" primes up to ");
    print_unsigned(LIMIT);
    print_char('\n');
    return 0;
}
