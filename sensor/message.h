/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the processes of live capture speak: typed messages over a pair of sockets that keeps the
 * bounds of what was sent (SOCK_SEQPACKET). The parent holds both ends of each pair, so what one
 * child has said is there for the one that takes the dead listener's place. Small messages travel
 * together. Each type has one sender and a greatest size, and is checked for both before anybody
 * looks into it.
 */
#ifndef SENSOR_MESSAGE_H
#define SENSOR_MESSAGE_H

#include <stdbool.h>

#include "base/span.h"

enum process {
    PROCESS_PARENT,
    PROCESS_WATCH,
    PROCESS_JUDGE,
    PROCESS_FETCH,
    PROCESS_FEED,
    PROCESS_LISTS,
    PROCESS_COUNT
};

const char *process_text(enum process p); /* "watch" */

enum message_type {
    MESSAGE_SESSION,   /* watch: a session at a milestone */
    MESSAGE_HANDSHAKE, /* watch: a session and its handshake of TLS */
    MESSAGE_SIGHTING,  /* watch: of DNS, of a fetch of a policy, or a connection that did not come
                          about; a byte in front says which: enum told_sighting */
    MESSAGE_LINE,      /* judge: a line of JSON for the spool */
    MESSAGE_KEPT,      /* feed: how many lines are on disk, and how the spool is */
    MESSAGE_ASK,       /* judge: look a domain up (struct told_ask) */
    MESSAGE_TOLD,      /* fetch: what came of it, a line of policy/lookup_json.h; lists: a record of
                          sensor/lists_wire.h */
    MESSAGE_STATE,     /* how it is, each second: watch to judge (struct told_watch), judge to feed
                          (text), all to their parent (nothing but that they live) */
    MESSAGE_ORDER,     /* parent: stop, a child is gone, ... */
    MESSAGE_TYPE_COUNT
};

/* Before each message. */
struct message_head {
    uint32_t size;       /* of what follows */
    uint8_t type;        /* enum message_type */
    uint8_t sender;      /* enum process */
    uint16_t index;      /* which of several */
    uint64_t generation; /* counts the starts of that process; from 1 */
};

uint32_t message_most(enum message_type type); /* bytes of one */

/* --- sending --- */

struct message_out;

/* Borrows the descriptor. NULL: no memory. */
struct message_out *message_out_new(int fd, enum process sender, uint16_t index,
                                    uint64_t generation);
void message_out_free(struct message_out *o);

/* Takes a message in, to be sent with others. What the other end does not take yet waits here, in
 * bounded memory, of which the half is for what is `urgent`. False: there is no room, it is lost,
 * and counted. */
bool message_put(struct message_out *o, enum message_type type, struct span body, bool urgent);

/* Sends what can be sent now. False: the other end is gone. */
bool message_flush(struct message_out *o);

bool message_waits(const struct message_out *o);                 /* something is left to be sent */
uint64_t message_lost(const struct message_out *o, bool urgent); /* for want of room */

/* --- receiving --- */

struct message_in;

/* At the other end of the descriptor, which is borrowed, is that one of them, and no message says
 * otherwise. NULL: no memory. */
struct message_in *message_in_new(int fd, enum process from, uint16_t index);
void message_in_free(struct message_in *in);

typedef void (*message_fn)(void *user, const struct message_head *h, struct span body);

/* What has come in one go, if anything: 1; 0: nothing now; -1: the other end is gone. What is not
 * as it must be is counted and dropped, and all behind it that came along. */
int message_receive(struct message_in *in, message_fn fn, void *user);

uint64_t message_malformed(const struct message_in *in);

/* A pair, which does not block and is not inherited. 0 or an errno value. */
int message_pair(int fd[2]);

#endif
