/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A borrowed run of bytes: where it begins and how many there are. A span owns nothing and is
 * valid as long as the buffer it points into. The bytes may be anything, NUL included.
 */
#ifndef BASE_SPAN_H
#define BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
    const uint8_t *p; /* first byte; may be NULL when n is 0 */
    size_t n;         /* bytes */
};

static inline struct span span_of(const void *p, size_t n)
{
    return (struct span){(const uint8_t *)p, n};
}

/* A span over a C string, its NUL excluded. */
static inline struct span span_str(const char *s)
{
    return span_of(s, strlen(s));
}

/* ASCII only: a locale must never change how a protocol word compares. */
static inline uint8_t span_upper(uint8_t c)
{
    return (c >= 'a' && c <= 'z') ? (uint8_t)(c - 32) : c;
}

static inline bool span_is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static inline bool span_is_alpha(uint8_t c)
{
    uint8_t u = span_upper(c);
    return u >= 'A' && u <= 'Z';
}

static inline bool span_eq(struct span a, struct span b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* Equality with ASCII case folded (RFC 5321 section 2.4: verbs and keywords ignore case). */
static inline bool span_eq_nocase(struct span a, struct span b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (span_upper(a.p[i]) != span_upper(b.p[i]))
            return false;
    return true;
}

static inline bool span_starts_nocase(struct span a, struct span prefix)
{
    return a.n >= prefix.n && span_eq_nocase(span_of(a.p, prefix.n), prefix);
}

/* The rest of `a` from byte `from` on; empty when `from` is past the end. */
static inline struct span span_from(struct span a, size_t from)
{
    return from >= a.n ? span_of(a.p, 0) : span_of(a.p + from, a.n - from);
}

static inline struct span span_first(struct span a, size_t n)
{
    return span_of(a.p, n < a.n ? n : a.n);
}

/* Index of the first `c` in `a`, or a.n when there is none. */
static inline size_t span_find(struct span a, uint8_t c)
{
    const uint8_t *hit = a.n ? memchr(a.p, c, a.n) : NULL;
    return hit ? (size_t)(hit - a.p) : a.n;
}

typedef uint8_t span_lanes __attribute__((vector_size(16)));

/* At which of sixteen places, of seventeen bytes, is the pair? */
static inline span_lanes span_pair_at(const uint8_t *p, uint8_t first, uint8_t second)
{
    span_lanes x, y;
    memcpy(&x, p, sizeof(x));
    memcpy(&y, p + 1, sizeof(y));
    return (span_lanes)((x == first) & (y == second));
}

/* Does `a` have `first` with `second` right behind it? Sixteen places at a time. */
static inline bool span_has_pair(struct span a, uint8_t first, uint8_t second)
{
    const size_t step = sizeof(span_lanes);
    span_lanes hit;
    uint64_t any[2];
    size_t i = 0;

    if (a.n <= step) {
        while (i + 1 < a.n && (a.p[i] != first || a.p[i + 1] != second))
            i++;
        return i + 1 < a.n;
    }
    hit = span_pair_at(a.p + a.n - 1 - step, first, second);
    for (; i + 4 * step < a.n; i += 4 * step) {
        hit |= span_pair_at(a.p + i, first, second);
        hit |= span_pair_at(a.p + i + step, first, second);
        hit |= span_pair_at(a.p + i + 2 * step, first, second);
        hit |= span_pair_at(a.p + i + 3 * step, first, second);
    }
    for (; i + step < a.n; i += step)
        hit |= span_pair_at(a.p + i, first, second);
    memcpy(any, &hit, sizeof(any));
    return (any[0] | any[1]) != 0;
}

/* First occurrence of `needle` in `a` with ASCII case folded, or a.n. Quadratic in the
 * worst case: only for lines, which are capped. */
static inline size_t span_search_nocase(struct span a, struct span needle)
{
    uint8_t first = needle.n ? span_upper(needle.p[0]) : 0;

    if (needle.n == 0)
        return 0;
    for (size_t i = 0; needle.n <= a.n && i <= a.n - needle.n; i++)
        if (span_upper(a.p[i]) == first && span_eq_nocase(span_of(a.p + i, needle.n), needle))
            return i;
    return a.n;
}

#endif
