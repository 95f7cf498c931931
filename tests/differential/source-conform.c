// A program whose variables have types and places of all kinds, for comparing with gdb. The function
// `checkpoint` is where both debuggers stop.
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum colour { RED, GREEN = 5, BLUE };
enum flags { READABLE = 1, WRITABLE = 2, RUNNABLE = 4 };

struct point {
  int x, y;
};

struct bits {
  unsigned low : 3;
  signed middle : 7;
  unsigned long wide : 40;
  bool flag : 1;
};

struct node {
  const char *name;
  struct node *next;
  struct point at;
  union {
    int number;
    float real;
  };
  enum colour colour;
  double weights[3];
};

typedef struct point point_t;
typedef int (*operation)(int, int);

static int counter = 41;
const char greeting[] = "hello\tworld\n";
struct node list[2] = {
    {"first", &list[1], {1, 2}, {3}, RED, {0.5, 1.0 / 3, -1e300}},
    {"second", NULL, {-1, -2}, {.real = 1.5f}, BLUE, {0}},
};
_Thread_local int thread_value = 7;

__attribute__((noinline)) void checkpoint(int number) {
  counter += number;
  __asm__ volatile("" : : "r"(number) : "memory");
}

static inline __attribute__((always_inline)) int twice(int value) {
  int result = value * 2;
  checkpoint(result);
  return result + 1;
}

static inline __attribute__((always_inline)) int four_times(int value) {
  int half = 0;
  half = twice(value);
  return half + twice(half);
}

__attribute__((noinline)) int add(int left, int right) { return left + right; }

__attribute__((noinline)) int recurse(int depth, const char *text) {
  int local = depth * 3, below = 0;
  if (depth == 0) {
    checkpoint(local);
    return local;
  }
  below = recurse(depth - 1, text + 1);
  return below + local;
}

__attribute__((noinline)) long scalars(char c, signed char sc, unsigned char uc, short s,
                                       unsigned u, long l, float f, double d) {
  bool yes = s > 0;
  int64_t i64 = l * 2;
  uint8_t u8 = uc + 1;
  volatile double sum = f + d;
  enum colour colour = yes ? BLUE : GREEN;
  enum flags flags = READABLE | RUNNABLE;
  checkpoint(1);
  return c + sc + uc + s + u + l + (long)sum + colour + flags + i64 + u8;
}

__attribute__((noinline)) int aggregates(struct point by_value, point_t *by_pointer, int count) {
  int matrix[2][3] = {{1, 2, 3}, {4, 5, 6}};
  int vla[count];
  for (int i = 0; i < count; i++) vla[i] = i * i;
  char text[24] = "abc";
  unsigned char bytes[4] = {1, 0x41, 0xff, 0};
  int zeros[40] = {0};
  struct bits bits = {5, -3, 0x123456789, true};
  struct node *head = list;
  operation op = add;
  void *nothing = NULL;
  const struct point *const fixed = by_pointer;
  zeros[39] = 9;
  checkpoint(2);
  int sum = op(matrix[1][2], vla[count - 1]) + text[0] + bytes[1] + zeros[39] + (int)bits.wide +
            head->at.x + fixed->y + by_value.x + (nothing != NULL);
  {
    int sum = by_value.y;
    long inner = sum + 1;
    checkpoint((int)inner);
  }
  return sum;
}

__attribute__((noinline)) int variadic(int count, ...) {
  va_list list;
  va_start(list, count);
  int sum = 0;
  for (int i = 0; i < count; i++) sum += va_arg(list, int);
  va_end(list);
  checkpoint(sum);
  return sum;
}

static void handler(int signal) { checkpoint(signal); }

__attribute__((noinline)) int interrupted(int value) {
  int before = value + 1;
  raise(SIGUSR1);
  return before;
}

static int compare(const void *left, const void *right) {
  int a = *(const int *)left, b = *(const int *)right;
  if (a == 3 && b != 3) checkpoint(b);
  return a - b;
}

int main(int argc, char **argv) {
  (void)argv;
  int numbers[] = {5, 3, 1, 4};
  struct point origin = {10, 20};
  long total = four_times(argc + 4);
  total += recurse(3, "recursion");
  total += scalars('a', -2, 200, -300, 4000000000u, -5000000000, 0.1f, 1e-7);
  total += aggregates(origin, &origin, 4 + argc);
  total += variadic(3, 1, 2, 3);
  signal(SIGUSR1, handler);
  total += interrupted(argc);
  qsort(numbers, 4, sizeof *numbers, compare);
  thread_value += numbers[0];
  printf("%ld %d %d %s", total, counter, thread_value, greeting);
  return 0;
}
