/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/layout.h"

#include "rules/keywords.h"
#include "rules/middlebox.h"

#include <stdlib.h>

#define MEMBERS   32            /* members of one layout: bits of `used` */
#define STRANGERS 2             /* a reply with more of them is of no known layout */
#define PARAMETER 5             /* a blank and the shortest parameter that is printed: AUTH NTLM */
#define UNMASKED  4             /* members that must be legible before masks may be guessed at */
#define LINES     (MEMBERS + 3) /* members, the candidate and the strangers */

struct member {
    const char *layout, *banner, *least, *keyword, *parameters, *usual;
    size_t n; /* length of `keyword`, all spellings */
};

static const struct member members[] = {
#define ROW(layout, banner, least, keyword, parameters, usual)                                     \
    {layout, banner, least, keyword, parameters, usual, sizeof(keyword) - 1},
#include "ehlo-layouts.inc"
#undef ROW
};

#define MEMBER_COUNT (sizeof(members) / sizeof(members[0]))

/* One layout: its rows of the table. */
struct layout {
    const struct member *member;
    int count;
    int slot; /* index of STARTTLS */
};

/* A reply laid against a layout. */
struct placing {
    int at[LINES]; /* member of each line; -1: none; -2: a mask, any member of its length */
    uint32_t used; /* members that are there, masked ones included */
    int legible;   /* members that are there in their own letters */
    int strangers;
};

/* The rows of a layout mostly share one string: a compiler keeps equal ones once. */
static bool same_layout(const struct member *a, const struct member *b)
{
    return a->layout == b->layout || strcmp(a->layout, b->layout) == 0;
}

static bool is_starttls(const struct member *m)
{
    return m->n == 8 && memcmp(m->keyword, "STARTTLS", 8) == 0;
}

static struct layout layout_at(size_t row)
{
    struct layout l = {.member = &members[row], .slot = -1};
    while (row + (size_t)l.count < MEMBER_COUNT && l.count < MEMBERS &&
           same_layout(&l.member[l.count], l.member)) {
        if (is_starttls(&l.member[l.count]))
            l.slot = l.count;
        l.count++;
    }
    return l;
}

/* Takes the first spelling off `all`. */
static struct span spelling(struct span *all)
{
    struct span first = span_first(*all, span_find(*all, '|'));
    *all = span_from(*all, first.n + 1);
    return first;
}

static struct span spellings(const struct member *m)
{
    return span_of(m->keyword, m->n);
}

static bool is_member(const struct member *m, struct span word)
{
    struct span all = spellings(m);
    if (word.n == 0 || (m->n <= word.n && span_upper(word.p[0]) != all.p[0]))
        return false; /* not so long as to have a second spelling, and of another letter */
    while (all.n > 0) {
        struct span s = spelling(&all);
        bool beginning = s.p[s.n - 1] == '=';
        if (beginning ? span_starts_nocase(word, s) : span_eq_nocase(word, s))
            return true;
    }
    return false;
}

static int member_of(const struct layout *l, struct span line)
{
    struct span word = keywords_word(line);
    for (int i = 0; i < l->count; i++)
        if (is_member(&l->member[i], word))
            return i;
    return -1;
}

/* Could a mask of `n` bytes stand for this member, parameters included? */
static bool fits(const struct member *m, size_t n)
{
    struct span all = spellings(m);
    while (all.n > 0) {
        struct span s = spelling(&all);
        size_t least = s.n + PARAMETER - (s.p[s.n - 1] == '=');
        if ((n == s.n && strcmp(m->parameters, "always") != 0) ||
            (n >= least && strcmp(m->parameters, "none") != 0))
            return true;
    }
    return false;
}

/* The first member between `after` and `before` that a mask of n bytes could stand for, or -1. */
static int mask_member(const struct layout *l, size_t n, int after, int before)
{
    for (int i = after + 1; i < before; i++)
        if (fits(&l->member[i], n))
            return i;
    return -1;
}

/* The next line after `i` whose member is certain. */
static int next_certain(const struct layout *l, const struct placing *p, size_t i, size_t count)
{
    for (i++; i < count; i++)
        if (p->at[i] >= 0)
            return p->at[i];
    return l->count;
}

/* Lays the lines down with `candidate` as member `as`; false when the order does not allow it. */
static bool place(const struct layout *l, struct placing *p, const struct span *line, size_t count,
                  size_t candidate, int as)
{
    int last = -1;
    p->at[candidate] = as;
    p->used = 0;
    p->strangers = 0;
    for (size_t i = 0; i < count; i++) {
        int m = p->at[i];
        if (m == -2)
            m = mask_member(l, line[i].n, last, next_certain(l, p, i, count));
        if (m < 0) {
            p->strangers++;
            continue;
        }
        if (m <= last)
            return false;
        last = m;
        p->used |= 1u << m;
    }
    return p->strangers <= STRANGERS;
}

