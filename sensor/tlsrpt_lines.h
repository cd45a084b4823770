/* SPDX-License-Identifier: Apache-2.0 */
/* What the border saw at our mail exchangers, out of lines of EVE: each session with what its
 * handshake showed. */
#ifndef SENSOR_TLSRPT_LINES_H
#define SENSOR_TLSRPT_LINES_H

#include "base/recent.h"
#include "sensor/event_lines.h"
#include "sensor/tlsrpt_own.h"

struct tlsrpt_lines {
    const struct tlsrpt_own *own;
    void *user;
    void (*session)(void *user, const struct sighting *s);
    void (*blind)(void *user, int64_t begin, int64_t end); /* the sensor was; NULL: not wanted */

    uint64_t taken;     /* sessions that were handed on */
    uint64_t elsewhere; /* others: at exchangers of others, on other ports, from inside */
    uint64_t live;      /* lines of wires; */
    uint64_t ordinary;  /* of those: of no finding */
    struct event_lines lines;
    struct recent *handshakes;
};

/* Reads all operands; the last but `lines` of the members are filled. 0, or -1 without memory: told
 * on standard error. */
int tlsrpt_lines_read(struct tlsrpt_lines *t, const struct cli *cli);

/* Are there lines of a wire, and of findings alone (privacy.log_sessions)? */
static inline bool tlsrpt_lines_chosen(const struct tlsrpt_lines *t)
{
    return t->live > 0 && t->ordinary == 0;
}

/* Is all that the border saw in the lines that were read? */
static inline bool tlsrpt_lines_whole(const struct tlsrpt_lines *t)
{
    return t->lines.broken == 0 && t->lines.unread == 0 && !tlsrpt_lines_chosen(t);
}

#endif
