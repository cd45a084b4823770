/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the operator's sources say, read whole: policies, a preload list, partners, and look-ups
 * that were kept. Who judges reads them when it starts; who reads them anew later is another
 * process (sensor/child_lists.c).
 */
#ifndef SENSOR_LISTS_H
#define SENSOR_LISTS_H

#include "base/siphash.h"
#include "policy/book.h"
#include "policy/preload.h"

/* A look-up among the policies, as it stood there. */
struct lists_lookup {
    nstime time;
    size_t n;
    char *line;
};

/* Something about a source that its owner should know; `what` is printable. */
typedef void (*lists_problem_fn)(void *user, const char *name, unsigned line, const char *what);

struct lists {
    struct book *book;           /* the same one, whatever is exchanged */
    struct preload preload;      /* its times */
    const char *preload_path;    /* borrowed; NULL: none */
    struct lists_lookup *lookup; /* in the order in which they were read */
    size_t lookups, room;
    struct sts_policy policy; /* of reading */
    lists_problem_fn problem;
    void *user;
};

/* False: no memory; lists_fini() follows in both cases. */
bool lists_init(struct lists *l, const struct siphash_key *key, lists_problem_fn problem,
                void *user);
void lists_fini(struct lists *l);

/* Policies from wherever sensor/policy_source.h finds them. 0, or -1 when there is nothing that can
 * be used; the problem was told in both cases. */
int lists_add_policies(struct lists *l, const char *where);

/* The same from a store, which may be empty yet. */
int lists_add_state(struct lists *l, const char *where);

/* A preload list (policy/preload.h), a list of partners (policy/partner.h); likewise. */
int lists_add_preload(struct lists *l, const char *path);
int lists_add_partners(struct lists *l, const char *path);

/* The policy in l->policy, fetched at `fetched` (INT64_MIN: it holds at any time), and the same
 * since `from`. False: no memory. */
bool lists_enter(struct lists *l, enum book_origin origin, const struct domain *d, nstime from,
                 nstime fetched, const char id[CAP_STS_ID + 1]);

/* Copies a line of policy/lookup_json.h that can be read. False: no memory. */
bool lists_note_lookup(struct lists *l, nstime time, struct span line);
void lists_sort_lookups(struct lists *l); /* by time */
void lists_drop_lookups(struct lists *l);

/* All that was read changes places; the books stay where they are. */
void lists_exchange(struct lists *a, struct lists *b);

#endif
