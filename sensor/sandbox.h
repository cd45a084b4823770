/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walls around a process that has opened all that it needs: no privilege, no new one, no more
 * files and sockets than its work asks for, only the system calls of its loop. What cannot be had
 * from the kernel (Landlock came with Linux 5.13) is told, not hidden.
 */
#ifndef SENSOR_SANDBOX_H
#define SENSOR_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "sensor/message.h"

#define SANDBOX_WHY  256
#define SANDBOX_DIRS 8

struct sandbox {
    const char *user;                    /* whom to become; NULL: nobody else */
    const char *write_dir[SANDBOX_DIRS]; /* where it may make and write files; NULL: no more */
    const char *read_path[SANDBOX_DIRS]; /* files that it may read; likewise */
    bool connects;                       /* it may open sockets and connect them */
    bool network; /* likewise, of TCP, UDP and this machine alone, wait for many at a time, and
                     have threads */
    bool connects_here; /* likewise, but those of this machine's files alone (AF_UNIX) */
    bool asks;          /* it may ask for the state of interfaces */
    size_t descriptors; /* that it may have open */
};

/* What came about. */
struct sandbox_state {
    int landlock;         /* version of its interface; 0: the kernel has none, or it is refused */
    int landlock_refused; /* the errno of that refusal; 0: it was none */
    bool seccomp;
};

/* Becomes that user and group (NULL: the user's own), if it is root; no privilege is left behind
 * it. False: `why` says what failed; the process must not go on. */
bool sandbox_drop(const char *user, const char *group, char why[SANDBOX_WHY]);

/* Behind sandbox_drop(): the walls. Likewise. */
bool sandbox_enter(const struct sandbox *s, struct sandbox_state *state, char why[SANDBOX_WHY]);

#endif
