/* Copies 128 KiB in words of 8 bytes: a load and a store, page after page. */
#include "guest.h"

enum { WORDS = 16384 };

static uint64_t source[WORDS], target[WORDS];

NOINLINE void copy(uint64_t *to, const uint64_t *from, size_t words)
{
    for (size_t i = 0; i < words; i++)
        to[i] = from[i];
}

static uint64_t checksum(const uint64_t *words)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < WORDS; i++)
        sum = sum * 31 + words[i];
    return sum;
}

static uint64_t kernel(void)
{
    copy(target, source, WORDS);
    return target[WORDS - 1];
}

int main(int argc, char **argv)
{
    for (size_t i = 0; i < WORDS; i++)
        source[i] = i * 0x9e3779b97f4a7c15u;
    if (argc > 1)
        return benchmark("copy128K", argc, argv, kernel, source[WORDS - 1]);

    copy(target, source, WORDS);
    print_text("checksum of the copied 128 KiB = 0x");
    print_hex(checksum(target), 16);
    print_char('\n');
    return checksum(target) == checksum(source) ? 0 : 1;
}
