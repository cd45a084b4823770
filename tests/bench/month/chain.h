/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates as mail servers send them. Keys and signatures follow from numbers: authorities sign
 * with Ed25519, and the modulus of a leaf is any odd number of 2048 bits, since nobody has to use
 * it.
 */
#ifndef TESTS_BENCH_MONTH_CHAIN_H
#define TESTS_BENCH_MONTH_CHAIN_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { CHAIN_ISSUERS = 5, CHAIN_SELF_SIGNED = CHAIN_ISSUERS };

/* A Certificate message (RFC 5246 section 7.4.2), its header included. */
struct chain {
    size_t size;
    uint8_t message[4096];
};

/* A leaf for `name` with the key of that number, valid for a year around `now` (seconds), signed by
 * the issuer, which follows it; or by itself. Lives as long as the program. */
const struct chain *chain_make(const char *name, uint32_t key, int issuer, int64_t now);

/* The roots of all issuers, as PEM. */
void chain_roots(FILE *out, int64_t now);

#endif
