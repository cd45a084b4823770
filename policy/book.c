/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/book.h"

#include <stdlib.h>

#define FIRST_BUCKETS 64
#define A_DAY         (86400 * NS_PER_S)

/* A policy with all that it owns behind it: the spans of its patterns, then their bytes. */
struct leaf {
    struct leaf *older;
    struct book_policy policy;
    struct span mx[];
};

struct page {
    struct page *next; /* same bucket */
    uint64_t hash;
    struct leaf *newest;
    uint8_t n;
    char name[]; /* of the domain, no NUL */
};

/* From the name behind `*.`, or the whole pattern, to the page. */
struct sign {
    struct sign *next; /* same bucket */
    uint64_t hash;
    struct page *page;
    struct leaf *leaf;
    bool wildcard;
};

struct table {
    void **bucket;
    uint64_t mask;
    uint64_t count;
};

struct book {
    struct siphash_key key;
    struct table pages;
    struct table signs;
    uint64_t policies;
};

static uint64_t hash_of(const struct book *b, struct span name)
{
    return siphash(&b->key, name.p, name.n);
}

/* Names and wildcards apart: thousands share the base of a wildcard, and whoever asks for it as a
 * name must not go through them. */
static uint64_t sign_hash(const struct book *b, struct span base, bool wildcard)
{
    return wildcard ? ~hash_of(b, base) : hash_of(b, base);
}

static struct domain domain_of(const struct page *p)
{
    struct domain d = {.n = p->n};
    memcpy(d.text, p->name, p->n);
    return d;
}

/* --- tables --- */

static bool table_init(struct table *t)
{
    t->bucket = calloc(FIRST_BUCKETS, sizeof(*t->bucket));
    t->mask = FIRST_BUCKETS - 1;
    return t->bucket != NULL;
}

/* Twice as many buckets; `next` and `hash` are the first members of what is in them. */
struct link {
    struct link *next;
    uint64_t hash;
};
_Static_assert(offsetof(struct page, hash) == offsetof(struct link, hash), "a page is a link");
_Static_assert(offsetof(struct sign, hash) == offsetof(struct link, hash), "a sign is a link");

static void table_grow(struct table *t)
{
    uint64_t mask = t->mask * 2 + 1;
    void **bucket = t->count > t->mask ? calloc(mask + 1, sizeof(*bucket)) : NULL;
    if (!bucket) /* chains grow longer instead */
        return;
    for (uint64_t i = 0; i <= t->mask; i++) {
        for (struct link *l = t->bucket[i], *next; l; l = next) {
            next = l->next;
            l->next = bucket[l->hash & mask];
            bucket[l->hash & mask] = l;
        }
    }
    free(t->bucket);
    t->bucket = bucket;
    t->mask = mask;
}

static void table_add(struct table *t, void *entry)
{
    struct link *l = entry;
    table_grow(t);
    l->next = t->bucket[l->hash & t->mask];
    t->bucket[l->hash & t->mask] = l;
    t->count++;
}

/* --- life --- */

struct book *book_new(const struct siphash_key *key)
{
    struct book *b = calloc(1, sizeof(*b));
    if (!b)
        return NULL;
    b->key = *key;
    if (table_init(&b->pages) && table_init(&b->signs))
        return b;
    book_free(b);
    return NULL;
}

static void free_page(struct page *page)
{
    for (struct leaf *l = page->newest, *older; l; l = older) {
        older = l->older;
        free(l);
    }
    free(page);
}

void book_free(struct book *b)
{
    if (!b)
        return;
    for (uint64_t i = 0; b->signs.bucket && i <= b->signs.mask; i++) {
        for (struct sign *s = b->signs.bucket[i], *next; s; s = next) {
            next = s->next;
            free(s);
        }
    }
    for (uint64_t i = 0; b->pages.bucket && i <= b->pages.mask; i++) {
        for (struct page *p = b->pages.bucket[i], *next; p; p = next) {
            next = p->next;
            free_page(p);
        }
    }
    free(b->signs.bucket);
    free(b->pages.bucket);
    free(b);
}

