/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sparse.h"

#include <string.h>

enum { WORD = 8, GROUP = 64 };

/* The lowest bit of each byte that is not zero. */
static inline uint64_t bytes_of(uint64_t word)
{
    const uint64_t low = UINT64_C(0x7f7f7f7f7f7f7f7f);

    return (((word & low) + low) | word) >> 7 & UINT64_C(0x0101010101010101);
}

/* The first byte is that of the lowest bits, whatever the machine. */
static inline uint8_t *pack_word(uint8_t *to, uint64_t word)
{
    uint64_t bytes = bytes_of(word);

    *to++ = (uint8_t)(bytes * UINT64_C(0x0102040810204080) >> 56);
    for (; bytes; bytes &= bytes - 1)
        *to++ = (uint8_t)(word >> __builtin_ctzll(bytes));
    return to;
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
            uint8_t *place = to + group + (size_t)__builtin_ctz(words) * WORD;
            uint64_t word = 0;
            for (unsigned bytes = *at++; bytes; bytes &= bytes - 1)
                word |= (uint64_t)*at++ << 8 * __builtin_ctz(bytes);
            memcpy(place, &word, sizeof(word));
        }
    }
    return (size_t)(at - from);
}
