/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A child as its parent sees it: started, ready, silent, dead, started anew. Whatever happens to
 * one, the sockets between them stay, because the parent holds their ends.
 */
#ifndef SENSOR_KID_H
#define SENSOR_KID_H

#include <sys/types.h>

#include "sensor/child.h"

#define KID_PEERS (4 + CAP_WATCHERS)

struct kid {
    enum process process;
    uint16_t index;
    const char *program; /* sensor/program.h; NULL: our own */
    uint64_t generation; /* of the newest start; 0: never */
    pid_t pid;           /* 0: it is not there */
    int link[2];         /* to it: our end, its end */
    int peer[KID_PEERS]; /* ends of its sockets to others, in the order of their places */
    size_t peers;
    struct message_out *out;
    struct message_in *in;
    bool ready;     /* it said that all is well */
    bool wanted;    /* it is to be there */
    bool expected;  /* it was asked to go, and is to come back at once */
    nstime started; /* child_clock() */
    nstime heard;
    nstime again;   /* not before that */
    nstime gone;    /* child_wall() of its death; 0: it never died, or is back */
    unsigned hasty; /* starts in a row that came to nothing */
    int code;       /* of its last end: exit code, or 128 and the signal */
};

void kid_init(struct kid *k, enum process process, uint16_t index);
void kid_fini(struct kid *k);

/* The configuration as a file without a name; -1: errno says why not. */
int kid_config(const struct config *c);

/* Starts it with the configuration in the file `config`. 0 or an errno value. */
int kid_start(struct kid *k, int config);

/* It has ended with that status of waitpid(). */
void kid_ended(struct kid *k, int status);

/* Hears it. True: it has become ready just now. */
bool kid_hear(struct kid *k);

void kid_order(struct kid *k, const struct child_message *m);

/* It has said nothing for so long that it will not any more. */
bool kid_is_stuck(const struct kid *k, nstime now);

#endif
