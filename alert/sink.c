/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/sink.h"

#include <stdarg.h>
#include <stdio.h>

const char *sink_state_text(enum sink_state state)
{
    static const char *const TEXT[] = {"ok", "away", "broken"};
    _Static_assert(sizeof(TEXT) / sizeof(TEXT[0]) == SINK_STATE_COUNT, "a text for each state");

    return (unsigned)state < SINK_STATE_COUNT ? TEXT[state] : "?";
}

bool sink_wants(const struct sink_filter *f, const struct spool_record *r)
{
    if (f->without_kinds & 1u << r->kind)
        return false;
    if (r->kind == SPOOL_DAILY)
        return f->daily;
    if (r->kind != SPOOL_ALERT)
        return true;
    if (f->daily && r->severity <= SPOOL_LOW)
        return false;
    for (size_t i = 0; i < f->rule_count; i++)
        if (f->rules[i] == r->rule)
            return false;
    return r->severity >= f->min_severity;
}

void sink_note(struct sink *s, enum sink_state state, const char *format, ...)
{
    va_list args;

    s->state = state;
    va_start(args, format);
    vsnprintf(s->why, sizeof(s->why), format, args);
    va_end(args);
}

static void go_back(struct sink *s, struct spool_reader *r)
{
    if (!s->is_lost)
        return;
    if (s->unarrived > 0)
        spool_reader_rewind(r, s->unarrived - 1);
    s->unarrived = 0;
    s->is_lost = false;
    s->stats.again++;
}

static size_t keep_wanted(struct sink *s, struct spool_record *records, size_t n)
{
    size_t kept = 0;

    for (size_t i = 0; i < n; i++)
        if (sink_wants(&s->filter, &records[i]))
            records[kept++] = records[i];
    s->stats.filtered += n - kept;
    return kept;
}

static size_t pass_on(struct sink *s, struct spool_reader *r, nstime now)
{
    struct spool_record records[CAP_SPOOL_BATCH];
    size_t room = s->ops->room(s), n, took;

    n = spool_reader_take(r, records, room < CAP_SPOOL_BATCH ? room : CAP_SPOOL_BATCH);
    n = keep_wanted(s, records, n);
    took = n > 0 ? s->ops->offer(s, records, n, now) : 0;
    if (took < n)
        spool_reader_rewind(r, records[took].seq - 1);
    return took;
}

size_t sink_turn(struct sink *s, struct spool_reader *r, nstime now)
{
    size_t took;

    s->ops->tick(s, now);
    go_back(s, r);
    took = pass_on(s, r, now);
    go_back(s, r);
    spool_reader_commit(r, s->unarrived > 0 ? s->unarrived - 1 : spool_reader_position(r));
    return took;
}

void sink_reopen(struct sink *s)
{
    s->ops->reopen(s);
}

bool sink_poll(const struct sink *s, struct pollfd *p)
{
    return s->ops->poll(s, p);
}

void sink_close(struct sink *s)
{
    if (s)
        s->ops->close(s);
}
