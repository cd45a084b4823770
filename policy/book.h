/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The promises that are known, by domain and by the patterns of their mail exchangers: MTA-STS
 * policies with their history, so that last month's packets are judged by last month's policy.
 * Filled once or as they come; asked at packet time.
 */
#ifndef POLICY_BOOK_H
#define POLICY_BOOK_H

#include "base/siphash.h"
#include "policy/expectation.h"

/* Where it was found. */
enum book_origin { BOOK_FROM_LIST, BOOK_FROM_STATE, BOOK_FROM_LOOKUP, BOOK_ORIGIN_COUNT };

/* One policy of one domain. */
struct book_policy {
    enum book_origin origin;
    enum expectation_source source;
    enum sts_mode mode;
    bool strict;             /* to the letter of RFC 8461; what is not even usable is not kept */
    uint32_t max_age;        /* seconds */
    nstime from;             /* fetched then; INT64_MIN: it holds for every packet */
    nstime until;            /* from + max_age, or INT64_MAX */
    char id[CAP_STS_ID + 1]; /* "": unknown */
    const struct span *mx;   /* patterns; when kept they point into the book */
    uint32_t mx_count;
    const struct partner_demand *demand; /* NULL: none; copied likewise */
};

struct book;

struct book *book_new(const struct siphash_key *key); /* NULL: no memory */
void book_free(struct book *b);

enum book_added { BOOK_ADDED, BOOK_KNOWN, BOOK_NO_MEMORY };

/* Copies the policy. BOOK_KNOWN: there is one of that time and source already, and it stays. Of a
 * domain the newest CAP_BOOK_HISTORY are kept. */
enum book_added book_add(struct book *b, const struct domain *d, const struct book_policy *p);

/* All that is in them changes places. */
void book_exchange(struct book *a, struct book *b);

uint64_t book_count(const struct book *b); /* policies kept */

/*
 * The policy of that source in force at time t: the newest of then, if it had not ended. Otherwise,
 * and then `later` is set, the first one that was fetched up to a day after. NULL: none. Valid
 * until the next book_add().
 */
const struct book_policy *book_at(const struct book *b, const struct domain *d,
                                  enum expectation_source source, nstime t, bool *later);

/* The best match of the name among the policy's patterns; one without patterns takes any. */
enum mx_match book_match(const struct book_policy *p, const struct domain *mx);

/* Return false to stop. */
typedef bool (*book_fn)(void *user, const struct domain *d, const struct book_policy *p);

/* The domains with a pattern, of any time, that may stand for the name, at most CAP_BOOK_SHARED of
 * them: hosting companies receive for many. `p` is the one that has the pattern. */
void book_by_mx(const struct book *b, const struct domain *mx, book_fn fn, void *user);

/* Those of a domain, the newest first. */
void book_of(const struct book *b, const struct domain *d, book_fn fn, void *user);

/* All of them, by domain and then by time, the newest first. */
void book_each(const struct book *b, book_fn fn, void *user);

#endif
