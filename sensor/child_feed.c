/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <libgen.h>
#include <poll.h>
#include <stdlib.h>

#include "alert/eve_stats.h"
#include "alert/sink.h"
#include "sensor/child.h"
#include "sensor/desk.h"
#include "sensor/gate.h"
#include "sensor/told.h"

#define TURN_MS 100
#define EVERY   NS_PER_S
#define GATHER  (4 * NS_PER_MS) /* what comes so close together is one write to the disk */
#define SINKS   3
#define WAITS   (2 + SINKS + GATE_FDS)
#define FAIR    256             /* messages before what they brought is written */
#define CURRENT (10 * NS_PER_S) /* the judge tells of itself each second */

struct outlet {
    struct sink *sink;
    struct spool_reader *reader;
};

struct feeding {
    struct child *child;
    const char *dir; /* of the spool */
    struct spool *spool;
    struct outlet outlet[SINKS];
    size_t outlets;
    struct message_in *judge;
    struct message_out *back;
    struct gate *gate;
    struct told_feed told;
    uint64_t serial; /* of the newest alert that was appended */
    uint64_t seq;    /* its number in the spool */
    uint64_t judge_generation;
    nstime heard; /* the judge told of itself: child_clock() */
    nstime second;
    char gauges[CAP_MESSAGE_STATE];
    size_t gauges_n;
    bool news;     /* something was appended, or is to be told */
    nstime gather; /* since then records wait to be committed together: child_clock(); 0: none */
};

/* --- lines --- */

static enum spool_kind kind_of(uint8_t kind)
{
    if (kind == DESK_ALERT)
        return SPOOL_ALERT;
    return kind == DESK_STATS ? SPOOL_STATS : SPOOL_SESSION;
}

static void take_line(struct feeding *f, struct span body)
{
    struct told_line head;
    if (body.n <= sizeof(head))
        return;
    memcpy(&head, body.p, sizeof(head));
    const struct spool_record r = {.time = child_wall(),
                                   .kind = kind_of(head.kind),
                                   .severity = head.severity,
                                   .body = span_from(body, sizeof(head))};
    uint64_t seq = spool_append(f->spool, &r);
    f->news = true;
    if (f->gather == 0)
        f->gather = child_clock();
    if (head.kind != DESK_ALERT || head.serial <= f->serial)
        return;
    f->serial = head.serial;
    f->seq = seq > 0 ? seq : f->seq;
}

