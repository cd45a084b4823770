/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sparse.h"

#include <endian.h>
#include <string.h>

enum { WORD = 8, GROUP = 64 };

/* The lowest bit of each byte that is not zero. */
static inline uint64_t bytes_of(uint64_t word)
{
    const uint64_t low = UINT64_C(0x7f7f7f7f7f7f7f7f);

    return (((word & low) + low) | word) >> 7 & UINT64_C(0x0101010101010101);
}

/* How many bytes of a word these are, if they follow one upon the other; else 0. Mostly they do: a
 * number is small, or it is a time. */
static inline unsigned run_of(unsigned mask)
{
    unsigned run = mask >> __builtin_ctz(mask);

    return (run & (run + 1)) == 0 ? 32 - (unsigned)__builtin_clz(run) : 0;
}

/* What is written behind the bytes of a run is written over by what follows. */
static inline uint8_t *pack_word(uint8_t *to, uint64_t word)
{
    uint64_t bytes = bytes_of(word);
    unsigned mask = (unsigned)(bytes * UINT64_C(0x0102040810204080) >> 56), n = run_of(mask);

    *to++ = (uint8_t)mask;
    if (n > 0) {
        word = htole64(word >> 8 * __builtin_ctz(mask));
        memcpy(to, &word, sizeof(word));
        return to + n;
    }
    for (; bytes; bytes &= bytes - 1)
        *to++ = (uint8_t)(word >> __builtin_ctzll(bytes));
    return to;
}

static inline const uint8_t *unpack_word(const uint8_t *from, uint64_t *word)
{
    unsigned mask = *from++, n = run_of(mask);

    if (n > 0) {
        memcpy(word, from, sizeof(*word));
        *word = le64toh(*word) << 8 * (WORD - n) >> 8 * (WORD - n) << 8 * __builtin_ctz(mask);
        return from + n;
    }
    for (*word = 0; mask; mask &= mask - 1)
        *word |= (uint64_t)*from++ << 8 * __builtin_ctz(mask);
    return from;
}

size_t sparse_pack(uint8_t *to, const void *record, size_t n)
{
    const uint8_t *from = record;
    uint8_t *at = to;

    for (size_t group = 0; group < n; group += GROUP) {
        size_t words = n - group < GROUP ? (n - group) / WORD : WORD;
        uint8_t *mask = at++;
        *mask = 0;
        for (size_t w = 0; w < words; w++) {
            uint64_t value;
            memcpy(&value, from + group + w * WORD, sizeof(value));
            if (value) {
                *mask = (uint8_t)(*mask | 1u << w);
                at = pack_word(at, value);
            }
        }
    }
    return (size_t)(at - to);
}

size_t sparse_unpack(const uint8_t *from, void *record, size_t n)
{
    const uint8_t *at = from;
    uint8_t *to = record;

    memset(record, 0, n);
    for (size_t group = 0; group < n; group += GROUP) {
        for (unsigned words = *at++; words; words &= words - 1) {
            uint64_t word;
            at = unpack_word(at, &word);
            memcpy(to + group + (size_t)__builtin_ctz(words) * WORD, &word, sizeof(word));
        }
    }
    return (size_t)(at - from);
}
