/*
 * Signals of a program with threads: which thread runs a handler, waiting in a thread, masks and alternate stacks of
 * each, timers that start threads. Linked statically with glibc.
 */
#define _GNU_SOURCE
#include "signal-checks.h"
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static pthread_t main_thread;
static sem_t ready;
static volatile int in_main, sum, awake;
static _Thread_local volatile int mine;

static void note_thread(int signal, siginfo_t *info, void *context)
{
    note(signal, info, context);
    in_main = pthread_equal(pthread_self(), main_thread);
    mine++;
}

static void *wait_for_signal(void *argument)
{
    sigset_t set = set_of(SIGUSR2, 0);
    siginfo_t info;

    (void)argument;
    sem_post(&ready);
    return (void *)(intptr_t)(sigwaitinfo(&set, &info) == SIGUSR2 && info.si_code == SI_USER);
}

static void *sleep_long(void *argument)
{
    struct timespec time = {1000, 0};

    (void)argument;
    int is_interrupted = nanosleep(&time, NULL) == -1 && errno == EINTR && mine > 0;
    awake = 1;
    return (void *)(intptr_t)is_interrupted;
}

static void *spin(void *argument)
{
    (void)argument;
    sem_post(&ready);
    while (!mine)
        ;
    return (void *)1;
}

static void *unblock(void *argument)
{
    block(SIG_UNBLOCK, SIGHUP, 0);
    return spin(argument);
}

static void *tell_mask(void *argument)
{
    (void)argument;
    int inherited = is_blocked(SIGHUP) && !is_blocked(SIGUSR1);
    block(SIG_BLOCK, SIGUSR1, 0);
    return (void *)(intptr_t)inherited;
}

static void *raise_in_thread(void *argument)
{
    char *memory = argument;
    stack_t stack = {.ss_sp = memory, .ss_size = 64 * 1024}, old;

    sigaltstack(&stack, &old);
    raise(SIGUSR1);
    return (void *)(intptr_t)(old.ss_flags == SS_DISABLE && mine == 1 && handler_sp >= (uintptr_t)memory &&
                              handler_sp < (uintptr_t)memory + 64 * 1024);
}

static void *raise_often(void *argument)
{
    (void)argument;
    for (int i = 0; i < 100; i++)
        raise(SIGUSR1);
    return (void *)(intptr_t)(mine == 100);
}

static pthread_t start(void *(*function)(void *), void *argument, int waits)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, function, argument) != 0)
        abort();
    if (waits)
        sem_wait(&ready);
    return thread;
}

static int result_of(pthread_t thread)
{
    void *result;

    pthread_join(thread, &result);
    return (int)(intptr_t)result;
}

static void tick(union sigval value)
{
    sum += value.sival_int;
    in_main = pthread_equal(pthread_self(), main_thread);
    sem_post(&ready);
}

static volatile int values[2], times;

static void note_value(int signal, siginfo_t *info, void *context)
{
    note_thread(signal, info, context);
    if (times < 2)
        values[times++] = info->si_value.sival_int;
}

int main(void)
{
    pthread_t thread, many[8];

    main_thread = pthread_self();
    sem_init(&ready, 0, 0);
    block(SIG_BLOCK, SIGUSR2, 0);
    thread = start(wait_for_signal, NULL, 1);
    kill(getpid(), SIGUSR2);
    check(result_of(thread), "a thread in sigwaitinfo takes a signal of the process");

    on(SIGUSR1, note_thread, 0);
    thread = start(sleep_long, NULL, 0);
    /* The first signals may come before it sleeps. */
    while (!awake) {
        pthread_kill(thread, SIGUSR1);
        usleep(20000);
    }
    check(result_of(thread), "pthread_kill ends a thread's sleep");
    check(count > 0 && !in_main && !mine, "and the handler runs in it");
    thread = start(spin, NULL, 1);
    pthread_kill(thread, SIGUSR1);
    check(result_of(thread) && !in_main, "or a thread's loop");
    kill(getpid(), SIGUSR1);
    check(in_main && mine == 1, "a signal of the process comes to the main thread");

    on(SIGHUP, note_thread, 0);
    block(SIG_BLOCK, SIGHUP, 0);
    thread = start(unblock, NULL, 1);
    kill(getpid(), SIGHUP);
    check(result_of(thread) && !in_main, "where that blocks it, to one that does not");
    check(result_of(start(tell_mask, NULL, 0)), "a thread has the mask of its maker");
    check(!is_blocked(SIGUSR1), "and changes only its own");

    char *memory = malloc(64 * 1024);
    on(SIGUSR1, note_thread, SA_ONSTACK);
    check(result_of(start(raise_in_thread, memory, 0)), "each thread has an alternate stack of its own");
    on(SIGUSR1, note_thread, 0);
    for (int i = 0; i < 8; i++)
        many[i] = start(raise_often, NULL, 0);
    int all = 1;
    for (int i = 0; i < 8; i++)
        all &= result_of(many[i]);
    check(all, "eight threads raise a hundred signals each");

    timer_t timer;
    struct sigevent event;
    struct itimerspec soon = {{0, 0}, {0, 5000000}};
    memset(&event, 0, sizeof event);
    event.sigev_notify = SIGEV_THREAD;
    event.sigev_notify_function = tick;
    event.sigev_value.sival_int = 55;
    check(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0, "a timer with SIGEV_THREAD is made");
    timer_settime(timer, 0, &soon, NULL);
    sem_wait(&ready);
    check(sum == 55 && !in_main, "and calls its function in a thread");
    timer_delete(timer);

    union sigval value = {.sival_int = 77};
    on(SIGRTMIN + 2, note_value, 0);
    pthread_sigqueue(main_thread, SIGRTMIN + 2, value);
    check(times == 1 && values[0] == 77 && last.si_code == SI_QUEUE, "pthread_sigqueue passes a value");
    printf("%d checks, %d failed\n", checks, failures);
    return failures != 0;
}
