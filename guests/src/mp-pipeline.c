/*
 * Two tasks in flight: while one fills a block with numbers, the other sums up the block before.
 * Arguments: [mode] [vCPUs].
 */
#include "tasks.h"

enum { BLOCKS = 8, BLOCK_LENGTH = 4096 };

static uint64_t blocks[2][BLOCK_LENGTH]; /* one is filled while the other is read */
static uint64_t sums[MP_MAXIMUM_VCPUS];
static uint64_t vcpus;

/* The number of the block comes as the data pointer: nothing needs to live until the join. */
static void fill(uint64_t index, void *data)
{
    uint64_t number = (uint64_t)data;
    uint64_t end = part_start(BLOCK_LENGTH, index + 1, vcpus);
    for (uint64_t i = part_start(BLOCK_LENGTH, index, vcpus); i < end; i++)
        blocks[number % 2][i] = number * BLOCK_LENGTH + i;
}

static void sum(uint64_t index, void *data)
{
    uint64_t number = (uint64_t)data;
    uint64_t end = part_start(BLOCK_LENGTH, index + 1, vcpus);
    for (uint64_t i = part_start(BLOCK_LENGTH, index, vcpus); i < end; i++)
        sums[index] += blocks[number % 2][i];
}

static int64_t start(struct mp_options *options, mp_function function, uint64_t number)
{
    options->function = (uint64_t)function;
    options->data = number;
    return mp_start(options);
}

int main(int argc, char **argv)
{
    struct mp_options filling = mp_make_options(MP_CALL, 2, fill, NULL);
    if (!task_options(&filling, argc, argv, ALL_MODES))
        return 2;
    struct mp_options summing = filling; /* but on other stacks: both tasks run at a time */
    if (!task_options(&summing, argc, argv, ALL_MODES))
        return 2;
    vcpus = filling.vcpus;

    int64_t failed = 0;
    for (uint64_t number = 0; number <= BLOCKS; number++) {
        int64_t fill_task = 0, sum_task = 0;
        if (number < BLOCKS)
            fill_task = start(&filling, fill, number);
        if (number > 0)
            sum_task = start(&summing, sum, number - 1);
        if (fill_task < 0 || sum_task < 0)
            return 1;
        if (sum_task > 0)
            failed += mp_join(sum_task, NULL, 0);
        if (fill_task > 0)
            failed += mp_join(fill_task, NULL, 0);
    }

    uint64_t total = 0;
    for (uint64_t i = 0; i < vcpus; i++)
        total += sums[i];
    print_text("failed vCPUs: ");
    print_signed(failed);
    print_text("\nthe sum of 0 to ");
    print_unsigned(BLOCKS * BLOCK_LENGTH - 1);
    print_text(" is ");
    print_unsigned(total);
    print_char('\n');
    return failed != 0;
}
