/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of EVE out of files and standard input, which may be compressed. What cannot be read is
 * told on standard error with file and line, and counted; the rest is handed on.
 */
#ifndef SENSOR_EVENT_LINES_H
#define SENSOR_EVENT_LINES_H

#include "report/event.h"
#include "sensor/stream.h"

struct event_lines {
    /* A line without its end. False: it is broken, `why` says how. */
    bool (*take)(void *user, struct span line, char why[EVENT_WHY]);
    void *user;
    uint64_t files, lines, broken; /* begun; not empty; of those */
    uint64_t unread;               /* files that could not be read, or not to their end */
};

/* `name` as the user gave it, - is standard input. */
void event_lines_read(struct event_lines *l, const char *name);

/* Tells how many broken lines were not told of one by one. */
void event_lines_close(const struct event_lines *l);

/* A file as the user named it, escaped, and what is wrong with it. */
void event_lines_complain(const char *name, const char *what);

/* The descriptor of a file or, for -, of standard input; -1 with errno. */
int event_lines_open(const char *name);

#endif
