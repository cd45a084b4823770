/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <sys/random.h>

#include "base/heap.h"
#include "deliver/backoff.h"
#include "deliver/http_answer.h"
#include "deliver/http_body.h"
#include "deliver/post.h"

#define DEADLINE  (30 * NS_PER_S)
#define ACK_EVERY NS_PER_S         /* an indexer is asked so often */
#define ACK_LATE  (120 * NS_PER_S) /* and then the lines are sent again */

enum {
    BODY = 2 * CAP_SPOOL_WINDOW, /* of a request */
    ASK = 32 * CAP_DELIVER_UNACKED,
    TOKEN = 1023,
    HEADER = TOKEN + 64,
    CHANNEL = 37, /* a GUID and its NUL */
};

enum phase { IDLE, POSTING, ASKING };

/* A request that was accepted and that the indexer has not acknowledged. */
struct unacked {
    uint64_t id, first, records;
    nstime since;
};

struct http {
    struct sink base;
    struct post *post;
    struct http_body shape;
    enum phase phase;
    nstime now; /* of the last turn */
    struct backoff away;
    char url[CAP_DELIVER_URL + CAP_SINK_KEY + 128], ack_url[CAP_DELIVER_URL + 128];
    char authorization[HEADER], channel_header[64];
    char channel[CHANNEL];
    bool wants_ack, gzips;
    size_t limit;                  /* records of a request: fewer after one was refused */
    uint64_t suspect;              /* refused alone; for good once another is taken; 0: none */
    size_t count;                  /* records of the request under way */
    uint64_t seq[CAP_SPOOL_BATCH]; /* their numbers */
    struct unacked unacked[CAP_DELIVER_UNACKED]; /* in their order */
    size_t unacked_count;
    nstime asked_at;
    char ask[ASK];
    size_t n;                 /* of the body */
    char body[BODY];          /* of the request */
    uint8_t small[BODY];      /* the same, compressed */
    char text[CAP_SINK_LINE]; /* a line in its format */
};

static struct http *of(struct sink *s)
{
    return (struct http *)(void *)s;
}

/* --- what has arrived --- */

static uint64_t first_unarrived(const struct http *h)
{
    uint64_t first = h->phase == POSTING ? h->seq[0] : 0;

    if (h->suspect > 0 && (first == 0 || h->suspect < first))
        first = h->suspect;
    if (h->unacked_count > 0 && (first == 0 || h->unacked[0].first < first))
        first = h->unacked[0].first;
    return first;
}

/* From the first record that has not arrived on, everything comes again. */
static void lose_from(struct http *h, uint64_t seq)
{
    h->base.unarrived = seq;
    h->base.is_lost = seq > 0;
    h->unacked_count = 0;
    h->suspect = 0;
    h->phase = IDLE;
}

static void lose(struct http *h)
{
    lose_from(h, first_unarrived(h));
}

static void fail(struct http *h, nstime now, enum sink_state state, const char *why)
{
    lose(h);
    backoff_fail(&h->away, now);
    sink_note(&h->base, state, "%s", why);
}

/* The receiver takes lines: whom it had refused alone it refuses for itself. */
static void arrive(struct http *h, uint64_t records)
{
    h->base.stats.delivered += records;
    h->base.stats.refused += h->suspect > 0;
    if (h->suspect > 0)
        sink_note(&h->base, SINK_BROKEN, "a line was refused for good");
    else
        sink_note(&h->base, SINK_OK, "%s", "");
    h->suspect = 0;
    h->limit = h->limit * 2 < CAP_SPOOL_BATCH ? h->limit * 2 : CAP_SPOOL_BATCH;
    backoff_good(&h->away);
}

/* --- answers --- */

/* A request that is refused as a whole is sent in halves, until the line that it is for stands
 * alone. That one is given up when the next one is taken: else it is not the line. */
static void shrink(struct http *h, nstime now, const char *why)
{
    if (h->count > 1) {
        h->limit = h->count / 2;
        lose(h);
        sink_note(&h->base, SINK_BROKEN, "%s", why);
    } else if (h->suspect > 0) {
        fail(h, now, SINK_BROKEN, why);
    } else {
        h->suspect = h->seq[0];
        h->limit = 1;
        backoff_fail(&h->away, now);
        sink_note(&h->base, SINK_BROKEN, "%s", why);
    }
}

