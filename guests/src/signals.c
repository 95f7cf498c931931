/*
 * What signals do on Linux, one check a line: handlers and what they see, masks, queues, the alternate stack,
 * faults that are repaired. Linked statically with glibc.
 */
#define _GNU_SOURCE
#include "signal-checks.h"
#include <errno.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <unwind.h>

static sigjmp_buf escape;

/* --- handlers ------------------------------------------------------------------------------------- */

/* Sends itself SIGUSR1 with a value in every register that a program may use; how many it finds changed. */
extern long registers_survive(long pid, double *before, double *after);
__asm__(".text\n"
        ".globl registers_survive\n"
        "registers_survive:\n"
        "  addi sp, sp, -128\n"
        "  sd ra, 0(sp)\n sd s0, 8(sp)\n sd s1, 16(sp)\n sd s2, 24(sp)\n sd s3, 32(sp)\n sd s4, 40(sp)\n"
        "  sd s5, 48(sp)\n sd s6, 56(sp)\n sd s7, 64(sp)\n sd s8, 72(sp)\n sd s9, 80(sp)\n"
        "  sd s10, 88(sp)\n sd s11, 96(sp)\n sd a1, 104(sp)\n sd a2, 112(sp)\n"
        "  fld fa0, 0(a1)\n fld ft0, 8(a1)\n fld fs11, 16(a1)\n fld ft11, 24(a1)\n"
        "  li ra, 1001\n li t0, 1005\n li t1, 1006\n li t2, 1007\n li s0, 1008\n li s1, 1009\n"
        "  li a2, 1012\n li a3, 1013\n li a4, 1014\n li a5, 1015\n li a6, 1016\n"
        "  li s2, 1018\n li s3, 1019\n li s4, 1020\n li s5, 1021\n li s6, 1022\n li s7, 1023\n"
        "  li s8, 1024\n li s9, 1025\n li s10, 1026\n li s11, 1027\n"
        "  li t3, 1028\n li t4, 1029\n li t5, 1030\n li t6, 1031\n"
        "  li a1, 10\n li a7, 129\n ecall\n"
        "  addi ra, ra, -1001\n or a0, a0, ra\n addi t0, t0, -1005\n or a0, a0, t0\n"
        "  addi t1, t1, -1006\n or a0, a0, t1\n addi t2, t2, -1007\n or a0, a0, t2\n"
        "  addi s0, s0, -1008\n or a0, a0, s0\n addi s1, s1, -1009\n or a0, a0, s1\n"
        "  addi a2, a2, -1012\n or a0, a0, a2\n addi a3, a3, -1013\n or a0, a0, a3\n"
        "  addi a4, a4, -1014\n or a0, a0, a4\n addi a5, a5, -1015\n or a0, a0, a5\n"
        "  addi a6, a6, -1016\n or a0, a0, a6\n addi s2, s2, -1018\n or a0, a0, s2\n"
        "  addi s3, s3, -1019\n or a0, a0, s3\n addi s4, s4, -1020\n or a0, a0, s4\n"
        "  addi s5, s5, -1021\n or a0, a0, s5\n addi s6, s6, -1022\n or a0, a0, s6\n"
        "  addi s7, s7, -1023\n or a0, a0, s7\n addi s8, s8, -1024\n or a0, a0, s8\n"
        "  addi s9, s9, -1025\n or a0, a0, s9\n addi s10, s10, -1026\n or a0, a0, s10\n"
        "  addi s11, s11, -1027\n or a0, a0, s11\n addi t3, t3, -1028\n or a0, a0, t3\n"
        "  addi t4, t4, -1029\n or a0, a0, t4\n addi t5, t5, -1030\n or a0, a0, t5\n"
        "  addi t6, t6, -1031\n or a0, a0, t6\n"
        "  ld a2, 112(sp)\n"
        "  fsd fa0, 0(a2)\n fsd ft0, 8(a2)\n fsd fs11, 16(a2)\n fsd ft11, 24(a2)\n"
        "  ld ra, 0(sp)\n ld s0, 8(sp)\n ld s1, 16(sp)\n ld s2, 24(sp)\n ld s3, 32(sp)\n ld s4, 40(sp)\n"
        "  ld s5, 48(sp)\n ld s6, 56(sp)\n ld s7, 64(sp)\n ld s8, 72(sp)\n ld s9, 80(sp)\n"
        "  ld s10, 88(sp)\n ld s11, 96(sp)\n"
        "  addi sp, sp, 128\n"
        "  ret\n");

