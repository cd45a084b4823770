/* SPDX-License-Identifier: Apache-2.0 */
/* Observations for the tests of history/: a good session, of which a test changes what it is about.
 */
#ifndef TESTS_UNIT_HISTORY_OBSERVE_H
#define TESTS_UNIT_HISTORY_OBSERVE_H

#include <stdint.h>
#include <string.h>

#include "history/observation.h"

#define MINUTE (60 * NS_PER_S)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

#define NOON (20000 * DAY + 12 * HOUR) /* of a day in 2024, away from midnight */

/* From client 10.0.c.c to server 192.0.s.s: the numbers are at most 65,535, and each is a network
 * of its own from 256 to 256. */
static inline struct observation observe(nstime t, uint32_t client, uint32_t server)
{
    static uint64_t flow;
    struct observation o = {.time = t, .flow_id = ++flow, .family = 4, .port = 25};
    const uint8_t c[4] = {10, 0, (uint8_t)(client >> 8), (uint8_t)client};
    const uint8_t s[4] = {192, 0, (uint8_t)(server >> 8), (uint8_t)server};
    memcpy(o.client, c, sizeof(c));
    memcpy(o.server, s, sizeof(s));
    return o;
}

static inline struct observation offered(nstime t, uint32_t client, uint32_t server)
{
    struct observation o = observe(t, client, server);
    o.offer = OBSERVED_OFFER_MADE;
    o.asked = true;
    o.fate = OBSERVED_FATE_TLS;
    o.delivered = true;
    return o;
}

static inline struct observation missing(nstime t, uint32_t client, uint32_t server)
{
    struct observation o = observe(t, client, server);
    o.offer = OBSERVED_OFFER_MISSING;
    o.mail = o.delivered = true;
    return o;
}

static inline struct observation refused(nstime t, uint32_t client, uint32_t server)
{
    struct observation o = observe(t, client, server);
    o.offer = OBSERVED_OFFER_MADE;
    o.asked = true;
    o.fate = OBSERVED_FATE_REFUSED;
    o.mail = o.delivered = true;
    return o;
}

/* The words of an EHLO reply, with a blank between them. They must outlive the observation. */
static inline void say(struct observation *o, const char *words)
{
    struct span rest = span_str(words);
    for (o->word_count = 0; rest.n > 0 && o->word_count < CAP_REPLY_LINES;) {
        struct span word = span_first(rest, span_find(rest, ' '));
        o->word[o->word_count++] = word;
        rest = span_from(rest, word.n + 1);
    }
}

#endif
