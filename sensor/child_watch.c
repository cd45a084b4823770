/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "dissect/dissect.h"
#include "dissect/tunnel.h"
#include "rules/finding.h"
#include "sensor/child.h"
#include "sensor/live.h"
#include "sensor/told.h"
#include "sensor/wire.h"

#define TURN_MS           50
#define BUDGET            1024 /* packets of a turn */
#define EVERY             NS_PER_S
#define PORT_IMPLICIT_TLS 465 /* RFC 8314 */

struct watching {
    struct child *child;
    struct live *live;
    struct dissect *dissect;
    struct message_out *judge;
    struct wire wire;
    nstime newest;   /* packet time */
    nstime mail;     /* of the newest packet of mail */
    uint64_t mailed; /* how many there were then */
    nstime second;   /* of the newest report: child_clock() */
    bool judge_gone;
    uint8_t bytes[WIRE_MOST];
};

/* --- facts --- */

static void begin(struct watching *w)
{
    w->wire = (struct wire){.p = w->bytes, .room = sizeof(w->bytes)};
}

static void begin_sighting(struct watching *w, enum told_sighting kind)
{
    begin(w);
    w->bytes[w->wire.n++] = (uint8_t)kind;
}

static void send(struct watching *w, enum message_type type, bool urgent)
{
    if (!w->wire.full)
        message_put(w->judge, type, span_of(w->bytes, w->wire.n), urgent);
}

/* What TLS protects and nothing is odd about can be missed most easily. */
static bool urgent(const struct session *s)
{
    return !s->tls_complete || !judge_calm(s);
}

/* dissect_fn */
static void on_session(void *user, struct session *s, enum session_milestone m)
{
    struct watching *w = user;
    uint32_t milestone = (uint32_t)m;
    bool open = m != SESSION_CLOSED && m != SESSION_ENDING;
    if (open && judge_calm(s))
        return;
    if (open)
        dissect_hand_out(w->dissect); /* those that ended before are judged before */
    begin(w);
    memcpy(w->bytes, &milestone, sizeof(milestone));
    w->wire.n = sizeof(milestone);
    wire_put_session(&w->wire, s);
    send(w, MESSAGE_SESSION, urgent(s));
}

/* dissect_tls_fn */
static void on_tls(void *user, struct session *s, const struct tls_sighting *t)
{
    struct watching *w = user;
    begin(w);
    wire_put_session(&w->wire, s);
    wire_put_handshake(&w->wire, t);
    send(w, MESSAGE_HANDSHAKE, urgent(s));
}

/* dissect_dns_fn */
static void on_dns(void *user, const struct dns_sighting *s)
{
    struct watching *w = user;
    begin_sighting(w, TOLD_DNS);
    wire_put_dns(&w->wire, s);
    send(w, MESSAGE_SIGHTING, false);
}

/* dissect_fetch_fn */
static void on_fetch(void *user, const struct fetch_sighting *s)
{
    struct watching *w = user;
    begin_sighting(w, TOLD_FETCH);
    wire_put_fetch(&w->wire, s);
    send(w, MESSAGE_SIGHTING, false);
}

/* dissect_attempt_fn */
static void on_attempt(void *user, const struct dissect_attempt *a)
{
    struct watching *w = user;
    begin_sighting(w, TOLD_ATTEMPT);
    wire_put_attempt(&w->wire, a);
    send(w, MESSAGE_SIGHTING, false);
}

/* --- packets --- */

/* live_fn */
static void on_packet(void *user, const struct packet *p)
{
    struct watching *w = user;
    if (p->time > w->newest)
        w->newest = p->time;
    dissect_packet(w->dissect, p);
}

static void report(struct watching *w)
{
    struct told_watch t;
    memset(&t, 0, sizeof(t));
    t.dissect = dissect_counters(w->dissect);
    if (t.dissect.processed != w->mailed) {
        w->mailed = t.dissect.processed;
        w->mail = w->newest;
    }
    t.newest = w->newest;
    t.mail = w->mail;
    t.shed = message_lost(w->judge, false);
    t.shed_urgent = message_lost(w->judge, true);
    const struct live_counts counts = live_counts(w->live);
    t.steps = counts.steps;
    t.step = counts.last_step;
    for (size_t i = 0; i < live_interfaces(w->live); i++) {
        struct live_stats s;
        live_stats(w->live, i, &s);
        t.kernel_packets += s.kernel_packets;
        t.kernel_drops += s.kernel_drops;
        t.interface_drops += s.interface_drops;
        t.interfaces++;
        t.interface[i] = (struct told_interface){.kernel_packets = s.kernel_packets,
                                                 .kernel_drops = s.kernel_drops,
                                                 .interface_drops = s.interface_drops,
                                                 .state = s.state};
        t.down += s.state != NIC_UP;
    }
    message_put(w->judge, MESSAGE_STATE, span_of(&t, sizeof(t)), true);
}

static void look_at_clock(struct watching *w)
{
    nstime now = child_clock();
    if (w->newest > 0)
        dissect_pass(w->dissect, live_now(w->live));
    if (now - w->second < EVERY)
        return;
    w->second = now;
    report(w);
}

/* --- the loop --- */

