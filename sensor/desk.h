/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where sessions are judged: facts go in at their milestones, lines come out. What was promised,
 * what is usual, the incidents, and what nobody wants to hear of stand here side by side. Reading
 * files and watching a wire use the same desk, so the same packets are judged in the same order and
 * by the same words.
 */
#ifndef SENSOR_DESK_H
#define SENSOR_DESK_H

#include <stdio.h>

#include "alert/eve_stats.h"
#include "alert/incident.h"
#include "base/siphash.h"
#include "dissect/dns_tap.h"
#include "dissect/fetch_tap.h"
#include "policy/lookup.h"
#include "policy/role.h"
#include "sensor/lists_wire.h"
#include "sensor/tap_side.h"

struct desk;

/* All of it is borrowed and outlives the desk. */
struct desk_config {
    const struct role_config *roles;
    const struct role_nets *resolvers; /* whose AD bit is believed; none: anybody's */
    const char *const *policies;       /* sources, in their order */
    uint32_t policies_count;
    const char *preload; /* NULL: none, as of those below */
    const char *partners;
    const char *suppress;
    const char *state;           /* a store */
    const char *relay;           /* path of the socket that leads to it, where it is Redis */
    const char *ca_file;         /* NULL: the authorities of the system */
    const enum vantage *vantage; /* by session.source, as configured: UNKNOWN is found out */
    uint32_t vantages;
    struct eve_options eve;     /* but for the vantage, which the desk knows */
    enum severity min_severity; /* of alerts that are told */
    uint32_t hourly;            /* incidents that may open in an hour; 0: INCIDENT_HOURLY */
    uint32_t pair_days;         /* that pairs are remembered; 0: PAIR_DAYS */
    bool handshakes;            /* `tls` lines are wanted */
    bool patient; /* a store that does not answer is waited for, while what can be judged is */
    bool authorities_now; /* those of the system are read at once: later nothing can be opened */
};

enum desk_line { DESK_ALERT, DESK_SESSION, DESK_HANDSHAKE, DESK_STATS, DESK_LINE_COUNT };

/* What a line is. */
struct desk_mark {
    enum desk_line kind;
    enum severity severity; /* of an alert; of a session: of its worst finding */
    uint32_t sid;           /* of an alert: the rule of the primary; 0: of none */
};

/* Who works with a desk. Each may be NULL but `line` and `problem`. */
struct desk_hooks {
    /* A line of JSON with its end. Valid during the call. */
    void (*line)(void *user, struct desk_mark mark, struct span line);
    /* A session or what DNS said is about to be told of: hand in those that have ended before. */
    bool (*before)(void *user); /* gives whether there were any */
    /* For who counts: a closed session, findings of less than min_severity left out; likewise a
     * finding about what DNS said. */
    void (*closed)(void *user, const struct session *s, const struct judgement *j);
    void (*discovered)(void *user, const struct discovery *d, const struct finding *f);
    /* A session that was closed is judged again: what was found now. */
    void (*again)(void *user, const struct session *s, const struct judgement *j);
    /* Something about a source that its owner should know; `line` 0: about all of it. */
    void (*problem)(void *user, const char *name, unsigned line, const char *what);
    void *user;
};

/* Loads what the configuration names. NULL: something cannot be used, and `problem` was told. */
struct desk *desk_new(const struct desk_config *c, const struct desk_hooks *hooks);
void desk_free(struct desk *d);

/* As dissect_fn, dissect_tls_fn, dissect_dns_fn and dissect_fetch_fn. */
void desk_session(struct desk *d, struct session *s, enum session_milestone m);
void desk_handshake(struct desk *d, struct session *s, const struct tls_sighting *t);
void desk_dns(struct desk *d, const struct dns_sighting *s);
void desk_fetch(struct desk *d, const struct fetch_sighting *s);
void desk_attempt(struct desk *d, const struct dissect_attempt *a);

/* What we asked ourselves: is learnt, judged, and kept in the state if there is one. `now`: the
 * newest packet time. */
void desk_lookup(struct desk *d, const struct lookup *l, nstime now);

/* Time has passed by the packets. */
void desk_pass(struct desk *d, nstime now);

/* For every turn of a loop; never waits. */
void desk_turn(struct desk *d);

/* Look-ups that the store will not know of, for want of room on the way. */
uint64_t desk_unkept(const struct desk *d);

/* The store does not answer now. */
bool desk_is_alone(const struct desk *d);

/* The input has ended: what history can say now is said, and all is kept that was to be. False:
 * `problem` was told that it is not. */
bool desk_finish(struct desk *d);

/* Another process of this very program goes on: what was learnt goes to the file `to`, and open
 * doubts stay open. False: it cannot be written. */
bool desk_hand_over(struct desk *d, FILE *to);

/* What was handed over to a desk that has seen nothing. False: there is nothing to take. */
bool desk_take_over(struct desk *d, FILE *from);

/* A `stats` line; `live` is NULL for files. */
void desk_stats(struct desk *d, nstime now, const struct dissect_counters *c,
                const struct eve_live *live);

/* How much is known by lists and look-ups. */
struct desk_lists {
    uint64_t policies; /* entries of preload lists and partners among them */
    size_t suppressions;
};

struct desk_lists desk_lists(const struct desk *d);

/* Where the tap of that source stands: as configured, or by what was seen. */
enum vantage desk_vantage(const struct desk *d, uint32_t source);
struct tap_side_counts desk_tap_side(const struct desk *d,
                                     uint32_t source); /* what that rests on */

/* A record of lists that another process reads anew (sensor/lists_wire.h). When they are whole they
 * count from now on; what is wrong leaves those that there are. */
enum lists_step desk_list(struct desk *d, enum lists_record record, struct span body,
                          struct desk_lists *before, struct desk_lists *now);

struct history_counters desk_past(const struct desk *d);
const struct incident_counters *desk_incidents(const struct desk *d);

#endif
