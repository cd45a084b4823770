/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/coverage.h"

#include <stdio.h>
#include <stdlib.h>

#include "alert/eve_sensor.h"
#include "base/text.h"
#include "sensor/coverage_sight.h"
#include "sensor/matter.h"
#include "sensor/quiet.h"

#define MINUTE     (60 * NS_PER_S)
#define HOUR       (60 * MINUTE)
#define DAY        (24 * HOUR)
#define LEAP       MINUTE          /* between two calls; no time that anybody has waited */
#define SETTLE     (5 * NS_PER_S)  /* until all that look at packets have told what they had */
#define USUAL_GAPS 5               /* silence of so many usual gaps is none */
#define MANY       200             /* packets that one direction can be judged by */
#define FEW_DROPS  10              /* are no trouble, whatever their share */
#define DEAD       (10 * NS_PER_S) /* a process is started anew sooner than that */
#define STEP_TOLD  NS_PER_S
#define SPOOL_FULL 80 /* per cent */
#define SPOOL_ROOM 70
#define SPOOL_BRIM 95

/* Of an incident that is open, what its lines have in common. */
struct tale {
    char incident[IDS_TEXT], finding[IDS_TEXT];
    uint32_t update;
    enum severity severity; /* the strongest that was told */
    int64_t began;          /* as coverage.now */
    nstime first, last;     /* of the wall's clock, when it was bad */
};

/* Counters at the beginning of a time that is judged as one. */
struct window {
    int64_t began;
    uint64_t total, part;
};

struct coverage {
    struct coverage_config config;
    void (*line)(void *user, struct desk_mark mark, struct span line);
    void *user;
    bool begun;
    nstime wall;           /* of the newest call */
    int64_t leap;          /* how far the wall's clock went beyond a second since the one before */
    int64_t now;           /* ns that went by evenly, from 0 */
    struct told_watch sum; /* as it was told last */
    struct quiet quiet;
    uint64_t packets_then; /* when mail was seen last */
    struct window direction, drops;
    uint64_t shed_then;             /* when `drops` began */
    bool both;                      /* directions were seen at a time */
    double rate[SESSION_DIR_COUNT]; /* usual packets an hour, while both are seen */
    int64_t dead, dead_at;          /* of the processes within an hour, and when it was told */
    bool away;                      /* the store */
    struct told_feed feed;
    struct coverage_sight sight[COVERAGE_MATTER_COUNT];
    struct matter matter[COVERAGE_MATTER_COUNT];
    struct tale tale[COVERAGE_MATTER_COUNT];
    struct json json;
};

struct coverage *coverage_new(const struct coverage_config *config,
                              void (*line)(void *user, struct desk_mark mark, struct span line),
                              void *user)
{
    struct coverage *c = calloc(1, sizeof(*c));
    if (!c)
        return NULL;
    c->config = *config;
    c->line = line;
    c->user = user;
    quiet_init(&c->quiet, 0);
    return c;
}

void coverage_free(struct coverage *c)
{
    free(c);
}

/* --- telling --- */

static void put_reason(const struct coverage *c, enum coverage_matter m, enum matter_step step,
                       char out[CAP_ALERT_TEXT])
{
    const struct matter *t = &c->matter[m];
    bool moment = m == COVERAGE_CLOCK_STEP || m == COVERAGE_PROCESS_DEAD;
    if (step == MATTER_CLOSES) {
        coverage_over(m, moment ? 0 : t->since - c->tale[m].began, out);
        return;
    }
    coverage_reason(m, &c->sight[m], out);
    size_t n = strlen(out);
    if (step == MATTER_OPENS && t->held > 0)
        snprintf(out + n, CAP_ALERT_TEXT - n,
                 " It came and went %u time%s before without being told, to bound the lines.",
                 t->held, t->held == 1 ? "" : "s");
}

static void open_tale(struct coverage *c, enum coverage_matter m)
{
    const struct coverage_kind *kind = coverage_kind(m);
    struct tale *t = &c->tale[m];
    t->update = 0;
    t->severity = SEVERITY_INFO;
    ids_sensor_incident(kind->rule, kind->what, c->config.eve->sensor, t->first, t->incident);
    ids_sensor_finding(kind->rule, kind->what, c->config.eve->sensor, t->first, t->finding);
}

