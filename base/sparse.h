/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records that are mostly zero, in few bytes. Every eight words have a byte that tells which of
 * them are not zero; each of those has a byte that tells which of its bytes are not; and only those
 * are kept. In memory only.
 */
#ifndef BASE_SPARSE_H
#define BASE_SPARSE_H

#include <stddef.h>
#include <stdint.h>

/* Most bytes that a record of n bytes can take. */
#define SPARSE_MOST(n) ((n) + (n) / 8 + ((n) + 63) / 64)

#define SPARSE_BEHIND 7

/* n: a multiple of 8. Gives the bytes written to `to`, which has room for SPARSE_MOST(n). */
size_t sparse_pack(uint8_t *to, const void *record, size_t n);

/* The other way, from what sparse_pack() wrote, with SPARSE_BEHIND bytes of anything behind it.
 * Gives the bytes that were written. */
size_t sparse_unpack(const uint8_t *from, void *record, size_t n);

#endif
