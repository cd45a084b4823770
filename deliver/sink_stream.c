/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/sink_stream.h"

#include <stdio.h>

#include "base/heap.h"
#include "deliver/trail.h"

#define STALL (30 * NS_PER_S) /* it takes nothing for so long: another connection may do better */

enum { ROOM = 2 * CAP_SINK_LINE };

struct stream {
    struct sink base;
    struct dial dial;
    sink_framer *framer;
    void *user;         /* the framer's */
    struct trail trail; /* what was sent lately */
    nstime moved;       /* when the receiver took something last */
    size_t n, at;       /* bytes in the buffer, and of them sent */
    char buffer[ROOM];  /* whole frames */
};

static struct stream *of(struct sink *s)
{
    return (struct stream *)(void *)s;
}

static void lose(struct stream *s)
{
    if (trail_oldest(&s->trail) > 0) {
        s->base.unarrived = trail_oldest(&s->trail);
        s->base.is_lost = true;
    }
    trail_clear(&s->trail);
    s->n = s->at = 0;
}

static void flush(struct stream *s, nstime now)
{
    ssize_t sent = 1;

    if (s->at == s->n)
        s->moved = now;
    while (s->dial.state == DIAL_READY && s->at < s->n && sent > 0) {
        sent = dial_write(&s->dial, s->buffer + s->at, s->n - s->at, now);
        if (sent > 0) {
            s->at += (size_t)sent;
            s->moved = now;
        }
    }
    if (s->at == s->n)
        s->n = s->at = 0;
    if (s->dial.state == DIAL_READY && now - s->moved >= STALL)
        dial_drop(&s->dial, now, "the receiver takes nothing");
}

static void note(struct stream *s, nstime now)
{
    if (s->dial.state != DIAL_READY)
        sink_note(&s->base, SINK_AWAY, "%s",
                  s->dial.why[0] ? s->dial.why : "not connected to the receiver yet");
    else if (now - s->moved >= NS_PER_S)
        sink_note(&s->base, SINK_AWAY, "the receiver takes nothing just now");
    else
        sink_note(&s->base, SINK_OK, "%s", "");
}

static void tick(struct sink *base, nstime now)
{
    struct stream *s = of(base);
    bool was_ready = s->dial.state == DIAL_READY;

    dial_step(&s->dial, now);
    if (!was_ready && s->dial.state == DIAL_READY)
        s->moved = now;
    flush(s, now);
    if (s->dial.state != DIAL_READY) {
        lose(s);
    } else if (s->n == 0) { /* what waits here proves that he has not read the rest either */
        base->stats.delivered += trail_settle(&s->trail, now);
        base->unarrived = trail_oldest(&s->trail);
    }
    base->is_sent = s->n == 0;
    note(s, now);
}

static size_t room(const struct sink *base)
{
    const struct stream *s = (const struct stream *)(const void *)base;

    return s->dial.state == DIAL_READY && s->n == 0 ? CAP_SPOOL_BATCH : 0;
}

static size_t offer(struct sink *base, const struct spool_record *records, size_t n, nstime now)
{
    struct stream *s = of(base);
    size_t i = 0;

    for (; i < n && ROOM - s->n >= CAP_SINK_LINE; i++) {
        s->n += s->framer(s->user, &records[i], s->buffer + s->n, ROOM - s->n);
        trail_add(&s->trail, records[i].seq, now);
    }
    base->unarrived = trail_oldest(&s->trail);
    tick(base, now);
    return i;
}

static void reopen(struct sink *base)
{
    (void)base; /* there is no file */
}

static bool poll_stream(const struct sink *base, struct pollfd *p)
{
    const struct stream *s = (const struct stream *)(const void *)base;

    return dial_poll(&s->dial, s->n > 0, p);
}

static void close_sink(struct sink *base)
{
    dial_fini(&of(base)->dial);
    heap_free(of(base)->user);
    heap_free(base);
}

static const struct sink_ops OPS = {room, offer, tick, reopen, poll_stream, close_sink};

struct sink *sink_stream_new(struct dial *dial, sink_framer *framer, void *user,
                             const struct sink_filter *f, char why[SINK_WHY])
{
    struct stream *s = heap_zeroed(sizeof(*s));

    if (!s) {
        snprintf(why, SINK_WHY, "no memory for a sink");
        dial_fini(dial);
        heap_free(user);
        return NULL;
    }
    s->base.ops = &OPS;
    s->base.filter = f ? *f : (struct sink_filter){0};
    s->dial = *dial;
    s->framer = framer;
    s->user = user;
    sink_note(&s->base, SINK_AWAY, "not connected to the receiver yet");
    return &s->base;
}
