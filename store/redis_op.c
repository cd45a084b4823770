/* SPDX-License-Identifier: Apache-2.0 */
#include "store/redis_op.h"

#include "base/heap.h"

void redis_ops_init(struct redis_ops *list)
{
    list->head = NULL;
    list->tail = &list->head;
    list->count = 0;
}

void redis_ops_push(struct redis_ops *list, struct redis_op *op)
{
    op->next = NULL;
    *list->tail = op;
    list->tail = &op->next;
    list->count++;
}

struct redis_op *redis_ops_pop(struct redis_ops *list)
{
    struct redis_op *op = list->head;

    if (!op)
        return NULL;
    list->head = op->next;
    if (!list->head)
        list->tail = &list->head;
    list->count--;
    return op;
}

void redis_ops_prepend(struct redis_ops *list, struct redis_ops *front)
{
    if (!front->head)
        return;
    *front->tail = list->head;
    if (!list->head)
        list->tail = front->tail;
    list->head = front->head;
    list->count += front->count;
    redis_ops_init(front);
}

static size_t flush_bytes(const struct store_flush *f)
{
    size_t n = f->id.n + f->count * sizeof(*f->deltas);

    for (size_t i = 0; i < f->count; i++)
        n += f->deltas[i].key.n + f->deltas[i].field.n;
    return n;
}

/* Copies the bytes to *to, which moves behind them. */
static struct span keep(uint8_t **to, struct span s)
{
    struct span kept = span_of(*to, s.n);

    if (s.n > 0)
        memcpy(*to, s.p, s.n);
    *to += s.n;
    return kept;
}

/* Room for the deltas comes first in the piece: they are aligned, bytes are not. */
static void keep_flush(struct redis_op *op, struct store_delta *deltas, uint8_t *to)
{
    struct store_flush *f = &op->flush;

    for (size_t i = 0; i < f->count; i++)
        deltas[i] = (struct store_delta){keep(&to, f->deltas[i].key), keep(&to, f->deltas[i].field),
                                         f->deltas[i].by};
    f->id = keep(&to, f->id);
    f->deltas = deltas;
}

struct redis_op *redis_op_copy(const struct redis_op *op)
{
    size_t n = sizeof(*op) + op->key.n + op->value.n + flush_bytes(&op->flush);
    struct redis_op *copy = heap_alloc(n);
    struct store_delta *deltas;
    uint8_t *to;

    if (!copy)
        return NULL;
    *copy = *op;
    copy->bytes = n;
    deltas = (struct store_delta *)(void *)(copy + 1);
    to = (uint8_t *)(deltas + op->flush.count);
    copy->key = keep(&to, op->key);
    copy->value = keep(&to, op->value);
    keep_flush(copy, deltas, to);
    return copy;
}

void redis_op_free(struct redis_op *op)
{
    resp_free(op->reply);
    heap_free(op);
}

bool redis_op_writes_to(const struct redis_op *op, struct span key)
{
    return (op->kind == OP_PUT || op->kind == OP_REMOVE) && span_eq(op->key, key);
}
