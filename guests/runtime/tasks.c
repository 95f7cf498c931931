/* What the multiprocess guests have in common. */
#include "tasks.h"

enum { STACK_BYTES = 64 * 1024 };

struct mp_status statuses[MP_MAXIMUM_VCPUS];

static bool wrong_use(unsigned modes)
{
    print_text("Arguments are [mode] [vCPUs]; the modes are");
    for (uint64_t mode = MP_SHARED; mode <= MP_WORKSPACE; mode++)
        if (modes >> mode & 1) {
            print_char(' ');
            print_text(mp_mode_name(mode));
        }
    print_text("; vCPUs are 1 to ");
    print_unsigned(MP_MAXIMUM_VCPUS);
    print_char('\n');
    return false;
}

bool task_options(struct mp_options *options, int argc, char **argv, unsigned modes)
{
    mp_use_environment(argv + argc + 1);
    if (mp_read_environment(options) < 0) {
        print_text("HARTSCOPE_MODE or HARTSCOPE_VCPUS is wrong\n");
        return wrong_use(modes);
    }
    if (argc > 1)
        options->mode = mp_mode_of(argv[1]);
    if (argc > 2 && !parse_unsigned(argv[2], &options->vcpus))
        return wrong_use(modes);
    if (!(modes >> options->mode & 1) || options->vcpus < 1 ||
        options->vcpus > MP_MAXIMUM_VCPUS)
        return wrong_use(modes);

    if (options->mode != MP_SHARED && options->mode != MP_FORK)
        return true;
    int64_t error = mp_map_stacks(options, STACK_BYTES);
    if (error < 0) {
        print_text("no memory for stacks: error ");
        print_signed(error);
        print_char('\n');
    }
    return error == 0;
}

int64_t run_task(const struct mp_options *options, mp_function function, void *data)
{
    struct mp_options task_options = *options;
    task_options.function = (uint64_t)function;
    task_options.data = (uint64_t)data;
    int64_t task = mp_start(&task_options);
    int64_t failed = task < 0 ? task : mp_join(task, statuses, options->vcpus);
    if (failed < 0) {
        print_text(task < 0 ? "the task was not started: error " : "not joined: error ");
        print_signed(failed);
        print_char('\n');
    }
    return failed;
}

void print_status(const struct mp_status *status)
{
    print_text("vCPU ");
    print_unsigned(status->id);
    print_text(": ");
    print_text(mp_reason_name(status->reason));
    if (status->reason == MP_FAULT) {
        print_text(" at 0x");
        unsigned digits = 1;
        while (digits < 16 && status->fault_address >> (4 * digits) > 0)
            digits++;
        print_hex(status->fault_address, digits);
    }
    if (status->reason == MP_EXITED)
        print_text(", code ");
    else if (status->exit_code != 0)
        print_text(", signal ");
    if (status->reason == MP_EXITED || status->exit_code != 0)
        print_unsigned(status->exit_code);
    if (status->reason == MP_LIMIT) {
        print_text(" of ");
        print_unsigned(status->instructions);
        print_text(" instructions");
    }
    print_char('\n');
}

void print_failures(uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        if (statuses[i].reason != MP_RETURNED)
            print_status(&statuses[i]);
}