enum { ROUND_DOWN = 2 << 5, ROUND_UP = 3 << 5, DIVISION_BY_ZERO = 8, INVALID = 16 };

static void set_fcsr(unsigned long value)
{
    __asm__ volatile("fscsr %0" : : "r"(value));
}

static unsigned long get_fcsr(void)
{
    unsigned long value;

    __asm__ volatile("frcsr %0" : "=r"(value));
    return value;
}

static volatile double fa0_in_context;

static void clobber(int signal, siginfo_t *info, void *context)
{
    const ucontext_t *uc = context;

    (void)info;
    count++;
    last_signal = signal;
    memcpy((void *)&fa0_in_context, &uc->uc_mcontext.__fpregs.__d.__f[10], 8);
    __asm__ volatile("li t0, -1\n li t1, -1\n li t2, -1\n li t3, -1\n li t4, -1\n li t5, -1\n li t6, -1\n"
                     "li a3, -1\n li a4, -1\n li a5, -1\n li a6, -1\n li a7, -1\n"
                     "fcvt.d.w fa0, t0\n fcvt.d.w ft0, t0\n fcvt.d.w ft11, t0\n"
                     :
                     :
                     : "t0", "t1", "t2", "t3", "t4", "t5", "t6", "a3", "a4", "a5", "a6", "a7", "fa0",
                       "ft0", "ft11");
    set_fcsr(ROUND_UP | INVALID);
}

static void test_handlers(void)
{
    on(SIGUSR1, note, 0);
    check(raise(SIGUSR1) == 0 && count == 1 && last_signal == SIGUSR1, "raise runs the handler");
    check(last.si_signo == SIGUSR1 && last.si_code == SI_TKILL, "si_code of raise is SI_TKILL");
    check(last.si_pid == getpid() && last.si_uid == getuid(), "si_pid and si_uid are the sender's");
    kill(getpid(), SIGUSR1);
    check(count == 2 && last.si_code == SI_USER, "si_code of kill is SI_USER");
    kill(0, 0);
    check(kill(getpid(), 65) == -1 && errno == EINVAL, "signal 65 is EINVAL");
    check(count == 2, "signal 0 is none");

    const double before[4] = {1.5, -2.25, 1e300, 0.1};
    double after[4] = {0};
    on(SIGUSR1, clobber, 0);
    set_fcsr(ROUND_DOWN | DIVISION_BY_ZERO);
    long changed = registers_survive(getpid(), (double *)before, after);
    check(count == 1 && changed == 0, "a handler changes no integer register");
    check(memcmp(before, after, sizeof after) == 0, "nor a floating-point register");
    check(fa0_in_context == 1.5, "whose values are in the context");
    check(get_fcsr() == (ROUND_DOWN | DIVISION_BY_ZERO), "nor fcsr");
    set_fcsr(0);

    struct sigaction old, ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGUSR1, NULL, &old);
    check(old.sa_sigaction == clobber && (old.sa_flags & SA_SIGINFO), "sigaction tells the action");
    check(sigaction(SIGKILL, &ignore, NULL) == -1 && errno == EINVAL, "SIGKILL cannot be ignored");
    count = 0;
    sigaction(SIGUSR1, &ignore, NULL);
    raise(SIGUSR1);
    check(count == 0, "an ignored signal does nothing");
    signal(SIGCHLD, SIG_DFL);
    signal(SIGWINCH, SIG_DFL);
    signal(SIGURG, SIG_DFL);
    check(raise(SIGCHLD) + raise(SIGWINCH) + raise(SIGURG) + raise(SIGCONT) == 0,
          "SIGCHLD, SIGWINCH, SIGURG and SIGCONT are ignored by default");
    on(SIGUSR1, note, SA_RESETHAND);
    raise(SIGUSR1);
    sigaction(SIGUSR1, NULL, &old);
    check(count == 1 && old.sa_handler == SIG_DFL, "SA_RESETHAND: a handler for once");
}

