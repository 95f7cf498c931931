/* SHA-256 (FIPS 180-4) of 64 KiB: 32-bit rotations, sums and logic. */
#include "guest.h"

enum { BLOCK = 64, MESSAGE = 64 * 1024, DIGEST_WORDS = 8 };

/* The first 64 bits of the digest of what main fills in. */
static const uint64_t EXPECTED = 0xa6a98d7f309f68d8;

static uint8_t message[MESSAGE];

/* The first 32 bits of the fractions of the cube roots of the first 64 primes. */
static const uint32_t K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static inline uint32_t rotate_right(uint32_t x, unsigned bits)
{
    return x >> bits | x << (32 - bits);
}

static inline uint32_t load_big_endian(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Section 6.2.2: one block of 64 bytes into the hash value. */
static void hash_block(uint32_t hash[DIGEST_WORDS], const uint8_t *block)
{
    uint32_t w[64];
    for (int t = 0; t < 16; t++)
        w[t] = load_big_endian(block + 4 * t);
    for (int t = 16; t < 64; t++) {
        uint32_t x = w[t - 15], y = w[t - 2];
        uint32_t sigma0 = rotate_right(x, 7) ^ rotate_right(x, 18) ^ x >> 3;
        uint32_t sigma1 = rotate_right(y, 17) ^ rotate_right(y, 19) ^ y >> 10;
        w[t] = sigma1 + w[t - 7] + sigma0 + w[t - 16];
    }

    uint32_t a = hash[0], b = hash[1], c = hash[2], d = hash[3];
    uint32_t e = hash[4], f = hash[5], g = hash[6], h = hash[7];
    for (int t = 0; t < 64; t++) {
        uint32_t sum1 = rotate_right(e, 6) ^ rotate_right(e, 11) ^ rotate_right(e, 25);
        uint32_t sum0 = rotate_right(a, 2) ^ rotate_right(a, 13) ^ rotate_right(a, 22);
        uint32_t choice = (e & f) ^ (~e & g);
        uint32_t majority = (a & b) ^ (a & c) ^ (b & c);
        uint32_t t1 = h + sum1 + choice + K[t] + w[t];
        uint32_t t2 = sum0 + majority;
        h = g, g = f, f = e, e = d + t1;
        d = c, c = b, b = a, a = t1 + t2;
    }
    hash[0] += a, hash[1] += b, hash[2] += c, hash[3] += d;
    hash[4] += e, hash[5] += f, hash[6] += g, hash[7] += h;
}

/* Whole blocks only, so the padding is a block of its own: a one bit, zeros, the length in bits. */
NOINLINE void sha256(uint32_t hash[DIGEST_WORDS], const uint8_t *bytes, size_t count)
{
    static const uint32_t initial[DIGEST_WORDS] = {
        0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
    };
    for (int i = 0; i < DIGEST_WORDS; i++)
        hash[i] = initial[i];
    for (size_t at = 0; at < count; at += BLOCK)
        hash_block(hash, bytes + at);

    uint8_t padding[BLOCK] = { 0x80 };
    for (int i = 0; i < 8; i++)
        padding[BLOCK - 1 - i] = (uint8_t)((uint64_t)count * 8 >> (8 * i));
    hash_block(hash, padding);
}

static uint64_t kernel(void)
{
    uint32_t hash[DIGEST_WORDS];
    sha256(hash, message, MESSAGE);
    return (uint64_t)hash[0] << 32 | hash[1];
}

int main(int argc, char **argv)
{
    uint32_t x = 1;
    for (int i = 0; i < MESSAGE; i++) {
        x = x * 1664525 + 1013904223; /* a linear congruential generator */
        message[i] = (uint8_t)(x >> 24);
    }
    if (argc > 1)
        return benchmark("sha256_64K", argc, argv, kernel, EXPECTED);

    uint32_t hash[DIGEST_WORDS];
    sha256(hash, message, MESSAGE);
    print_text("sha256 of 64 KiB = ");
    for (int i = 0; i < DIGEST_WORDS; i++)
        print_hex(hash[i], 8);
    print_char('\n');
    return 0;
}
