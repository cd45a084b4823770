/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the sensor says of itself to `stripwatch status`, in words and as one object of JSON: what
 * the judge told of interfaces, coverage and look-ups, what the parent told of the processes, and
 * what the feed itself knows of the spool and the outputs. docs/deploy.md reads one.
 */
#ifndef SENSOR_FEED_STATUS_H
#define SENSOR_FEED_STATUS_H

#include "sensor/outlets.h"
#include "sensor/status_told.h"

#define FEED_STATUS_PROCESSES (4 + CAP_WATCHERS)

struct feed_status {
    struct told_judge judge; /* the newest; all zero: none yet */
    struct child_message process[FEED_STATUS_PROCESSES];
    size_t processes;
};

/* What the feed knows itself; borrowed for a call. */
struct feed_facts {
    const struct config *config;
    const struct outlets *outlets;
    struct spool_stats spool;
    enum spool_state state;
    const char *why; /* of it; "" */
    bool watching;   /* the judge told of itself just now */
    nstime now;      /* of the wall */
};

/* A MESSAGE_STATE of the judge. False: it is another one's, the metrics. */
bool feed_status_judge(struct feed_status *s, struct span body);

/* A CHILD_PROCESS of the parent. */
void feed_status_process(struct feed_status *s, const struct child_message *m);

/* Both valid until the next call of the same. */
struct span feed_status_text(const struct feed_status *s, const struct feed_facts *f);
struct span feed_status_json(const struct feed_status *s, const struct feed_facts *f);

#endif
