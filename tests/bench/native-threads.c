/*
 * What two cores give here: a dot product of floats on one thread, and its halves on two that spin for their work.
 * Arguments: elements, calls. Prints the least and the median microseconds of a call on one thread, and of one on two.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static float *left, *right;
static size_t length;
static float partial;
/* Odd: the second thread works; even: it waits. */
static atomic_uint turn;

static __attribute__((noinline)) float dot(const float *x, const float *y, size_t count)
{
    float sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += x[i] * y[i];
    return sum;
}

static void *second(void *unused)
{
    for (;;) {
        while (atomic_load(&turn) % 2 == 0)
            ;
        partial = dot(left + length / 2, right + length / 2, length - length / 2);
        atomic_fetch_add(&turn, 1);
    }
    return unused;
}

static float on_one(void)
{
    return dot(left, right, length);
}

static float on_two(void)
{
    atomic_fetch_add(&turn, 1);
    float sum = dot(left, right, length / 2);
    while (atomic_load(&turn) % 2 == 1)
        ;
    return sum + partial;
}

static int ascending(const void *x, const void *y)
{
    double difference = *(const double *)x - *(const double *)y;
    return (difference > 0) - (difference < 0);
}

/* Prints the least and the median microseconds. */
static void measure(float (*work)(void), size_t calls)
{
    double *times = malloc(calls * sizeof *times);
    for (size_t call = 0; call < calls; call++) {
        struct timespec start, end;
        clock_gettime(CLOCK_MONOTONIC, &start);
        float sum = work();
        clock_gettime(CLOCK_MONOTONIC, &end);
        if (sum != (float)length)
            exit(1);
        times[call] = (end.tv_sec - start.tv_sec) * 1e6 + (end.tv_nsec - start.tv_nsec) / 1e3;
    }
    qsort(times, calls, sizeof *times, ascending);
    printf("%.3f %.3f ", times[0], times[calls / 2]);
    free(times);
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    length = strtoull(argv[1], NULL, 10);
    size_t calls = strtoull(argv[2], NULL, 10);
    left = malloc(length * sizeof *left);
    right = malloc(length * sizeof *right);
    for (size_t i = 0; i < length; i++)
        left[i] = right[i] = 1;
    pthread_t thread;
    measure(on_one, calls);
    if (pthread_create(&thread, NULL, second, NULL) != 0)
        return 1;
    measure(on_two, calls);
    return 0;
}
