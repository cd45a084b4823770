/* SPDX-License-Identifier: Apache-2.0 */
#include "history/layouts.h"

#include <stdlib.h>

#define BUCKETS 8192 /* a power of two, twice the most */

_Static_assert(BUCKETS >= 2 * CAP_HISTORY_LAYOUTS, "half of the buckets stay empty");

struct entry {
    char *text;
    uint16_t n;
    uint8_t count;
    int8_t slot;
};

struct layouts {
    struct entry entry[CAP_HISTORY_LAYOUTS + 1]; /* from 1 on */
    uint16_t count;
    uint16_t bucket[BUCKETS]; /* numbers; 0: empty */
    uint64_t refused;
};

struct layouts *layouts_new(void)
{
    return calloc(1, sizeof(struct layouts));
}

void layouts_free(struct layouts *l)
{
    if (!l)
        return;
    for (unsigned i = 1; i <= l->count; i++)
        free(l->entry[i].text);
    free(l);
}

/* Which ones there are is bounded, and whoever makes two meet lengthens a walk among 4,096. */
static size_t bucket_of(struct span text)
{
    static const struct siphash_key key = {0, 0};
    return (size_t)siphash(&key, text.p, text.n) % BUCKETS;
}

/* The bucket that has the text, or the empty one where it belongs. */
static size_t look(const struct layouts *l, struct span text)
{
    size_t at = bucket_of(text);
    for (; l->bucket[at]; at = (at + 1) % BUCKETS) {
        const struct entry *e = &l->entry[l->bucket[at]];
        if (span_eq(span_of(e->text, e->n), text))
            break;
    }
    return at;
}

static bool printable(struct span word)
{
    for (size_t i = 0; i < word.n; i++)
        if (word.p[i] <= ' ' || word.p[i] > '~')
            return false;
    return word.n > 0;
}

/* The words with a blank between them; n 0: they are none to be learnt. */
static struct span join(char text[LAYOUT_TEXT], const struct span *word, size_t count)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (!printable(word[i]) || n + word[i].n + 1 > LAYOUT_TEXT)
            return span_of(NULL, 0);
        if (n > 0)
            text[n++] = ' ';
        memcpy(text + n, word[i].p, word[i].n);
        n += word[i].n;
    }
    return span_of(text, n);
}

static void describe(struct entry *e)
{
    const struct span text = span_of(e->text, e->n);
    struct span rest = text;
    e->slot = -1;
    for (e->count = 0; rest.n > 0; e->count++) {
        struct span word = span_first(rest, span_find(rest, ' '));
        if (e->slot < 0 && span_eq_nocase(word, span_str("STARTTLS")))
            e->slot = (int8_t)e->count;
        rest = span_from(rest, word.n + 1);
    }
}

uint16_t layouts_read(struct layouts *l, struct span text)
{
    if (text.n == 0 || text.n > LAYOUT_TEXT)
        return 0;
    size_t at = look(l, text);
    if (l->bucket[at])
        return l->bucket[at];
    char *copy = l->count < CAP_HISTORY_LAYOUTS ? malloc(text.n) : NULL;
    if (!copy) {
        l->refused++;
        return 0;
    }
    memcpy(copy, text.p, text.n);
    struct entry *e = &l->entry[++l->count];
    *e = (struct entry){.text = copy, .n = (uint16_t)text.n};
    describe(e);
    return l->bucket[at] = l->count;
}

uint16_t layouts_learn(struct layouts *l, const struct span *word, size_t count)
{
    char text[LAYOUT_TEXT];
    return layouts_read(l, join(text, word, count));
}

uint16_t layouts_find(const struct layouts *l, const struct span *word, size_t count)
{
    char text[LAYOUT_TEXT];
    struct span joined = join(text, word, count);
    return joined.n > 0 ? l->bucket[look(l, joined)] : 0;
}

struct layout_known layouts_get(const struct layouts *l, uint16_t number)
{
    const struct entry *e = &l->entry[number];
    return (struct layout_known){
        .text = span_of(e->text, e->n), .count = e->count, .slot = e->slot};
}

struct span layout_word(const struct layout_known *k, size_t i)
{
    struct span rest = k->text;
    for (; i > 0; i--)
        rest = span_from(rest, span_find(rest, ' ') + 1);
    return span_first(rest, span_find(rest, ' '));
}

uint64_t layouts_refused(const struct layouts *l)
{
    return l->refused;
}

bool layouts_save(const struct layouts *l, FILE *to)
{
    bool good = fwrite(&l->count, sizeof(l->count), 1, to) == 1;
    for (unsigned i = 1; good && i <= l->count; i++) {
        const struct entry *e = &l->entry[i];
        good = fwrite(&e->n, sizeof(e->n), 1, to) == 1 && fwrite(e->text, e->n, 1, to) == 1;
    }
    return good;
}

bool layouts_restore(struct layouts *l, FILE *from)
{
    char text[LAYOUT_TEXT];
    uint16_t count, n;
    bool good = fread(&count, sizeof(count), 1, from) == 1;
    for (unsigned i = 1; good && i <= count; i++)
        good = fread(&n, sizeof(n), 1, from) == 1 && n <= sizeof(text) &&
               fread(text, 1, n, from) == n && layouts_read(l, span_of(text, n)) == i;
    return good;
}
