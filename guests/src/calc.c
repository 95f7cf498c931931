/*
 * A line calculator: reads an expression, prints its value or says at which column it is wrong.
 *
 *   sum     = product { ("+" | "-") product }
 *   product = factor { ("*" | "/") factor }
 *   factor  = "-" factor | "+" factor | "(" sum ")" | number
 *   number  = digit { digit } [ "." { digit } ] | "." digit { digit }
 *
 * One function per rule, so the call stack is the syntax tree's branch: stop in `number` and look.
 */
#include "guest.h"

enum { MAXIMUM_DEPTH = 100 };

struct parser {
    const char *line;
    size_t at;         /* index of the next character */
    unsigned depth;    /* nested factors, limited to bound the stack */
    const char *error; /* the first error, or 0 */
    size_t error_at;
};

static double sum(struct parser *p);

/* Remembers the first error only: what follows it is noise. */
static void fail(struct parser *p, size_t at, const char *error)
{
    if (p->error)
        return;
    p->error = error;
    p->error_at = at;
}

static char next_character(struct parser *p)
{
    while (p->line[p->at] == ' ' || p->line[p->at] == '\t')
        p->at++;
    return p->line[p->at];
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static NOINLINE double number(struct parser *p)
{
    size_t start = p->at, digits = 0;
    double value = 0, scale = 1;

    for (; is_digit(p->line[p->at]); p->at++, digits++)
        value = value * 10 + (p->line[p->at] - '0');
    if (p->line[p->at] == '.') {
        p->at++;
        for (; is_digit(p->line[p->at]); p->at++, digits++) {
            value = value * 10 + (p->line[p->at] - '0');
            scale *= 10;
        }
    }
    if (digits == 0)
        fail(p, start, "expected a number or '('");
    return value / scale;
}

static NOINLINE double factor(struct parser *p)
{
    double value;
    char c = next_character(p);
    size_t start = p->at;

    if (p->depth >= MAXIMUM_DEPTH) {
        fail(p, start, "nested too deep");
        return 0;
    }
    p->depth++;
    if (c == '-') {
        p->at++;
        value = -factor(p);
    } else if (c == '+') {
        p->at++;
        value = factor(p);
    } else if (c == '(') {
        p->at++;
        value = sum(p);
        if (next_character(p) == ')')
            p->at++;
        else
            fail(p, p->at, "expected ')' or an operator");
    } else {
        value = number(p);
    }
    p->depth--;
    return value;
}

static NOINLINE double product(struct parser *p)
{
    double value = factor(p);
    for (;;) {
        char operation = next_character(p);
        size_t start = p->at;
        if (p->error || (operation != '*' && operation != '/'))
            return value;
        p->at++;
        double right = factor(p);
        if (operation == '*') {
            value *= right;
        } else if (right == 0) {
            fail(p, start, "division by zero");
        } else {
            value /= right;
        }
    }
}

static NOINLINE double sum(struct parser *p)
{
    double value = product(p);
    for (;;) {
        char operation = next_character(p);
        if (p->error || (operation != '+' && operation != '-'))
            return value;
        p->at++;
        double right = product(p);
        value = operation == '+' ? value + right : value - right;
    }
}

static NOINLINE void calculate(const char *line)
{
    struct parser p = { .line = line };
    if (next_character(&p) == 0)
        return; /* an empty line is no mistake */
    double value = sum(&p);
    if (next_character(&p) != 0)
        fail(&p, p.at, "expected an operator");
    if (p.error) {
        print_text("column ");
        print_unsigned(p.error_at + 1);
        print_text(": ");
        print_text(p.error);
    } else {
        print_text("= ");
        print_double(value);
    }
    print_char('\n');
}

int main(void)
{
    char line[200];

    print_text("Type an expression with + - * / and parentheses, or quit.\n");
    for (;;) {
        print_text("> ");
        int length = read_line(line, sizeof line);
        if (length == LINE_END_OF_INPUT) {
            print_char('\n');
            return 0;
        }
        if (length == LINE_TOO_LONG) {
            print_text("The line is too long; at most ");
            print_unsigned(sizeof line - 1);
            print_text(" characters.\n");
            continue;
        }
        if (text_equal(line, "quit"))
            return 0;
        calculate(line);
    }
}
