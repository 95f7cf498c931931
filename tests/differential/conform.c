/*
 * What compilers and C libraries do with an instruction set, printed as text: the same bytes must come out
 * on every correct machine. Compiled and run by conform.test.ts, here and in QEMU.
 */
#include <fenv.h>
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#pragma STDC FENV_ACCESS ON

static uint64_t bits(double x) { uint64_t b; memcpy(&b, &x, sizeof b); return b; }
static double number(uint64_t b) { double x; memcpy(&x, &b, sizeof x); return x; }
static uint32_t bits32(float x) { uint32_t b; memcpy(&b, &x, sizeof b); return b; }

static const uint64_t INTEGERS[] = {
    0, 1, 2, 7, 63, 64, 255, 0x7fff, 0x8000, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000,
    0x7fffffffffffffff, 0x8000000000000000, 0x8000000000000001, 0xfffffffffffffffe, ~0ull,
    0x0123456789abcdef, 0xfedcba9876543210,
};
static const uint64_t DOUBLES[] = {
    0, 0x8000000000000000, 1, 0x000fffffffffffff, 0x0010000000000000, 0x0010000000000001,
    0x3cb0000000000000, 0x3fdfffffffffffff, 0x3fe0000000000000, 0x3fefffffffffffff,
    0x3ff0000000000000, 0x3ff0000000000001, 0xbff8000000000000, 0x4005bf0a8b145769,
    0x41dfffffffc00000, 0x41e0000000000000, 0x43dfffffffffffff, 0x43e0000000000000,
    0x7fefffffffffffff, 0x7ff0000000000000, 0xfff0000000000000, 0x7ff8000000000000,
    0x7ff0000000000001, 0xfff8000000000123,
};
#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static void integers(void)
{
    for (size_t i = 0; i < COUNT(INTEGERS); i++) {
        volatile uint64_t va = INTEGERS[i];
        uint64_t a = va;
        printf("clz %d ctz %d pop %d bswap %" PRIx64 "\n", a ? __builtin_clzll(a) : 64,
               a ? __builtin_ctzll(a) : 64, __builtin_popcountll(a), __builtin_bswap64(a));
        for (size_t j = 0; j < COUNT(INTEGERS); j++) {
            volatile uint64_t vb = INTEGERS[j];
            uint64_t b = vb;
            unsigned __int128 product = (unsigned __int128)a * b;
            __int128 signed_product = (__int128)(int64_t)a * (int64_t)b;
            printf("%" PRIx64 " %" PRIx64 " %" PRIx64 " %" PRIx64 "\n", (uint64_t)(product >> 64),
                   (uint64_t)product, (uint64_t)(signed_product >> 64), a - b);
            unsigned shift = b & 63;
            printf("%" PRIx64 " %" PRIx64 " %" PRIx64 " %d %d\n", a << shift, a >> shift,
                   (uint64_t)((int64_t)a >> shift), (int64_t)a < (int64_t)b, a < b);
            if (b == 0 || (b == ~0ull && a == 1ull << 63)) continue;
            printf("%" PRIx64 " %" PRIx64 " %" PRIx64 " %" PRIx64 "\n", a / b, a % b,
                   (uint64_t)((int64_t)a / (int64_t)b), (uint64_t)((int64_t)a % (int64_t)b));
            if ((uint32_t)b != 0)
                printf("%x %x\n", (uint32_t)a / (uint32_t)b, (uint32_t)a % (uint32_t)b);
        }
    }
}

static void flags(const char *what, uint64_t result)
{
    printf("%s %" PRIx64 " %x\n", what, result, (unsigned)fetestexcept(FE_ALL_EXCEPT));
    feclearexcept(FE_ALL_EXCEPT);
}

static void floats(void)
{
    static const int MODES[] = { FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD, FE_UPWARD };
    for (size_t m = 0; m < COUNT(MODES); m++) {
        fesetround(MODES[m]);
        feclearexcept(FE_ALL_EXCEPT);
        for (size_t i = 0; i < COUNT(DOUBLES); i++) {
            volatile double a = number(DOUBLES[i]);
            volatile float fa = (float)a;
            flags("sqrt", bits(sqrt(a)));
            flags("single", bits32(fa));
            flags("rint", bits(rint(a)));
            flags("lrint", (uint64_t)lrint(a));
            flags("long", (uint64_t)(int64_t)a);
            flags("unsigned", (uint64_t)a);
            flags("int", (uint64_t)(int32_t)fa);
            for (size_t j = 0; j < COUNT(DOUBLES); j++) {
                volatile double b = number(DOUBLES[j]), c = number(DOUBLES[(i + j) % COUNT(DOUBLES)]);
                volatile float fb = (float)b;
                feclearexcept(FE_ALL_EXCEPT);
                flags("+", bits(a + b));
                flags("*", bits(a * b));
                flags("/", bits(a / b));
                flags("fma", bits(fma(a, b, c)));
                flags("s+", bits32(fa + fb));
                flags("s*", bits32(fa * fb));
                flags("s/", bits32(fa / fb));
                flags("sfma", bits32(fmaf(fa, fb, (float)c)));
                flags("min", bits(fmin(a, b)));
                flags("max", bits(fmax(a, b)));
                flags("<", (uint64_t)(a < b) << 2 | (uint64_t)(a <= b) << 1 | (uint64_t)(a == b));
            }
        }
    }
    fesetround(FE_TONEAREST);
}

