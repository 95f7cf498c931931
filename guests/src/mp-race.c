/*
 * Races on purpose. Every vCPU adds to one counter with plain loads and stores, and puts its own
 * number into one variable. Loans let it happen: additions may be lost, and the last store wins. In
 * mode workspace the join reports conflicts. `counts` lies beside them: other bytes of the same
 * cache line, so no race, only false sharing. Arguments: [mode] [vCPUs].
 */
#include "tasks.h"

enum { ROUNDS = 1000 };

static struct {
    volatile uint64_t total;  /* a race */
    volatile uint64_t winner; /* a race */
    volatile uint8_t counts[MP_MAXIMUM_VCPUS]; /* none */
} shared __attribute__((aligned(64)));

static void work(uint64_t index, void *data)
{
    (void)data;
    for (int round = 0; round < ROUNDS; round++)
        shared.total += index + 1;
    shared.winner = index + 1;
    shared.counts[index] = 1;
}

int main(int argc, char **argv)
{
    struct mp_options options = mp_make_options(MP_CALL, 4, work, NULL);
    if (!task_options(&options, argc, argv, ALL_MODES))
        return 2;
    int64_t failed = run_task(&options, work, NULL);
    if (failed < 0)
        return 1;
    for (uint64_t i = 0; i < options.vcpus; i++)
        print_status(&statuses[i]);

    uint64_t most = ROUNDS * options.vcpus * (options.vcpus + 1) / 2, counts = 0;
    for (uint64_t i = 0; i < options.vcpus; i++)
        counts += shared.counts[i];
    print_text(shared.total > 0 && shared.total <= most ? "total: possible\n"
                                : "total: impossible\n");
    print_text(shared.winner > 0 && shared.winner <= options.vcpus ? "winner: one of the vCPUs\n"
                                       : "winner: nobody\n");
    print_text("counts without a race: ");
    print_unsigned(counts);
    print_char('\n');
    return 0;
}
