/*
 * Calls that a signal ends or that go on after it, and the timers that send signals, one check a line. Linked
 * statically with glibc.
 */
#define _GNU_SOURCE
#include "signal-checks.h"
#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* --- calls that a signal ends --------------------------------------------------------------------- */

static volatile int futex_word;

static void wake(int signal, siginfo_t *info, void *context)
{
    note(signal, info, context);
    futex_word++;
}

static int feed_end;

static void feed(int signal, siginfo_t *info, void *context)
{
    note(signal, info, context);
    if (count == 1 && write(feed_end, "x", 1) != 1)
        _exit(98);
}

/* SIGALRM comes every 20 ms from now on: also when this process stands still before the call that it is to end. */
static void ring(void)
{
    struct itimerval timer = {{0, 20000}, {0, 20000}};

    count = 0;
    setitimer(ITIMER_REAL, &timer, NULL);
}

/* No more of them. Whether a call has ended as it should, and a handler has run. */
static int over(int as_it_should)
{
    struct itimerval off = {{0, 0}, {0, 0}};

    setitimer(ITIMER_REAL, &off, NULL);
    return as_it_should && count > 0;
}

static void test_interruption(void)
{
    struct timespec second = {10, 0}, left = {0, 0};
    sigset_t none;
    int word;

    on(SIGALRM, wake, SA_RESTART);
    ring();
    check(over(nanosleep(&second, &left) == -1 && errno == EINTR),
          "a signal ends nanosleep, SA_RESTART or not");
    check(left.tv_sec > 0 && left.tv_sec < 10 && left.tv_nsec > 0, "which tells what is left");
    check(last.si_code == SI_KERNEL, "si_code of setitimer is SI_KERNEL");
    ring();
    check(over(clock_nanosleep(CLOCK_MONOTONIC, 0, &second, &left) == EINTR), "and clock_nanosleep");
    ring();
    check(over(poll(NULL, 0, 10000) == -1 && errno == EINTR), "and poll");
    ring();
    check(over(pause() == -1 && errno == EINTR), "and pause");

    word = futex_word;
    ring();
    check(over(syscall(SYS_futex, &futex_word, FUTEX_WAIT, word, NULL) == -1 && errno == EAGAIN),
          "a wait is made again after a handler with SA_RESTART");
    on(SIGALRM, note, 0);
    ring();
    check(over(syscall(SYS_futex, &futex_word, FUTEX_WAIT, futex_word, NULL) == -1 && errno == EINTR),
          "and is EINTR without");

    block(SIG_BLOCK, SIGALRM, 0);
    sigemptyset(&none);
    ring();
    check(over(sigsuspend(&none) == -1 && errno == EINTR), "sigsuspend waits for a handler");
    check(sigismember(&mask_in_context, SIGALRM) && is_blocked(SIGALRM), "and puts the mask back");
    raise(SIGALRM);
    sigset_t other = set_of(SIGUSR1, 0);
    count = 0;
    check(sigsuspend(&other) == -1 && count == 1 && sigismember(&mask_inside, SIGUSR1),
          "a pending signal ends it at once; the handler has its mask");
    raise(SIGALRM);
    struct timespec no_time = {0, 0};
    check(ppoll(NULL, 0, &second, &none) == -1 && errno == EINTR && count == 2, "ppoll lends a mask too");
    check(ppoll(NULL, 0, &no_time, &none) == 0 && is_blocked(SIGALRM), "and gives it back");
    block(SIG_UNBLOCK, SIGALRM, 0);
    struct timespec past = {1, 0};
    check(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &past, NULL) == 0,
          "a sleep until a time that has passed ends at once");
}

static void test_pipes(void)
{
    static char full[1 << 17];
    int pipe_ends[2], moved;
    char byte;

    if (pipe(pipe_ends) != 0) {
        check(0, "a pipe can be made");
        return;
    }
    on(SIGALRM, feed, SA_RESTART);
    feed_end = pipe_ends[1];
    ring();
    check(over(read(pipe_ends[0], &byte, 1) == 1 && byte == 'x'),
          "a read goes on after a handler with SA_RESTART");
    on(SIGALRM, note, 0);
    ring();
    check(over(read(pipe_ends[0], &byte, 1) == -1 && errno == EINTR), "and is EINTR without");
    ring();
    moved = (int)write(pipe_ends[1], full, sizeof full);
    check(over(moved > 0 && moved < (int)sizeof full), "a write that is half done is short");
    ring();
    check(over(write(pipe_ends[1], full, 1) == -1 && errno == EINTR),
          "and EINTR when there was no room at all");

    close(pipe_ends[0]);
    on(SIGPIPE, note, 0);
    check(write(pipe_ends[1], full, 1) == -1 && errno == EPIPE && count == 1,
          "a write that nobody reads is EPIPE and SIGPIPE");
    signal(SIGPIPE, SIG_IGN);
    check(write(pipe_ends[1], full, 1) == -1 && errno == EPIPE, "which can be ignored");
    close(pipe_ends[1]);
}