static void tell(struct coverage *c, enum coverage_matter m, enum matter_step step)
{
    static const enum incident_state STATE[] = {[MATTER_OPENS] = INCIDENT_OPEN,
                                                [MATTER_WORSENS] = INCIDENT_ONGOING,
                                                [MATTER_CLOSES] = INCIDENT_CLOSED};
    const struct coverage_kind *kind = coverage_kind(m);
    const struct coverage_sight *s = &c->sight[m];
    struct tale *t = &c->tale[m];
    char reason[CAP_ALERT_TEXT];
    if (step == MATTER_OPENS)
        open_tale(c, m);
    t->update++;
    t->severity = s->severity > t->severity ? s->severity : t->severity;
    put_reason(c, m, step, reason);
    c->matter[m].held = step == MATTER_OPENS ? 0 : c->matter[m].held;
    struct eve_sensor_alert a = {.rule = kind->rule,
                                 .what = kind->what,
                                 .part = s->part,
                                 .ms = s->ms,
                                 .count = s->count,
                                 .of = s->of,
                                 .severity = t->severity,
                                 .confidence = s->confidence,
                                 .state = STATE[step],
                                 .update = t->update,
                                 .time = c->wall,
                                 .first = t->first,
                                 .last = t->last,
                                 .reason = reason,
                                 .next_step = kind->next_step};
    memcpy(a.incident, t->incident, sizeof(a.incident));
    memcpy(a.finding_id, t->finding, sizeof(a.finding_id));
    ids_alert(t->incident, t->update, c->config.eve->sensor, a.id);
    if (t->severity < c->config.min_severity)
        return;
    eve_sensor(&c->json, &a, c->config.eve);
    c->line(c->user,
            (struct desk_mark){
                .kind = DESK_ALERT, .severity = t->severity, .sid = rule_row(kind->rule)->sid},
            json_end(&c->json));
}

/* So long a matter has been bad already when it is seen to be so. */
static int64_t bad_for(const struct coverage *c, enum coverage_matter m)
{
    bool late = m == COVERAGE_NO_MAIL || m == COVERAGE_PROCESS_DEAD;
    return late ? c->sight[m].ms * NS_PER_MS : 0;
}

static void turn(struct coverage *c, enum coverage_matter m)
{
    const struct coverage_kind *kind = coverage_kind(m);
    const struct coverage_sight *s = &c->sight[m];
    struct tale *t = &c->tale[m];
    if (s->bad) {
        if (!c->matter[m].open && !c->matter[m].bad) {
            t->first = clock_add(c->wall, -bad_for(c, m));
            t->began = c->now - bad_for(c, m);
        }
        t->last = c->wall;
    }
    enum matter_step step =
        matter_turn(&c->matter[m], c->now, s->bad, s->level, kind->wait, kind->calm);
    if (step != MATTER_NOTHING)
        tell(c, m, step);
}

/* --- looking --- */

static uint64_t since_then(uint64_t now, uint64_t then)
{
    return now > then ? now - then : 0;
}

static bool all_are_down(const struct told_watch *sum)
{
    return sum->interfaces > 0 && sum->down >= sum->interfaces;
}

static void hear(struct coverage *c, const struct told_watch *sum)
{
    quiet_pass(&c->quiet, c->now);
    if (all_are_down(sum))
        quiet_break(&c->quiet);
    if (sum->mail == c->sum.mail && sum->dissect.processed == c->sum.dissect.processed)
        return;
    quiet_hear(&c->quiet, c->now);
    c->packets_then = sum->dissect.packets;
}

static void look_for_mail(struct coverage *c, const struct told_watch *sum)
{
    struct coverage_sight *s = &c->sight[COVERAGE_NO_MAIL];
    int64_t length = quiet_length(&c->quiet, c->now), usual = quiet_usual(&c->quiet);
    int64_t limit = usual * USUAL_GAPS > c->config.gap ? usual * USUAL_GAPS : c->config.gap;
    bool known = quiet_is_learned(&c->quiet);
    s->bad = length > limit && !all_are_down(sum);
    if (!s->bad)
        return;
    s->severity = known || length >= DAY ? SEVERITY_MEDIUM : SEVERITY_LOW;
    s->confidence = known ? CONFIDENCE_HIGH : CONFIDENCE_MEDIUM;
    s->level = s->severity == SEVERITY_LOW ? 0 : length < 10 * limit ? 1 : 2;
    s->ms = length / NS_PER_MS;
    s->usual = usual;
    s->others = since_then(sum->dissect.packets, c->packets_then);
    s->from_start = !c->quiet.heard;
}

static void learn_rates(struct coverage *c, const double rate[SESSION_DIR_COUNT])
{
    for (int d = 0; d < SESSION_DIR_COUNT; d++)
        c->rate[d] = c->both ? (7 * c->rate[d] + rate[d]) / 8 : rate[d];
    c->both = true;
}

