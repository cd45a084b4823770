/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where lines go: a file, standard output, Redis. A sink is offered records of the spool and says
 * which of them have arrived; only then they are committed (alert/spool_reader.h). It never waits:
 * what it cannot pass on now is offered again.
 *
 *   for (;;) {
 *       spool_commit(spool, now);
 *       for each sink: sink_turn(sink, reader, now);
 *       poll() with sink_poll() of each
 *   }
 *
 * Time is monotonic (store_clock()). The process ignores SIGPIPE.
 */
#ifndef ALERT_SINK_H
#define ALERT_SINK_H

#include <poll.h>

#include "alert/spool_reader.h"

enum { SINK_WHY = 256 };

enum sink_state {
    SINK_OK,
    SINK_AWAY,   /* not to be reached, or it takes nothing now: tried again by itself */
    SINK_BROKEN, /* somebody has to do something; tried again all the same */
    SINK_STATE_COUNT
};

const char *sink_state_text(enum sink_state state);

/* What a line looks like to the receiver. It writes `eve` in its own way and returns the length, or
 * 0 when it cannot: the line then goes as it is. NULL: as it is. */
struct sink_format {
    size_t (*render)(void *user, struct span eve, char *to, size_t room);
    void *user;
};

/* What a sink is told, and how. All zero: everything, as it is. */
struct sink_filter {
    unsigned without_kinds;         /* bits: 1 << enum spool_kind */
    uint8_t min_severity;           /* of alerts; other kinds have none */
    uint32_t rules[CAP_SINK_RULES]; /* alerts of these are left out */
    size_t rule_count;              /* of them */
    bool daily; /* low alerts are told of once a day (SPOOL_DAILY), not singly */
    struct sink_format format;
};

bool sink_wants(const struct sink_filter *f, const struct spool_record *r);

struct sink_stats {
    uint64_t delivered; /* records that have arrived */
    uint64_t filtered;  /* that it is not told of */
    uint64_t again;     /* times that records were offered anew */
    uint64_t refused;   /* that the receiver will never take: told in `why`, and given up */
};

struct sink;

struct sink_ops {
    /* How many records it would take now. */
    size_t (*room)(const struct sink *s);
    /* Takes records, in order, the first of them at least when room() was not 0; returns how many.
     * Sets s->unarrived to the first number that has not arrived. */
    size_t (*offer)(struct sink *s, const struct spool_record *records, size_t n, nstime now);
    /* All that can be done without waiting. */
    void (*tick)(struct sink *s, nstime now);
    /* A file is opened anew (SIGHUP). */
    void (*reopen)(struct sink *s);
    /* What poll() should look at; false: nothing. */
    bool (*poll)(const struct sink *s, struct pollfd *p);
    void (*close)(struct sink *s);
};

/* What all of them have; each kind has more behind it. */
struct sink {
    const struct sink_ops *ops; /* of its kind */
    struct sink_filter filter;  /* what it is told */
    enum sink_state state;      /* of the last attempt */
    char why[SINK_WHY];         /* in words, without secrets */
    uint64_t unarrived;         /* number of the first record taken that has not arrived; 0: none */
    bool is_lost;               /* what was taken from `unarrived` on is to be offered again */
    bool is_sent;            /* time alone says that the rest has arrived: nothing is left to do */
    struct sink_stats stats; /* what counts up */
};

/* A turn: passes on what there is, and commits what has arrived. Returns how many records the sink
 * took: not 0 means that there may be more. */
size_t sink_turn(struct sink *s, struct spool_reader *r, nstime now);

void sink_reopen(struct sink *s);
bool sink_poll(const struct sink *s, struct pollfd *p);
void sink_close(struct sink *s); /* frees it; NULL is allowed */

/* For the kinds. */

/* The line in its format. `room` is CAP_SINK_LINE or more: it always fits as it is. A line feed of
 * a format becomes a blank: it would be two lines to whoever reads. */
size_t sink_render(const struct sink_format *f, struct span eve, char *to, size_t room);

void sink_note(struct sink *s, enum sink_state state, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * A file, a line a record. It is opened anew when asked, when its name leads elsewhere, or nowhere
 * any more; it may be cut to nothing. A line counts as arrived when all of it was synced. A file
 * that ends within a line, after a crash, gets a line feed first: that line comes again whole. A
 * full disk ends no line: the rest of it follows when there is room.
 */
struct sink *sink_file_new(const char *path, const struct sink_filter *f, char why[SINK_WHY]);

/* Standard output; never made non-blocking, and never waited for. */
struct sink *sink_stdout_new(const struct sink_filter *f, char why[SINK_WHY]);

/* Suricata's verbs. */
enum sink_redis_verb { SINK_LPUSH, SINK_RPUSH, SINK_PUBLISH, SINK_XADD, SINK_VERB_COUNT };

struct sink_redis_config {
    const char *where;         /* as docs/redis.md has it; the prefix is not used */
    enum sink_redis_verb verb; /* LPUSH KEY line, ..., XADD KEY [MAXLEN ~ n] * eve line */
    const char *key;           /* list, channel or stream; NULL: "suricata" */
    uint64_t maxlen;           /* XADD: entries kept; 0: all */
    bool is_exact;             /* MAXLEN = instead of ~ */
    nstime deadline;           /* of connecting and of a reply; 0: 5 s */
};

/* False: no such verb; "list" and "stream", "channel" as Suricata calls them are known too. */
bool sink_redis_verb(const char *text, enum sink_redis_verb *verb);

/*
 * Redis. A record has arrived when Redis has answered that it took it; after an error or a broken
 * connection all that was not answered is sent again, after a time away that grows. Looking up a
 * name waits for the resolver, when the connection is made anew: an address or a socket does not.
 */
struct sink *sink_redis_new(const struct sink_redis_config *c, const struct sink_filter *f,
                            char why[SINK_WHY]);

#endif
