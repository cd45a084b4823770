/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A flow, its session and its reader as a string of bytes: what is zero takes none. For flows that
 * wait while memory is short (dissect/park.h). In memory only.
 */
#ifndef DISSECT_PACK_H
#define DISSECT_PACK_H

#include "base/sparse.h"
#include "dissect/flow.h"
#include "dissect/smtp.h"

/* What the flow owns and keeps as it is: seldom there, and not worth packing. */
struct pack_kept {
    struct session *other;
    struct tls *handshake;
    void *peer;
    void *memo;
    struct evidence *evidence;
    struct reasm_held *held[SESSION_DIR_COUNT];
    uint8_t *line[SESSION_DIR_COUNT];
    struct span reply; /* the lines of the EHLO reply behind the greeting, part of the text pool:
                          many sessions have the same */
};

#define PACK_MOST                                                                                  \
    (1 + SPARSE_MOST(sizeof(struct flow)) + SPARSE_MOST(sizeof(struct session)) + SMTP_PACK_MOST + \
     SPARSE_MOST((CAP_REPLY_LINES + 1) * sizeof(struct ehlo_line)) +                               \
     2 * CAP_RECIPIENTS * sizeof(struct text) + CAP_TEXT_POOL)

/*
 * Writes at most PACK_MOST bytes and gives their number. The flow, which has a session, stays as it
 * is; kept->reply points into it. Its serial and the time of its newest packet are left to the
 * caller. `silent`: it was, for longer than copies of a mirror port take.
 */
size_t pack_flow(const struct flow *f, bool silent, uint8_t *to, struct pack_kept *kept);

/* Frees what pack_flow() wrote down of a flow, and not what is kept. */
void pack_release(struct flow *f);

/* The key of a packed flow. */
struct flow_key pack_key(const uint8_t *from);

/* Fills `f`, new in its table, with what was packed. False: no memory, and nothing changed. */
bool pack_restore(const uint8_t *from, const struct pack_kept *kept, nstime touched,
                  uint64_t serial, struct flow *f);

#endif
