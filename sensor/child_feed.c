/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <libgen.h>
#include <poll.h>
#include <stdlib.h>

#include "alert/eve_stats.h"
#include "sensor/desk.h"
#include "sensor/feed.h"
#include "sensor/feed_status.h"
#include "sensor/gate.h"
#include "sensor/stale.h"
#include "sensor/told.h"

#define TURN_MS  100
#define EVERY    NS_PER_S
#define GATHER   (4 * NS_PER_MS) /* between two writes to the disk: what comes then is one */
#define WAITS    (2 + OUTLETS + GATE_FDS)
#define FAIR     256             /* messages before what they brought is written */
#define PATIENCE (2 * NS_PER_S)  /* for a judge to say again what it said to another feed */
#define CURRENT  (10 * NS_PER_S) /* the judge tells of itself each second */

struct feeding {
    struct child *child;
    const char *dir; /* of the spool */
    struct spool *spool;
    struct outlets outlets;
    struct stale *stale;
    struct message_in *judge;
    struct message_out *back;
    struct gate *gate;
    struct told_feed told;
    struct feed_status status;
    uint64_t serial; /* of the newest alert that was appended */
    uint64_t seq;    /* its number in the spool */
    uint64_t judge_generation;
    nstime heard; /* the judge told of itself: child_clock() */
    nstime second;
    char gauges[CAP_MESSAGE_STATE];
    size_t gauges_n;
    bool news;        /* something was appended, or is to be told */
    nstime gather;    /* records wait until then to be committed together: child_clock(); 0: none */
    nstime committed; /* when some were so last */
};

/* --- lines --- */

static enum spool_kind kind_of(uint8_t kind)
{
    if (kind == DESK_ALERT)
        return SPOOL_ALERT;
    return kind == DESK_STATS ? SPOOL_STATS : SPOOL_SESSION;
}

static void append(void *user, struct span body)
{
    struct feeding *f = user;
    struct told_line head;
    memcpy(&head, body.p, sizeof(head));
    const struct spool_record r = {.time = child_wall(),
                                   .kind = kind_of(head.kind),
                                   .severity = head.severity,
                                   .rule = head.rule,
                                   .body = span_from(body, sizeof(head))};
    uint64_t seq = spool_append(f->spool, &r);
    f->news = true;
    if (f->gather == 0)
        f->gather = f->committed + GATHER;
    if (head.kind != DESK_ALERT || head.serial <= f->serial)
        return;
    f->serial = head.serial;
    f->seq = seq > 0 ? seq : f->seq;
}

/* Said to the feed before us: it will come again, behind what that one had taken with it. */
static bool is_stale(const struct feeding *f, const struct told_line *head)
{
    return head->feed != 0 && head->feed != f->child->generation;
}

static void take_line(struct feeding *f, struct span body)
{
    struct told_line head;
    if (body.n <= sizeof(head))
        return;
    memcpy(&head, body.p, sizeof(head));
    if (is_stale(f, &head)) {
        if (stale_keep(f->stale, body, child_clock()))
            return;
        stale_take(f->stale, append, f);
    } else if (head.feed != 0) {
        stale_forget(f->stale);
    }
    append(f, body);
}

static void be_patient_no_more(struct feeding *f)
{
    nstime since = stale_since(f->stale);
    if (since > 0 && child_clock() - since > PATIENCE)
        stale_take(f->stale, append, f);
}

/* message_fn */
static void on_message(void *user, const struct message_head *h, struct span body)
{
    struct feeding *f = user;
    if (h->generation != f->judge_generation) {
        stale_take(f->stale, append, f); /* who said them is no more */
        f->judge_generation = h->generation;
        f->serial = 0;
    }
    if (h->type == MESSAGE_LINE) {
        take_line(f, body);
    } else if (h->type == MESSAGE_STATE && feed_status_judge(&f->status, body)) {
        f->heard = child_clock();
    } else if (h->type == MESSAGE_STATE && body.n <= sizeof(f->gauges)) {
        memcpy(f->gauges, body.p, body.n);
        f->gauges_n = body.n;
        f->heard = child_clock();
    }
}

/* --- the disk --- */

static uint64_t all_lost(const struct spool_losses *l)
{
    uint64_t sum = 0;
    for (int k = 0; k < SPOOL_KIND_COUNT; k++)
        for (int s = 0; s < SPOOL_SEVERITIES; s++)
            sum += l->lost[k][s];
    return sum;
}

