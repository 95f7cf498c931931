/*
 * Counts bytes in 16 buckets that all vCPUs share, twice: with AMOADD, and with loops of LR and SC.
 * No count may be lost. Arguments: [mode] [vCPUs].
 */
#include "tasks.h"

enum { LENGTH = 64 * 1024, BUCKETS = 16 };

static uint8_t samples[LENGTH];
static uint64_t expected[BUCKETS], by_amo[BUCKETS], by_lrsc[BUCKETS];
static struct mp_options options;

static inline void add_amo(uint64_t *counter)
{
    __asm__ volatile("amoadd.d zero, %1, %0" : "+A"(*counter) : "r"(1ul));
}

static inline void add_lrsc(uint64_t *counter)
{
    uint64_t value;
    __asm__ volatile("0:  lr.d %0, %1\n"
             "    addi %0, %0, 1\n"
             "    sc.d %0, %0, %1\n"
             "    bnez %0, 0b\n"
             : "=&r"(value), "+A"(*counter));
}

static void work(uint64_t index, void *data)
{
    (void)data;
    uint64_t end = part_start(LENGTH, index + 1, options.vcpus);
    for (uint64_t i = part_start(LENGTH, index, options.vcpus); i < end; i++) {
        add_amo(&by_amo[samples[i] % BUCKETS]);
        add_lrsc(&by_lrsc[samples[i] % BUCKETS]);
    }
}

/* Main's own samples and counts, of xorshift64 numbers. */
static void fill(void)
{
    uint64_t state = 88172645463325252u;
    for (int i = 0; i < LENGTH; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        samples[i] = (uint8_t)(state >> 32);
        expected[samples[i] % BUCKETS]++;
    }
}

/* How many counts are missing, or too many. */
static uint64_t difference(const uint64_t *counts)
{
    uint64_t total = 0;
    for (int i = 0; i < BUCKETS; i++)
        total += counts[i] > expected[i] ? counts[i] - expected[i] : expected[i] - counts[i];
    return total;
}

int main(int argc, char **argv)
{
    options = mp_make_options(MP_CALL, 4, work, NULL);
    if (!task_options(&options, argc, argv, LOAN_MODES))
        return 2;
    fill();
    int64_t failed = run_task(&options, work, NULL);
    print_failures(options.vcpus);
    print_text("counted ");
    print_unsigned(LENGTH);
    print_text(" bytes in ");
    print_unsigned(BUCKETS);
    print_text(" buckets\nwrong counts by AMOADD: ");
    print_unsigned(difference(by_amo));
    print_text("\nwrong counts by LR and SC: ");
    print_unsigned(difference(by_lrsc));
    print_char('\n');
    return failed != 0 || difference(by_amo) != 0 || difference(by_lrsc) != 0;
}
