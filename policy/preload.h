/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list of domains with their mail exchangers in the format of STARTTLS Everywhere's policy.json,
 * which lives on in private and national lists. The public one ended in 2020. An entry counts for
 * packets between the list's `timestamp` and `expires`, and for no others.
 */
#ifndef POLICY_PRELOAD_H
#define POLICY_PRELOAD_H

#include "policy/book.h"

#define PRELOAD_WHY 200

struct preload {
    nstime from, until;    /* of the whole list */
    uint32_t added;        /* entries */
    uint32_t left_out;     /* entries that cannot be used */
    char why[PRELOAD_WHY]; /* of the first of those, or why nothing can be read; printable */
};

/* Adds the entries to the book. -1: the list as a whole cannot be read, and nothing was added. */
int preload_read(struct span json, struct book *book, struct preload *out);

#endif
