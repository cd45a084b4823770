/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Low alerts of a day, counted. It is a sink like others: it reads the spool and commits what is
 * counted once the counts are on disk; so a crash counts nothing twice and loses nothing. Its
 * receiver is the spool itself, where the line of numbers waits for the outputs that want it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "alert/daily.h"
#include "rules/finding.h"
#include "sensor/outlets.h"

#define SAVE_EVERY NS_PER_S

struct counting {
    struct sink base;
    struct spool *spool;
    char path[CONFIG_PATH + 16], new_path[CONFIG_PATH + 16];
    const char *sensor;
    struct daily daily;
    uint64_t told;  /* number of the line that tells of them; 0: it is not told */
    nstime save_at; /* 0: what is counted is on disk */
};

static struct counting *of(struct sink *s)
{
    return (struct counting *)(void *)s;
}

/* --- the file --- */

static bool write_all(int fd, const char *text, size_t n)
{
    for (ssize_t put; n > 0; text += put, n -= (size_t)put)
        if ((put = write(fd, text, n)) <= 0)
            return false;
    return fdatasync(fd) == 0;
}

static bool save(struct counting *c)
{
    static char text[DAILY_TEXT]; /* the feed has one thread */
    size_t n = daily_save(&c->daily, text);
    int fd = open(c->new_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    bool good = fd >= 0 && write_all(fd, text, n);
    if (fd >= 0)
        good = close(fd) == 0 && good;
    if (good && rename(c->new_path, c->path) == 0)
        return true;
    sink_note(&c->base, SINK_BROKEN, "cannot write %s: %s", c->path, strerror(errno));
    return false;
}

/* A file that is none counts as no file: the offset says from where on it is counted anew. */
static void load(struct counting *c)
{
    static char text[DAILY_TEXT];
    FILE *f = fopen(c->path, "rbe");
    size_t n = f ? fread(text, 1, sizeof(text), f) : 0;
    if (f)
        fclose(f);
    (void)daily_load(&c->daily, span_of(text, n));
}

static void save_in_time(struct counting *c, nstime now)
{
    if (c->save_at == 0 || now < c->save_at)
        return;
    c->save_at = now + SAVE_EVERY;
    if (!save(c))
        return;
    c->save_at = 0;
    c->base.unarrived = 0;
    sink_note(&c->base, SINK_OK, "%s", "");
}

/* --- the line --- */

static void tell(struct counting *c)
{
    static char line[DAILY_TEXT];
    nstime now = child_wall();
    if (c->told > 0 || !daily_is_due(&c->daily, now))
        return;
    size_t n = daily_line(&c->daily, now, c->sensor, line, sizeof(line));
    const struct spool_record r = {
        .time = now, .kind = SPOOL_DAILY, .severity = SPOOL_LOW, .body = span_of(line, n)};
    c->told = spool_append(c->spool, &r);
}

/* Until the line is on disk its numbers are kept. */
static void begin_anew(struct counting *c, nstime now)
{
    if (c->told == 0 || spool_stats(c->spool).durable < c->told)
        return;
    daily_next(&c->daily);
    c->told = 0;
    c->save_at = now;
}

/* --- as a sink --- */

static size_t room(const struct sink *s)
{
    return ((const struct counting *)(const void *)s)->told > 0 ? 0 : CAP_SPOOL_BATCH;
}

static const char *name_of(uint32_t sid)
{
    for (enum rule_id id = 0; id < RULE_COUNT; id++)
        if (rule_row(id)->sid == sid)
            return rule_row(id)->name;
    return "";
}

static size_t offer(struct sink *s, const struct spool_record *records, size_t n, nstime now)
{
    struct counting *c = of(s);
    for (size_t i = 0; i < n; i++)
        if (records[i].severity <= SPOOL_LOW)
            (void)daily_add(&c->daily, records[i].seq, records[i].time, name_of(records[i].rule));
    s->unarrived = s->unarrived > 0 ? s->unarrived : records[0].seq;
    s->stats.delivered += n;
    if (c->save_at == 0)
        c->save_at = now + SAVE_EVERY;
    return n;
}

static void tick(struct sink *s, nstime now)
{
    begin_anew(of(s), now);
    tell(of(s));
    save_in_time(of(s), now);
}

static void reopen(struct sink *s)
{
    (void)s; /* its file is open only while it is written */
}

static bool poll_none(const struct sink *s, struct pollfd *p)
{
    (void)s;
    (void)p;
    return false;
}

static void close_sink(struct sink *s)
{
    free(of(s));
}

static const struct sink_ops OPS = {room, offer, tick, reopen, poll_none, close_sink};

struct sink *outlets_daily_new(struct spool *spool, const char *dir, const char *sensor,
                               char why[SINK_WHY])
{
    struct counting *c = calloc(1, sizeof(*c));
    if (!c) {
        snprintf(why, SINK_WHY, "out of memory");
        return NULL;
    }
    c->base.ops = &OPS;
    c->base.filter.without_kinds = ~(1u << SPOOL_ALERT);
    c->spool = spool;
    c->sensor = sensor;
    snprintf(c->path, sizeof(c->path), "%s/daily.counts", dir);
    snprintf(c->new_path, sizeof(c->new_path), "%s/daily.new", dir);
    load(c);
    return &c->base;
}
