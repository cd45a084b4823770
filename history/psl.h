/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who owns a name: its registrable domain by the Public Suffix List (publicsuffix.org), as libpsl
 * has it built in. mx3.mail.alder.co.uk belongs to alder.co.uk.
 */
#ifndef HISTORY_PSL_H
#define HISTORY_PSL_H

#include "base/caps.h"
#include "base/siphash.h"
#include "base/span.h"

/* A name in lower case, without a trailing dot. */
struct psl_domain {
    uint8_t n; /* 0: the name is none, an address, or a public suffix itself */
    char text[CAP_DOMAIN_TEXT + 1];
};

void psl_domain(struct span name, struct psl_domain *out);

/* The same by a memory of names that were asked for before: the library takes 4 us each. It changes
 * no answer. */
struct psl_memory;
struct psl_memory *psl_memory_new(const struct siphash_key *key); /* NULL: no memory */
void psl_memory_free(struct psl_memory *m);
void psl_recall(struct psl_memory *m, struct span name, struct psl_domain *out);

#endif