/* --- timers --------------------------------------------------------------------------------------- */

static void test_timers(void)
{
    struct itimerval every = {{0, 5000}, {0, 5000}}, off = {{0, 0}, {0, 0}}, value;
    on(SIGALRM, note, 0);
    setitimer(ITIMER_REAL, &every, NULL);
    while (count < 3)
        ;
    getitimer(ITIMER_REAL, &value);
    check(value.it_interval.tv_usec == 5000 && value.it_value.tv_usec <= 5000,
          "an interval timer interrupts a loop again and again");
    setitimer(ITIMER_REAL, &off, &value);
    check(value.it_interval.tv_usec == 5000, "setitimer tells how it was set");
    check(alarm(100) == 0 && alarm(0) == 100, "alarm tells what was left");
    on(SIGVTALRM, note, 0);
    setitimer(ITIMER_VIRTUAL, &every, NULL);
    while (count < 1)
        ;
    setitimer(ITIMER_VIRTUAL, &off, NULL);
    check(last_signal == SIGVTALRM, "ITIMER_VIRTUAL sends SIGVTALRM");
    on(SIGPROF, note, 0);
    setitimer(ITIMER_PROF, &every, NULL);
    while (count < 1)
        ;
    setitimer(ITIMER_PROF, &off, NULL);
    check(last_signal == SIGPROF, "ITIMER_PROF sends SIGPROF");
    check(setitimer(7, &off, NULL) == -1 && errno == EINVAL, "there is no interval timer 7");

    timer_t timer;
    const int rt = SIGRTMIN + 3;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = rt};
    struct itimerspec soon = {{0, 0}, {0, 5000000}}, stopped = {{0, 0}, {0, 0}}, now;
    event.sigev_value.sival_int = 1234;
    on(rt, note, 0);
    check(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0, "timer_create makes a timer");
    timer_settime(timer, 0, &soon, NULL);
    while (count < 1)
        ;
    check(last.si_code == SI_TIMER && last.si_value.sival_int == 1234, "its signal has its value");
    timer_gettime(timer, &now);
    check(now.it_value.tv_sec == 0 && now.it_value.tv_nsec == 0, "afterwards it is off");
    block(SIG_BLOCK, rt, 0);
    soon.it_interval.tv_nsec = 1000000;
    timer_settime(timer, 0, &soon, NULL);
    struct timespec wait = {0, 50000000};
    nanosleep(&wait, NULL);
    block(SIG_UNBLOCK, rt, 0);
    timer_settime(timer, 0, &stopped, NULL);
    check(count >= 2 && count <= 3, "a timer's signal is queued once");
    struct itimerspec far = {{0, 0}, {1000, 0}};
    timer_settime(timer, 0, &far, NULL);
    timer_settime(timer, 0, &stopped, &now);
    check(now.it_value.tv_sec == 999, "timer_settime tells what was left");
    check(timer_delete(timer) == 0 && timer_delete(timer) == -1 && errno == EINVAL,
          "a timer can be deleted once");
    event.sigev_notify = SIGEV_NONE;
    event.sigev_signo = 0;
    timer_create(CLOCK_REALTIME, &event, &timer);
    soon.it_value.tv_sec = 50;
    timer_settime(timer, 0, &soon, NULL);
    timer_gettime(timer, &now);
    check(now.it_value.tv_sec == 50 || now.it_value.tv_sec == 49, "SIGEV_NONE counts without a signal");
    timer_delete(timer);
    check(timer_create(77, NULL, &timer) == -1 && errno == EINVAL, "there is no clock 77");

    // A host may count processor time in ticks.
    struct timespec before, after;
    int goes_on = 0;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
    for (int tries = 0; tries < 1000 && !goes_on; tries++) {
        for (volatile int i = 0; i < 100000; i++)
            ;
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
        goes_on = after.tv_sec > before.tv_sec || after.tv_nsec > before.tv_nsec;
    }
    check(goes_on, "processor time goes on");
}

int main(void)
{
    test_interruption();
    test_pipes();
    test_timers();
    printf("%d checks, %d failed\n", checks, failures);
    return failures != 0;
}
