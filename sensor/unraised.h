/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines on their way to the spool. An alert counts as raised when the feed says that it is on disk;
 * until then it is kept here, and sent again to the feed that takes the place of one that died. Who
 * reads it may get it twice, with the same ids, and never not at all.
 */
#ifndef SENSOR_UNRAISED_H
#define SENSOR_UNRAISED_H

#include "sensor/desk.h"
#include "sensor/message.h"

struct unraised;

struct unraised *unraised_new(void); /* NULL: no memory */
void unraised_free(struct unraised *u);

/* Sends a line. Only alerts are kept, and waited for. */
void unraised_tell(struct unraised *u, struct message_out *feed, struct desk_mark mark,
                   struct span line);

/* What found no room before is tried once more. */
void unraised_retry(struct unraised *u, struct message_out *feed);

/* All up to this serial (struct told_line) are on disk. */
void unraised_kept(struct unraised *u, uint64_t serial);

/* There is a new feed: it hears all that are kept once more. `generation`: counts them. */
void unraised_again(struct unraised *u, struct message_out *feed, uint64_t generation);

/* The first one that was heard of. */
void unraised_first(struct unraised *u, uint64_t generation);

uint64_t unraised_raised(const struct unraised *u);
uint64_t unraised_count(const struct unraised *u); /* kept now */
uint64_t unraised_lost(const struct unraised *u);  /* alerts for which there was no room */

#endif
