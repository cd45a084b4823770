/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/spool_queue.h"

#include "base/heap.h"

size_t spool_queue_cost(const struct spool_record *r)
{
    return sizeof(struct spool_waiting) + spool_record_size(r);
}

struct spool_waiting *spool_queue_push(struct spool_queue *q, const struct spool_record *r)
{
    size_t n = spool_record_size(r);
    struct spool_waiting *w = heap_alloc(sizeof(*w) + n);

    if (!w)
        return NULL;
    w->record = *r;
    w->rank = spool_rank(r->kind, r->severity);
    w->n = n;
    spool_record_write(w->bytes, r);
    w->record.body.p = w->bytes + SPOOL_HEADER;
    w->next = NULL;
    w->prev = q->tail[w->rank];
    *(w->prev ? &w->prev->next : &q->head[w->rank]) = w;
    q->tail[w->rank] = w;
    q->count++;
    q->bytes += sizeof(*w) + n;
    return w;
}

void spool_queue_drop(struct spool_queue *q, struct spool_waiting *w)
{
    *(w->prev ? &w->prev->next : &q->head[w->rank]) = w->next;
    *(w->next ? &w->next->prev : &q->tail[w->rank]) = w->prev;
    q->count--;
    q->bytes -= sizeof(*w) + w->n;
    heap_free(w);
}

void spool_queue_clear(struct spool_queue *q)
{
    for (unsigned rank = 0; rank < SPOOL_RANKS; rank++)
        while (q->head[rank])
            spool_queue_drop(q, q->head[rank]);
}

unsigned spool_queue_lowest(const struct spool_queue *q)
{
    unsigned rank = 0;

    while (rank < SPOOL_RANKS && !q->head[rank])
        rank++;
    return rank;
}

unsigned spool_queue_highest(const struct spool_queue *q)
{
    unsigned rank = SPOOL_RANKS - 1;

    while (rank > 0 && !q->head[rank])
        rank--;
    return rank;
}

void spool_queue_drop_to(struct spool_queue *q, uint64_t seq, spool_queue_fn *fn, void *user)
{
    for (unsigned rank = 0; rank < SPOOL_RANKS; rank++)
        while (q->head[rank] && q->head[rank]->record.seq <= seq) {
            if (fn)
                fn(user, q->head[rank]);
            spool_queue_drop(q, q->head[rank]);
        }
}

struct spool_walk spool_walk_begin(const struct spool_queue *q, uint64_t after)
{
    struct spool_walk walk;

    for (unsigned rank = 0; rank < SPOOL_RANKS; rank++) {
        walk.at[rank] = q->head[rank];
        while (walk.at[rank] && walk.at[rank]->record.seq <= after)
            walk.at[rank] = walk.at[rank]->next;
    }
    return walk;
}

struct spool_waiting *spool_walk_next(struct spool_walk *walk)
{
    struct spool_waiting *least = NULL;

    for (unsigned rank = 0; rank < SPOOL_RANKS; rank++)
        if (walk->at[rank] && (!least || walk->at[rank]->record.seq < least->record.seq))
            least = walk->at[rank];
    if (least)
        walk->at[least->rank] = least->next;
    return least;
}
