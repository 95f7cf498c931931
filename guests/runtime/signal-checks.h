/*
 * What the guests that check signals share: a line for each check, and a handler that notes what it sees.
 */
#ifndef SIGNAL_CHECKS_H
#define SIGNAL_CHECKS_H

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <ucontext.h>

static int checks, failures;

static void check(int holds, const char *what)
{
    printf("%s %2d %s\n", holds ? "ok    " : "FAILED", ++checks, what);
    if (!holds)
        failures++;
}

static volatile sig_atomic_t count, last_signal, order[16];
static siginfo_t last;
static stack_t stack_in_context;
static volatile uintptr_t handler_sp, last_pc;
static sigset_t mask_inside, mask_in_context;

static void note(int signal, siginfo_t *info, void *context)
{
    const ucontext_t *uc = context;
    int local;

    if (count < 16)
        order[count] = signal;
    count++;
    last_signal = signal;
    last = *info;
    last_pc = uc->uc_mcontext.__gregs[REG_PC];
    stack_in_context = uc->uc_stack;
    mask_in_context = uc->uc_sigmask;
    handler_sp = (uintptr_t)&local;
    sigprocmask(SIG_BLOCK, NULL, &mask_inside);
}

static void on(int signal, void (*handler)(int, siginfo_t *, void *), int flags)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};

    sigemptyset(&action.sa_mask);
    sigaction(signal, &action, NULL);
    count = 0;
    last_signal = 0;
}

static sigset_t set_of(int a, int b)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, a);
    if (b)
        sigaddset(&set, b);
    return set;
}

static void block(int how, int a, int b)
{
    sigset_t set = set_of(a, b);

    sigprocmask(how, &set, NULL);
}

static int is_blocked(int signal)
{
    sigset_t set;

    sigprocmask(SIG_BLOCK, NULL, &set);
    return sigismember(&set, signal);
}

#endif