/* --- masks and queues ----------------------------------------------------------------------------- */

static volatile int depth, deepest;

static void nest(int signal, siginfo_t *info, void *context)
{
    (void)info;
    (void)context;
    if (++depth > deepest)
        deepest = depth;
    if (++count < 4)
        raise(signal);
    depth--;
}

static void change_mask(int signal, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;

    (void)info;
    count += signal != 0;
    sigaddset(&uc->uc_sigmask, SIGHUP);
}

static void test_masks(void)
{
    on(SIGUSR1, note, 0);
    raise(SIGUSR1);
    check(sigismember(&mask_inside, SIGUSR1), "the signal is blocked in its handler");
    check(!sigismember(&mask_in_context, SIGUSR1), "uc_sigmask is the mask before");
    check(!is_blocked(SIGUSR1) && !is_blocked(SIGUSR2), "after the handler nothing is blocked");

    on(SIGUSR1, nest, 0);
    deepest = 0;
    raise(SIGUSR1);
    check(count == 4 && deepest == 1, "a handler that sends its own signal runs again afterwards");
    on(SIGUSR1, nest, SA_NODEFER);
    deepest = 0;
    raise(SIGUSR1);
    check(count == 4 && deepest == 4, "with SA_NODEFER at once");

    on(SIGUSR1, change_mask, 0);
    raise(SIGUSR1);
    check(count == 1 && is_blocked(SIGHUP), "a handler changes the mask through its context");
    block(SIG_UNBLOCK, SIGHUP, 0);

    sigset_t pending;
    on(SIGUSR1, note, 0);
    on(SIGUSR2, note, 0);
    block(SIG_BLOCK, SIGUSR1, SIGUSR2);
    raise(SIGUSR2);
    raise(SIGUSR1);
    raise(SIGUSR1);
    sigpending(&pending);
    check(count == 0 && sigismember(&pending, SIGUSR1) && sigismember(&pending, SIGUSR2),
          "a blocked signal is pending");
    block(SIG_UNBLOCK, SIGUSR1, SIGUSR2);
    check(count == 2, "sent twice it is delivered once");
    check(order[0] == SIGUSR2 && order[1] == SIGUSR1, "of two that come together the later one runs first");

    block(SIG_BLOCK, SIGUSR1, 0);
    raise(SIGUSR1);
    signal(SIGUSR1, SIG_IGN);
    on(SIGUSR1, note, 0);
    block(SIG_UNBLOCK, SIGUSR1, 0);
    check(count == 0, "ignoring a signal drops the pending one");

    sigset_t usr1 = set_of(SIGUSR1, 0);
    check(syscall(SYS_rt_sigprocmask, 7, &usr1, NULL, 8) == -1 && errno == EINVAL,
          "an unknown way to change the mask is EINVAL");
    check(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &usr1, NULL, 4) == -1 && errno == EINVAL,
          "so is a set of 4 bytes");
    check(syscall(SYS_rt_sigaction, 10, (void *)8, NULL, 8) == -1 && errno == EFAULT,
          "an action that cannot be read is EFAULT");
}

static volatile int values[8], value_count;

static void note_value(int signal, siginfo_t *info, void *context)
{
    note(signal, info, context);
    if (value_count < 8)
        values[value_count++] = info->si_value.sival_int;
}

