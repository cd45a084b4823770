/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>

#include "alert/sink.h"
#include "base/heap.h"
#include "base/text.h"
#include "store/redis_link.h"

#define DEADLINE    (5 * NS_PER_S)
#define DEFAULT_KEY "suricata" /* what consumers of EVE look at by default */

enum {
    WINDOW = 2 * CAP_SPOOL_BATCH, /* sent and not answered */
    UNSENT = 1 << 20,             /* bytes for the socket, before no more are taken */
    TURNS = 64,                   /* of the link in one tick: it comes back soon */
    SHOWN = 120,                  /* of an error's text */
};

struct redis {
    struct sink base;
    struct redis_link link;
    enum sink_redis_verb verb;
    char key[CAP_SINK_KEY + 1];
    uint64_t maxlen;
    bool is_exact;
    nstime deadline;          /* of a reply */
    uint64_t flight[WINDOW];  /* numbers of records sent, a ring: Redis answers in order */
    nstime sent_at[WINDOW];   /* when */
    size_t first, count;      /* of the ring */
    unsigned was_failing;     /* failures when the name was last looked up */
    char text[CAP_SINK_LINE]; /* a line in its format */
};

static struct redis *of(struct sink *s)
{
    return (struct redis *)(void *)s;
}

static const struct {
    const char *name, *also;
} VERB[] = {
    {"lpush", "list"},
    {"rpush", "rpush"},
    {"publish", "channel"},
    {"xadd", "stream"},
};
_Static_assert(sizeof(VERB) / sizeof(VERB[0]) == SINK_VERB_COUNT, "a name for each verb");

bool sink_redis_verb(const char *text, enum sink_redis_verb *verb)
{
    for (size_t i = 0; i < SINK_VERB_COUNT; i++)
        if (span_eq_nocase(span_str(text), span_str(VERB[i].name)) ||
            span_eq_nocase(span_str(text), span_str(VERB[i].also))) {
            *verb = (enum sink_redis_verb)i;
            return true;
        }
    return false;
}

/* --- trouble --- */

/* What Redis did not answer comes again. */
static void lose_flight(struct redis *r)
{
    if (r->count == 0)
        return;
    r->base.unarrived = r->flight[r->first];
    r->base.is_lost = true;
    r->first = r->count = 0;
}

static void note_away(struct redis *r)
{
    bool is_refused = r->link.status == STORE_REFUSED || r->link.status == STORE_WRONG;

    lose_flight(r);
    sink_note(&r->base, is_refused ? SINK_BROKEN : SINK_AWAY, "%s",
              r->link.why[0] ? r->link.why : "not connected to Redis yet");
}

static void drop(struct redis *r, nstime now, enum store_status status, const char *why)
{
    redis_link_drop(&r->link, now, status, why);
    note_away(r);
}

static void drop_refused(struct redis *r, nstime now, const struct resp *reply)
{
    char text[SHOWN], why[STORE_WHY];

    text_escape(text, sizeof(text), reply->text);
    snprintf(why, sizeof(why), "Redis takes no line: %s", text);
    drop(r, now, redis_link_status(reply), why);
}

/* --- replies --- */

static bool is_taken(const struct redis *r, const struct resp *reply)
{
    return reply->kind == (r->verb == SINK_XADD ? RESP_STRING : RESP_INTEGER);
}

static void take_reply(struct redis *r, nstime now, const struct resp *reply)
{
    if (reply->kind == RESP_ERROR) {
        drop_refused(r, now, reply);
    } else if (r->count == 0 || !is_taken(r, reply)) {
        drop(r, now, STORE_AWAY, "the server does not answer as Redis does");
    } else {
        r->first = (r->first + 1) % WINDOW;
        r->count--;
        r->base.unarrived = r->count > 0 ? r->flight[r->first] : 0;
        r->base.stats.delivered++;
        r->link.failures = 0;
        sink_note(&r->base, SINK_OK, "%s", "");
    }
}

static bool take_replies(struct redis *r, nstime now)
{
    struct resp *reply;
    bool any = false;
    int rc = 0;

    while (r->link.state == LINK_READY && (rc = redis_link_reply(&r->link, &reply)) > 0) {
        take_reply(r, now, reply);
        resp_free(reply);
        any = true;
    }
    if (rc < 0)
        drop(r, now, STORE_AWAY, resp_reader_why(r->link.reader));
    return any;
}

/* --- as a sink --- */

/* The resolver is asked at first, and once after each failure: a name may lead elsewhere now. */
static void resolve(struct redis *r, nstime now)
{
    bool is_due = r->link.state == LINK_DOWN && now >= r->link.retry_at;

    if (!is_due || (r->link.addresses > 0 && r->link.failures == r->was_failing))
        return;
    r->was_failing = r->link.failures;
    if (r->link.at == 0) /* not in the middle of its addresses */
        redis_link_resolve(&r->link);
    if (r->link.addresses == 0)
        drop(r, now, r->link.status, r->link.why);
}