static int bits(uint32_t v)
{
    int n = 0;
    for (; v; v &= v - 1)
        n++;
    return n;
}

/* Enough members, most of them legible, to call the reply one of this layout. */
static bool recognised(const struct layout *l, const struct placing *p)
{
    int least = (int)strtol(l->member->least, NULL, 10);
    return bits(p->used) - 1 >= least && p->legible >= UNMASKED;
}

static uint8_t missing(const struct layout *l, uint32_t used)
{
    int n = 0;
    for (int i = 0; i < l->count; i++)
        n += !(used & 1u << i) && strcmp(l->member[i].usual, "yes") == 0;
    return (uint8_t)n;
}

/* Known lines on both sides of the candidate. */
static bool bracketed(const struct placing *p, size_t candidate, size_t count)
{
    bool before = false, after = false;
    for (size_t i = 0; i < candidate; i++)
        before |= p->at[i] >= 0;
    for (size_t i = candidate + 1; i < count; i++)
        after |= p->at[i] >= 0;
    return before && after;
}

static struct layout_fit fit_one(const struct layout *l, const struct span *line, size_t count,
                                 size_t candidate)
{
    struct layout_fit fit = {0};
    struct placing p = {.legible = 0};
    int strangers = 0;
    if (count > (size_t)l->count + STRANGERS + 1)
        return fit;
    for (size_t i = 0; i < count; i++) {
        p.at[i] = member_of(l, line[i]);
        p.legible += i != candidate && p.at[i] >= 0;
        if (p.at[i] < 0 && middlebox_mask(line[i]) != MIDDLEBOX_MASK_NONE)
            p.at[i] = -2;
        strangers += i != candidate && p.at[i] == -1;
        if (strangers > STRANGERS)
            return fit; /* whatever stands for what, place() would say no */
    }
    int own = p.at[candidate], slot_strangers = STRANGERS + 1, other_strangers = STRANGERS + 1;
    for (int as = 0; as < l->count; as++) {
        if (as != l->slot && as != own && !fits(&l->member[as], line[candidate].n))
            continue;
        if (!place(l, &p, line, count, candidate, as) || !recognised(l, &p))
            continue;
        fit.name = l->member->layout;
        fit.home |= as == own;
        if (as != l->slot) {
            other_strangers = p.strangers < other_strangers ? p.strangers : other_strangers;
        } else if (bracketed(&p, candidate, count)) {
            slot_strangers = p.strangers;
            fit.missing = missing(l, p.used);
        }
    }
    fit.slot = slot_strangers <= STRANGERS && slot_strangers <= other_strangers;
    fit.elsewhere = other_strangers <= STRANGERS && other_strangers <= slot_strangers;
    fit.strangers = (uint8_t)slot_strangers;
    return fit;
}

/* The banner's own word decides between layouts, then whether the slot holds. */
static int rank(const struct layout_fit *f)
{
    return f->name ? 1 + 2 * f->slot + 4 * f->named : 0;
}

/* Like span_search_nocase(), at the places alone where the first letter stands. */
static bool contains(struct span text, struct span word)
{
    const uint8_t first[] = {span_upper(word.p[0]), (uint8_t)(span_upper(word.p[0]) | 0x20)};
    for (size_t i = 0; i < sizeof(first); i++) {
        struct span at = span_from(text, span_find(text, first[i]));
        for (; at.n >= word.n; at = span_from(at, 1 + span_find(span_from(at, 1), first[i])))
            if (span_starts_nocase(at, word))
                return true;
    }
    return false;
}

const char *layout_software(struct span banner)
{
    const char *software = NULL;
    struct layout l;
    for (size_t row = 0; row < MEMBER_COUNT; row += (size_t)l.count) {
        l = layout_at(row);
        if (contains(banner, span_str(l.member->banner)))
            software = l.member->layout;
    }
    return software;
}

struct layout_fit layout_fit(const struct span *line, size_t count, size_t candidate,
                             const char *software)
{
    struct layout_fit best = {0};
    struct layout l;
    if (count > LINES)
        return best;
    for (size_t row = 0; row < MEMBER_COUNT; row += (size_t)l.count) {
        l = layout_at(row);
        struct layout_fit fit = fit_one(&l, line, count, candidate);
        fit.named = software && strcmp(software, l.member->layout) == 0;
        if (rank(&fit) > rank(&best))
            best = fit;
    }
    best.rival = best.name && software && !best.named;
    return best;
}
