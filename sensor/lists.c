/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/lists.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/partner.h"
#include "sensor/policy_source.h"

/* Who asks a source, and what its policies count as. */
struct asking {
    struct lists *lists;
    enum book_origin origin;
};

bool lists_init(struct lists *l, const struct siphash_key *key, lists_problem_fn problem,
                void *user)
{
    *l = (struct lists){.book = book_new(key), .problem = problem, .user = user};
    return l->book != NULL;
}

void lists_drop_lookups(struct lists *l)
{
    for (size_t i = 0; i < l->lookups; i++)
        free(l->lookup[i].line);
    l->lookups = 0;
}

void lists_fini(struct lists *l)
{
    lists_drop_lookups(l);
    free(l->lookup);
    book_free(l->book);
}

void lists_exchange(struct lists *a, struct lists *b)
{
    struct lists_lookup *lookup = a->lookup;
    size_t lookups = a->lookups, room = a->room;
    const char *path = a->preload_path;
    struct preload preload = a->preload;
    book_exchange(a->book, b->book);
    a->lookup = b->lookup;
    a->lookups = b->lookups;
    a->room = b->room;
    a->preload_path = b->preload_path;
    a->preload = b->preload;
    b->lookup = lookup;
    b->lookups = lookups;
    b->room = room;
    b->preload_path = path;
    b->preload = preload;
}

static int complain(struct lists *l, const char *name, unsigned line, const char *what)
{
    l->problem(l->user, name, line, what);
    return -1;
}

/* --- policies --- */

bool lists_enter(struct lists *l, enum book_origin origin, const struct domain *d, nstime from,
                 nstime fetched, const char id[CAP_STS_ID + 1])
{
    const struct sts_policy *s = &l->policy;
    struct book_policy b = {.origin = origin,
                            .source = EXPECTATION_MTA_STS,
                            .mode = s->mode,
                            .strict = s->strict,
                            .max_age = s->max_age,
                            .from = from,
                            .until = INT64_MAX,
                            .mx = s->mx,
                            .mx_count = s->mx_count};
    if (fetched != INT64_MIN)
        b.until = clock_add(fetched, s->max_age * NS_PER_S);
    memcpy(b.id, id, sizeof(b.id));
    return book_add(l->book, d, &b) != BOOK_NO_MEMORY;
}

/* The record of policy_source */
static bool add_policy(void *user, const struct policy_json *j, const struct policy_place *at)
{
    const struct asking *a = user;
    struct lists *l = a->lists;
    struct sts_policy *s = &l->policy;
    char text[CAP_STS_REASON + CAP_DOMAIN_TEXT + 64];
    sts_policy_read(span_of(j->body, j->body_n), s);
    if (!s->usable) {
        snprintf(text, sizeof(text), "the policy of %s cannot be used: %s", j->domain.text,
                 s->reason[0] ? s->reason : "an mx names an address, or there are too many");
        complain(l, at->name, at->line, text);
        return false;
    }
    if (lists_enter(l, a->origin, &j->domain, j->since ? j->since : j->fetched, j->fetched, j->id))
        return true;
    complain(l, at->name, at->line, strerror(ENOMEM));
    return false;
}

/* The problem of policy_source */
static void on_problem(void *user, const struct policy_place *at, const char *what)
{
    const struct asking *a = user;
    complain(a->lists, at->name, at->line, what);
}

/* --- look-ups --- */

static bool make_room(struct lists *l)
{
    size_t wanted = 2 * l->room + 16;
    if (l->lookups < l->room)
        return true;
    struct lists_lookup *more = realloc(l->lookup, wanted * sizeof(*more));
    if (!more)
        return false;
    l->lookup = more;
    l->room = wanted;
    return true;
}

bool lists_note_lookup(struct lists *l, nstime time, struct span line)
{
    if (!make_room(l))
        return false;
    struct lists_lookup *one = &l->lookup[l->lookups];
    *one = (struct lists_lookup){.time = time, .n = line.n, .line = malloc(line.n)};
    if (!one->line)
        return false;
    memcpy(one->line, line.p, line.n);
    l->lookups++;
    return true;
}

static int by_time(const void *a, const void *b)
{
    const struct lists_lookup *x = a, *y = b;
    return (x->time > y->time) - (x->time < y->time);
}

void lists_sort_lookups(struct lists *l)
{
    if (l->lookups > 0)
        qsort(l->lookup, l->lookups, sizeof(l->lookup[0]), by_time);
}

/* The lookup of policy_source */
static bool note_lookup(void *user, const struct lookup *found, struct span line)
{
    const struct asking *a = user;
    return lists_note_lookup(a->lists, found->time, line);
}

/* --- sources --- */

int lists_add_policies(struct lists *l, const char *where)
{
    struct asking a = {l, policy_source_is_store(where) ? BOOK_FROM_STATE : BOOK_FROM_LIST};
    const struct policy_source to = {add_policy, on_problem, &a, note_lookup};
    return policy_source_read(&to, where);
}

int lists_add_state(struct lists *l, const char *where)
{
    struct asking a = {l, BOOK_FROM_STATE};
    const struct policy_source to = {add_policy, on_problem, &a, NULL};
    return policy_source_state(&to, where);
}

static char *read_whole(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rbe");
    char *text = NULL;
    size_t room = 0;
    ssize_t got = f ? getdelim(&text, &room, '\0', f) : -1; /* JSON has no NUL */
    if (f) {
        int error = ferror(f) ? errno : 0;
        fclose(f);
        errno = error;
    }
    *n = got > 0 ? (size_t)got : 0;
    return text;
}

int lists_add_preload(struct lists *l, const char *path)
{
    char text[PRELOAD_WHY + 80];
    size_t n;
    errno = 0;
    char *json = read_whole(path, &n);
    if (errno)
        complain(l, path, 0, strerror(errno));
    else if (preload_read(span_of(json, n), l->book, &l->preload))
        complain(l, path, 0, l->preload.why);
    else
        l->preload_path = path;
    free(json);
    if (!l->preload_path)
        return -1;
    if (l->preload.left_out > 0) {
        snprintf(text, sizeof(text), "%u of %u entries cannot be used, the first: %s",
                 l->preload.left_out, l->preload.left_out + l->preload.added, l->preload.why);
        complain(l, path, 0, text);
    }
    return 0;
}

int lists_add_partners(struct lists *l, const char *path)
{
    char why[CAP_STS_REASON], *line = NULL;
    size_t room = 0;
    unsigned number = 0;
    int rc = 0;
    FILE *f = fopen(path, "rbe");
    if (!f)
        return complain(l, path, 0, strerror(errno));
    for (ssize_t n; (n = getline(&line, &room, f)) > 0;) {
        struct span text = span_of(line, (size_t)n);
        number++;
        while (text.n > 0 && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r'))
            text.n--;
        if (partner_read(text, l->book, why) < 0)
            rc = complain(l, path, number, why);
    }
    if (ferror(f))
        rc = complain(l, path, 0, strerror(errno));
    free(line);
    fclose(f);
    return rc;
}
