/* The system calls of RISC-V Linux, and the four functions that GCC may call by itself. */
#include "guest.h"

/* Linux's generic system call numbers (include/uapi/asm-generic/unistd.h). */
enum { SYS_READ = 63, SYS_WRITE = 64, SYS_EXIT_GROUP = 94, SYS_CLOCK_GETTIME = 113 };

enum { CLOCK_MONOTONIC = 1 };
enum { ERROR_INTERRUPTED = -4 };

struct timespec {
    int64_t seconds;
    int64_t nanoseconds;
};

/* The number goes to a7, arguments to a0..., the result comes back in a0: negative is -errno. */
static long system_call(long number, long first, long second, long third)
{
    register long a0 __asm__("a0") = first;
    register long a1 __asm__("a1") = second;
    register long a2 __asm__("a2") = third;
    register long a7 __asm__("a7") = number;
    __asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a7) : "memory");
    return a0;
}

void write_output(const char *bytes, size_t count)
{
    while (count > 0) {
        long written = system_call(SYS_WRITE, 1, (long)bytes, (long)count);
        if (written == ERROR_INTERRUPTED)
            continue;
        if (written <= 0)
            return;
        bytes += written;
        count -= (size_t)written;
    }
}

long read_input(char *bytes, size_t count)
{
    long received;
    do
        received = system_call(SYS_READ, 0, (long)bytes, (long)count);
    while (received == ERROR_INTERRUPTED);
    return received;
}

uint64_t clock_ns(void)
{
    struct timespec now = { 0, 0 };
    system_call(SYS_CLOCK_GETTIME, CLOCK_MONOTONIC, (long)&now, 0);
    return (uint64_t)now.seconds * 1000000000u + (uint64_t)now.nanoseconds;
}

_Noreturn void exit_guest(int status)
{
    for (;;)
        system_call(SYS_EXIT_GROUP, status, 0, 0);
}

/* GCC may emit calls of these even for freestanding code. */

void *memcpy(void *restrict to, const void *restrict from, size_t count)
{
    char *t = to;
    const char *f = from;
    while (count-- > 0)
        *t++ = *f++;
    return to;
}

void *memmove(void *to, const void *from, size_t count)
{
    char *t = to;
    const char *f = from;
    if (t <= f)
        return memcpy(to, from, count); /* ours copies upwards */
    while (count-- > 0)
        t[count] = f[count];
    return to;
}

void *memset(void *to, int value, size_t count)
{
    char *t = to;
    while (count-- > 0)
        *t++ = (char)value;
    return to;
}

int memcmp(const void *left, const void *right, size_t count)
{
    const unsigned char *l = left, *r = right;
    for (; count > 0; count--, l++, r++)
        if (*l != *r)
            return *l - *r;
    return 0;
}
