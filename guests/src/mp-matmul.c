/* The product of two 128 x 128 matrices of doubles, by rows. Arguments: [mode] [vCPUs]. */
#include "tasks.h"

enum { SIZE = 128 };

static double left[SIZE][SIZE], right[SIZE][SIZE], result[SIZE][SIZE];
static struct mp_options options;

NOINLINE void multiply_rows(uint64_t first, uint64_t end)
{
    for (uint64_t row = first; row < end; row++) {
        for (int column = 0; column < SIZE; column++)
            result[row][column] = 0;
        for (int k = 0; k < SIZE; k++) {
            double factor = left[row][k];
            for (int column = 0; column < SIZE; column++)
                result[row][column] += factor * right[k][column];
        }
    }
}

static void work(uint64_t index, void *data)
{
    (void)data;
    multiply_rows(part_start(SIZE, index, options.vcpus),
              part_start(SIZE, index + 1, options.vcpus));
}

/* Small whole numbers: every sum is exact, whatever the order. */
static void fill(void)
{
    for (int row = 0; row < SIZE; row++)
        for (int column = 0; column < SIZE; column++) {
            left[row][column] = (row * 7 + column * 3) % 17;
            right[row][column] = (row * 5 + column * 11) % 13;
        }
}

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
    options = mp_make_options(MP_FORK, 4, work, NULL);
    if (!task_options(&options, argc, argv, ALL_MODES))
        return 2;
    fill();
    int64_t failed = run_task(&options, work, NULL);
    print_failures(options.vcpus);
    print_text("checksum of the 128 x 128 product = 0x");
    print_hex(checksum(), 16);
    print_char('\n');
    return failed != 0;
}