/* The line of last resort: what is missing, in numbers. */
static void tell_loss(struct feeding *f)
{
    struct spool_losses l;
    struct json line;
    const struct eve_options eve = {.sensor = f->child->config.sensor.name};
    if (!spool_losses(f->spool, &l))
        return;
    uint64_t alerts = 0;
    for (int s = 0; s < SPOOL_SEVERITIES; s++)
        alerts += l.lost[SPOOL_ALERT][s];
    eve_lost(&line, child_wall(), alerts, all_lost(&l) - alerts, &eve);
    const struct spool_record r = {.time = child_wall(),
                                   .kind = SPOOL_LOSS,
                                   .severity = SEVERITY_CRITICAL,
                                   .body = json_end(&line)};
    spool_append(f->spool, &r);
    child_say(f->child, CONFIG_LOG_ERROR, "the spool has lost %llu lines, %llu alerts among them",
              (unsigned long long)all_lost(&l), (unsigned long long)alerts);
}

static void tell_judge(struct feeding *f, uint64_t durable)
{
    const struct spool_stats s = spool_stats(f->spool);
    struct told_feed t = {.generation = f->judge_generation,
                          .serial = durable >= f->seq ? f->serial : 0,
                          .lost = all_lost(&s.losses),
                          .waiting =
                              (s.durable > s.delivered ? s.durable - s.delivered : 0) + s.queued,
                          .bytes = s.bytes,
                          .cap = (uint64_t)f->child->config.output.spool.quota << 20,
                          .degraded = spool_state(f->spool) != SPOOL_OK};
    snprintf(t.why, sizeof(t.why), "%s", spool_why(f->spool));
    f->told = t;
    message_put(f->back, MESSAGE_KEPT, span_of(&t, sizeof(t)), true);
}

static void commit(struct feeding *f)
{
    enum spool_state before = spool_state(f->spool);
    if (f->gather > 0)
        f->committed = child_clock();
    f->gather = 0;
    uint64_t durable = spool_commit(f->spool, child_clock());
    enum spool_state after = spool_state(f->spool);
    tell_loss(f);
    if (f->news || before != after)
        tell_judge(f, durable);
    f->news = durable < f->seq;
    if (before != after)
        child_say(f->child, after == SPOOL_OK ? CONFIG_LOG_INFO : CONFIG_LOG_ERROR, "spool: %s%s%s",
                  spool_state_text(after), after == SPOOL_OK ? "" : ": ", spool_why(f->spool));
}

/* --- who is told --- */

static void reopen(struct feeding *f)
{
    f->child->reopen = false;
    outlets_reopen(&f->outlets);
    child_say(f->child, CONFIG_LOG_INFO, "files are opened anew");
}

static void each_second(struct feeding *f)
{
    nstime now = child_clock();
    if (now - f->second < EVERY)
        return;
    f->second = now;
    bool judged = f->heard > 0 && now - f->heard < CURRENT;
    const struct feed_facts facts = {.config = &f->child->config,
                                     .outlets = &f->outlets,
                                     .spool = spool_stats(f->spool),
                                     .state = spool_state(f->spool),
                                     .why = spool_why(f->spool),
                                     .watching = judged,
                                     .now = child_wall()};
    gate_set(f->gate, span_of(f->gauges, f->gauges_n), judged && facts.state == SPOOL_OK, judged,
             feed_status_text(&f->status, &facts));
    gate_set_json(f->gate, feed_status_json(&f->status, &facts));
}

/* --- the loop --- */

/* Records are gathered: all others wait a moment. Returns the milliseconds that are left. One that
 * comes by itself waits for nobody. */
static int gathering(const struct feeding *f)
{
    nstime left = f->gather > 0 ? f->gather - child_clock() : 0;
    return left > 0 ? (int)((left + NS_PER_MS - 1) / NS_PER_MS) : 0;
}

static void take(struct feeding *f)
{
    for (int i = 0; i < FAIR && message_receive(f->judge, on_message, f) > 0; i++)
        ;
}

static void deliver(struct feeding *f, struct pollfd *of_gate, nfds_t n)
{
    commit(f);
    outlets_serve(&f->outlets);
    gate_turn(f->gate, of_gate, n);
    if (f->child->reopen)
        reopen(f);
    each_second(f);
}

static void turn(struct feeding *f)
{
    struct pollfd wait[WAITS];
    int soon = gathering(f);
    nfds_t n = 0;
    wait[n++] = (struct pollfd){.fd = CHILD_JUDGE,
                                .events = (short)(POLLIN | (message_waits(f->back) ? POLLOUT : 0))};
    wait[n++] = (struct pollfd){.fd = CHILD_PARENT, .events = POLLIN};
    if (soon == 0)
        n += (nfds_t)outlets_poll(&f->outlets, wait + n);
    nfds_t first = n;
    if (soon == 0)
        n += (nfds_t)gate_fds(f->gate, wait + n, GATE_FDS);
    if (poll(wait, n, soon > 0 ? soon : TURN_MS) < 0 && errno != EINTR)
        f->child->stop = true;
    take(f);
    be_patient_no_more(f);
    if (gathering(f) == 0)
        deliver(f, wait + first, n - first);
    if (!message_flush(f->back))
        f->child->stop = true;
    child_turn(f->child);
}

