/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the plaintext dialogue of one connection (RFC 5321 and its extensions) into the facts of a
 * struct session. It is pushed contiguous bytes of either direction, in an order in which no side
 * hears an answer before the question was read (dissect/converse.c sees to that), and works line by
 * line with nothing kept but half lines. Message texts and AUTH exchanges are skipped, never kept.
 *
 * Any split of the same bytes gives the same facts. A reply is matched to a command only when the
 * packet that carried it acknowledged that command, so capture order does not matter either.
 */
#ifndef DISSECT_SMTP_H
#define DISSECT_SMTP_H

#include "dissect/session.h"

struct smtp;

struct smtp_chunk {
    enum session_dir dir;
    struct span bytes;
    uint32_t offset; /* stream offset of the first byte */
    uint32_t acked;  /* how much of the other direction the sender had received */
    nstime time;
    bool force; /* do not wait for the other side any more: guess */
};

/* The session outlives the reader. NULL: no memory. */
struct smtp *smtp_new(struct session *s, bool implicit_tls, bool keep_addresses);
void smtp_free(struct smtp *m);

/*
 * Takes bytes; returns how many were used. Less than all means that the reader must first see the
 * other side's answer (a client that sends its message before the answer to DATA), or, with force,
 * that the other side's waiting bytes come next; the caller offers the rest again after progress of
 * the other side, or with force.
 */
size_t smtp_feed(struct smtp *m, const struct smtp_chunk *c);

/* `n` bytes of this direction at stream offset `offset` were not captured; `cut`: by the snap
 * length. */
void smtp_gap(struct smtp *m, enum session_dir dir, uint32_t offset, uint64_t n, bool cut);

/* Copies a text to the session's pool, at most `cap` bytes; empty when the pool is full. */
struct text smtp_text_keep(struct session *s, struct span bytes, size_t cap);

/* The milestones reached since the last call, as bits 1 << enum session_milestone. */
unsigned smtp_take_events(struct smtp *m);

/*
 * While TLS carries data most bytes need no reader: the caller may walk the records itself (with
 * tls_record_pass), beginning with smtp_inside() bytes of the current one (0: a record begins), and
 * tell by smtp_passed() how many bytes went by and how many are left in the record now, before
 * anything else is fed. UNKNOWN: only the reader can say.
 */
#define SMTP_INSIDE_UNKNOWN UINT32_MAX
uint32_t smtp_inside(const struct smtp *m, enum session_dir dir);
void smtp_passed(struct smtp *m, enum session_dir dir, uint32_t n, uint32_t inside);

/* Takes the next bytes when they are nothing but the inside of a TLS record, or the text of a
 * message that goes on behind them; else false, and nothing was done: smtp_feed() will tell. */
bool smtp_pass(struct smtp *m, enum session_dir dir, struct span bytes);

/*
 * The reader as bytes, at most SMTP_PACK_MOST, and back (dissect/pack.h). Half lines are not
 * packed: line[] leads to them, NULL where there are none. smtp_pack_release() frees the reader
 * that was packed, but for those. smtp_restore(): NULL without memory.
 */
#define SMTP_PACK_MOST (512 + CAP_PENDING_COMMANDS * 48)
size_t smtp_pack(const struct smtp *m, uint8_t *to, uint8_t *line[SESSION_DIR_COUNT]);
void smtp_pack_release(struct smtp *m);
struct smtp *smtp_restore(const uint8_t *from, uint8_t *const line[SESSION_DIR_COUNT],
                          struct session *s);

#endif