static void take_bulk(struct http *h, nstime now, const struct post_answer *a)
{
    char why[SINK_WHY];
    struct http_bulk b;

    if (!http_answer_bulk(a->body, h->count, &b)) {
        fail(h, now, SINK_BROKEN, "the receiver does not answer as _bulk does");
        return;
    }
    if (b.later == 0 && b.refused > 0 && b.taken == 0) { /* it may be the index, not the lines */
        snprintf(why, sizeof(why), "the index takes no line: %s", b.why);
        fail(h, now, SINK_BROKEN, why);
        return;
    }
    if (b.later > 0 && b.taken == 0) {
        snprintf(why, sizeof(why), "the receiver is busy: %s", b.why);
        fail(h, now, SINK_AWAY, why);
        return;
    }
    arrive(h, b.taken_before);
    h->base.stats.refused += b.refused_before;
    if (b.refused > 0)
        sink_note(&h->base, SINK_BROKEN, "%zu lines were refused for good: %s", b.refused, b.why);
    if (b.later > 0) {
        lose_from(h, h->seq[b.first_later]);
        backoff_fail(&h->away, now);
        sink_note(&h->base, SINK_AWAY, "the receiver took a part only: %s", b.why);
    }
}

static void take_hec(struct http *h, nstime now, const struct post_answer *a)
{
    struct unacked *u = &h->unacked[h->unacked_count];
    bool has_id;
    uint64_t id;

    if (!http_answer_hec(a->body, &has_id, &id)) {
        fail(h, now, SINK_BROKEN, "the receiver does not answer as the event collector does");
    } else if (!h->wants_ack) {
        arrive(h, h->count);
    } else if (!has_id) {
        fail(h, now, SINK_BROKEN, "acknowledgement is not switched on for this token");
    } else {
        *u = (struct unacked){.id = id, .first = h->seq[0], .records = h->count, .since = now};
        h->unacked_count++;
        arrive(h, 0);
    }
}

static void refuse(struct http *h, nstime now, const struct post_answer *a)
{
    char words[HTTP_ANSWER_TEXT], why[SINK_WHY];
    bool passes = a->status == 429 || a->status == 408 || a->status >= 500;

    http_answer_words(a->body, words);
    snprintf(why, sizeof(why), "the receiver answers %ld%s%s", a->status, words[0] ? ": " : "",
             words);
    if (a->status == 400 || a->status == 413 || a->status == 422) {
        shrink(h, now, why);
        return;
    }
    fail(h, now, passes ? SINK_AWAY : SINK_BROKEN, why);
    if (passes && a->hold > 0)
        backoff_hold(&h->away, now + (a->hold < CAP_DELIVER_HOLD_S ? a->hold : CAP_DELIVER_HOLD_S) *
                                         NS_PER_S);
}

static void take_posted(struct http *h, nstime now, const struct post_answer *a)
{
    if (a->status < 200 || a->status > 299)
        refuse(h, now, a);
    else if (h->shape.kind == SINK_HTTP_BULK)
        take_bulk(h, now, a);
    else if (h->shape.kind == SINK_HTTP_HEC)
        take_hec(h, now, a);
    else
        arrive(h, h->count);
}

static void take_acks(struct http *h, nstime now, const struct post_answer *a)
{
    uint64_t id[CAP_DELIVER_UNACKED];
    bool done[CAP_DELIVER_UNACKED] = {0};
    size_t kept = 0;

    for (size_t i = 0; i < h->unacked_count; i++)
        id[i] = h->unacked[i].id;
    if (a->status != 200 || !http_answer_acks(a->body, id, h->unacked_count, done)) {
        sink_note(&h->base, SINK_AWAY,
                  "the receiver does not tell what was indexed: it answers %ld", a->status);
        backoff_fail(&h->away, now);
        return;
    }
    for (size_t i = 0; i < h->unacked_count; i++)
        if (done[i])
            h->base.stats.delivered += h->unacked[i].records;
        else
            h->unacked[kept++] = h->unacked[i];
    h->unacked_count = kept;
}

static void take_answer(struct http *h, nstime now, const struct post_answer *a)
{
    enum phase phase = h->phase;

    if (a->end != POST_ANSWERED && phase == ASKING) {
        sink_note(&h->base, SINK_AWAY, "%s", a->why);
        backoff_fail(&h->away, now);
        h->phase = IDLE;
        return;
    }
    if (a->end != POST_ANSWERED) {
        fail(h, now, a->end == POST_UNTRUSTED ? SINK_BROKEN : SINK_AWAY, a->why);
        return;
    }
    if (phase == ASKING)
        take_acks(h, now, a);
    else
        take_posted(h, now, a);
    h->phase = IDLE;
}

/* --- requests --- */

