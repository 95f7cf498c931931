// In C++: a lambda, with whatever it captures, runs on every vCPU. It lies on main's stack, where
// the vCPUs read it as it was at the fork. Arguments: [mode] [vCPUs].
#include "tasks.h"

namespace
{

constexpr uint64_t LIMIT = 20000;

bool is_prime(uint64_t number)
{
    for (uint64_t divisor = 2; divisor * divisor <= number; divisor++)
        if (number % divisor == 0)
            return false;
    return number >= 2;
}

// Calls body(start, end) on every vCPU, for its part of 0 ... length - 1; the number of vCPUs that
// failed, or -errno.
template <typename Body>
int64_t parallel_for(const mp_options &options, uint64_t length, const Body &body)
{
    struct Work {
        const Body &body;
        uint64_t length, vcpus;

        static void run(uint64_t index, void *data)
        {
            const Work &work = *static_cast<const Work *>(data);
            work.body(part_start(work.length, index, work.vcpus),
                  part_start(work.length, index + 1, work.vcpus));
        }
    } work{ body, length, options.vcpus };
    return run_task(&options, Work::run, &work);
}

uint64_t total; // on a vCPU's own stack it would be lost

} // namespace

int main(int argc, char **argv)
{
    mp_options options = mp_make_options(MP_CALL, 4, nullptr, nullptr);
    if (!task_options(&options, argc, argv, LOAN_MODES))
        return 2;

    const uint64_t smallest = 1000;
    int64_t failed = parallel_for(options, LIMIT, [&](uint64_t start, uint64_t end) {
        uint64_t primes = 0;
        for (uint64_t number = start; number < end; number++)
            if (number >= smallest && is_prime(number))
                primes++;
        __atomic_fetch_add(&total, primes, __ATOMIC_SEQ_CST);
    });
    print_failures(options.vcpus);
    print_text("primes from ");
    print_unsigned(smallest);
    print_text(" to ");
    print_unsigned(LIMIT);
    print_text(": ");
    print_unsigned(total);
    print_char('\n');
    return failed != 0;
}
