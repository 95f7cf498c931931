/* Timing of the kernels: samples of many calls each, because clocks may be coarse. */
#include "guest.h"

enum { MAXIMUM_SAMPLES = 101 };

static const uint64_t SAMPLE_NS = 100000000;    /* 100 ms when calibrating */
static const uint64_t MAXIMUM_CALLS = 1u << 30; /* and for a clock that stands still */

/* Nanoseconds as microseconds with three decimals. */
static void print_us(const char *label, uint64_t ns)
{
    print_text(label);
    print_unsigned(ns / 1000);
    print_char('.');
    print_unsigned(ns / 100 % 10);
    print_unsigned(ns / 10 % 10);
    print_unsigned(ns % 10);
}

/* Nanoseconds for `calls` calls; the last result goes to `result`. */
static uint64_t sample(uint64_t (*kernel)(void), uint64_t calls, uint64_t *result)
{
    uint64_t start = clock_ns();
    for (uint64_t call = 0; call < calls; call++) {
        *result = kernel();
        MEMORY_BARRIER();
    }
    return clock_ns() - start;
}

static void insert_sorted(uint64_t *values, uint64_t count, uint64_t value)
{
    for (; count > 0 && values[count - 1] > value; count--)
        values[count] = values[count - 1];
    values[count] = value;
}

static int wrong_use(const char *name)
{
    print_text(name);
    print_text(": arguments are [calls per sample, 0 to calibrate] [samples, 1 to ");
    print_unsigned(MAXIMUM_SAMPLES);
    print_text("]\n");
    return 2;
}

int benchmark(const char *name, int argc, char **argv, uint64_t (*kernel)(void),
          uint64_t expected)
{
    static uint64_t times[MAXIMUM_SAMPLES];
    uint64_t calls = 0, samples = 11, result = 0, total = 0;

    if (argc > 3 || (argc > 1 && !parse_unsigned(argv[1], &calls)) ||
        (argc > 2 && !parse_unsigned(argv[2], &samples)) || samples < 1 ||
        samples > MAXIMUM_SAMPLES)
        return wrong_use(name);

    if (calls == 0)
        for (calls = 1; calls < MAXIMUM_CALLS; calls *= 2)
            if (sample(kernel, calls, &result) >= SAMPLE_NS)
                break;
    for (uint64_t i = 0; i < samples; i++) {
        uint64_t ns = sample(kernel, calls, &result);
        insert_sorted(times, i, ns);
        total += ns;
    }

    print_text(name);
    print_text(" samples=");
    print_unsigned(samples);
    print_text(" calls_per_sample=");
    print_unsigned(calls);
    print_us(" min_us=", times[0] / calls);
    print_us(" median_us=", times[samples / 2] / calls);
    print_us(" total_us=", total);
    print_text(" check=0x");
    print_hex(result, 16);
    print_char('\n');

    if (result == expected)
        return 0;
    print_text(name);
    print_text(": the check should be 0x");
    print_hex(expected, 16);
    print_char('\n');
    return 1;
}
