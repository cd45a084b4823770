/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that wait for their replies (RFC 2920: pipelining). */

#include "base/heap.h"
#include "dissect/smtp_state.h"

#define FIRST_SIZE 4

static bool grow(struct queue *q)
{
    uint16_t size = q->size ? (uint16_t)(q->size * 2) : FIRST_SIZE;
    struct pending *item;

    if (size > CAP_PENDING_COMMANDS)
        return false;
    item = heap_alloc(size * sizeof(*item));
    if (!item)
        return false;
    for (uint16_t i = 0; i < q->count; i++)
        item[i] = q->item[(q->head + i) % q->size];
    heap_free(q->item);
    q->item = item;
    q->size = size;
    q->head = 0;
    return true;
}

void smtp_queue_push(struct smtp *m, const struct pending *p)
{
    struct queue *q = &m->queue;

    if (q->count == q->size && !grow(q)) { /* from here on counting replies would lie */
        m->s->caps_hit++;
        m->s->step_lost = true;
        m->step_lost = true;
        return;
    }
    q->item[(q->head + q->count) % q->size] = *p;
    q->count++;
}

bool smtp_queue_front(const struct smtp *m, struct pending *out)
{
    if (m->queue.count == 0)
        return false;
    *out = m->queue.item[m->queue.head];
    return true;
}

void smtp_queue_pop(struct smtp *m)
{
    struct queue *q = &m->queue;

    if (q->count == 0)
        return;
    q->head = (uint16_t)((q->head + 1) % q->size);
    q->count--;
}

void smtp_queue_clear(struct smtp *m)
{
    m->queue.count = 0;
}

bool smtp_queue_has(const struct smtp *m, enum smtp_verb verb)
{
    const struct queue *q = &m->queue;

    for (uint16_t i = 0; i < q->count; i++)
        if (q->item[(q->head + i) % q->size].verb == verb)
            return true;
    return false;
}

/* Could this code answer that verb? Only codes that belong to few verbs tell anything. */
static bool fits(enum smtp_verb verb, int16_t code)
{
    switch (code) {
    case 354:
        return verb == VERB_DATA;
    case 334:
    case 235:
    case 535:
        return verb == VERB_AUTH || verb == VERB_AUTH_ANSWER;
    case 221:
        return verb == VERB_QUIT;
    case 220:
        return verb == VERB_STARTTLS || verb == VERB_ANONYMOUSTLS || verb == VERB_XCLIENT;
    case 250:
    case 251:
        return verb != VERB_DATA && verb != VERB_QUIT && verb != VERB_STARTTLS;
    default:
        return true;
    }
}

bool smtp_queue_seek(struct smtp *m, int16_t code, uint32_t acked)
{
    const struct queue *q = &m->queue;

    for (uint16_t i = 0; i < q->count; i++) {
        const struct pending *p = &q->item[(q->head + i) % q->size];
        if ((int32_t)(p->end - acked) > 0)
            return false;
        if (fits(p->verb, code)) {
            while (i-- > 0)
                smtp_queue_pop(m);
            return true;
        }
    }
    return false;
}
