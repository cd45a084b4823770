/* SPDX-License-Identifier: Apache-2.0 */
#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/heap.h"
#include "base/text.h"
#include "deliver/backoff.h"
#include "deliver/deliver.h"
#include "deliver/line.h"
#include "deliver/secret.h"

#define LATE (30 * NS_PER_S) /* without an acknowledgement: told, and waited for */

enum { SHOWN = 160, TOPIC = 249 };

enum flight_state { UNDER_WAY, ARRIVED, FAILED };

struct flight {
    uint64_t seq;
    nstime since;
    enum flight_state state;
};

struct kafka {
    struct sink base;
    rd_kafka_conf_t *conf; /* each producer gets a copy */
    rd_kafka_t *rk;        /* NULL: to be made anew */
    int wake;              /* readable when the producer has something to say */
    char topic[TOPIC + 1];
    enum sink_kafka_key key;
    struct backoff away;
    nstime now;
    bool is_giving_up; /* a record failed: all others end first, then they come again */
    size_t first, count;
    struct flight flight[CAP_DELIVER_FLIGHT]; /* a ring, in their order */
    char text[CAP_SINK_LINE];
};

static struct kafka *of(struct sink *s)
{
    return (struct kafka *)(void *)s;
}

/* --- what the producer tells, all within rd_kafka_poll() --- */

static void note(struct kafka *k, enum sink_state state, rd_kafka_resp_err_t error,
                 const char *reason)
{
    char text[SHOWN];

    text_escape(text, sizeof(text), span_str(reason));
    sink_note(&k->base, state, "Kafka: %s%s%s", rd_kafka_err2str(error), text[0] ? ": " : "", text);
}

static bool needs_somebody(rd_kafka_resp_err_t error)
{
    switch ((int)error) {
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR__SSL:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
        return true;
    default:
        return false;
    }
}

static void on_error(rd_kafka_t *rk, int error, const char *reason, void *user)
{
    rd_kafka_resp_err_t code = (rd_kafka_resp_err_t)error;

    (void)rk;
    note(user, needs_somebody(code) ? SINK_BROKEN : SINK_AWAY, code, reason);
}

/* A batch that is too large says nothing of one record; a record that was sent alone is it. */
static bool is_refused(const struct kafka *k, rd_kafka_resp_err_t error)
{
    return k->count == 1 && (error == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE ||
                             error == RD_KAFKA_RESP_ERR_INVALID_RECORD);
}

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *user)
{
    struct kafka *k = user;
    struct flight *one = m->_private;

    (void)rk;
    one->state = ARRIVED;
    if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        k->base.stats.delivered++;
        backoff_good(&k->away);
        if (!k->is_giving_up)
            sink_note(&k->base, SINK_OK, "%s", "");
    } else if (is_refused(k, m->err)) {
        k->base.stats.refused++;
        note(k, SINK_BROKEN, m->err, "a line was refused for good");
    } else {
        one->state = FAILED;
        if (!k->is_giving_up)
            note(k, needs_somebody(m->err) ? SINK_BROKEN : SINK_AWAY, m->err, "");
        k->is_giving_up = true;
    }
}

static void on_log(const rd_kafka_t *rk, int level, const char *fac, const char *text)
{
    (void)rk; /* what matters comes to on_error() as well */
    (void)level;
    (void)fac;
    (void)text;
}

/* --- the producer --- */

static bool start(struct kafka *k, char why[SINK_WHY])
{
    char text[SHOWN] = "no memory";
    rd_kafka_conf_t *conf = rd_kafka_conf_dup(k->conf);
    rd_kafka_queue_t *queue;

    k->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
    if (!k->rk) {
        rd_kafka_conf_destroy(conf);
        snprintf(why, SINK_WHY, "Kafka: %s", text);
        return false;
    }
    queue = rd_kafka_queue_get_main(k->rk);
    rd_kafka_queue_io_event_enable(queue, k->wake, &(uint64_t){1}, sizeof(uint64_t));
    rd_kafka_queue_destroy(queue);
    return true;
}

