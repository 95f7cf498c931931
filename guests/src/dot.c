/*
 * The dot product of two arrays of 8192 floats: loads, and one chain of floating-point sums. All
 * floats are 1, so that every sum is exact; with `fractions` as the last argument hardly one is.
 */
#include "guest.h"

enum { LENGTH = 8192, FRACTIONS_SUM = 1404 };

static float left[LENGTH], right[LENGTH];

NOINLINE float dot(const float *x, const float *y, size_t length)
{
    float sum = 0;
    for (size_t i = 0; i < length; i++)
        sum += x[i] * y[i];
    return sum;
}

static uint64_t kernel(void)
{
    return (uint64_t)dot(left, right, LENGTH);
}

static void fill(bool fractions)
{
    for (int i = 0; i < LENGTH; i++) {
        left[i] = fractions ? (float)(i % 7 + 1) / 10 : 1;
        right[i] = fractions ? (float)(i % 5 + 1) / 7 : 1;
    }
}

int main(int argc, char **argv)
{
    bool fractions = argc > 1 && text_equal(argv[argc - 1], "fractions");
    fill(fractions);
    argc -= fractions;
    if (argc > 1)
        return benchmark("dot8192", argc, argv, kernel, fractions ? FRACTIONS_SUM : LENGTH);

    float sum = dot(left, right, LENGTH);
    print_text("dot of 2 x ");
    print_unsigned(LENGTH);
    print_text(" floats = ");
    print_double(sum);
    print_char('\n');
    return 0;
}
