/* SPDX-License-Identifier: Apache-2.0 */
/* A reader as a string of bytes (dissect/pack.h). */
#include "base/heap.h"
#include "base/sparse.h"
#include "dissect/smtp_state.h"

_Static_assert(SMTP_PACK_MOST >= SPARSE_MOST(sizeof(struct smtp)) +
                                     CAP_PENDING_COMMANDS * SPARSE_MOST(sizeof(struct pending)),
               "a reader takes more");

/* Without what lies between its members, which may be anything. */
static void copy_pending(struct pending *to, const struct pending *from)
{
    memset(to, 0, sizeof(*to));
    to->verb = from->verb;
    to->odd = from->odd;
    to->offset = from->offset;
    to->end = from->end;
    to->time = from->time;
}

size_t smtp_pack(const struct smtp *m, uint8_t *to, uint8_t *line[SESSION_DIR_COUNT])
{
    const struct queue *q = &m->queue;
    struct smtp image = *m;
    struct pending one;
    size_t n;

    copy_pending(&image.reply.to, &m->reply.to);
    image.s = NULL;
    image.queue.item = NULL;
    image.queue.head = 0;
    if (q->count == 0)
        image.queue.size = 0;
    for (int d = 0; d < SESSION_DIR_COUNT; d++) {
        line[d] = m->line[d].n ? m->line[d].p : NULL;
        image.line[d].p = NULL;
        if (!line[d])
            image.line[d].size = 0;
    }
    n = sparse_pack(to, &image, sizeof(image));
    for (uint16_t i = 0; i < q->count; i++) {
        copy_pending(&one, &q->item[(q->head + i) % q->size]);
        n += sparse_pack(to + n, &one, sizeof(one));
    }
    return n;
}

void smtp_pack_release(struct smtp *m)
{
    for (int d = 0; d < SESSION_DIR_COUNT; d++)
        if (m->line[d].n)
            m->line[d].p = NULL;
    smtp_free(m);
}

struct smtp *smtp_restore(const uint8_t *from, uint8_t *const line[SESSION_DIR_COUNT],
                          struct session *s)
{
    struct smtp *m = heap_alloc(sizeof(*m));
    struct queue *q;

    if (!m)
        return NULL;
    from += sparse_unpack(from, m, sizeof(*m));
    q = &m->queue;
    m->s = s;
    q->item = q->size ? heap_alloc(q->size * sizeof(*q->item)) : NULL;
    if (q->size && !q->item) {
        heap_free(m);
        return NULL;
    }
    for (uint16_t i = 0; i < q->count; i++)
        from += sparse_unpack(from, &q->item[i], sizeof(*q->item));
    for (int d = 0; d < SESSION_DIR_COUNT; d++)
        m->line[d].p = line[d];
    return m;
}
