/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The replies to EHLO that servers give, each kept once however many servers give it: the first
 * words of its lines, in order, the greeting left out, and so without what differs from client to
 * client (RFC 5321 section 4.1.1.1: names, SIZE, AUTH). A layout is known by a number from 1 on,
 * and is never changed or let go; when there is no room for more, new ones are not learnt.
 */
#ifndef HISTORY_LAYOUTS_H
#define HISTORY_LAYOUTS_H

#include <stdio.h>

#include "base/caps.h"
#include "base/siphash.h"
#include "base/span.h"

#define LAYOUT_TEXT 384 /* words with a blank between them; longer ones are not learnt */

struct layouts;

/* A view of one; valid as long as its owner. */
struct layout_known {
    struct span text; /* words as they were said, a blank between them */
    uint8_t count;    /* words */
    int8_t slot;      /* of STARTTLS, from 0; -1: none */
};

struct layouts *layouts_new(void); /* NULL: no memory */
void layouts_free(struct layouts *l);

/* The number of these words, learnt if they are new; 0: there is no room, or they have a byte that
 * is no printable ASCII, or are too long. */
uint16_t layouts_learn(struct layouts *l, const struct span *word, size_t count);

/* The same without learning. */
uint16_t layouts_find(const struct layouts *l, const struct span *word, size_t count);

/* From the text. */
uint16_t layouts_read(struct layouts *l, struct span text);

struct layout_known layouts_get(const struct layouts *l, uint16_t number);

/* Word `i` of it. */
struct span layout_word(const struct layout_known *k, size_t i);

/* All of them, under their numbers, for another process of this very program; false: they cannot be
 * written, or read into what is empty. */
bool layouts_save(const struct layouts *l, FILE *to);
bool layouts_restore(struct layouts *l, FILE *from);

/* New ones that found no room. */
uint64_t layouts_refused(const struct layouts *l);

#endif