static void *destroy(void *rk)
{
    rd_kafka_destroy_flags(rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    return NULL;
}

/* It joins its threads, and one of them may be waiting for a resolver: so do not we. */
static void stop(struct kafka *k)
{
    pthread_t thread;

    if (k->rk && pthread_create(&thread, NULL, destroy, k->rk) == 0)
        pthread_detach(thread);
    k->rk = NULL;
}

/* From the first record that has not arrived on, everything comes again. */
static void lose(struct kafka *k)
{
    while (k->count > 0 && k->flight[k->first].state == ARRIVED) {
        k->first = (k->first + 1) % CAP_DELIVER_FLIGHT;
        k->count--;
    }
    k->base.is_lost = k->count > 0;
    k->base.unarrived = k->count > 0 ? k->flight[k->first].seq : 0;
    k->first = k->count = 0;
    k->is_giving_up = false;
    backoff_fail(&k->away, k->now);
}

static void give_up(struct kafka *k)
{
    for (size_t i = 0; i < k->count; i++)
        if (k->flight[(k->first + i) % CAP_DELIVER_FLIGHT].state == UNDER_WAY) {
            rd_kafka_purge(k->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT |
                                      RD_KAFKA_PURGE_F_NON_BLOCKING);
            return;
        }
    lose(k);
}

/* The producer says that it cannot keep its promise any more: another one takes its place. */
static bool is_dead(struct kafka *k)
{
    char text[SHOWN];
    rd_kafka_resp_err_t error = rd_kafka_fatal_error(k->rk, text, sizeof(text));

    if (error == RD_KAFKA_RESP_ERR_NO_ERROR)
        return false;
    note(k, SINK_AWAY, error, text);
    stop(k);
    lose(k);
    return true;
}

/* --- as a sink --- */

static void settle(struct kafka *k)
{
    while (k->count > 0 && k->flight[k->first].state == ARRIVED) {
        k->first = (k->first + 1) % CAP_DELIVER_FLIGHT;
        k->count--;
    }
    k->base.unarrived = k->count > 0 ? k->flight[k->first].seq : 0;
    if (k->count > 0 && k->now - k->flight[k->first].since >= LATE && k->base.state == SINK_OK)
        sink_note(&k->base, SINK_AWAY, "Kafka does not acknowledge in time");
}

static void tick(struct sink *s, nstime now)
{
    struct kafka *k = of(s);
    char why[SINK_WHY];
    uint64_t woken;

    k->now = now;
    if (!k->rk && (!backoff_is_over(&k->away, now) || !start(k, why)))
        return;
    if (read(k->wake, &woken, sizeof(woken)) < 0)
        woken = 0; /* nobody woke us: we look all the same */
    rd_kafka_poll(k->rk, 0);
    if (is_dead(k))
        return;
    if (k->is_giving_up)
        give_up(k);
    else
        settle(k);
}

/* After a failure one is sent and its answer awaited: an error that stays costs one. */
static size_t room(const struct sink *s)
{
    const struct kafka *k = (const struct kafka *)(const void *)s;

    if (!k->rk || k->is_giving_up || !backoff_is_over(&k->away, k->now))
        return 0;
    if (k->away.failures > 0)
        return k->count == 0;
    return CAP_DELIVER_FLIGHT - k->count;
}

static bool send_one(struct kafka *k, const struct spool_record *r)
{
    struct flight *one = &k->flight[(k->first + k->count) % CAP_DELIVER_FLIGHT];
    rd_kafka_resp_err_t error;
    const char *key;
    struct line l;

    line_read(r->body, &l);
    key = k->key == SINK_KAFKA_INCIDENT ? l.incident : l.community;
    key = key[0] ? key : l.id;
    error = rd_kafka_producev(k->rk, RD_KAFKA_V_TOPIC(k->topic), RD_KAFKA_V_KEY(key, strlen(key)),
                              RD_KAFKA_V_VALUE(k->text, sink_render(&k->base.filter.format, r->body,
                                                                    k->text, sizeof(k->text))),
                              RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_OPAQUE(one),
                              RD_KAFKA_V_END);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL)
            note(k, needs_somebody(error) ? SINK_BROKEN : SINK_AWAY, error, "");
        return false;
    }
    *one = (struct flight){.seq = r->seq, .since = k->now, .state = UNDER_WAY};
    k->count++;
    return true;
}

static size_t offer(struct sink *s, const struct spool_record *records, size_t n, nstime now)
{
    struct kafka *k = of(s);
    size_t i = 0;

    k->now = now;
    while (i < n && k->count < CAP_DELIVER_FLIGHT && send_one(k, &records[i]))
        i++;
    if (i == 0 && k->count == 0)
        backoff_fail(&k->away, now);
    settle(k);
    return i;
}

static void reopen(struct sink *s)
{
    (void)s; /* there is no file */
}

static bool poll_kafka(const struct sink *s, struct pollfd *p)
{
    *p = (struct pollfd){.fd = ((const struct kafka *)(const void *)s)->wake, .events = POLLIN};
    return true;
}

