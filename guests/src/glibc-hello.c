/*
 * What a C library needs at its start: the auxiliary vector, thread-local storage, the heap, the
 * environment, buffered output and clocks. Linked statically with glibc.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

extern char **environ;

static _Thread_local int thread_local_number = 41;

/* Small blocks come from brk, the big one from mmap. */
static size_t use_heap(void)
{
    enum { BLOCKS = 100, BIG = 1 << 20 };
    char *blocks[BLOCKS];
    size_t length = 0;

    for (int i = 0; i < BLOCKS; i++) {
        blocks[i] = malloc((size_t)i + 1);
        if (!blocks[i])
            abort();
        memset(blocks[i], 'x', (size_t)i);
        blocks[i][i] = 0;
    }
    for (int i = 0; i < BLOCKS; i++) {
        length += strlen(blocks[i]);
        free(blocks[i]);
    }
    char *big = calloc(BIG, 1);
    if (!big)
        abort();
    big[BIG - 1] = 1;
    length += (size_t)big[0] + (size_t)big[BIG - 1];
    free(big);
    return length;
}

int main(int argc, char **argv)
{
    printf("Hello from glibc\n");
    for (int i = 1; i < argc; i++)
        printf("argument %d: %s\n", i, argv[i]);
    for (char **variable = environ; *variable; variable++)
        printf("environment: %s\n", *variable);
    printf("thread-local: %d\n", ++thread_local_number);
    printf("heap: %zu\n", use_heap());
    printf("floating point: %.17g %a\n", 0.1, 1.0 / argc);
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0) {
        perror("clock_gettime");
        return 1;
    }
    printf("time=%lld.%09ld\n", (long long)now.tv_sec, now.tv_nsec);
    return 0;
}
