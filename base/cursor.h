/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bounded big-endian reader with a sticky error: once a read would pass the end, `bad` is set,
 * that read and all later ones give zero, and nothing is ever read outside the span. A caller
 * reads a whole header and checks `bad` once.
 */
#ifndef BASE_CURSOR_H
#define BASE_CURSOR_H

#include "base/span.h"

struct cursor {
    const uint8_t *p; /* next byte */
    size_t left;      /* bytes left */
    bool bad;         /* a read passed the end */
};

static inline struct cursor cursor_of(struct span s)
{
    return (struct cursor){s.p, s.n, false};
}

static inline bool cursor_take(struct cursor *c, size_t n)
{
    if (c->bad || n > c->left) {
        c->bad = true;
        c->left = 0;
        return false;
    }
    if (n > 0) { /* an empty span may have no address */
        c->p += n;
        c->left -= n;
    }
    return true;
}

static inline uint8_t cursor_u8(struct cursor *c)
{
    const uint8_t *p = c->p;
    return cursor_take(c, 1) ? p[0] : 0;
}

static inline uint16_t cursor_u16(struct cursor *c)
{
    const uint8_t *p = c->p;
    return cursor_take(c, 2) ? (uint16_t)((unsigned)p[0] << 8 | p[1]) : 0;
}

static inline uint32_t cursor_u32(struct cursor *c)
{
    const uint8_t *p = c->p;
    return cursor_take(c, 4)
               ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]
               : 0;
}

static inline void cursor_skip(struct cursor *c, size_t n)
{
    (void)cursor_take(c, n);
}

/* The next n bytes as a span, or an empty one when they are not there. */
static inline struct span cursor_span(struct cursor *c, size_t n)
{
    const uint8_t *p = c->p;
    return cursor_take(c, n) ? span_of(p, n) : span_of(NULL, 0);
}

static inline struct span cursor_rest(const struct cursor *c)
{
    return span_of(c->p, c->left);
}

#endif
