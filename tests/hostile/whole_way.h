/* SPDX-License-Identifier: Apache-2.0 */
/* What `stripwatch read` does with a packet, without the command line and without writing: from the
 * dissector to the finished line of output. */
#ifndef TESTS_HOSTILE_WHOLE_WAY_H
#define TESTS_HOSTILE_WHOLE_WAY_H

#include <time.h>

#include "alert/eve.h"
#include "dissect/dissect.h"
#include "rules/garble.h"
#include "sensor/promises.h"

struct whole_way {
    struct incidents *incidents;
    struct garble_memory *memory; /* NULL: none */
    struct promises *promises;
    struct json line;
    struct judgement judgement;
};

/* incident_fn; `user` is a struct whole_way. */
static inline void whole_way_alert(void *user, const struct session *s,
                                   enum incident_outcome outcome, const struct incident_alert *a)
{
    static const struct eve_options plain;
    struct whole_way *w = user;

    if (outcome == INCIDENT_STORM)
        eve_storm(&w->line, s, a, &plain);
    else if (a->state == INCIDENT_CLOSED)
        eve_closed(&w->line, a, &plain);
    else
        eve_alert(&w->line, s, &w->judgement, a, &plain);
    (void)json_end(&w->line);
}

/* dissect_fn; likewise. */
static inline void whole_way_session(void *user, struct session *s, enum session_milestone m)
{
    static const struct eve_options plain;
    struct whole_way *w = user;
    struct expectations expected;
    struct judge_aid aid = {.memory = w->memory};

    if (m != SESSION_CLOSED && judge_calm(s))
        return;
    aid.expected = promises_expect(w->promises, s, ROLE_UNKNOWN, &expected);
    aid.sender_checks = promises_checks(w->promises, s);
    judge(s, m, &aid, &w->judgement);
    incident_judge(w->incidents, s, m, &w->judgement);
    if (m == SESSION_CLOSED && eve_wants(s)) {
        eve_session(&w->line, s, &w->judgement, NULL, &plain);
        (void)json_end(&w->line);
    }
}

static inline void whole_way_discovery(struct whole_way *w, const struct discovery *d)
{
    static const struct eve_options plain;
    struct incident_alert alert;
    struct finding f;

    if (discovery_judge(d, &f) &&
        incident_discovery(w->incidents, d, &f, &alert) == INCIDENT_ALERT) {
        eve_discovery(&w->line, d, &alert, &plain);
        (void)json_end(&w->line);
    }
}

/* dissect_dns_fn, dissect_fetch_fn; likewise. */
static inline void whole_way_dns(void *user, const struct dns_sighting *s)
{
    struct whole_way *w = user;
    struct discovery d;

    if (promises_dns(w->promises, s, &d))
        whole_way_discovery(w, &d);
}

static inline void whole_way_fetch(void *user, const struct fetch_sighting *s)
{
    struct whole_way *w = user;
    struct discovery d;

    if (promises_fetch(w->promises, s, &d))
        whole_way_discovery(w, &d);
}

/* promises_problem_fn: no source is read here. */
static inline void whole_way_problem(void *user, const char *name, unsigned line, const char *what)
{
    (void)user;
    (void)name;
    (void)line;
    (void)what;
}

/* False: no memory; whole_way_fini() follows in both cases. */
static inline bool whole_way_init(struct whole_way *w, struct dissect_config *c)
{
    dissect_config_default(c);
    c->dns = whole_way_dns;
    c->fetch = whole_way_fetch;
    w->incidents = incident_new(&c->key, NULL, whole_way_alert, w);
    w->promises = promises_new(&c->key, whole_way_problem, w);
    return w->incidents && w->promises;
}

static inline void whole_way_fini(struct whole_way *w)
{
    incident_free(w->incidents);
    promises_free(w->promises);
    w->incidents = NULL;
    w->promises = NULL;
}

static inline uint64_t whole_way_clock(void) /* nanoseconds */
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Is every packet processed or counted as dropped, and is nothing left behind? After the finish. */
static inline bool whole_way_accounted(const struct dissect *d)
{
    struct dissect_counters c = dissect_counters(d);

    return c.packets == c.not_mail + c.not_ip + c.malformed_link + c.malformed_ip +
                            c.malformed_tcp + c.unknown_link + c.vlan_deep + c.malformed_tunnel +
                            c.tunnel_deep + c.fragments_dropped + c.fragments_held + c.no_flow +
                            c.half_open + c.flow_capped + c.dns + c.processed &&
           c.flows_open == 0 && c.held_bytes == 0;
}

#endif
