/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads an EHLO reply without STARTTLS and says which line, if any, stands where STARTTLS stood.
 * A pure function of the lines. A well-spelt word that nobody knows is a vendor's keyword and stays
 * silent unless it stands in the very slot of STARTTLS.
 */
#ifndef RULES_GARBLE_H
#define RULES_GARBLE_H

#include "base/siphash.h"
#include "base/span.h"

enum garble_kind {
    GARBLE_NONE,
    GARBLE_NEAR_MISS,  /* STARTTLS but for a letter or two, or STARTFOO */
    GARBLE_MASK,       /* eight times one byte, or Cisco's XXXXXXXA */
    GARBLE_BINARY,     /* eight bytes, not all of them fit for a keyword */
    GARBLE_ILL_SPELT,  /* an eight-letter word such as no one would spell */
    GARBLE_SLOT,       /* whatever it spells: it stands in STARTTLS's slot */
    GARBLE_REMEMBERED, /* likewise, in the slot of a reply that this server gave before */
    GARBLE_KIND_COUNT
};

struct garble {
    enum garble_kind kind;
    size_t line;         /* index among the lines given */
    const char *layout;  /* whose order it is that has the line in STARTTLS's slot, or NULL */
    bool cisco;          /* the hand of Cisco's ESMTP inspection */
    bool maybe_chunking; /* no slot to go by, and CHUNKING or SMTPUTF8 is missing as well */
    bool crowd;          /* other lines are as odd as this one */
};

/*
 * What was worked out for replies seen before: servers say the same to everyone, and the work is
 * the dearest of a judgement. Changes no answer. NULL: no memory.
 */
struct garble_memory;
struct garble_memory *garble_memory_new(const struct siphash_key *key);
void garble_memory_free(struct garble_memory *m);

/* A session is judged several times: the answer under a mark of the caller's (not 0), or NULL. */
const struct garble *garble_recall(const struct garble_memory *m, uint64_t mark);
void garble_remember(struct garble_memory *m, uint64_t mark, const struct garble *g);

/* The keyword lines (greeting excluded) of a complete reply and the text of the greeting banner;
 * `m` may be NULL. */
struct garble garble_judge(struct garble_memory *m, const struct span *line, size_t count,
                           struct span banner);

/* What a line is by its letters alone; never GARBLE_SLOT. `uppercase`: the other lines are. */
enum garble_kind garble_classify(struct span line, bool uppercase);

/* Damerau-Levenshtein distance (optimal string alignment) of at most 2 from `word`, case ignored,
 * or as long as it with at least half of the letters in their place; not `word` itself. */
bool garble_near(struct span text, struct span word);

/* Letters that both have in the same place, case ignored. */
size_t garble_in_place(struct span a, struct span b);

#endif
