/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One POST at a time by libcurl, which never waits: names are looked up by its thread, and on
 * giving up nobody waits for that thread. No redirect is followed, no proxy is taken from the
 * environment, no cookie kept; certificates are verified.
 */
#ifndef DELIVER_POST_H
#define DELIVER_POST_H

#include <poll.h>

#include "deliver/deliver.h"

struct post_config {
    struct deliver_tls tls;
    const char *user, *password; /* NULL: none */
    const char *proxy;           /* NULL: none */
    nstime deadline;             /* of all of it */
};

enum post_end { POST_ANSWERED, POST_AWAY, POST_UNTRUSTED };

struct post_answer {
    enum post_end end;
    long status;        /* of HTTP */
    int64_t hold;       /* seconds that Retry-After asks for; 0: none */
    struct span body;   /* until the next POST; cut to nothing when it was longer than the cap */
    char why[SINK_WHY]; /* not POST_ANSWERED: in words */
};

struct post;

struct post *post_new(const struct post_config *c, char why[SINK_WHY]);
void post_free(struct post *p); /* NULL is allowed */

/* `headers`: "Name: value", NULL behind the last. The body stays valid until it has ended. False:
 * no memory. */
bool post_begin(struct post *p, const char *url, const char *const *headers, struct span body,
                nstime now);

/* Has it ended? Then *answer says how. */
bool post_step(struct post *p, nstime now, struct post_answer *answer);

bool post_poll(const struct post *p, struct pollfd *fd);

#endif