static void library(void)
{
    for (size_t i = 0; i < COUNT(DOUBLES); i++) {
        double x = number(DOUBLES[i]);
        printf("%a %.17g %g %.3f\n", x, x, x, fabs(x) < 1e20 ? x : 0);
        printf("%" PRIx64 " %" PRIx64 " %" PRIx64 " %" PRIx64 "\n", bits(sin(x)), bits(exp(x / 3)),
               bits(log(fabs(x))), bits(pow(fabs(x), 0.7)));
        long double quad = (long double)x * 3.0L + 1.0L / 7;
        printf("%.30Lg %" PRIx64 "\n", quad, bits((double)sqrtl(fabsl(quad))));
    }
    printf("%.17g %.17g %.17g\n", strtod("0x1.8p-1074", NULL), strtod("1e-310", NULL),
           strtod("179769313486231580793e289", NULL));
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void memory(void)
{
    static uint8_t buffer[16384];
    uint32_t seed = 12345, sum = 0;
    for (size_t i = 0; i < sizeof buffer; i++) buffer[i] = (uint8_t)((seed = seed * 1103515245 + 12345) >> 16);
    for (int i = 0; i < 400; i++) {
        size_t length = (seed = seed * 1103515245 + 12345) >> 19, from = i * 7 % 5000, to = i * 13 % 5000;
        memmove(buffer + to, buffer + from, length);
        uint64_t word;
        memcpy(&word, buffer + 4096 * (1 + i % 3) - i % 9, sizeof word);
        sum = sum * 31 + (uint32_t)(word ^ word >> 32) + (uint32_t)memcmp(buffer, buffer + i, 64);
    }
    qsort(buffer, sizeof buffer / 4, 4, compare);
    for (size_t i = 0; i < sizeof buffer; i += 64) sum = sum * 31 + buffer[i];
    printf("memory %x\n", sum);
}

static _Thread_local int per_thread = 7;

static void atomics(void)
{
    static _Atomic uint64_t wide = 5;
    static _Atomic uint32_t narrow = 0xfffffff0;
    static _Atomic uint8_t bytes[8];
    uint64_t expected = 6;
    int first = atomic_compare_exchange_strong(&wide, &expected, 9);
    int second = atomic_compare_exchange_strong(&wide, &expected, 9);
    printf("%d %d %" PRIu64 "\n", first, second, (uint64_t)wide);
    for (int i = 0; i < 40; i++) {
        atomic_fetch_add(&narrow, 3);
        atomic_fetch_xor(&wide, narrow);
        atomic_fetch_add(&bytes[i % 8], (uint8_t)i);
    }
    printf("%x %" PRIx64 " %x %d\n", narrow, (uint64_t)wide, bytes[5], per_thread++);
}

/* Writes functions into memory and calls them: code that changes under the same address. */
static void generated(void)
{
    uint32_t *code = mmap(NULL, 8192, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint64_t total = 0;
    for (uint32_t i = 0; i < 300; i++) {
        uint32_t *at = code + 1022 + i % 4; /* some of them across two pages */
        at[0] = 0x00000513 | (i << 20);      /* addi a0, zero, i */
        at[1] = 0x00008067;                  /* ret */
        __asm__ volatile("fence.i" ::: "memory");
        total = total * 31 + ((uint64_t (*)(void))(uintptr_t)at)();
    }
    printf("generated %" PRIx64 "\n", total);
}

static uint64_t steps(uint64_t n)
{
    static const void *const places[] = { &&odd, &&even };
    uint64_t count = 0;
next:
    if (n == 1) return count;
    count++;
    goto *places[n % 2 == 0];
odd:
    n = 3 * n + 1;
    goto next;
even:
    n /= 2;
    goto next;
}

static void control(void)
{
    jmp_buf place;
    volatile int round = 0;
    if (setjmp(place) < 5) longjmp(place, ++round);
    uint64_t sum = 0;
    for (uint64_t n = 1; n < 300; n++) sum = sum * 7 + steps(n);
    printf("%d %" PRIx64 "\n", round, sum);
}

int main(void)
{
    integers();
    floats();
    library();
    memory();
    atomics();
    generated();
    control();
    return 0;
}