/* A flood in one direction makes the other look small; it is gone when it is less than it was. */
static void judge_directions(struct coverage *c, const uint64_t count[SESSION_DIR_COUNT],
                             int64_t length)
{
    struct coverage_sight *s = &c->sight[COVERAGE_ONE_DIRECTION];
    uint64_t total = count[0] + count[1];
    int rare =
        count[SESSION_TO_CLIENT] < count[SESSION_TO_SERVER] ? SESSION_TO_CLIENT : SESSION_TO_SERVER;
    double rate[SESSION_DIR_COUNT];
    for (int d = 0; d < SESSION_DIR_COUNT; d++)
        rate[d] = (double)count[d] * (double)HOUR / (double)length;
    if (count[rare] >= total / 20) {
        learn_rates(c, rate);
        s->bad = false;
    } else if (count[rare] < total / 100 && (!c->both || rate[rare] < c->rate[rare] / 20)) {
        s->bad = true;
        s->from_start = !c->both;
        s->severity = c->both ? SEVERITY_MEDIUM : SEVERITY_LOW;
        s->confidence = CONFIDENCE_HIGH;
        s->part = rare == SESSION_TO_SERVER ? "to_server" : "to_client";
        s->count = count[rare];
        s->of = total;
    }
}

static void look_at_directions(struct coverage *c, const struct dissect_counters *d)
{
    struct window *w = &c->direction;
    int64_t length = c->now - w->began;
    uint64_t total = since_then(d->processed, w->total);
    uint64_t to_client = since_then(d->to_client, w->part);
    if (length < c->config.gap || length < MINUTE || total < MANY)
        return;
    const uint64_t count[] = {
        [SESSION_TO_CLIENT] = to_client, [SESSION_TO_SERVER] = since_then(total, to_client)};
    judge_directions(c, count, length);
    *w = (struct window){c->now, d->processed, d->to_client};
}

static void judge_drops(struct coverage *c, uint64_t total, uint64_t lost)
{
    struct coverage_sight *s = &c->sight[COVERAGE_DROPS];
    uint64_t limit = c->config.drops * total;
    s->bad = lost >= FEW_DROPS && lost * (c->matter[COVERAGE_DROPS].open ? 200 : 100) > limit;
    if (!s->bad)
        return;
    s->severity = SEVERITY_MEDIUM;
    s->confidence = CONFIDENCE_HIGH;
    s->level = lost * 2 >= total ? 2 : lost * 10 >= total ? 1 : 0;
    s->count = lost;
    s->of = total;
}

static void judge_shed(struct coverage *c, uint64_t shed)
{
    struct coverage_sight *s = &c->sight[COVERAGE_OVERLOAD];
    s->bad = shed > 0;
    if (!s->bad)
        return;
    s->severity = SEVERITY_MEDIUM;
    s->confidence = CONFIDENCE_HIGH;
    s->level = shed >= 10000 ? 2 : shed >= 100 ? 1 : 0;
    s->count = shed;
}

static struct window drops_from(const struct coverage *c, const struct told_watch *sum)
{
    return (struct window){c->now, sum->kernel_packets + sum->interface_drops,
                           sum->kernel_drops + sum->interface_drops};
}

static void look_at_losses(struct coverage *c, const struct told_watch *sum)
{
    const struct window newest = drops_from(c, sum);
    if (c->now - c->drops.began < MINUTE)
        return;
    judge_drops(c, since_then(newest.total, c->drops.total),
                since_then(newest.part, c->drops.part));
    judge_shed(c, since_then(sum->shed_urgent, c->shed_then));
    c->drops = newest;
    c->shed_then = sum->shed_urgent;
}

static void look_at_clock(struct coverage *c, const struct told_watch *sum)
{
    struct coverage_sight *s = &c->sight[COVERAGE_CLOCK_STEP];
    int64_t step = sum->step ? sum->step : c->leap;
    int64_t far = step < 0 ? clock_since(0, step) : step;
    s->bad = sum->steps > c->sum.steps && far >= STEP_TOLD;
    if (!s->bad)
        return;
    s->severity = far < MINUTE ? SEVERITY_LOW : SEVERITY_MEDIUM;
    s->confidence = CONFIDENCE_HIGH;
    s->level = far < MINUTE ? 0 : far < HOUR ? 1 : far < DAY ? 2 : 3;
    s->ms = step / NS_PER_MS;
}

static void look_at_interfaces(struct coverage *c, const struct told_watch *sum)
{
    struct coverage_sight *s = &c->sight[COVERAGE_INTERFACE_DOWN];
    s->bad = sum->down > 0;
    if (!s->bad)
        return;
    s->severity = SEVERITY_MEDIUM;
    s->confidence = CONFIDENCE_HIGH;
    s->count = sum->down;
    s->of = sum->interfaces > sum->down ? sum->interfaces : sum->down;
    s->level = sum->down < UINT16_MAX ? (unsigned)sum->down : UINT16_MAX;
}