static void close_sink(struct sink *s)
{
    struct kafka *k = of(s);

    if (k->rk) {
        rd_kafka_purge(k->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        rd_kafka_poll(k->rk, 0);
        (void)destroy(k->rk);
    }
    if (k->conf)
        rd_kafka_conf_destroy(k->conf);
    if (k->wake >= 0)
        close(k->wake);
    heap_free(s);
}

static const struct sink_ops OPS = {room, offer, tick, reopen, poll_kafka, close_sink};

/* --- setting up --- */

static bool set(struct kafka *k, const char *name, const char *value, char why[SINK_WHY])
{
    char text[SHOWN];

    if (rd_kafka_conf_set(k->conf, name, value, text, sizeof(text)) == RD_KAFKA_CONF_OK)
        return true;
    snprintf(why, SINK_WHY, "Kafka does not take its %s", name); /* the value may be a secret */
    return false;
}

static bool set_file(struct kafka *k, const char *name, const char *path, char why[SINK_WHY])
{
    size_t n = 0;
    char *bytes = path ? secret_file(path, &n, why) : NULL;
    bool good = !path || (bytes && set(k, name, bytes, why));

    secret_free(bytes, n);
    return good;
}

static bool set_fixed(struct kafka *k, char why[SINK_WHY])
{
    static const char *const FIXED[][2] = {
        {"client.id", "stripwatch"},
        {"enable.idempotence", "true"},
        {"acks", "all"},
        {"message.timeout.ms", "0"}, /* what waits is bounded, and lies in the spool as well */
        {"queue.buffering.max.messages", "4096"},
        {"queue.buffering.max.kbytes", "16384"},
        {"linger.ms", "10"},
        {"batch.size", "262144"},
        {"compression.type", "lz4"},
        {"reconnect.backoff.ms", "100"},
        {"reconnect.backoff.max.ms", "5000"},
        {"socket.keepalive.enable", "true"},
        {"ssl.endpoint.identification.algorithm", "https"},
    };

    for (size_t i = 0; i < sizeof(FIXED) / sizeof(FIXED[0]); i++)
        if (!set(k, FIXED[i][0], FIXED[i][1], why))
            return false;
    return true;
}

static bool set_security(struct kafka *k, const struct sink_kafka_config *c, char why[SINK_WHY])
{
    static const char *const PROTOCOL[] = {"plaintext", "ssl", "sasl_plaintext", "sasl_ssl"};

    if (!set(k, "security.protocol", PROTOCOL[(c->uses_tls ? 1 : 0) + (c->user ? 2 : 0)], why) ||
        !set_file(k, "ssl.ca.pem", c->tls.ca_file, why) ||
        !set_file(k, "ssl.certificate.pem", c->tls.certificate_file, why) ||
        !set_file(k, "ssl.key.pem", c->tls.key_file, why))
        return false;
    return !c->user ||
           (set(k, "sasl.mechanisms", c->mechanism ? c->mechanism : "SCRAM-SHA-512", why) &&
            set(k, "sasl.username", c->user, why) && set(k, "sasl.password", c->password, why));
}

static bool fill(struct kafka *k, const struct sink_kafka_config *c, char why[SINK_WHY])
{
    k->conf = rd_kafka_conf_new();
    k->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    snprintf(why, SINK_WHY, "no descriptor for Kafka");
    if (k->wake < 0 || !set_fixed(k, why) || !set_security(k, c, why))
        return false;
    rd_kafka_conf_set_opaque(k->conf, k);
    rd_kafka_conf_set_dr_msg_cb(k->conf, on_delivery);
    rd_kafka_conf_set_error_cb(k->conf, on_error);
    rd_kafka_conf_set_log_cb(k->conf, on_log);
    if (!start(k, why)) /* what does not fit together shows now: nobody is asked yet ... */
        return false;
    (void)destroy(k->rk); /* ... and no thread lives before the first turn */
    k->rk = NULL;
    return set(k, "bootstrap.servers", c->brokers, why);
}

struct sink *sink_kafka_new(const struct sink_kafka_config *c, const struct sink_filter *f,
                            char why[SINK_WHY])
{
    const char *topic = c->topic ? c->topic : "eve";
    struct kafka *k;

    if (!c->brokers || !c->brokers[0] || !topic[0] || strlen(topic) > TOPIC ||
        (unsigned)c->key >= SINK_KAFKA_KEY_COUNT || !c->user != !c->password) {
        snprintf(why, SINK_WHY,
                 "Kafka needs brokers, a topic of 1 to %d bytes, and to each user a "
                 "password",
                 TOPIC);
        return NULL;
    }
    k = heap_zeroed(sizeof(*k));
    if (!k) {
        snprintf(why, SINK_WHY, "no memory for a sink");
        return NULL;
    }
    k->base.ops = &OPS;
    k->base.filter = f ? *f : (struct sink_filter){0};
    k->key = c->key;
    snprintf(k->topic, sizeof(k->topic), "%s", topic);
    backoff_init(&k->away);
    if (!fill(k, c, why)) {
        close_sink(&k->base);
        return NULL;
    }
    sink_note(&k->base, SINK_AWAY, "nothing was sent yet");
    return &k->base;
}
