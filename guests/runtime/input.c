/* Lines from the terminal (or a pipe: a read may bring half a line, or several). */
#include "guest.h"

static char buffer[256];
static size_t used, taken;

/* The next byte, or -1 at the end of input. */
static int next_byte(void)
{
    if (taken == used) {
        long received = read_input(buffer, sizeof buffer);
        if (received <= 0)
            return -1;
        used = (size_t)received;
        taken = 0;
    }
    return (unsigned char)buffer[taken++];
}

int read_line(char *line, size_t capacity)
{
    size_t length = 0;
    int byte;

    print_flush(); /* a prompt has no newline */
    while ((byte = next_byte()) >= 0 && byte != '\n') {
        if (length < capacity)
            line[length] = (char)byte;
        length++;
    }
    if (byte < 0 && length == 0)
        return LINE_END_OF_INPUT;
    if (length >= capacity)
        return LINE_TOO_LONG;
    line[length] = 0;
    return (int)length;
}

bool parse_unsigned(const char *text, uint64_t *value)
{
    uint64_t result = 0;
    if (*text == 0)
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return false;
        if (__builtin_mul_overflow(result, 10u, &result) ||
            __builtin_add_overflow(result, (uint64_t)(*text - '0'), &result))
            return false;
    }
    *value = result;
    return true;
}

bool text_equal(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}
