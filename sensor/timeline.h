/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All inputs as one stream of packets in the order of their times, as if one capture had been
 * written: connections may begin in one file and end in another. Files are opened when the
 * timeline reaches their first packet and closed at their end, so ten thousand rotated files need
 * a handful of descriptors. Packets of one file are never reordered: a file is placed by the latest
 * time it has shown so far. Equal times follow the order of the inputs.
 */
#ifndef SENSOR_TIMELINE_H
#define SENSOR_TIMELINE_H

#include "dissect/dissect.h"
#include "sensor/inputs.h"

struct timeline;

enum timeline_trouble {
    TIMELINE_UNREADABLE, /* nothing of it was or will be read */
    TIMELINE_CUT,        /* read up to `packet`, the rest is damaged */
    TIMELINE_TROUBLE_COUNT
};

/* One input that could not be read, or not to its end. All borrowed for the call. */
struct timeline_problem {
    enum timeline_trouble trouble;
    const char *name;
    uint64_t packet; /* the last good one, counted from 1; 0: none */
    const char *text;
};

typedef void (*timeline_problem_fn)(void *user, const struct timeline_problem *p);
typedef bool (*timeline_packet_fn)(void *user, const struct packet *p); /* false: stop */

struct timeline_counts {
    uint32_t readable;   /* inputs that are captures, empty ones included */
    uint32_t unreadable; /* inputs of which nothing could be read */
    uint32_t cut;        /* captures that end in damage */
    uint32_t skipped;    /* files in directories that are no captures */
};

/* Borrows `inputs` for its life. NULL when memory is short. */
struct timeline *timeline_new(const struct inputs *inputs, timeline_problem_fn tell, void *user);

/* Looks at the beginning of every input and sorts them. Once, before timeline_run(). */
void timeline_prepare(struct timeline *t);

/* Every packet to `fn`; packet.source is the index of its input. */
void timeline_run(struct timeline *t, timeline_packet_fn fn, void *user);

struct timeline_counts timeline_counts(const struct timeline *t);

/* Bytes of input read so far; cheap, but not for every packet. */
uint64_t timeline_position(const struct timeline *t);

/* Bytes of all inputs that can be read, or 0 when that is not known (pipes). */
uint64_t timeline_size(const struct timeline *t);

void timeline_free(struct timeline *t);

#endif
