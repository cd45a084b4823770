/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The outputs of the feed side by side: each is a sink (alert/sink.h) with a reader of the spool of
 * its own, so none waits for another.
 */
#ifndef SENSOR_OUTLETS_H
#define SENSOR_OUTLETS_H

#include "alert/sink.h"
#include "sensor/child.h"

#define OUTLETS 10 /* a file, standard output, Redis, six of stripwatch-feed, a day's numbers */

struct outlets {
    const struct child *child; /* whose configuration counts; borrowed, as are the next two */
    const char *dir;           /* of the spool */
    struct spool *spool;
    struct outlet {
        const char *name; /* of its reader; static */
        struct sink *sink;
        struct spool_reader *reader;
        char fresh[SINK_WHY]; /* what the sink said of itself when it was made; "": it said more */
    } one[OUTLETS];
    size_t count;
    struct outlet_format *format[OUTLETS]; /* what their lines look like; owned */
    size_t formats;
};

/* Opens some of them. False: it was said why not. */
typedef bool (*outlets_fn)(struct outlets *o);

/* A file, standard output, Redis, and the numbers of a day. */
bool outlets_local(struct outlets *o);

/* Readers of those that the configuration does not name are forgotten: what they had not read would
 * be kept for ever. Before the spool is opened. */
void outlets_forget_others(const struct config *c, const char *dir);

/* What an output is told, and how. `facility`: of RFC 5424. False: no memory, and it was said. */
bool outlets_filter(struct outlets *o, const struct config_told *told, unsigned facility,
                    struct sink_filter *filter);

/* `sink` NULL: `why` is said, and it is false. */
bool outlets_add(struct outlets *o, const char *name, struct sink *sink, const char *why);

/* A turn of each. True: there may be more to do. */
bool outlets_serve(struct outlets *o);

/* Has one something under way that a moment may bring to its end? */
bool outlets_are_busy(const struct outlets *o);

size_t outlets_poll(const struct outlets *o, struct pollfd *to); /* OUTLETS of them at most */
void outlets_reopen(struct outlets *o);
void outlets_close(struct outlets *o);

/* --- for those who open them --- */

/* Says it as an error; false. */
bool outlets_fail(const struct outlets *o, const char *what, const char *why);

/* The sink that counts low alerts, and appends their numbers to the spool once a day
 * (alert/daily.h). What it has counted lies in a file of `dir`. */
struct sink *outlets_daily_new(struct spool *spool, const char *dir, const char *sensor,
                               char why[SINK_WHY]);

#endif