static void look_at_store(struct coverage *c)
{
    struct coverage_sight *s = &c->sight[COVERAGE_STORE_AWAY];
    const struct matter *m = &c->matter[COVERAGE_STORE_AWAY];
    s->bad = c->away;
    if (!s->bad)
        return;
    int64_t length = m->bad ? c->now - m->since : 0;
    s->severity = SEVERITY_LOW;
    s->confidence = CONFIDENCE_HIGH;
    s->level = length >= DAY;
    s->ms = length / NS_PER_MS;
}

static bool is_beyond(const struct told_feed *f, double percent)
{
    return f->cap > 0 && (double)f->bytes * 100 >= (double)f->cap * percent;
}

static void look_at_spool(struct coverage *c)
{
    struct coverage_sight *s = &c->sight[COVERAGE_SPOOL];
    const struct told_feed *f = &c->feed;
    bool open = c->matter[COVERAGE_SPOOL].open;
    s->degraded = f->degraded != 0;
    s->bad = s->degraded || is_beyond(f, open ? SPOOL_ROOM : SPOOL_FULL);
    if (!s->bad)
        return;
    s->severity = SEVERITY_LOW;
    s->confidence = CONFIDENCE_HIGH;
    s->level = s->degraded ? 2 : is_beyond(f, SPOOL_BRIM) ? 1 : 0;
    s->count = f->bytes;
    s->of = f->cap;
    text_escape(s->why, sizeof(s->why), span_first(span_str(f->why), sizeof(f->why) - 1));
}

/* --- what happens --- */

static void pass(struct coverage *c, nstime wall_now)
{
    int64_t went = c->begun ? clock_since(wall_now, c->wall) : 0;
    c->leap = clock_add(went, c->begun ? -NS_PER_S : 0);
    c->now += went > 0 && went <= LEAP ? went : 0;
    c->wall = wall_now;
    c->begun = true;
}

/* What was counted before somebody began to look here is nothing new. */
static void begin_windows(struct coverage *c, const struct told_watch *sum)
{
    c->direction = (struct window){c->now, sum->dissect.processed, sum->dissect.to_client};
    c->drops = drops_from(c, sum);
    c->shed_then = sum->shed_urgent;
    c->packets_then = sum->dissect.packets;
}

void coverage_second(struct coverage *c, nstime wall_now, const struct told_watch *sum)
{
    pass(c, wall_now);
    if (c->now < SETTLE) {
        begin_windows(c, sum);
        c->sum = *sum;
        return;
    }
    hear(c, sum);
    look_for_mail(c, sum);
    look_at_directions(c, &sum->dissect);
    look_at_losses(c, sum);
    look_at_clock(c, sum);
    look_at_interfaces(c, sum);
    look_at_store(c);
    look_at_spool(c);
    c->sum = *sum;
    for (unsigned m = 0; m < COVERAGE_MATTER_COUNT; m++)
        turn(c, (enum coverage_matter)m);
    c->sight[COVERAGE_PROCESS_DEAD].bad = false;
}

void coverage_gap(struct coverage *c, enum process p, nstime from, nstime to)
{
    struct coverage_sight *s = &c->sight[COVERAGE_PROCESS_DEAD];
    int64_t length = to > from ? clock_since(to, from) : 0;
    if (p != PROCESS_WATCH && p != PROCESS_JUDGE)
        return;
    quiet_break(&c->quiet);
    if (c->now - c->dead_at >= HOUR)
        c->dead = 0;
    c->dead = clock_add(c->dead, length);
    c->dead_at = c->now;
    if (c->dead < DEAD)
        return;
    s->bad = true;
    s->severity = c->dead < MINUTE ? SEVERITY_LOW : SEVERITY_MEDIUM;
    s->confidence = CONFIDENCE_HIGH;
    s->level = c->dead < MINUTE ? 0 : c->dead < 10 * MINUTE ? 1 : 2;
    s->part = process_text(p);
    s->ms = c->dead / NS_PER_MS;
}

void coverage_spool(struct coverage *c, nstime wall_now, const struct told_feed *f)
{
    (void)wall_now;
    c->feed = *f;
    c->feed.why[TOLD_TEXT - 1] = '\0';
}

void coverage_store(struct coverage *c, nstime wall_now, bool away)
{
    (void)wall_now;
    c->away = away;
}

size_t coverage_open(const struct coverage *c, struct coverage_gap to[COVERAGE_MATTERS])
{
    size_t n = 0;
    _Static_assert(COVERAGE_MATTERS == COVERAGE_MATTER_COUNT, "room for each");
    for (uint32_t m = 0; m < COVERAGE_MATTER_COUNT; m++)
        if (c->matter[m].open)
            to[n++] = (struct coverage_gap){m, c->tale[m].first};
    return n;
}

const char *coverage_text(uint32_t what)
{
    return what < COVERAGE_MATTER_COUNT ? coverage_kind((enum coverage_matter)what)->what : NULL;
}
