/*
 * An interpreter of bytecode counts primes by trial division. Each of its instructions is one
 * indirect jump through the table of a switch, so this is what programs in Lua or Python are made of.
 */
#include "guest.h"

enum { LIMIT = 3000, PRIMES = 430, REGISTERS = 16 };

enum operation {
    HALT,      /* the result is a */
    CONSTANT,  /* a = bc, a number of 16 bits */
    MOVE,      /* a = b */
    ADD,       /* a = b + c */
    ADD_SMALL, /* a = b + c, where c is the number itself */
    MULTIPLY,  /* a = b * c */
    REMAINDER, /* a = b % c */
    JUMP,      /* to bc */
    IF_ZERO,   /* when a is 0, to bc */
    IF_LESS,   /* when a < b, c instructions on */
    CALL,      /* bc, and come back to the next one */
    RETURN,
};

/* One instruction: its operation in bits 0 to 7, then a, b and c in eight bits each. */
#define CODE(operation, a, b, c) \
    ((uint32_t)(operation) | (uint32_t)(a) << 8 | (uint32_t)(b) << 16 | (uint32_t)(c) << 24)
#define CODE_WIDE(operation, a, bc) CODE(operation, a, (bc) & 255, (bc) >> 8)

enum register_name { NUMBER, COUNT, END, DIVISOR, SQUARE, REST, IS_PRIME };
enum { NEXT = 3, IS_PRIME_FUNCTION = 10, DIVIDE = 12, PRIME = 18, COMPOSITE = 20 };

static const uint32_t program[] = {
    /*  0 */ CODE_WIDE(CONSTANT, NUMBER, 2),
    /*  1 */ CODE_WIDE(CONSTANT, COUNT, 0),
    /*  2 */ CODE_WIDE(CONSTANT, END, LIMIT),
    /*  3 */ CODE(IF_LESS, NUMBER, END, 1), /* NEXT */
    /*  4 */ CODE(HALT, COUNT, 0, 0),
    /*  5 */ CODE_WIDE(CALL, 0, IS_PRIME_FUNCTION),
    /*  6 */ CODE(ADD, COUNT, COUNT, IS_PRIME),
    /*  7 */ CODE(ADD_SMALL, NUMBER, NUMBER, 1),
    /*  8 */ CODE_WIDE(JUMP, 0, NEXT),
    /*  9 */ CODE(HALT, COUNT, 0, 0),
    /* 10 */ CODE_WIDE(CONSTANT, DIVISOR, 2), /* IS_PRIME_FUNCTION */
    /* 11 */ CODE(MOVE, IS_PRIME, DIVISOR, 0),
    /* 12 */ CODE(MULTIPLY, SQUARE, DIVISOR, DIVISOR), /* DIVIDE */
    /* 13 */ CODE(IF_LESS, NUMBER, SQUARE, PRIME - 14),
    /* 14 */ CODE(REMAINDER, REST, NUMBER, DIVISOR),
    /* 15 */ CODE_WIDE(IF_ZERO, REST, COMPOSITE),
    /* 16 */ CODE(ADD_SMALL, DIVISOR, DIVISOR, 1),
    /* 17 */ CODE_WIDE(JUMP, 0, DIVIDE),
    /* 18 */ CODE_WIDE(CONSTANT, IS_PRIME, 1), /* PRIME */
    /* 19 */ CODE(RETURN, 0, 0, 0),
    /* 20 */ CODE_WIDE(CONSTANT, IS_PRIME, 0), /* COMPOSITE */
    /* 21 */ CODE(RETURN, 0, 0, 0),
};

NOINLINE int64_t interpret(const uint32_t *code)
{
    int64_t registers[REGISTERS] = { 0 };
    const uint32_t *next = code, *after_call = code;
    for (;;) {
        uint32_t word = *next++;
        int64_t *a = &registers[word >> 8 & 15];
        int64_t b = registers[word >> 16 & 15], c = registers[word >> 24 & 15];
        uint32_t wide = word >> 16;
        switch ((enum operation)(word & 15)) {
        case HALT:
            return *a;
        case CONSTANT:
            *a = wide;
            break;
        case MOVE:
            *a = b;
            break;
        case ADD:
            *a = b + c;
            break;
        case ADD_SMALL:
            *a = b + (word >> 24);
            break;
        case MULTIPLY:
            *a = b * c;
            break;
        case REMAINDER:
            *a = b % c;
            break;
        case JUMP:
            next = code + wide;
            break;
        case IF_ZERO:
            if (*a == 0)
                next = code + wide;
            break;
        case IF_LESS:
            if (*a < b)
                next += word >> 24;
            break;
        case CALL:
            after_call = next;
            next = code + wide;
            break;
        case RETURN:
            next = after_call;
            break;
        }
    }
}

static uint64_t kernel(void)
{
    return (uint64_t)interpret(program);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return benchmark("bytecode3000", argc, argv, kernel, PRIMES);

    print_signed(interpret(program));
    print_text(" primes up to ");
    print_unsigned(LIMIT);
    print_char('\n');
    return 0;
}
