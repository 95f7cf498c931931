/*
 * vCPUs start tasks of their own, of two vCPUs each. The inner ones note their hart ids and wait
 * for each other, so that all live at the same time and no id may occur twice.
 * Arguments: [mode] [vCPUs], up to 16.
 */
#include "tasks.h"

enum { INNER = 2, MAXIMUM_OUTER = 16 };

static uint64_t harts[MAXIMUM_OUTER * (INNER + 1)];
static uint64_t inner_failures[MAXIMUM_OUTER];
static uint64_t arrived;
static uint64_t expected;

static void arrive_and_wait(void)
{
    __atomic_fetch_add(&arrived, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&arrived, __ATOMIC_SEQ_CST) < expected)
        continue;
}

/* `data` points to the outer vCPU's three elements. */
static void inner(uint64_t index, void *data)
{
    uint64_t *own = data;
    own[1 + index] = mp_hart_id();
    arrive_and_wait();
}

static void outer(uint64_t index, void *data)
{
    (void)data;
    uint64_t *own = &harts[index * (INNER + 1)];
    own[0] = mp_hart_id();
    int64_t task = mp_call(INNER, inner, own);
    inner_failures[index] = task < 0 ? INNER : (uint64_t)mp_join(task, NULL, 0);
}

int main(int argc, char **argv)
{
    struct mp_options options = mp_make_options(MP_CALL, 4, outer, NULL);
    if (!task_options(&options, argc, argv, LOAN_MODES) || options.vcpus > MAXIMUM_OUTER)
        return 2;
    expected = options.vcpus * INNER;
    int64_t failed = run_task(&options, outer, NULL);
    print_failures(options.vcpus);

    uint64_t count = options.vcpus * (INNER + 1), equal = 0, zero = 0;
    for (uint64_t i = 0; i < count; i++) {
        zero += harts[i] == 0; /* that is main's */
        for (uint64_t j = 0; j < i; j++)
            equal += harts[i] == harts[j];
    }
    for (uint64_t i = 0; i < options.vcpus; i++)
        failed += (int64_t)inner_failures[i];
    print_text("harts: ");
    print_unsigned(count);
    print_text("\nfailed: ");
    print_signed(failed);
    print_text("\nequal ids: ");
    print_unsigned(equal);
    print_text("\nids of main: ");
    print_unsigned(zero);
    print_char('\n');
    return failed != 0 || equal != 0 || zero != 0;
}
