/*
 * C11 threads on atomics alone: counters, a spinlock, a lock-free stack, a ticket lock, flags that hand
 * data over. Every result is the same however the threads are interleaved.
 */
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <threads.h>

enum { THREADS = 8, ROUNDS = 2000, NODES = 64 };

static void check(int ok, const char *what)
{
    printf("%s: %s\n", what, ok ? "ok" : "WRONG");
}

static int run_threads(int count, int (*function)(void *))
{
    thrd_t threads[THREADS];
    int sum = 0;
    for (intptr_t i = 0; i < count; i++)
        if (thrd_create(&threads[i], function, (void *)i) != thrd_success)
            exit(1);
    for (int i = 0; i < count; i++) {
        int result;
        if (thrd_join(threads[i], &result) != thrd_success)
            exit(1);
        sum += result;
    }
    return sum;
}

/* Read-modify-write operations of both widths. */
static atomic_uint word;
static atomic_ullong wide, bits, parity;

static int count(void *argument)
{
    unsigned long long own = 1ull << (intptr_t)argument;
    for (int i = 0; i < ROUNDS; i++) {
        atomic_fetch_add_explicit(&word, 5, memory_order_relaxed);
        atomic_fetch_sub(&wide, 7);
        atomic_fetch_or(&bits, own);
        atomic_fetch_xor(&parity, own << (i & 7));
    }
    return 0;
}

/* Each thread moves its share from one number to the other with compare and exchange. */
static atomic_long left = THREADS * ROUNDS, right;

static int move(void *argument)
{
    (void)argument;
    int failed = 0;
    for (int i = 0; i < ROUNDS; i++) {
        long old = atomic_load(&left);
        while (!atomic_compare_exchange_weak(&left, &old, old - 1))
            failed = 1;
        old = atomic_load(&right);
        while (!atomic_compare_exchange_strong(&right, &old, old + 1))
            failed = 1;
    }
    return failed & 0;
}

static atomic_flag spinlock = ATOMIC_FLAG_INIT;
static long spun;

static int spin(void *argument)
{
    (void)argument;
    for (int i = 0; i < ROUNDS; i++) {
        while (atomic_flag_test_and_set_explicit(&spinlock, memory_order_acquire))
            sched_yield();
        spun++;
        atomic_flag_clear_explicit(&spinlock, memory_order_release);
    }
    return 0;
}

static atomic_uint next_ticket, now_serving;
static long served, out_of_order;

static int take_ticket(void *argument)
{
    (void)argument;
    for (int i = 0; i < ROUNDS / 4; i++) {
        unsigned ticket = atomic_fetch_add(&next_ticket, 1);
        while (atomic_load_explicit(&now_serving, memory_order_acquire) != ticket)
            sched_yield();
        out_of_order += served != (long)ticket;
        served++;
        atomic_store_explicit(&now_serving, ticket + 1, memory_order_release);
    }
    return 0;
}

/* A stack of nodes; the head's upper half counts changes, so that a node that comes back is not mistaken. */
static struct { uint32_t next; atomic_int owners; } nodes[NODES + 1];
static _Atomic uint64_t head;

static void push(uint32_t node)
{
    uint64_t old = atomic_load(&head);
    do
        nodes[node].next = (uint32_t)old;
    while (!atomic_compare_exchange_weak(&head, &old, ((old >> 32) + 1) << 32 | node));
}

static uint32_t pop(void)
{
    uint64_t old = atomic_load(&head);
    while ((uint32_t)old != 0 &&
           !atomic_compare_exchange_weak(&head, &old,
                                         ((old >> 32) + 1) << 32 | nodes[(uint32_t)old].next))
        ;
    return (uint32_t)old;
}

static int push_and_pop(void *argument)
{
    (void)argument;
    int wrong = 0;
    for (int i = 0; i < ROUNDS; i++) {
        uint32_t node = pop();
        if (node == 0)
            continue;
        wrong += atomic_fetch_add(&nodes[node].owners, 1) != 0;
        if (i % 16 == 0)
            thrd_yield();
        atomic_fetch_sub(&nodes[node].owners, 1);
        push(node);
    }
    return wrong;
}

/* Data behind a flag: whoever sees the flag sees the data. */
static int message;
static atomic_int turn;

static int hand_over(void *argument)
{
    int wrong = 0, me = (int)(intptr_t)argument;
    for (int i = 0; i < 100; i++) {
        while (atomic_load_explicit(&turn, memory_order_acquire) % THREADS != me)
            thrd_yield();
        wrong += message != i * THREADS + me;
        message++;
        atomic_fetch_add_explicit(&turn, 1, memory_order_release);
    }
    return wrong;
}

int main(void)
{
    run_threads(THREADS, count);
    check(word == 5u * THREADS * ROUNDS, "32 bits");
    check(wide == -7ull * THREADS * ROUNDS, "64 bits");
    check(bits == 0xff, "or");
    check(parity == 0, "exclusive or");
    run_threads(THREADS, move);
    check(left == 0 && right == THREADS * ROUNDS, "compare and exchange");
    run_threads(THREADS, spin);
    check(spun == THREADS * ROUNDS, "a spinlock");
    run_threads(THREADS, take_ticket);
    check(served == THREADS * ROUNDS / 4 && out_of_order == 0, "a ticket lock");
    for (uint32_t i = 1; i <= NODES; i++)
        push(i);
    int wrong = run_threads(THREADS, push_and_pop), left_over = 0;
    while (pop())
        left_over++;
    check(wrong == 0 && left_over == NODES, "a lock-free stack");
    check(run_threads(THREADS, hand_over) == 0 && message == 100 * THREADS, "data behind a flag");
    return 0;
}
