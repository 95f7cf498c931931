/* Line-buffered output: one write per line, so lines of several harts do not mix. */
#include "guest.h"

static char buffer[256];
static size_t used;

void print_flush(void)
{
    write_output(buffer, used);
    used = 0;
}

void print_char(char c)
{
    if (used == sizeof buffer)
        print_flush();
    buffer[used++] = c;
    if (c == '\n')
        print_flush();
}

void print_text(const char *text)
{
    while (*text)
        print_char(*text++);
}

void print_unsigned(uint64_t value)
{
    char digits[20]; /* 2^64 has 20 */
    int count = 0;
    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    while (count > 0)
        print_char(digits[--count]);
}

void print_signed(int64_t value)
{
    if (value < 0)
        print_char('-');
    print_unsigned(value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void print_hex(uint64_t value, unsigned digits)
{
    while (digits-- > 0)
        print_char("0123456789abcdef"[value >> (4 * digits) & 15]);
}

/* A number from 0 up to 10^15, to six decimals, trailing zeros left out. */
static void print_fixed(double value)
{
    uint64_t whole = (uint64_t)value;
    uint64_t millionths = (uint64_t)((value - (double)whole) * 1e6 + 0.5);
    if (millionths == 1000000) {
        whole++;
        millionths = 0;
    }
    print_unsigned(whole);
    if (millionths == 0)
        return;
    print_char('.');
    for (uint64_t place = 100000; millionths > 0; place /= 10) {
        print_char((char)('0' + millionths / place));
        millionths %= place;
    }
}

void print_double(double value)
{
    if (value != value) {
        print_text("nan");
        return;
    }
    if (value < 0) {
        print_char('-');
        value = -value;
    }
    if (value > 1.7976931348623157e308) {
        print_text("inf");
        return;
    }
    if (value == 0 || (value >= 1e-4 && value < 1e15)) {
        print_fixed(value);
        return;
    }
    int exponent = 0;
    for (; value >= 10; value /= 10)
        exponent++;
    for (; value < 1; value *= 10)
        exponent--;
    print_fixed(value);
    print_char('e');
    print_signed(exponent);
}
