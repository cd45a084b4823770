/* SPDX-License-Identifier: Apache-2.0 */
/* What `stripwatch read` does with a packet, without the command line and without writing: from the
 * dissector to the finished line of output. */
#ifndef TESTS_HOSTILE_WHOLE_WAY_H
#define TESTS_HOSTILE_WHOLE_WAY_H

#include <time.h>

#include "alert/eve.h"
#include "dissect/dissect.h"
#include "rules/garble.h"

struct whole_way {
    struct incidents *incidents;
    struct garble_memory *memory; /* NULL: none */
    struct json line;
    struct judgement judgement;
};

/* dissect_fn; `user` is a struct whole_way. */
static inline void whole_way_session(void *user, struct session *s, enum session_milestone m)
{
    static const struct eve_options plain;
    struct whole_way *w = user;
    struct incident_alert alert;
    struct judge_aid aid = {.memory = w->memory};

    if (m != SESSION_CLOSED && judge_calm(s))
        return;
    judge(s, m, &aid, &w->judgement);
    if (incident_judge(w->incidents, s, m, &w->judgement, &alert) == INCIDENT_ALERT) {
        eve_alert(&w->line, s, &w->judgement, &alert, &plain);
        (void)json_end(&w->line);
    }
    if (m == SESSION_CLOSED && eve_wants(s)) {
        eve_session(&w->line, s, &w->judgement, NULL, &plain);
        (void)json_end(&w->line);
    }
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
                            c.malformed_tcp + c.unknown_link + c.vlan_deep + c.fragments_dropped +
                            c.fragments_held + c.no_flow + c.half_open + c.flow_capped + c.dns +
                            c.processed &&
           c.flows_open == 0 && c.held_bytes == 0;
}

#endif
