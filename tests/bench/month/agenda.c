/* SPDX-License-Identifier: Apache-2.0 */
#include "agenda.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static bool before(const struct event *a, const struct event *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

void agenda_add(struct agenda *a, uint64_t at, enum event_kind kind, void *what)
{
    if (a->count == a->room) {
        a->room = a->room ? 2 * a->room : 256;
        a->event = realloc(a->event, a->room * sizeof *a->event);
        if (!a->event) {
            perror("monthgen");
            exit(1);
        }
    }
    struct event e = {at, a->order++, kind, what};
    size_t i = a->count++;
    for (; i && before(&e, &a->event[(i - 1) / 2]); i = (i - 1) / 2)
        a->event[i] = a->event[(i - 1) / 2];
    a->event[i] = e;
}

const struct event *agenda_first(const struct agenda *a)
{
    return &a->event[0];
}

struct event agenda_take(struct agenda *a)
{
    struct event first = a->event[0], last = a->event[--a->count];
    size_t i = 0;

    for (size_t child = 1; child < a->count; child = 2 * i + 1) {
        if (child + 1 < a->count && before(&a->event[child + 1], &a->event[child]))
            child++;
        if (!before(&a->event[child], &last))
            break;
        a->event[i] = a->event[child];
        i = child;
    }
    a->event[i] = last;
    return first;
}