static void test_queues(void)
{
    const int rt = SIGRTMIN + 1;
    on(rt, note_value, 0);
    block(SIG_BLOCK, rt, 0);
    for (int i = 1; i <= 3; i++)
        sigqueue(getpid(), rt, (union sigval){.sival_int = 100 + i});
    block(SIG_UNBLOCK, rt, 0);
    check(count == 3 && value_count == 3, "a real-time signal is delivered as often as it was sent");
    check(last.si_code == SI_QUEUE && last.si_pid == getpid(), "si_code of sigqueue is SI_QUEUE");
    check(values[0] + values[1] + values[2] == 306, "with its value");

    siginfo_t info = {0};
    sigset_t set = set_of(SIGUSR1, rt);
    struct timespec soon = {0, 5000000}, now = {0, 0};
    block(SIG_BLOCK, SIGUSR1, rt);
    on(SIGUSR1, note, 0);
    raise(SIGUSR1);
    check(sigwaitinfo(&set, &info) == SIGUSR1 && info.si_pid == getpid() && count == 0,
          "sigwaitinfo takes a signal without its handler");
    sigqueue(getpid(), rt, (union sigval){.sival_int = 42});
    check(sigtimedwait(&set, &info, &soon) == rt && info.si_value.sival_int == 42,
          "sigtimedwait tells the value");
    check(sigtimedwait(&set, &info, &now) == -1 && errno == EAGAIN, "it is EAGAIN when there is none");
    check(sigtimedwait(&set, &info, &soon) == -1 && errno == EAGAIN, "also after its time");
    block(SIG_UNBLOCK, SIGUSR1, rt);
    check(sigqueue(getpid(), 65, (union sigval){0}) == -1 && errno == EINVAL,
          "there is no signal 65 to queue");
}

/* --- the alternate stack -------------------------------------------------------------------------- */

static char alternate[64 * 1024] __attribute__((aligned(16)));
static volatile int stack_flags_inside, change_errno;
static volatile uintptr_t inner_sp;

static int is_on_alternate(uintptr_t sp)
{
    return sp >= (uintptr_t)alternate && sp < (uintptr_t)alternate + sizeof alternate;
}

static void on_stack(int signal, siginfo_t *info, void *context)
{
    stack_t now;
    stack_t other = {.ss_sp = alternate, .ss_size = sizeof alternate};

    note(signal, info, context);
    sigaltstack(NULL, &now);
    stack_flags_inside = now.ss_flags;
    change_errno = sigaltstack(&other, NULL) == -1 ? errno : 0;
    raise(SIGUSR2);
}

static void inner(int signal)
{
    int local;

    (void)signal;
    inner_sp = (uintptr_t)&local;
}

static volatile int bottom = 1;

static int __attribute__((noinline)) recurse(int n)
{
    volatile char room[4096];

    room[0] = (char)n;
    return n == bottom ? 0 : recurse(n + 1) + room[0];
}

static void leave(int signal, siginfo_t *info, void *context)
{
    note(signal, info, context);
    siglongjmp(escape, 1);
}

static void test_alternate_stack(void)
{
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate}, old, small = stack;
    small.ss_size = 1000;
    check(sigaltstack(&small, NULL) == -1 && errno == ENOMEM, "an alternate stack of 1000 bytes is ENOMEM");
    sigaltstack(&stack, &old);
    check(old.ss_flags == SS_DISABLE, "there is no alternate stack at first");

    on(SIGUSR1, on_stack, SA_ONSTACK);
    struct sigaction action = {.sa_handler = inner, .sa_flags = SA_ONSTACK};
    sigaction(SIGUSR2, &action, NULL);
    raise(SIGUSR1);
    check(is_on_alternate(handler_sp), "SA_ONSTACK: the handler runs on the alternate stack");
    check(stack_flags_inside == SS_ONSTACK, "which says that it is in use");
    check(change_errno == EPERM, "and cannot be changed");
    check(is_on_alternate(inner_sp) && inner_sp < handler_sp, "a handler inside goes on below");
    check(stack_in_context.ss_sp == alternate && stack_in_context.ss_size == sizeof alternate,
          "uc_stack is the alternate stack");
    on(SIGUSR1, note, 0);
    raise(SIGUSR1);
    check(!is_on_alternate(handler_sp), "without SA_ONSTACK it is not used");

    on(SIGSEGV, leave, SA_ONSTACK);
    int result = sigsetjmp(escape, 1) == 0 ? recurse(2) : -1;
    check(result == -1 && count == 1 && is_on_alternate(handler_sp),
          "a stack overflow is handled on the alternate stack");
    stack.ss_flags = SS_DISABLE;
    sigaltstack(&stack, NULL);
    sigaltstack(NULL, &old);
    check(old.ss_flags == SS_DISABLE && old.ss_size == 0, "the alternate stack can be given up");
}

