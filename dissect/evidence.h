/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dialogue up to TLS or the first message, kept as it was read, so that a second copy of any of
 * its bytes is compared whenever it comes, and so that the dialogue can be read again with the
 * copy's bytes in place (Wang et al., Themis, CCS 2021: follow both readings). A few KiB a
 * direction from one capped pool; what finds no room is a fact of the session.
 */
#ifndef DISSECT_EVIDENCE_H
#define DISSECT_EVIDENCE_H

#include "dissect/reasm.h"
#include "dissect/session.h"

struct evidence;

struct evidence_pool {
    size_t bytes, limit;
};

/* NULL: no room. */
struct evidence *evidence_new(struct evidence_pool *pool);
void evidence_free(struct evidence *e, struct evidence_pool *pool);

/* Bytes that the reader took, in the order it took them; `bytes` begins at stream offset `offset`.
 * False: no room, nothing more will be kept. */
bool evidence_read(struct evidence *e, struct evidence_pool *pool, enum session_dir d,
                   uint32_t offset, uint32_t acked, const struct reasm_segment *s,
                   struct span bytes);

/* A gap that the reader was told of. False as above. */
bool evidence_gap(struct evidence *e, struct evidence_pool *pool, enum session_dir d,
                  uint32_t offset, uint32_t n, bool cut);

struct evidence_found {
    uint32_t at;      /* index of the first byte of the copy that differs */
    struct span text; /* the whole direction as it was read */
    uint8_t marks;    /* of what was read there: enum copy_mark */
    uint8_t ttl;
    uint32_t acked; /* what its sender had received then */
};

/* Compares a copy, its first byte at stream offset `offset`, with what was read. True: they differ.
 * What `out` points to is valid until the next call that takes `e` and a pool. */
bool evidence_compare(const struct evidence *e, enum session_dir d, uint32_t offset,
                      struct span bytes, struct evidence_found *out);

/* Index of the first byte in which two spans differ, as far as both go; SIZE_MAX: in none. */
size_t evidence_differ(struct span a, struct span b);

/* The line of `text` that has its byte `at`, without the line end. */
struct span evidence_line(struct span text, size_t at);

/* The message or TLS begins: what is read from now on is not kept, and no loss. Gives the evidence,
 * which may have moved. */
struct evidence *evidence_stop(struct evidence *e, struct evidence_pool *pool);

/* Makes a copy part of the other reading. Without room it is left out. */
void evidence_copy(struct evidence *e, struct evidence_pool *pool, enum session_dir d,
                   uint32_t offset, struct span bytes);

/* The byte at `offset` may not have reached the receiver's program: the other reading is without
 * it. False: that is known, or it is behind the dialogue. Without room it is left out. */
bool evidence_omit(struct evidence *e, struct evidence_pool *pool, enum session_dir d,
                   uint32_t offset);

/* Is anything here that was not here at the last call? Reading again costs; a flood of milestones
 * must not repeat it. */
bool evidence_changed(struct evidence *e);

/* Did any copy differ? */
bool evidence_in_conflict(const struct evidence *e);

/* The dialogue read again with the copies in place: facts of the dialogue alone, in a session that
 * is the caller's. NULL: no memory. */
struct session *evidence_reread(const struct evidence *e, const struct session *as,
                                bool keep_addresses);

#endif