/* message_fn */
static void on_message(void *user, const struct message_head *h, struct span body)
{
    struct feeding *f = user;
    if (h->generation != f->judge_generation) {
        f->judge_generation = h->generation;
        f->serial = 0;
    }
    if (h->type == MESSAGE_LINE) {
        take_line(f, body);
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

static bool serve(struct feeding *f)
{
    bool more = false;
    for (size_t i = 0; i < f->outlets; i++) {
        struct outlet *o = &f->outlet[i];
        enum sink_state before = o->sink->state;
        more = sink_turn(o->sink, o->reader, child_clock()) > 0 || more;
        if (o->sink->state != before)
            child_say(f->child, o->sink->state == SINK_OK ? CONFIG_LOG_INFO : CONFIG_LOG_WARNING,
                      "output: %s %s", sink_state_text(o->sink->state), o->sink->why);
    }
    return more;
}

static void reopen(struct feeding *f)
{
    f->child->reopen = false;
    for (size_t i = 0; i < f->outlets; i++)
        sink_reopen(f->outlet[i].sink);
    child_say(f->child, CONFIG_LOG_INFO, "files are opened anew");
}

static void each_second(struct feeding *f)
{
    nstime now = child_clock();
    char text[512];
    if (now - f->second < EVERY)
        return;
    f->second = now;
    const struct spool_stats s = spool_stats(f->spool);
    bool judged = f->heard > 0 && now - f->heard < CURRENT;
    int n = snprintf(text, sizeof(text), "state: %s\nspool: %s, %llu lines on disk, %llu waiting\n",
                     judged ? "watching" : "no word of the judge",
                     spool_state_text(spool_state(f->spool)), (unsigned long long)s.written,
                     (unsigned long long)f->told.waiting);
    gate_set(f->gate, span_of(f->gauges, f->gauges_n), judged && spool_state(f->spool) == SPOOL_OK,
             judged, span_of(text, (size_t)n));
}

/* --- the loop --- */

/* Records are gathered: all others wait a moment. Returns the milliseconds that are left. */
static int gathering(const struct feeding *f)
{
    nstime left = f->gather > 0 ? f->gather + GATHER - child_clock() : 0;
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
    serve(f);
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
    for (size_t i = 0; i < f->outlets && soon == 0; i++)
        if (sink_poll(f->outlet[i].sink, &wait[n]))
            n++;
    nfds_t first = n;
    if (soon == 0)
        n += (nfds_t)gate_fds(f->gate, wait + n, GATE_FDS);
    if (poll(wait, n, soon > 0 ? soon : TURN_MS) < 0 && errno != EINTR)
        f->child->stop = true;
    take(f);
    if (gathering(f) == 0)
        deliver(f, wait + first, n - first);
    if (!message_flush(f->back))
        f->child->stop = true;
    child_turn(f->child);
}

static bool all_arrived(const struct feeding *f)
{
    for (size_t i = 0; i < f->outlets; i++)
        if (f->outlet[i].sink->unarrived > 0)
            return false;
    return true;
}

/* Sinks that take what there is get it; the others find it in the spool the next time. */
static void finish(struct feeding *f)
{
    nstime until = child_clock() + 3 * NS_PER_S;
    while (message_receive(f->judge, on_message, f) > 0)
        commit(f);
    commit(f);
    while ((serve(f) || !all_arrived(f)) && child_clock() < until)
        poll(NULL, 0, 1);
}

/* --- setting up --- */

static bool fail(struct feeding *f, const char *what, const char *why)
{
    child_say(f->child, CONFIG_LOG_ERROR, "%s: %s", what, why);
    return false;
}

static bool add(struct feeding *f, const char *name, struct sink *sink, const char *why)
{
    char text[SPOOL_WHY];
    struct outlet *o = &f->outlet[f->outlets];
    if (!sink)
        return fail(f, name, why);
    o->sink = sink;
    f->outlets++;
    if (spool_reader_open(&o->reader, f->dir, name, f->spool, NULL, text) == 0)
        return true;
    return fail(f, name, text);
}

static unsigned without(unsigned kinds)
{
    unsigned not = 0;
    if (!(kinds & CONFIG_KIND_ALERT))
        not |= 1u << SPOOL_ALERT;
    if (!(kinds & CONFIG_KIND_STATS))
        not |= 1u << SPOOL_STATS;
    if (!(kinds & (CONFIG_KIND_SMTP | CONFIG_KIND_TLS)))
        not |= 1u << SPOOL_SESSION;
    return not ;
}

/* At the first start somebody is there to hear that it cannot be; later it is tried again. */
static bool file_good(struct feeding *f, const char *path)
{
    FILE *file = f->child->generation == 1 ? fopen(path, "ae") : NULL;
    if (f->child->generation > 1 || (file && fclose(file) == 0))
        return true;
    return fail(f, path, strerror(errno));
}

static bool open_file(struct feeding *f)
{
    const struct config *c = &f->child->config;
    const struct sink_filter filter = {.without_kinds = without(c->output.file.kinds),
                                       .min_severity = (uint8_t)c->output.file.min_severity};
    char why[SINK_WHY] = "";
    if (!c->output.file.path)
        return true;
    return file_good(f, c->output.file.path) &&
           add(f, "file", sink_file_new(c->output.file.path, &filter, why), why);
}

static bool open_stdout(struct feeding *f)
{
    const struct sink_filter filter = {0};
    char why[SINK_WHY] = "";
    return !config_to_stdout(&f->child->config) ||
           add(f, "stdout", sink_stdout_new(&filter, why), why);
}

static void put_escaped(FILE *to, const char *text)
{
    for (; *text; text++)
        fprintf(to, isalnum((unsigned char)*text) ? "%c" : "%%%02X", (unsigned char)*text);
}

/* As docs/redis.md has it. */
static char *redis_where(const struct config *c)
{
    char *where = NULL;
    size_t n;
    FILE *to = open_memstream(&where, &n);
    bool path = c->output.redis.address[0] == '/';
    if (!to)
        return NULL;
    fputs(path ? "redis+unix://" : "redis://", to);
    if (!path && c->output.redis.password.value[0]) {
        put_escaped(to, c->output.redis.user ? c->output.redis.user : "");
        fputs(":", to);
        put_escaped(to, c->output.redis.password.value);
        fputs("@", to);
    }
    fputs(c->output.redis.address, to);
    return fclose(to) ? NULL : where;
}

static bool open_redis(struct feeding *f)
{
    static const enum sink_redis_verb VERB[] = {SINK_LPUSH, SINK_RPUSH, SINK_PUBLISH, SINK_XADD};
    const struct config *c = &f->child->config;
    const struct sink_filter filter = {.without_kinds = without(c->output.redis.kinds),
                                       .min_severity = (uint8_t)c->output.redis.min_severity};
    char why[SINK_WHY] = "";
    if (!c->output.redis.address)
        return true;
    char *where = redis_where(c);
    const struct sink_redis_config redis = {.where = where,
                                            .verb = VERB[c->output.redis.mode],
                                            .key = c->output.redis.key,
                                            .maxlen = c->output.redis.maxlen};
    bool good = where && add(f, "redis", sink_redis_new(&redis, &filter, why), why);
    free(where);
    return good;
}

/* Readers that are no more would keep for ever what they had not read. */
static bool open_spool(struct feeding *f)
{
    const struct config *c = &f->child->config;
    const char *name[SINKS];
    size_t names = 0;
    char why[SPOOL_WHY];
    const struct spool_config spool = {
        .segment_bytes = (uint64_t)c->output.spool.segment << 20,
        .quota_bytes = (uint64_t)c->output.spool.quota << 20,
    };
    if (c->output.file.path)
        name[names++] = "file";
    if (c->output.redis.address)
        name[names++] = "redis";
    if (config_to_stdout(c))
        name[names++] = "stdout";
    (void)spool_reader_keep_only(f->dir, name, names);
    return spool_open(&f->spool, f->dir, &spool, why) == 0 || fail(f, f->dir, why);
}

static bool open_all(struct feeding *f)
{
    const struct config *c = &f->child->config;
    char why[GATE_WHY] = "";
    f->judge = message_in_new(CHILD_JUDGE, PROCESS_JUDGE, 0);
    f->back = message_out_new(CHILD_JUDGE, PROCESS_FEED, 0, f->child->generation);
    if (!f->judge || !f->back)
        return fail(f, "start", strerror(ENOMEM));
    if (!open_spool(f) || !open_file(f) || !open_stdout(f) || !open_redis(f))
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

static bool enter(struct feeding *f)
{
    const struct config *c = &f->child->config;
    char why[SANDBOX_WHY], file[CONFIG_PATH], socket[CONFIG_PATH];
    struct sandbox walls = {.connects = true};
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
    if (!open_all(f))
        return false;
    tell_judge(f, 0);
    return child_ready(f->child, &walls);
}

static void fini(struct feeding *f)
{
    for (size_t i = 0; i < f->outlets; i++) {
        spool_reader_close(f->outlet[i].reader);
        sink_close(f->outlet[i].sink);
    }
    gate_free(f->gate);
    spool_close(f->spool);
    message_in_free(f->judge);
    message_out_free(f->back);
    free(f);
}

int child_feed(struct child *c)
{
    int code = CHILD_CANNOT;
    struct feeding *f = calloc(1, sizeof(*f));
    if (!f)
        return CHILD_FAILED;
    f->child = c;
    f->dir = c->config.output.spool.dir ? c->config.output.spool.dir : getenv(CHILD_SPOOL_VARIABLE);
    if (f->dir && enter(f)) {
        while (!c->stop)
            turn(f);
        finish(f);
        code = 0;
    }
    fini(f);
    return code;
}