static void tick(struct sink *s, nstime now)
{
    struct redis *r = of(s);
    bool moved = true;

    resolve(r, now);
    for (int i = 0; i < TURNS && moved; i++) {
        moved = redis_link_step(&r->link, now);
        moved |= take_replies(r, now);
        if (r->link.state == LINK_DOWN) {
            note_away(r);
            return;
        }
    }
    if (r->count > 0 && now - r->sent_at[r->first] >= r->deadline)
        drop(r, now, STORE_AWAY, "Redis does not answer in time");
    else if (r->link.state == LINK_READY && r->link.failures == 0)
        sink_note(s, SINK_OK, "%s", "");
}

/* Until one has been answered after a failure, one is sent: an error that stays costs one. */
static size_t room(const struct sink *s)
{
    const struct redis *r = (const struct redis *)(const void *)s;

    if (r->link.state != LINK_READY || redis_link_unsent(&r->link) >= UNSENT)
        return 0;
    if (r->link.failures > 0)
        return r->count == 0;
    return WINDOW - r->count;
}

static int send_line(struct redis *r, struct span line)
{
    static const char *const WORD[] = {"LPUSH", "RPUSH", "PUBLISH", "XADD"};
    char most[TEXT_UINT];
    struct span args[8];
    size_t n = 0;

    args[n++] = span_str(WORD[r->verb]);
    args[n++] = span_str(r->key);
    if (r->verb == SINK_XADD && r->maxlen > 0) {
        args[n++] = span_str("MAXLEN");
        args[n++] = span_str(r->is_exact ? "=" : "~");
        args[n++] = span_of(most, text_uint(most, r->maxlen));
    }
    if (r->verb == SINK_XADD) {
        args[n++] = span_str("*");
        args[n++] = span_str("eve");
    }
    args[n++] = line;
    return redis_link_command(&r->link, args, n);
}

static int send_record(struct redis *r, const struct spool_record *record)
{
    if (!r->base.filter.format.render)
        return send_line(r, record->body);
    return send_line(r, span_of(r->text, sink_render(&r->base.filter.format, record->body, r->text,
                                                     sizeof(r->text))));
}

static size_t offer(struct sink *s, const struct spool_record *records, size_t n, nstime now)
{
    struct redis *r = of(s);
    size_t i = 0;

    for (; i < n && r->count < WINDOW && send_record(r, &records[i]) == 0; i++) {
        size_t place = (r->first + r->count++) % WINDOW;
        r->flight[place] = records[i].seq;
        r->sent_at[place] = now;
    }
    s->unarrived = r->count > 0 ? r->flight[r->first] : 0;
    tick(s, now);
    return i;
}

static void reopen(struct sink *s)
{
    (void)s; /* there is no file */
}

static bool poll_redis(const struct sink *s, struct pollfd *p)
{
    const struct redis *r = (const struct redis *)(const void *)s;
    bool sends = r->link.state == LINK_CONNECTING || redis_link_unsent(&r->link) > 0;

    *p = (struct pollfd){.fd = r->link.fd, .events = (short)(POLLIN | (sends ? POLLOUT : 0))};
    return r->link.fd >= 0;
}

static void close_sink(struct sink *s)
{
    redis_link_fini(&of(s)->link);
    heap_free(s);
}

static const struct sink_ops OPS = {room, offer, tick, reopen, poll_redis, close_sink};

static bool check(const struct sink_redis_config *c, struct where *where, char why[SINK_WHY])
{
    const char *key = c->key ? c->key : DEFAULT_KEY;

    if (where_parse(where, c->where, why, SINK_WHY) != 0)
        return false;
    if (where->kind != WHERE_REDIS && where->kind != WHERE_REDIS_UNIX) {
        snprintf(why, SINK_WHY, "it is neither redis://HOST nor redis+unix:///PATH");
        return false;
    }
    if (!key[0] || strlen(key) > CAP_SINK_KEY || (unsigned)c->verb >= SINK_VERB_COUNT) {
        snprintf(why, SINK_WHY, "a key has 1 to %d bytes", CAP_SINK_KEY);
        return false;
    }
    return true;
}

struct sink *sink_redis_new(const struct sink_redis_config *c, const struct sink_filter *f,
                            char why[SINK_WHY])
{
    struct where where;
    struct redis *r;

    if (!check(c, &where, why))
        return NULL;
    r = heap_zeroed(sizeof(*r));
    if (!r) {
        snprintf(why, SINK_WHY, "no memory for a sink");
        return NULL;
    }
    r->base.ops = &OPS;
    r->base.filter = f ? *f : (struct sink_filter){0};
    r->verb = c->verb;
    r->maxlen = c->maxlen;
    r->is_exact = c->is_exact;
    r->deadline = c->deadline > 0 ? c->deadline : DEADLINE;
    snprintf(r->key, sizeof(r->key), "%s", c->key ? c->key : DEFAULT_KEY);
    redis_link_init(&r->link, &where, r->deadline);
    explicit_bzero(&where, sizeof(where));
    sink_note(&r->base, SINK_AWAY, "not connected to Redis yet");
    return &r->base;
}
