/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A dialogue fed straight to the SMTP reader: turns of either side, each having heard all that came
 * before it unless it says otherwise. One dialogue can be fed whole, byte by byte, or with a cut at
 * any place.
 */
#ifndef TESTS_UNIT_TALK_H
#define TESTS_UNIT_TALK_H

#include "dissect/smtp.h"
#include "session_text.h"

enum talk_kind { TALK_BYTES, TALK_DEAF, TALK_GAP, TALK_CUT };

struct turn {
    enum session_dir dir;
    const char *text;
    size_t n;            /* 0: strlen(text) */
    enum talk_kind kind; /* DEAF: sent before the other side's newest turn was heard */
};

#define C(t)                                                                                       \
    {                                                                                              \
        SESSION_TO_SERVER, t, 0, TALK_BYTES                                                        \
    }
#define S(t)                                                                                       \
    {                                                                                              \
        SESSION_TO_CLIENT, t, 0, TALK_BYTES                                                        \
    }
#define CB(t)                                                                                      \
    {                                                                                              \
        SESSION_TO_SERVER, t, sizeof(t) - 1, TALK_BYTES                                            \
    }
#define SB(t)                                                                                      \
    {                                                                                              \
        SESSION_TO_CLIENT, t, sizeof(t) - 1, TALK_BYTES                                            \
    }
#define CDEAF(t)                                                                                   \
    {                                                                                              \
        SESSION_TO_SERVER, t, 0, TALK_DEAF                                                         \
    }
#define SDEAF(t)                                                                                   \
    {                                                                                              \
        SESSION_TO_CLIENT, t, 0, TALK_DEAF                                                         \
    }
#define CGAP(k)                                                                                    \
    {                                                                                              \
        SESSION_TO_SERVER, NULL, k, TALK_GAP                                                       \
    }
#define SGAP(k)                                                                                    \
    {                                                                                              \
        SESSION_TO_CLIENT, NULL, k, TALK_GAP                                                       \
    }
#define SCUT(k)                                                                                    \
    {                                                                                              \
        SESSION_TO_CLIENT, NULL, k, TALK_CUT                                                       \
    }

struct talk {
    struct session s;
    struct smtp *m;
    uint32_t sent[SESSION_DIR_COUNT];
    uint32_t before[SESSION_DIR_COUNT]; /* sent, before the newest turn of that side */
    unsigned events;
    bool pass; /* what need not be read goes the short way */
};

static inline size_t turn_length(const struct turn *t)
{
    return t->n ? t->n : strlen(t->text);
}

static inline void talk_begin(struct talk *k)
{
    *k = (struct talk){0};
    k->s.seen[0] = k->s.seen[1] = true;
    k->s.syn_seen = k->s.synack_seen = true;
    k->m = smtp_new(&k->s, false, false);
}

static inline void talk_end(struct talk *k)
{
    smtp_free(k->m);
    session_clear(&k->s);
}

/* Every piece in a heap copy of its own size, so that the sanitizer sees an over-read. */
static inline void talk_piece(struct talk *k, enum session_dir d, const char *p, size_t n,
                              uint32_t acked)
{
    uint8_t *copy = malloc(n ? n : 1);
    size_t at = 0;

    memcpy(copy, p, n);
    if (k->pass && smtp_pass(k->m, d, span_of(copy, n))) {
        k->sent[d] += (uint32_t)n;
        k->s.bytes[d] += n;
        at = n;
    }
    while (at < n) {
        struct smtp_chunk c = {d, span_of(copy + at, n - at), k->sent[d], acked, NS_PER_S, false};
        size_t used = smtp_feed(k->m, &c);
        if (used == 0) { /* it waits; nobody will come in a test */
            c.force = true;
            used = smtp_feed(k->m, &c);
        }
        k->sent[d] += (uint32_t)used;
        k->s.bytes[d] += used;
        at += used;
    }
    free(copy);
    k->events |= smtp_take_events(k->m);
}

/* Feeds one turn in pieces of at most `piece` bytes; `cut` < n makes one extra cut there. */
static inline void talk_turn(struct talk *k, const struct turn *t, size_t piece, size_t cut)
{
    enum session_dir o = t->dir == SESSION_TO_SERVER ? SESSION_TO_CLIENT : SESSION_TO_SERVER;
    size_t n = turn_length(t);
    uint32_t start = k->sent[t->dir];
    uint32_t acked = t->kind == TALK_DEAF ? k->before[o] : k->sent[o];

    if (t->kind == TALK_GAP || t->kind == TALK_CUT) {
        smtp_gap(k->m, t->dir, k->sent[t->dir], n, t->kind == TALK_CUT);
        k->sent[t->dir] += (uint32_t)n;
    } else {
        for (size_t at = 0; at < n;) {
            size_t m = n - at < piece ? n - at : piece;
            if (at < cut && cut < at + m)
                m = cut - at;
            talk_piece(k, t->dir, t->text + at, m, acked);
            at += m;
        }
    }
    k->before[t->dir] = start;
}

static inline void talk_all(struct talk *k, const struct turn *t, size_t turns, size_t piece)
{
    for (size_t i = 0; i < turns; i++)
        talk_turn(k, &t[i], piece, SIZE_MAX);
}

#endif