void book_exchange(struct book *a, struct book *b)
{
    struct book c = *a;
    *a = *b;
    *b = c;
}

uint64_t book_count(const struct book *b)
{
    return b->policies;
}

/* --- adding --- */

static struct page *find(const struct book *b, const struct domain *d)
{
    uint64_t hash = hash_of(b, domain_span(d));
    struct page *p = b->pages.bucket[hash & b->pages.mask];
    while (p && (p->hash != hash || !span_eq(span_of(p->name, p->n), domain_span(d))))
        p = p->next;
    return p;
}

static struct page *find_or_add(struct book *b, const struct domain *d)
{
    struct page *page = find(b, d);
    if (page)
        return page;
    page = malloc(sizeof(*page) + d->n);
    if (!page)
        return NULL;
    *page = (struct page){.hash = hash_of(b, domain_span(d)), .n = d->n};
    memcpy(page->name, d->text, d->n);
    table_add(&b->pages, page);
    return page;
}

static struct leaf *new_leaf(const struct book_policy *p)
{
    size_t bytes = p->demand ? sizeof(*p->demand) : 0;
    for (uint32_t i = 0; i < p->mx_count; i++)
        bytes += p->mx[i].n;
    struct leaf *l = malloc(sizeof(*l) + p->mx_count * sizeof(l->mx[0]) + bytes);
    if (!l)
        return NULL;
    *l = (struct leaf){.policy = *p};
    uint8_t *to = (uint8_t *)&l->mx[p->mx_count];
    if (p->demand) {
        l->policy.demand = memcpy(to, p->demand, sizeof(*p->demand));
        to += sizeof(*p->demand);
    }
    for (uint32_t i = 0; i < p->mx_count; i++) {
        l->mx[i] = span_of(to, p->mx[i].n);
        for (size_t k = 0; k < p->mx[i].n; k++) {
            uint8_t c = p->mx[i].p[k];
            *to++ = (uint8_t)(c >= 'A' && c <= 'Z' ? c + 32 : c);
        }
    }
    l->policy.mx = l->mx;
    return l;
}

static bool add_signs(struct book *b, struct page *page, struct leaf *leaf)
{
    for (uint32_t i = 0; i < leaf->policy.mx_count; i++) {
        struct sign *s = malloc(sizeof(*s));
        if (!s)
            return false;
        *s = (struct sign){.page = page, .leaf = leaf};
        struct span base = mx_pattern_base(leaf->mx[i], &s->wildcard);
        s->hash = sign_hash(b, base, s->wildcard);
        table_add(&b->signs, s);
    }
    return true;
}

static void drop_signs(struct book *b, const struct leaf *leaf)
{
    for (uint32_t i = 0; i < leaf->policy.mx_count; i++) {
        bool wildcard;
        struct span base = mx_pattern_base(leaf->mx[i], &wildcard);
        uint64_t hash = sign_hash(b, base, wildcard);
        struct sign **link = (struct sign **)&b->signs.bucket[hash & b->signs.mask];
        while (*link) {
            struct sign *s = *link;
            if (s->leaf != leaf) {
                link = &s->next;
                continue;
            }
            *link = s->next;
            free(s);
            b->signs.count--;
        }
    }
}

/* Where a policy of that time belongs: in front of the first that is no newer. */
static struct leaf **place_of(struct page *page, const struct book_policy *p)
{
    struct leaf **link = &page->newest;
    while (*link && (*link)->policy.from > p->from)
        link = &(*link)->older;
    return link;
}

static bool known(const struct leaf *l, const struct book_policy *p)
{
    for (; l && l->policy.from == p->from; l = l->older)
        if (l->policy.source == p->source)
            return true;
    return false;
}