/* Sinks that take what there is get it; the others find it in the spool the next time. */
static void finish(struct feeding *f)
{
    nstime until = child_clock() + 3 * NS_PER_S;
    while (message_receive(f->judge, on_message, f) > 0)
        commit(f);
    stale_take(f->stale, append, f);
    commit(f);
    while ((outlets_serve(&f->outlets) || outlets_are_busy(&f->outlets)) && child_clock() < until)
        poll(NULL, 0, 1);
}

/* --- setting up --- */

static bool fail(struct feeding *f, const char *what, const char *why)
{
    child_say(f->child, CONFIG_LOG_ERROR, "%s: %s", what, why);
    return false;
}

static bool open_spool(struct feeding *f)
{
    const struct config *c = &f->child->config;
    char why[SPOOL_WHY];
    const struct spool_config spool = {
        .segment_bytes = (uint64_t)c->output.spool.segment << 20,
        .quota_bytes = (uint64_t)c->output.spool.quota << 20,
    };
    outlets_forget_others(c, f->dir);
    return spool_open(&f->spool, f->dir, &spool, why) == 0 || fail(f, f->dir, why);
}

static bool open_all(struct feeding *f, outlets_fn more)
{
    const struct config *c = &f->child->config;
    char why[GATE_WHY] = "";
    f->judge = message_in_new(CHILD_JUDGE, PROCESS_JUDGE, 0);
    f->back = message_out_new(CHILD_JUDGE, PROCESS_FEED, 0, f->child->generation);
    f->stale = stale_new();
    if (!f->judge || !f->back || !f->stale)
        return fail(f, "start", strerror(ENOMEM));
    if (!open_spool(f))
        return false;
    f->outlets = (struct outlets){.child = f->child, .dir = f->dir, .spool = f->spool};
    if (!outlets_local(&f->outlets) || (more && !more(&f->outlets)))
        return false;
    f->gate = gate_new(c->metrics.listen, c->control.socket, why);
    return f->gate || fail(f, "metrics", why);
}

static void dir_of(const char *path, char *to, size_t room)
{
    char copy[CONFIG_PATH];
    snprintf(copy, sizeof(copy), "%s", path);
    snprintf(to, room, "%s", dirname(copy));
}

static bool enter(struct feeding *f, outlets_fn more)
{
    const struct config *c = &f->child->config;
    char why[SANDBOX_WHY], file[CONFIG_PATH], socket[CONFIG_PATH];
    struct sandbox walls = feed_walls(more != NULL);
    size_t dirs = 0;
    walls.write_dir[dirs++] = f->dir;
    if (c->output.file.path) {
        dir_of(c->output.file.path, file, sizeof(file));
        walls.write_dir[dirs++] = file;
    }
    if (c->control.socket) {
        dir_of(c->control.socket, socket, sizeof(socket));
        walls.write_dir[dirs++] = socket;
    }
    if (!sandbox_drop(c->process.user, c->process.group, why))
        return fail(f, "privileges", why);
    if (!open_all(f, more))
        return false;
    tell_judge(f, 0);
    return child_ready(f->child, &walls);
}

static void fini(struct feeding *f)
{
    outlets_close(&f->outlets);
    gate_free(f->gate);
    spool_close(f->spool);
    stale_free(f->stale);
    message_in_free(f->judge);
    message_out_free(f->back);
    free(f);
}

/* child.heard */
static void on_heard(void *user, const struct child_message *m)
{
    struct feeding *f = user;
    feed_status_process(&f->status, m);
}

int feed_run(struct child *c, outlets_fn more)
{
    int code = CHILD_CANNOT;
    struct feeding *f = calloc(1, sizeof(*f));
    if (!f)
        return CHILD_FAILED;
    f->child = c;
    c->heard = on_heard;
    c->user = f;
    f->dir = c->config.output.spool.dir ? c->config.output.spool.dir : getenv(CHILD_SPOOL_VARIABLE);
    if (f->dir && enter(f, more)) {
        while (!c->stop)
            turn(f);
        finish(f);
        code = 0;
    }
    fini(f);
    return code;
}

int child_feed(struct child *c)
{
    return feed_run(c, NULL);
}
