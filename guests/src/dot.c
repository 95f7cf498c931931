/* The dot product of two arrays of 8192 floats: loads, and one chain of floating-point sums. */
#include "guest.h"

enum { LENGTH = 8192 };

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

int main(int argc, char **argv)
{
    for (int i = 0; i < LENGTH; i++)
        left[i] = right[i] = 1.0f;
    if (argc > 1)
        return benchmark("dot8192", argc, argv, kernel, LENGTH);

    float sum = dot(left, right, LENGTH);
    print_text("dot of 2 x ");
    print_unsigned(LENGTH);
    print_text(" floats = ");
    print_double(sum);
    print_char('\n');
    return 0;
}
