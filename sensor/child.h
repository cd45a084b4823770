/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A child of `stripwatch watch`: how its parent starts it, and the prologue that all of them share.
 * The parent executes a program anew (so no child has another's memory, and each has its own
 * addresses), gives the configuration as a file without a name, and leaves sockets at known places.
 * That program is its own but for those that reach the network (sensor/program.h).
 */
#ifndef SENSOR_CHILD_H
#define SENSOR_CHILD_H

#include "base/clock.h"
#include "sensor/config.h"
#include "sensor/message.h"
#include "sensor/sandbox.h"

/* Descriptors of a child. */
enum { CHILD_CONFIG = 3, CHILD_PARENT, CHILD_PEER };
/* What each has from CHILD_PEER on: watch, fetch, lists and feed the judge; the judge the feed,
 * fetch, lists, a file and then each watch. */
enum {
    CHILD_JUDGE = CHILD_PEER,
    CHILD_FEED = CHILD_PEER,
    CHILD_FETCH,
    CHILD_LISTS,
    CHILD_HANDOVER, /* a file without a name: what one judge leaves to the next */
    CHILD_WATCH
};

/* The index of the process `lists` says what it is to do: hand all of them to the judge, those of
 * stores, or only see whether they can be used. */
enum { CHILD_LISTS_ALL, CHILD_LISTS_STORES, CHILD_LISTS_TRY };

#define CHILD_ARGUMENT "--child" /* first argument: then process, index, generation */

/* In the environment: the directory of the spool where the configuration names none. */
#define CHILD_SPOOL_VARIABLE "STRIPWATCH_SPOOL"

/* Exit codes that the parent knows besides 0. */
enum { CHILD_FAILED = 1, CHILD_CANNOT = 78 /* it will not work the next time either: EX_CONFIG */ };

/* An order of the parent. */
enum child_order {
    CHILD_STOP,
    CHILD_RENEW, /* likewise, and another takes its place */
    CHILD_REOPEN,
    CHILD_BACK,
    CHILD_PROCESS,
    CHILD_ORDER_COUNT
};

/* How a process is: `to` of CHILD_PROCESS, whose `from` is when it was started. */
enum child_stage { CHILD_AWAY, CHILD_STARTING, CHILD_READY, CHILD_STAGE_COUNT };

struct child_message {
    uint32_t order;   /* enum child_order */
    uint32_t process; /* enum process, of BACK and PROCESS */
    uint32_t index;
    uint64_t generation; /* of the one that is back */
    nstime from, to;     /* of BACK: when nobody did its work */
};

struct child {
    enum process process;
    uint16_t index;
    uint64_t generation;
    struct config config;
    struct message_out *up; /* to the parent */
    struct message_in *down;
    bool stop;    /* the parent said so, or is gone */
    bool renew;   /* likewise the first, and another takes its place */
    bool reopen;  /* likewise; whoever does it clears it */
    nstime alive; /* when the parent was told so last */
    /* Of CHILD_BACK and, to the feed, CHILD_PROCESS; NULL: does not matter. */
    void (*heard)(void *user, const struct child_message *m);
    void *user;
};

/* The work of one of them: prints what is wrong; the exit code. */
typedef int (*child_fn)(struct child *c);

/* The program as a child: its exit code. `work`: what this program can be; NULL: not that. */
int child_main(int argc, char **argv, const child_fn work[PROCESS_COUNT]);

/* Each of them. Prints what is wrong; the exit code. */
int child_watch(struct child *c);
int child_judge(struct child *c);
int child_fetch(struct child *c);
int child_feed(struct child *c);
int child_lists(struct child *c);

/* Says something on standard error, as the configuration wants it. */
void child_say(const struct child *c, enum config_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* All is open: the walls go up, and the parent is told. False: it was said why not. */
bool child_ready(struct child *c, const struct sandbox *walls);

/* To be called in each turn of a loop: hears the parent, and tells it that all is well. */
void child_turn(struct child *c);

nstime child_wall(void);  /* the clock of the wall */
nstime child_clock(void); /* one that never steps */

#endif
