/*
 * Counts bytes in 16 buckets that all vCPUs share: with nothing around the additions (`none`, a race:
 * counts may be lost), under a lock of LR and SC (`spin`), under a mutex of AMOs and futexes (`mutex`),
 * or with AMOADD (`atomic`). For the race check, which must report the first and no other.
 * Arguments: [none | spin | mutex | atomic] [mode] [vCPUs].
 */
#include "tasks.h"

enum { LENGTH = 4096, BUCKETS = 16, FUTEX = 98, WAIT_PRIVATE = 128, WAKE_PRIVATE = 129 };

static uint64_t expected[BUCKETS];
static volatile uint64_t counts[BUCKETS];
static uint8_t samples[LENGTH];
/* 0: free, 1: taken, 2: taken and somebody waits (Drepper, "Futexes Are Tricky"). */
static uint32_t lock;
static struct mp_options options;

static void futex(uint32_t *word, uint64_t operation, uint64_t value)
{
    register uint64_t a0 __asm__("a0") = (uint64_t)word;
    register uint64_t a1 __asm__("a1") = operation;
    register uint64_t a2 __asm__("a2") = value;
    register uint64_t a3 __asm__("a3") = 0;
    register uint64_t a7 __asm__("a7") = FUTEX;
    __asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a3), "r"(a7) : "memory");
}

static void take_mutex(void)
{
    uint32_t seen = 0;
    if (__atomic_compare_exchange_n(&lock, &seen, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        return;
    while (__atomic_exchange_n(&lock, 2, __ATOMIC_ACQUIRE) != 0)
        futex(&lock, WAIT_PRIVATE, 2);
}

static void give_mutex(void)
{
    if (__atomic_exchange_n(&lock, 0, __ATOMIC_RELEASE) == 2)
        futex(&lock, WAKE_PRIVATE, 1);
}

static void take_spin(void)
{
    uint32_t failed;
    __asm__ volatile("0:  lr.w.aq %0, %1\n"
             "    bnez %0, 0b\n"
             "    sc.w %0, %2, %1\n"
             "    bnez %0, 0b\n"
             : "=&r"(failed), "+A"(lock)
             : "r"(1)
             : "memory");
}

static void give_spin(void)
{
    __asm__ volatile("amoswap.w.rl zero, zero, %0" : "+A"(lock) : : "memory");
}

static void nothing(void)
{
}

static const struct way {
    const char *name;
    void (*take)(void), (*give)(void);
} ways[] = {
    {"none", nothing, nothing},
    {"spin", take_spin, give_spin},
    {"mutex", take_mutex, give_mutex},
    {"atomic", NULL, NULL},
};
static const struct way *way = &ways[0];

static void work(uint64_t index, void *data)
{
    (void)data;
    uint64_t end = part_start(LENGTH, index + 1, options.vcpus);
    for (uint64_t i = part_start(LENGTH, index, options.vcpus); i < end; i++) {
        volatile uint64_t *count = &counts[samples[i] % BUCKETS];
        if (way->take == NULL) {
            __atomic_fetch_add(count, 1, __ATOMIC_RELAXED);
            continue;
        }
        way->take();
        *count = *count + 1;
        way->give();
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

static bool choose_way(const char *name)
{
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        if (!text_equal(name, ways[i].name))
            continue;
        way = &ways[i];
        return true;
    }
    print_text("the first argument is none, spin, mutex or atomic\n");
    return false;
}

int main(int argc, char **argv)
{
    options = mp_make_options(MP_CALL, 4, work, NULL);
    if (argc > 1 && !choose_way(argv[1]))
        return 2;
    bool named = argc > 1;
    if (!task_options(&options, argc - named, argv + named, LOAN_MODES))
        return 2;
    fill();
    if (run_task(&options, work, NULL) < 0)
        return 1;
    print_failures(options.vcpus);

    uint64_t total = 0, wrong = 0;
    for (int i = 0; i < BUCKETS; i++) {
        total += counts[i];
        wrong += counts[i] > expected[i];
    }
    if (way == &ways[0]) {
        print_text(total <= LENGTH && wrong == 0 ? "counted: some may be lost\n"
                               : "counted: too many\n");
        return 0;
    }
    print_text("counted: ");
    print_unsigned(total);
    print_text(" of ");
    print_unsigned(LENGTH);
    print_char('\n');
    return total != LENGTH || wrong != 0;
}
