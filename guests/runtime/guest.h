/*
 * The runtime of the bundled guests: everything a guest may call.
 *
 * It exists twice. `system-riscv64.c` with `start.S` and `start.c` speaks to
 * the kernel by itself, so a guest stays a few kilobytes and every instruction
 * in it can be read. `system-hosted.c` has the same functions over a C library,
 * to build the same sources for the machine you sit at.
 */
#ifndef GUEST_H
#define GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Keeps a function whole, so that it can be found, stopped at and stepped out of. */
#define NOINLINE __attribute__((noinline, noclone))

/* The compiler must assume that memory was read and written here. */
#define MEMORY_BARRIER() __asm__ volatile("" ::: "memory")

/* ---- system: one of the two implementations ------------------------------ */

/* Writes all bytes to file descriptor 1; gives up silently when it is closed. */
void write_output(const char *bytes, size_t count);

/* Reads up to `count` bytes from file descriptor 0: how many, 0 at the end, negative on error. */
long read_input(char *bytes, size_t count);

/* The monotonic clock in nanoseconds. */
uint64_t clock_ns(void);

/* Ends the program. */
void exit_guest(int status) __attribute__((noreturn));

/* ---- print.c: line-buffered output --------------------------------------- */

void print_char(char c);
void print_text(const char *text);
void print_unsigned(uint64_t value);
void print_signed(int64_t value);
void print_hex(uint64_t value, unsigned digits); /* without a prefix */
void print_double(double value);                 /* at most 6 decimals, no trailing zeros */
void print_flush(void);                          /* a newline flushes by itself */

/* ---- input.c -------------------------------------------------------------- */

enum { LINE_END_OF_INPUT = -1, LINE_TOO_LONG = -2 };

/*
 * Reads one line without its newline, ends it with a zero byte and returns its length.
 * A line of `capacity` bytes or more is skipped whole: LINE_TOO_LONG.
 */
int read_line(char *line, size_t capacity);

/* Reads a decimal number that fills the whole text; false when it is none or too big. */
bool parse_unsigned(const char *text, uint64_t *value);

bool text_equal(const char *a, const char *b);

/* ---- benchmark.c ---------------------------------------------------------- */

/*
 * Times a kernel: argv[1] is the calls per sample (0: as many as fill 100 ms), argv[2] the number
 * of samples (11 when absent). Prints one line and returns the exit status: 0, 1 when the kernel's
 * result is not `expected`, 2 on wrong use.
 */
int benchmark(const char *name, int argc, char **argv, uint64_t (*kernel)(void),
          uint64_t expected);

#ifdef __cplusplus
}
#endif

#endif
