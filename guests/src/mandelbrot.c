/* Prints the Mandelbrot set with characters. Arguments: [columns] [rows] [iterations]. */
#include "guest.h"

static const char palette[] = " .:-=+*#%@";

/* How many steps of z = z * z + c stay within the circle of radius 2. */
NOINLINE uint32_t escape_time(double real, double imaginary, uint32_t limit)
{
    double x = 0, y = 0;
    uint32_t steps = 0;
    while (steps < limit && x * x + y * y <= 4) {
        double next = x * x - y * y + real;
        y = 2 * x * y + imaginary;
        x = next;
        steps++;
    }
    return steps;
}

/* The part from -2.2 to 0.8 and from -1.2i to 1.2i. */
static void print_row(uint64_t row, uint64_t columns, uint64_t rows, uint32_t limit)
{
    double imaginary = 1.2 - 2.4 * ((double)row + 0.5) / (double)rows;
    for (uint64_t column = 0; column < columns; column++) {
        double real = -2.2 + 3.0 * ((double)column + 0.5) / (double)columns;
        uint32_t steps = escape_time(real, imaginary, limit);
        uint32_t shades = sizeof palette - 2; /* the last index, before the zero byte */
        print_char(palette[steps == limit ? shades : steps % shades]);
    }
    print_char('\n');
}

int main(int argc, char **argv)
{
    uint64_t size[3] = { 76, 30, 500 }; /* columns, rows, iterations */
    for (int i = 0; i < 3 && i + 1 < argc; i++)
        if (!parse_unsigned(argv[i + 1], &size[i]) || size[i] < 1 || size[i] > 100000) {
            print_text("mandelbrot: arguments are [columns] [rows] [iterations], "
                   "each from 1 to 100000\n");
            return 2;
        }
    for (uint64_t row = 0; row < size[1]; row++)
        print_row(row, size[0], size[1], (uint32_t)size[2]);
    return 0;
}
