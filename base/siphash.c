/* SPDX-License-Identifier: Apache-2.0 */
#include "base/siphash.h"

#include <endian.h>
#include <stdbool.h>
#include <string.h>

#define ROTL(x, b) ((x) << (b) | (x) >> (64 - (b)))

struct state {
    uint64_t v0, v1, v2, v3;
};

static inline void sip_round(struct state *s)
{
    s->v0 += s->v1;
    s->v1 = ROTL(s->v1, 13) ^ s->v0;
    s->v0 = ROTL(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = ROTL(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = ROTL(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = ROTL(s->v1, 17) ^ s->v2;
    s->v2 = ROTL(s->v2, 32);
}

static inline void compress(struct state *s, uint64_t word)
{
    s->v3 ^= word;
    sip_round(s);
    s->v0 ^= word;
}

/* The same number on every machine, so that a fixed key gives the same tables everywhere. */
static inline uint64_t load(const uint8_t *p)
{
    uint64_t word;

    memcpy(&word, p, sizeof(word));
    return le64toh(word);
}

/* The last bytes, `n` of them, that make no word; `whole`: a word or more stands before. */
static inline uint64_t load_rest(const uint8_t *p, size_t n, bool whole)
{
    uint64_t word = 0;

    if (n == 0)
        return 0;
    if (whole)
        return load(p + n - 8) >> 8 * (8 - n);
    for (size_t i = 0; i < n; i++)
        word |= (uint64_t)p[i] << 8 * i;
    return word;
}

uint64_t siphash(const struct siphash_key *key, const void *data, size_t n)
{
    const uint8_t *p = data;
    struct state s = {key->k0 ^ 0x736f6d6570736575, key->k1 ^ 0x646f72616e646f6d,
                      key->k0 ^ 0x6c7967656e657261, key->k1 ^ 0x7465646279746573};

    for (size_t left = n; left >= 8; left -= 8, p += 8)
        compress(&s, load(p));
    compress(&s, load_rest(p, n % 8, n >= 8) | (uint64_t)n << 56);
    s.v2 ^= 0xff;
    for (int i = 0; i < 3; i++)
        sip_round(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
