/* The same system functions over a C library, for `build.mjs --native`. */
#define _POSIX_C_SOURCE 200809L
#include "guest.h"
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

void write_output(const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t written = write(1, bytes, count);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return;
        bytes += written;
        count -= (size_t)written;
    }
}

long read_input(char *bytes, size_t count)
{
    ssize_t received;
    do
        received = read(0, bytes, count);
    while (received < 0 && errno == EINTR);
    return received;
}

uint64_t clock_ns(void)
{
    struct timespec now = { 0, 0 };
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

_Noreturn void exit_guest(int status)
{
    exit(status);
}

/* start.c flushes before the end; here the C library calls main, so it must be asked to. */
__attribute__((constructor)) static void flush_at_exit(void)
{
    atexit(print_flush);
}
