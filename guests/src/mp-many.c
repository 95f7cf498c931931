/*
 * More vCPUs than the bitmap of failures has bits. Three of them fail on purpose: ids 5, 70 and the
 * last. Arguments: [mode] [vCPUs], 100 or more.
 */
#include "tasks.h"

enum { LOW = 5, HIGH = 70, FEWEST = 100, FAILURES = 3 };

static uint64_t results[MP_MAXIMUM_VCPUS];
static uint64_t vcpus;

static void work(uint64_t index, void *data)
{
    uint64_t id = index + 1;
    results[index] += (uint64_t)data * id;
    if (id == LOW || id == HIGH || id == vcpus)
        exit_guest(1);
}

static void forks(unsigned factor)
{
    unsigned id = multiprocess((unsigned)vcpus);
    if (id != 0) {
        work(id - 1, (void *)(uint64_t)factor);
        multiprocess_wait();
    }
}

int main(int argc, char **argv)
{
    struct mp_options options = mp_make_options(MP_CALL, 200, work, NULL);
    if (!task_options(&options, argc, argv, LOAN_MODES) || options.vcpus < FEWEST)
        return 2;
    vcpus = options.vcpus;

    int64_t failed = run_task(&options, work, (void *)1);
    print_unsigned(vcpus);
    print_text(" vCPUs, failed: ");
    print_signed(failed);
    print_char('\n');
    print_failures(vcpus);

    forks(2);
    uint64_t bitmap = multiprocess_wait();
    print_text("failures of the plain calls: 0x");
    print_hex(bitmap, 16);
    print_text(", and when asked again: 0x");
    print_hex(multiprocess_wait(), 16);

    uint64_t wrong = 0;
    for (uint64_t i = 0; i < vcpus; i++)
        wrong += results[i] != 3 * (i + 1);
    print_text("\nwrong results: ");
    print_unsigned(wrong);
    print_char('\n');
    return failed != FAILURES || wrong != 0;
}