static bool turn(struct watching *w)
{
    struct pollfd wait[2 + CAP_INTERFACES];
    int most = TURN_MS;
    wait[0] = (struct pollfd){.fd = CHILD_JUDGE,
                              .events = (short)(message_waits(w->judge) ? POLLOUT : 0)};
    wait[1] = (struct pollfd){.fd = CHILD_PARENT, .events = POLLIN};
    size_t count = 2 + live_fds(w->live, wait + 2, &most);
    if (poll(wait, (nfds_t)count, most >= 0 && most < TURN_MS ? most : TURN_MS) < 0 &&
        errno != EINTR)
        return false;
    live_poll(w->live, BUDGET, on_packet, w);
    look_at_clock(w);
    w->judge_gone = !message_flush(w->judge);
    child_turn(w->child);
    return !w->judge_gone;
}

static bool loop(struct watching *w)
{
    while (!w->child->stop)
        if (!turn(w))
            return false;
    return true;
}

/* What is open is told of as it is at the end, as far as the judge takes it in time. */
static void finish(struct watching *w)
{
    nstime until = child_clock() + 5 * NS_PER_S;
    struct pollfd wait = {.fd = CHILD_JUDGE, .events = POLLOUT};
    dissect_finish(w->dissect);
    report(w);
    while (message_flush(w->judge) && message_waits(w->judge) && child_clock() < until)
        poll(&wait, 1, 20);
}

/* --- setting up --- */

static void configure_ports(const struct config_ports *ports, struct dissect_config *c)
{
    if (ports->count == 0)
        return;
    memcpy(c->port, ports->port, sizeof(c->port));
    c->port_count = ports->count;
    c->implicit_port = 0;
    for (uint8_t i = 0; i < ports->count; i++)
        if (ports->port[i] == PORT_IMPLICIT_TLS)
            c->implicit_port = PORT_IMPLICIT_TLS;
}

static bool open_dissect(struct watching *w)
{
    struct dissect_config c;
    const struct config *config = &w->child->config;
    dissect_config_default(&c);
    configure_ports(&config->capture.ports, &c);
    c.max_flows = config->sensor.max_flows / config->capture.workers + 1;
    c.memory = CAP_MEMORY_FLOWS(config->sensor.memory);
    c.memory /= config->capture.workers;
    c.unpacked = c.memory / CAP_UNPACKED_PART;
    c.keep_addresses = config->sensor.show_addresses;
    c.dns = on_dns;
    c.fetch = config->capture.fetches ? on_fetch : NULL;
    c.tunnels = config->capture.tunnels ? TUNNEL_ALL : 0;
    c.tls = on_tls;
    c.attempt = on_attempt;
    if (getrandom(&c.key, sizeof(c.key), 0) != (ssize_t)sizeof(c.key))
        return false;
    w->dissect = dissect_new(&c, on_session, w);
    w->judge = message_out_new(CHILD_JUDGE, PROCESS_WATCH, w->child->index, w->child->generation);
    return w->dissect && w->judge;
}

/* At the first start all of it must be right; later what is there is watched. */
static bool open_live(struct watching *w)
{
    static const enum filter_direction DIRECTION[] = {FILTER_BOTH, FILTER_IN, FILTER_OUT};
    char why[LIVE_WHY];
    const struct config *config = &w->child->config;
    const struct config_interfaces *list = &config->capture.interfaces;
    struct live_config c = {
        .strict = w->child->generation == 1,
        .promiscuous = config->capture.promiscuous,
        .snaplen = config->capture.snaplen,
        .ring_mib = config->capture.ring,
        .port_count = config->capture.ports.count,
        .dns = true,
        .fetch = config->capture.fetches,
        .expression = config->capture.filter,
    };
    memcpy(c.port, config->capture.ports.port, sizeof(c.port));
    if (config->capture.workers > 1) /* the children of one parent are one group */
        c.fanout = (uint16_t)(1 + ((unsigned)getppid() << 4) % 65519);
    for (size_t i = 0; i < list->count; i++) {
        c.name[i] = list->one[i].name;
        c.direction[i] = DIRECTION[config->capture.direction];
    }
    c.count = (uint8_t)list->count;
    w->live = live_open(&c, why);
    if (!w->live)
        child_say(w->child, CONFIG_LOG_ERROR, "%s", why);
    return w->live != NULL;
}

/* The interfaces are opened with the privilege that is let go of next. */
static bool enter(struct watching *w)
{
    const struct sandbox walls = {.asks = true};
    char why[SANDBOX_WHY];
    if (!open_live(w))
        return false;
    if (!sandbox_drop(w->child->config.process.user, w->child->config.process.group, why)) {
        child_say(w->child, CONFIG_LOG_ERROR, "%s", why);
        return false;
    }
    return child_ready(w->child, &walls);
}

static void fini(struct watching *w)
{
    live_close(w->live);
    dissect_free(w->dissect);
    message_out_free(w->judge);
    free(w);
}

int child_watch(struct child *c)
{
    int code = CHILD_CANNOT;
    struct watching *w = calloc(1, sizeof(*w));
    if (!w)
        return CHILD_FAILED;
    w->child = c;
    if (open_dissect(w) && enter(w)) {
        code = loop(w) ? 0 : CHILD_FAILED;
        finish(w);
    }
    fini(w);
    return code;
}
