/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One input: a pcap or pcapng capture, compressed or not, read forward packet by packet. This is
 * the only place that knows libpcap. A capture that is damaged half-way gives every packet before
 * the damage and then says what is wrong.
 */
#ifndef SENSOR_CAPTURE_H
#define SENSOR_CAPTURE_H

#include "dissect/dissect.h"

#define CAPTURE_BUFFER     262144 /* read(2) at a time: what a second-level cache holds */
#define CAPTURE_ERROR_TEXT 512

struct capture;

enum capture_status {
    CAPTURE_OK,
    CAPTURE_UNREADABLE, /* cannot be opened or read at all */
    CAPTURE_FOREIGN,    /* does not begin like any capture */
    CAPTURE_DAMAGED,    /* begins like one, but no packet can be read from it */
    CAPTURE_STATUS_COUNT
};

/* What a capture tells on failure: the text is ours or libpcap's, without the name of the file. */
struct capture_error {
    char text[CAPTURE_ERROR_TEXT];
};

/* Opens `path`, "-" being standard input. `buffer` is CAPTURE_BUFFER, or less where only the
 * beginning matters. */
enum capture_status capture_open(const char *path, size_t buffer, struct capture **out,
                                 struct capture_error *error);

/* The same for an open descriptor, which is taken over in every case. */
enum capture_status capture_open_fd(int fd, size_t buffer, struct capture **out,
                                    struct capture_error *error);

/* Stamped on every packet from now on. */
void capture_set_source(struct capture *c, uint32_t source);

/* LINKTYPE_ number; one that dissect/frame.h reads. */
uint32_t capture_link(const struct capture *c);

/* 1: *out is the next packet, its bytes valid until the next call; 0: the end; -1: damaged. */
int capture_next(struct capture *c, struct packet *out);

/* Return false to stop. */
typedef bool (*capture_fn)(void *user, const struct packet *p);

/* All further packets to `fn`: 1 when it stopped the run, 0 at the end, -1 when damaged. The bytes
 * of the packet that it stopped at stay valid until the next call. */
int capture_run(struct capture *c, capture_fn fn, void *user);

/* Why -1 was returned. */
const char *capture_damage(const struct capture *c);

uint64_t capture_packets(const struct capture *c);  /* handed out so far */
uint64_t capture_position(const struct capture *c); /* bytes of the file read so far */

void capture_close(struct capture *c);

/* Name and version of the library underneath. */
const char *capture_library(void);

#endif
