/*
 * A mix of integer work as programs have it: a linked list is reversed and searched, a small
 * matrix multiplied, text classified by a state machine, and all results folded into a CRC-16.
 */
#include "guest.h"

enum { NODES = 64, SIZE = 12, ROUNDS = 100, CHECK = 0x8302 };

struct node {
    struct node *next;
    int32_t value;
};

static struct node nodes[NODES];
static int16_t left[SIZE][SIZE], right[SIZE][SIZE];
static int32_t result[SIZE][SIZE];
static const char text[] = "17,-4,3.25,6e7,+8,0b11,.5,9.9e-2,,2e,77.0,12x,-.75,400,1.5e3z,6,";

/* CRC-16 (polynomial 0x8005, bits reversed) over the 32 bits of `value`. */
static uint16_t crc16(uint16_t crc, uint32_t value)
{
    for (int bit = 0; bit < 32; bit++) {
        bool carry = (crc ^ value) & 1;
        crc >>= 1;
        value >>= 1;
        if (carry)
            crc ^= 0xa001;
    }
    return crc;
}

static NOINLINE struct node *reverse(struct node *list)
{
    struct node *reversed = 0;
    while (list) {
        struct node *next = list->next;
        list->next = reversed;
        reversed = list;
        list = next;
    }
    return reversed;
}

/* The sum of the values whose low four bits equal `key`'s. */
static NOINLINE int32_t search(const struct node *list, int32_t key)
{
    int32_t sum = 0;
    for (; list; list = list->next)
        if (((list->value ^ key) & 15) == 0)
            sum += list->value;
    return sum;
}

static NOINLINE int32_t multiply(int32_t offset)
{
    int32_t trace = 0;
    for (int row = 0; row < SIZE; row++)
        for (int column = 0; column < SIZE; column++) {
            int32_t sum = offset;
            for (int k = 0; k < SIZE; k++)
                sum += left[row][k] * right[k][column];
            result[row][column] = sum;
        }
    for (int i = 0; i < SIZE; i++)
        trace += result[i][i];
    return trace;
}

enum state { EMPTY, WHOLE, FRACTION, EXPONENT, INVALID, STATES };

static enum state advance(enum state state, char c)
{
    bool digit = c >= '0' && c <= '9';
    switch (state) {
    case EMPTY:
        if (c == '+' || c == '-')
            return EMPTY;
        return digit ? WHOLE : c == '.' ? FRACTION : INVALID;
    case WHOLE:
        return digit ? WHOLE : c == '.' ? FRACTION : c == 'e' ? EXPONENT : INVALID;
    case FRACTION:
        return digit ? FRACTION : c == 'e' ? EXPONENT : INVALID;
    case EXPONENT:
        return digit || c == '-' ? EXPONENT : INVALID;
    default:
        return INVALID;
    }
}

/* How many of the comma-separated fields end in each state, packed into one number. */
static NOINLINE uint32_t classify(const char *fields)
{
    uint32_t counts[STATES] = { 0 }, packed = 0;
    enum state state = EMPTY;
    for (; *fields; fields++) {
        if (*fields == ',') {
            counts[state]++;
            state = EMPTY;
        } else {
            state = advance(state, *fields);
        }
    }
    for (int i = 0; i < STATES; i++)
        packed = packed * 7 + counts[i];
    return packed;
}

NOINLINE uint16_t intmix(uint16_t crc, int32_t seed)
{
    struct node *list = reverse(&nodes[0]);
    crc = crc16(crc, (uint32_t)search(list, seed));
    reverse(list);
    crc = crc16(crc, (uint32_t)multiply(seed));
    return crc16(crc, classify(text));
}

static void fill(void)
{
    for (int i = 0; i < NODES; i++) {
        nodes[i].next = i + 1 < NODES ? &nodes[i + 1] : 0;
        nodes[i].value = i * 73 & 1023;
    }
    for (int row = 0; row < SIZE; row++)
        for (int column = 0; column < SIZE; column++) {
            left[row][column] = (int16_t)(row * 3 + column);
            right[row][column] = (int16_t)(row - column * 2);
        }
}

static uint64_t kernel(void)
{
    uint16_t crc = 0xffff;
    for (int round = 0; round < ROUNDS; round++)
        crc = intmix(crc, round);
    return crc;
}

int main(int argc, char **argv)
{
    fill();
    if (argc > 1)
        return benchmark("intmix100", argc, argv, kernel, CHECK);

    print_text("crc16 of 100 rounds = 0x");
    print_hex(kernel(), 4);
    print_char('\n');
    return 0;
}