static void drop_oldest(struct book *b, struct page *page)
{
    unsigned count = 0;
    struct leaf **link = &page->newest;
    while (*link && count++ < CAP_BOOK_HISTORY)
        link = &(*link)->older;
    struct leaf *oldest = *link;
    if (!oldest)
        return;
    *link = oldest->older;
    drop_signs(b, oldest);
    free(oldest);
    b->policies--;
}

enum book_added book_add(struct book *b, const struct domain *d, const struct book_policy *p)
{
    struct page *page = find_or_add(b, d);
    struct leaf *leaf;
    if (!page)
        return BOOK_NO_MEMORY;
    struct leaf **link = place_of(page, p);
    if (known(*link, p))
        return BOOK_KNOWN;
    leaf = new_leaf(p);
    if (!leaf)
        return BOOK_NO_MEMORY;
    if (!add_signs(b, page, leaf)) {
        drop_signs(b, leaf);
        free(leaf);
        return BOOK_NO_MEMORY;
    }
    leaf->older = *link;
    *link = leaf;
    b->policies++;
    drop_oldest(b, page);
    return BOOK_ADDED;
}

/* --- asking --- */

static bool within_a_day(nstime from, nstime t)
{
    return from <= clock_add(t, A_DAY);
}

const struct book_policy *book_at(const struct book *b, const struct domain *d,
                                  enum expectation_source source, nstime t, bool *later)
{
    const struct page *page = find(b, d);
    const struct book_policy *next = NULL; /* the oldest that is newer than t */
    const struct leaf *l = page ? page->newest : NULL;
    *later = false;
    for (; l && (l->policy.source != source || l->policy.from > t); l = l->older)
        if (l->policy.source == source)
            next = &l->policy;
    if (l && l->policy.until > t)
        return &l->policy;
    *later = next && within_a_day(next->from, t);
    return *later ? next : NULL;
}

enum mx_match book_match(const struct book_policy *p, const struct domain *mx)
{
    enum mx_match best = p->mx_count > 0 ? MX_MATCH_NONE : MX_MATCH_WHOLE;
    for (uint32_t i = 0; i < p->mx_count && best < MX_MATCH_WHOLE; i++) {
        enum mx_match m = mx_match(p->mx[i], domain_span(mx));
        best = m > best ? m : best;
    }
    return best;
}

/* Goes through the patterns whose base is `base`. False: it was stopped, or has seen enough. */
static bool by_base(const struct book *b, struct span base, bool wildcard, unsigned *left,
                    book_fn fn, void *user)
{
    uint64_t hash = sign_hash(b, base, wildcard);
    for (const struct sign *s = b->signs.bucket[hash & b->signs.mask]; s; s = s->next) {
        if (s->hash != hash || s->wildcard != wildcard)
            continue;
        if (*left == 0)
            return false;
        (*left)--;
        struct domain d = domain_of(s->page);
        if (!fn(user, &d, &s->leaf->policy))
            return false;
    }
    return true;
}

void book_by_mx(const struct book *b, const struct domain *mx, book_fn fn, void *user)
{
    struct span name = domain_span(mx);
    unsigned left = CAP_BOOK_SHARED;
    size_t dot = span_find(name, '.');
    if (by_base(b, name, false, &left, fn, user) && dot < name.n)
        by_base(b, span_from(name, dot + 1), true, &left, fn, user);
}

void book_of(const struct book *b, const struct domain *d, book_fn fn, void *user)
{
    const struct page *page = find(b, d);
    for (const struct leaf *l = page ? page->newest : NULL; l; l = l->older)
        if (!fn(user, d, &l->policy))
            return;
}

void book_each(const struct book *b, book_fn fn, void *user)
{
    for (uint64_t i = 0; i <= b->pages.mask; i++) {
        for (const struct page *p = b->pages.bucket[i]; p; p = p->next) {
            struct domain d = domain_of(p);
            for (const struct leaf *l = p->newest; l; l = l->older)
                if (!fn(user, &d, &l->policy))
                    return;
        }
    }
}