static void begin(struct http *h, nstime now)
{
    static const char *const TYPE[] = {"Content-Type: application/json",
                                       "Content-Type: application/x-ndjson",
                                       "Content-Type: application/x-ndjson"};
    size_t small = h->gzips ? http_body_gzip(span_of(h->body, h->n), h->small, BODY) : 0;
    const char *headers[6] = {TYPE[h->shape.kind], "Expect:"};
    size_t n = 2;

    if (h->authorization[0])
        headers[n++] = h->authorization;
    if (h->wants_ack)
        headers[n++] = h->channel_header;
    if (small > 0)
        headers[n++] = "Content-Encoding: gzip";
    h->phase = POSTING;
    if (!post_begin(h->post, h->url, headers,
                    small > 0 ? span_of(h->small, small) : span_of(h->body, h->n), now))
        fail(h, now, SINK_AWAY, "no memory for HTTP");
}

static void ask(struct http *h, nstime now)
{
    const char *headers[] = {"Content-Type: application/json", "Expect:", h->authorization, NULL};
    int n = snprintf(h->ask, sizeof(h->ask), "{\"acks\":[");

    for (size_t i = 0; i < h->unacked_count; i++)
        n += snprintf(h->ask + n, sizeof(h->ask) - (size_t)n, "%s%" PRIu64, i ? "," : "",
                      h->unacked[i].id);
    n += snprintf(h->ask + n, sizeof(h->ask) - (size_t)n, "]}");
    h->asked_at = now;
    h->phase = ASKING;
    if (!post_begin(h->post, h->ack_url, headers, span_of(h->ask, (size_t)n), now))
        fail(h, now, SINK_AWAY, "no memory for HTTP");
}

/* --- as a sink --- */

static void tick(struct sink *s, nstime now)
{
    struct http *h = of(s);
    struct post_answer a;

    h->now = now;
    if (h->phase != IDLE && post_step(h->post, now, &a))
        take_answer(h, now, &a);
    if (s->is_lost)
        return;
    if (h->unacked_count > 0 && now - h->unacked[0].since >= ACK_LATE)
        fail(h, now, SINK_AWAY, "the indexer does not acknowledge in time");
    else if (h->phase == IDLE && h->suspect > 0 && backoff_is_over(&h->away, now))
        lose(h);
    else if (h->phase == IDLE && h->unacked_count > 0 && now - h->asked_at >= ACK_EVERY)
        ask(h, now);
    if (!s->is_lost)
        s->unarrived = first_unarrived(h);
}

static size_t room(const struct sink *s)
{
    const struct http *h = (const struct http *)(const void *)s;

    if (h->phase != IDLE || h->unacked_count == CAP_DELIVER_UNACKED ||
        (h->suspect == 0 && !backoff_is_over(&h->away, h->now)))
        return 0;
    return h->limit;
}

static size_t put(struct http *h, struct span eve)
{
    struct line line;
    size_t n, item;

    line_read(eve, &line);
    n = sink_render(&h->base.filter.format, eve, h->text, sizeof(h->text));
    item = http_body_item(&h->shape, &line, span_of(h->text, n), h->body + h->n, BODY - h->n);
    if (item == 0 && h->n == 0) /* its format makes it too long: it goes as it is */
        item = http_body_item(&h->shape, &line, eve, h->body, BODY);
    h->n += item;
    return item;
}

static size_t offer(struct sink *s, const struct spool_record *records, size_t n, nstime now)
{
    struct http *h = of(s);
    size_t i = 0;

    h->n = 0;
    for (; i < n && i < h->limit && put(h, records[i].body) > 0; i++)
        h->seq[i] = records[i].seq;
    h->count = i;
    begin(h, now);
    tick(s, now);
    return i;
}

static void reopen(struct sink *s)
{
    (void)s; /* there is no file */
}

static bool poll_http(const struct sink *s, struct pollfd *p)
{
    return post_poll(((const struct http *)(const void *)s)->post, p);
}

static void close_sink(struct sink *s)
{
    post_free(of(s)->post);
    explicit_bzero(of(s)->authorization, HEADER);
    heap_free(s);
}

static const struct sink_ops OPS = {room, offer, tick, reopen, poll_http, close_sink};

/* --- setting up --- */

static bool is_name(const char *text)
{
    size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-:");

    return n > 0 && !text[n];
}

static bool is_url(struct span url)
{
    return url.n <= CAP_DELIVER_URL && (span_starts_nocase(url, span_str("https://")) ||
                                        span_starts_nocase(url, span_str("http://")));
}

/* user:password@ in front of the host */
static bool has_user(struct span url)
{
    struct span host = span_from(url, span_find(url, ':') + 3);

    host = span_first(host, span_find(host, '/'));
    return span_find(host, '@') < host.n;
}

/* It goes into a header. */
static bool is_token(const char *text)
{
    size_t n = strlen(text);

    for (size_t i = 0; i < n; i++)
        if (text[i] < 0x20 || text[i] >= 0x7f)
            return false;
    return n > 0 && n <= TOKEN;
}

