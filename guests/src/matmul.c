/*
 * The product of two 256 x 256 matrices of doubles: fused multiply-adds on rows. All elements are
 * small whole numbers, so that every sum is exact, whatever the order; with `fractions` as the last
 * argument hardly one is.
 */
#include "guest.h"

enum { SIZE = 256, LAST_ELEMENT = 12260, LAST_OF_FRACTIONS = 122 };

static double left[SIZE][SIZE], right[SIZE][SIZE], result[SIZE][SIZE];

/* Row by row of `right`, so that the inner loop walks memory in order. */
NOINLINE void matmul(void)
{
    for (int row = 0; row < SIZE; row++) {
        for (int column = 0; column < SIZE; column++)
            result[row][column] = 0;
        for (int k = 0; k < SIZE; k++) {
            double factor = left[row][k];
            for (int column = 0; column < SIZE; column++)
                result[row][column] += factor * right[k][column];
        }
    }
}

static void fill(bool fractions)
{
    double unit = fractions ? 0.1 : 1;
    for (int row = 0; row < SIZE; row++)
        for (int column = 0; column < SIZE; column++) {
            left[row][column] = (row * 7 + column * 3) % 17 * unit;
            right[row][column] = (row * 5 + column * 11) % 13 * unit;
        }
}

static uint64_t kernel(void)
{
    matmul();
    return (uint64_t)result[SIZE - 1][SIZE - 1];
}

/* Over all elements. */
static uint64_t checksum(void)
{
    uint64_t sum = 0;
    for (int row = 0; row < SIZE; row++)
        for (int column = 0; column < SIZE; column++)
            sum = sum * 31 + (uint64_t)result[row][column];
    return sum;
}

int main(int argc, char **argv)
{
    bool fractions = argc > 1 && text_equal(argv[argc - 1], "fractions");
    fill(fractions);
    argc -= fractions;
    if (argc > 1)
        return benchmark("matmul256", argc, argv, kernel,
                 fractions ? LAST_OF_FRACTIONS : LAST_ELEMENT);

    matmul();
    print_text("checksum of the 256 x 256 product = 0x");
    print_hex(checksum(), 16);
    print_char('\n');
    return 0;
}
