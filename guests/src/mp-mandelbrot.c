/*
 * Prints the Mandelbrot set with characters. The vCPUs take its rows in turn, because those in the
 * middle need the longest; main prints. Arguments: [mode] [vCPUs].
 */
#include "tasks.h"

enum { COLUMNS = 76, ROWS = 30, LIMIT = 500 };

static const char palette[] = " .:-=+*#%@";
static char picture[ROWS][COLUMNS + 1];
static struct mp_options options;

/* How many steps of z = z * z + c stay within the circle of radius 2. */
NOINLINE uint32_t escape_time(double real, double imaginary)
{
    double x = 0, y = 0;
    uint32_t steps = 0;
    while (steps < LIMIT && x * x + y * y <= 4) {
        double next = x * x - y * y + real;
        y = 2 * x * y + imaginary;
        x = next;
        steps++;
    }
    return steps;
}

/* The part from -2.2 to 0.8 and from -1.2i to 1.2i. */
static void draw_row(uint64_t row)
{
    const uint32_t shades = sizeof palette - 2; /* the last index, before the zero byte */
    double imaginary = 1.2 - 2.4 * ((double)row + 0.5) / ROWS;
    for (uint64_t column = 0; column < COLUMNS; column++) {
        double real = -2.2 + 3.0 * ((double)column + 0.5) / COLUMNS;
        uint32_t steps = escape_time(real, imaginary);
        picture[row][column] = palette[steps == LIMIT ? shades : steps % shades];
    }
}

static void work(uint64_t index, void *data)
{
    (void)data;
    for (uint64_t row = index; row < ROWS; row += options.vcpus)
        draw_row(row);
}

int main(int argc, char **argv)
{
    options = mp_make_options(MP_CALL, 4, work, NULL);
    if (!task_options(&options, argc, argv, ALL_MODES))
        return 2;
    int64_t failed = run_task(&options, work, NULL);
    print_failures(options.vcpus);
    for (uint64_t row = 0; row < ROWS; row++) {
        print_text(picture[row]);
        print_char('\n');
    }
    return failed != 0;
}