/* --- faults --------------------------------------------------------------------------------------- */

static char *page;

static void repair(int signal, siginfo_t *info, void *context)
{
    note(signal, info, context);
    if (count > 1)
        _exit(99);
    mprotect(page, 4096, PROT_READ | PROT_WRITE);
}

static void skip(int signal, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;

    note(signal, info, context);
    uc->uc_mcontext.__gregs[REG_PC] += 4;
    uc->uc_mcontext.__gregs[REG_A0] = 4711;
}

static void test_faults(void)
{
    page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    on(SIGSEGV, repair, 0);
    page[8] = 7;
    check(count == 1 && page[8] == 7, "a handler repairs a page, and the store is made again");
    check(last.si_code == SEGV_ACCERR && last.si_addr == page + 8, "SEGV_ACCERR with the address");

    munmap(page, 4096);
    on(SIGSEGV, leave, 0);
    if (sigsetjmp(escape, 1) == 0)
        page[16] = 1;
    check(count == 1 && last.si_code == SEGV_MAPERR && last.si_addr == page + 16,
          "SEGV_MAPERR where nothing is mapped");
    check(!is_blocked(SIGSEGV), "siglongjmp puts the mask back");
    if (sigsetjmp(escape, 1) == 0)
        (void)*(volatile int *)0;
    check(count == 2 && last.si_addr == NULL, "a null pointer");
    if (sigsetjmp(escape, 1) == 0)
        ((void (*)(void))page)();
    check(count == 3 && last.si_addr == page && last_pc == (uintptr_t)page, "a jump to nowhere");
    if (sigsetjmp(escape, 1) == 0)
        *(volatile char *)test_faults = 0;
    check(count == 4 && last.si_code == SEGV_ACCERR, "a store to code");

    long a0;
    uintptr_t at;
    on(SIGILL, skip, 0);
    __asm__ volatile("la %1, 1f\n .option push\n .option norvc\n li a0, 1\n 1: .word 0xffffffff\n mv %0, a0\n"
                     ".option pop\n"
                     : "=r"(a0), "=&r"(at)
                     :
                     : "a0");
    check(count == 1 && last.si_code == ILL_ILLOPC && (uintptr_t)last.si_addr == at,
          "an illegal instruction: ILL_ILLOPC with its address");
    check(a0 == 4711, "the handler goes on behind it with another a0");
    on(SIGTRAP, skip, 0);
    __asm__ volatile("la %1, 1f\n .option push\n .option norvc\n li a0, 1\n 1: ebreak\n mv %0, a0\n .option pop\n"
                     : "=r"(a0), "=&r"(at)
                     :
                     : "a0");
    check(count == 1 && last.si_code == TRAP_BRKPT && last_pc == at && a0 == 4711,
          "an ebreak: TRAP_BRKPT at the ebreak");
    on(SIGABRT, leave, 0);
    if (sigsetjmp(escape, 1) == 0)
        abort();
    check(count == 1 && last_signal == SIGABRT, "abort sends SIGABRT");
}

static volatile int frames;
static volatile int found_main;
int main(int argc, char **argv);

static _Unwind_Reason_Code count_frame(struct _Unwind_Context *context, void *argument)
{
    uintptr_t start = (uintptr_t)_Unwind_FindEnclosingFunction((void *)_Unwind_GetIP(context));

    (void)argument;
    frames++;
    if (start == (uintptr_t)main)
        found_main = 1;
    return frames < 50 ? _URC_NO_REASON : _URC_END_OF_STACK;
}

static void unwind(int signal)
{
    (void)signal;
    _Unwind_Backtrace(count_frame, NULL);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        /* Ends by this signal. */
        printf("ends by signal %s\n", argv[1]);
        fflush(stdout);
        raise(atoi(argv[1]));
        printf("goes on\n");
        return 0;
    }
    test_handlers();
    test_masks();
    test_queues();
    test_alternate_stack();
    test_faults();
    signal(SIGUSR1, unwind);
    raise(SIGUSR1);
    check(found_main && frames > 3, "the unwinder finds its way through a handler's frame");
    printf("%d checks, %d failed\n", checks, failures);
    return failures != 0;
}
