/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sparse.h"

#include <string.h>

enum { WORD = 8, GROUP = 64 };

static uint8_t *pack_word(uint8_t *to, const uint8_t *word)
{
    uint8_t *mask = to++;

    *mask = 0;
    for (unsigned i = 0; i < WORD; i++) {
        *to = word[i]; /* written over when it was zero */
        *mask = (uint8_t)(*mask | (word[i] != 0) << i);
        to += word[i] != 0;
    }
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
            const uint8_t *word = from + group + w * WORD;
            uint64_t value;
            memcpy(&value, word, sizeof(value));
            if (value) {
                *mask = (uint8_t)(*mask | 1u << w);
                at = pack_word(at, word);
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
            uint8_t *word = to + group + (size_t)__builtin_ctz(words) * WORD;
            for (unsigned bytes = *at++; bytes; bytes &= bytes - 1)
                word[__builtin_ctz(bytes)] = *at++;
        }
    }
    return (size_t)(at - from);
}
