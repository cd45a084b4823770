/* SPDX-License-Identifier: Apache-2.0 */
/* What is to happen, earliest first; of equal times what was put in first. */
#ifndef TESTS_BENCH_MONTH_AGENDA_H
#define TESTS_BENCH_MONTH_AGENDA_H

#include <stddef.h>
#include <stdint.h>

enum event_kind { EVENT_PACKET, EVENT_CONNECTION, EVENT_ATTACK, EVENT_DATAGRAM };

struct event {
    uint64_t at, order;
    enum event_kind kind;
    void *what;
};

struct agenda {
    struct event *event; /* a binary heap */
    size_t count, room;
    uint64_t order;
};

void agenda_add(struct agenda *a, uint64_t at, enum event_kind kind, void *what);

/* The earliest; a->count must not be 0. */
const struct event *agenda_first(const struct agenda *a);
struct event agenda_take(struct agenda *a);

#endif
