/* A million numbers of xorshift64* (Vigna, 2016): shifts, exclusive ors and a multiplication. */
#include "guest.h"

enum { COUNT = 1000000 };

static const uint64_t SEED = 88172645463325252u;
static const uint64_t SUM = 0xec693f0607d373f1;

NOINLINE uint64_t xorshift(uint64_t state, uint64_t count)
{
    uint64_t sum = 0;
    for (; count > 0; count--) {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        sum += state * 0x2545f4914f6cdd1du;
    }
    return sum;
}

static uint64_t kernel(void)
{
    return xorshift(SEED, COUNT);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return benchmark("xorshift1M", argc, argv, kernel, SUM);

    uint64_t sum = xorshift(SEED, COUNT);
    print_text("sum of a million xorshift64* numbers = 0x");
    print_hex(sum, 16);
    print_char('\n');
    return 0;
}