static bool check(const struct sink_http_config *c, char why[SINK_WHY])
{
    struct span url = span_str(c->url ? c->url : "");

    if (!is_url(url))
        snprintf(why, SINK_WHY, "it is neither https://... nor http://...");
    else if (has_user(url))
        snprintf(why, SINK_WHY, "user and password do not stand in the address");
    else if ((unsigned)c->kind >= SINK_HTTP_KIND_COUNT ||
             (c->index && (!is_name(c->index) || strlen(c->index) > CAP_SINK_KEY)) ||
             (c->kind == SINK_HTTP_BULK && !c->index))
        snprintf(why, SINK_WHY, "an index has 1 to %d letters, digits, dots and dashes",
                 CAP_SINK_KEY);
    else if (c->token && !is_token(c->token))
        snprintf(why, SINK_WHY, "a token has 1 to %d printable characters", TOKEN);
    else if ((c->sourcetype && strlen(c->sourcetype) > CAP_SINK_KEY) || !c->user != !c->password)
        snprintf(why, SINK_WHY, "a user needs a password, and a source type is a word");
    else
        return true;
    return false;
}

/* Splunk wants the form of a GUID (RFC 4122 section 4.4). */
static void make_channel(struct http *h)
{
    uint8_t b[16] = {0};

    if (getrandom(b, sizeof(b), 0) != (ssize_t)sizeof(b))
        memset(b, 1, sizeof(b)); /* it names us, and guards nothing */
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    snprintf(h->channel, sizeof(h->channel),
             "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
             b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
             b[15]);
    snprintf(h->channel_header, sizeof(h->channel_header), "X-Splunk-Request-Channel: %s",
             h->channel);
}

static void make_urls(struct http *h, const struct sink_http_config *c)
{
    size_t n = strlen(c->url);

    while (c->kind != SINK_HTTP_HOOK && n > 0 && c->url[n - 1] == '/')
        n--;
    if (c->kind == SINK_HTTP_HEC)
        snprintf(h->url, sizeof(h->url), "%.*s/services/collector/event", (int)n, c->url);
    else if (c->kind == SINK_HTTP_BULK)
        snprintf(h->url, sizeof(h->url),
                 "%.*s/%s/_bulk?filter_path=errors,items.*.status,items.*.error", (int)n, c->url,
                 c->index);
    else
        snprintf(h->url, sizeof(h->url), "%s", c->url);
    snprintf(h->ack_url, sizeof(h->ack_url), "%.*s/services/collector/ack?channel=%s", (int)n,
             c->url, h->channel);
}

static bool fill(struct http *h, const struct sink_http_config *c, char why[SINK_WHY])
{
    static const char *const SCHEME[] = {"Splunk", "ApiKey", "Bearer"};
    const struct post_config post = {.tls = c->tls,
                                     .user = c->user,
                                     .password = c->password,
                                     .proxy = c->proxy,
                                     .deadline = c->deadline > 0 ? c->deadline : DEADLINE};

    if (c->token)
        snprintf(h->authorization, sizeof(h->authorization), "Authorization: %s %s",
                 SCHEME[c->kind], c->token);
    make_channel(h);
    make_urls(h, c);
    h->post = post_new(&post, why);
    return h->post != NULL;
}

struct sink *sink_http_new(const struct sink_http_config *c, const struct sink_filter *f,
                           char why[SINK_WHY])
{
    struct http *h;

    if (!check(c, why))
        return NULL;
    h = heap_zeroed(sizeof(*h));
    if (!h) {
        snprintf(why, SINK_WHY, "no memory for a sink");
        return NULL;
    }
    h->base.ops = &OPS;
    h->base.filter = f ? *f : (struct sink_filter){0};
    h->shape.kind = c->kind;
    h->limit = CAP_SPOOL_BATCH;
    h->wants_ack = c->wants_ack && c->kind == SINK_HTTP_HEC;
    h->gzips = !c->without_gzip;
    snprintf(h->shape.index, sizeof(h->shape.index), "%s", c->index ? c->index : "");
    snprintf(h->shape.sourcetype, sizeof(h->shape.sourcetype), "%s",
             c->sourcetype ? c->sourcetype : "suricata");
    snprintf(h->shape.sensor, sizeof(h->shape.sensor), "%s", c->sensor ? c->sensor : "stripwatch");
    backoff_init(&h->away);
    if (!fill(h, c, why)) {
        close_sink(&h->base);
        return NULL;
    }
    sink_note(&h->base, SINK_AWAY, "nothing was sent yet");
    return &h->base;
}
