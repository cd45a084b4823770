/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/live.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "dissect/frame.h"

struct tap {
    const char *name;
    pcap_t *pcap; /* NULL: gone before it was opened */
    int fd;
    struct nic nic;
    bool all;             /* it is `any` */
    struct packet packet; /* the next one, when there is one */
    bool has_packet;
    bool readable;      /* the kernel said so, and nothing else since */
    uint64_t drops_was; /* nic_drops() when it was opened */
    struct live_stats stats;
};

struct live {
    struct tap tap[CAP_INTERFACES];
    size_t count;
    nstime looked;     /* at the interfaces; CLOCK_MONOTONIC */
    nstime newest;     /* time of the packet handed out last */
    nstime now;        /* no packet with an earlier time should come */
    int64_t clock_gap; /* from CLOCK_MONOTONIC to CLOCK_REALTIME */
    struct live_counts counts;
};

static nstime clock_now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (nstime)t.tv_sec * NS_PER_S + t.tv_nsec;
}

/* --- opening --- */

static bool fail(char why[LIVE_WHY], const char *name, const char *text)
{
    snprintf(why, LIVE_WHY, "%s: %s", name, text);
    return false;
}

/* The texts of libpcap's codes are better than those of errno, and those of the handle better yet.
 */
static const char *activate_text(pcap_t *p, int code)
{
    const char *more = pcap_geterr(p);
    return code == PCAP_ERROR || *more ? more : pcap_statustostr(code);
}

static void hint_at_right(char why[LIVE_WHY])
{
    size_t n = strlen(why);
    snprintf(why + n, LIVE_WHY - n,
             " (it takes root, or CAP_NET_RAW as the systemd unit gives it)");
}

static pcap_t *activate(const struct live_config *c, size_t i, char why[LIVE_WHY])
{
    char text[PCAP_ERRBUF_SIZE] = "";
    pcap_t *p = pcap_create(c->name[i], text);
    if (!p) {
        fail(why, c->name[i], text);
        return NULL;
    }
    pcap_set_snaplen(p, (int)c->snaplen);
    pcap_set_promisc(p, c->promiscuous);
    pcap_set_timeout(p, CAP_LIVE_BLOCK_MS);
    pcap_set_buffer_size(p, (int)(c->ring_mib << 20));
    pcap_set_tstamp_precision(p, PCAP_TSTAMP_PRECISION_NANO);
    int code = pcap_activate(p);
    if (code >= 0 && pcap_setnonblock(p, 1, text) == 0)
        return p;
    fail(why, c->name[i], code < 0 ? activate_text(p, code) : text);
    if (code == PCAP_ERROR_PERM_DENIED)
        hint_at_right(why);
    pcap_close(p);
    return NULL;
}

static bool attach(int fd, struct bpf *b)
{
    const struct sock_fprog program = {.len = b->count, .filter = b->code};
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0;
}

static enum filter_start start_of(const struct tap *t)
{
    return t->packet.link == FRAME_ETHERNET ? FILTER_AT_ETHERNET : FILTER_AT_NETWORK;
}

/* Nothing passes yet: live_open() empties the ring before it counts. */
static bool open_tap(struct tap *t, const struct live_config *c, size_t i, char why[LIVE_WHY])
{
    struct bpf none;
    t->name = c->name[i];
    t->all = strcmp(t->name, "any") == 0;
    t->packet.source = (uint32_t)i;
    t->pcap = activate(c, i, why);
    if (!t->pcap)
        return false;
    t->fd = pcap_get_selectable_fd(t->pcap);
    nic_open(&t->nic, t->name);
    t->drops_was = nic_drops(&t->nic);
    int dlt = pcap_datalink(t->pcap);
    t->packet.link = dlt == DLT_RAW ? FRAME_RAW : (uint32_t)dlt;
    if (!frame_link_known(t->packet.link)) {
        const char *name = pcap_datalink_val_to_description(dlt);
        return fail(why, t->name, name ? name : "its link type cannot be read");
    }
    filter_nothing(&none);
    return attach(t->fd, &none) || fail(why, t->name, strerror(errno));
}

static void ignore(u_char *user, const struct pcap_pkthdr *h, const u_char *bytes)
{
    (void)user;
    (void)h;
    (void)bytes;
}

/* What passed before there was a filter, and its count, which reading resets (packet(7)). */
static void empty_ring(struct tap *t)
{
    struct tpacket_stats_v3 unused;
    socklen_t n = sizeof(unused);
    while (pcap_dispatch(t->pcap, -1, ignore, NULL) > 0)
        ;
    (void)getsockopt(t->fd, SOL_PACKET, PACKET_STATISTICS, &unused, &n);
}

static bool join(const struct tap *t, uint16_t group, char why[LIVE_WHY])
{
    struct bpf b;
    int how = group | PACKET_FANOUT_CBPF << 16;
    if (!filter_spread(&b, FILTER_AT_EITHER))
        return fail(why, t->name, "the program of the group is too long");
    const struct sock_fprog program = {.len = b.count, .filter = b.code};
    if (setsockopt(t->fd, SOL_PACKET, PACKET_FANOUT, &how, sizeof(how)) ||
        setsockopt(t->fd, SOL_PACKET, PACKET_FANOUT_DATA, &program, sizeof(program)))
        return fail(why, t->name, strerror(errno));
    return true;
}

/* For what the filters see of a packet on such a link. */
static bool compile(pcap_t *p, const char *expression, struct bpf_program *out, char why[LIVE_WHY])
{
    if (pcap_compile(p, out, expression, 1, PCAP_NETMASK_UNKNOWN) == 0)
        return true;
    return fail(why, "filter", pcap_geterr(p));
}

static bool compile_dead(int dlt, const char *expression, struct bpf_program *out,
                         char why[LIVE_WHY])
{
    pcap_t *p = pcap_open_dead(dlt, FILTER_WHOLE);
    if (!p)
        return fail(why, "filter", strerror(ENOMEM));
    bool good = compile(p, expression, out, why);
    pcap_close(p);
    return good;
}

/* What libpcap compiles for a handle knows of its metadata. */
static bool compile_for(const struct tap *t, const char *expression, struct bpf_program *out,
                        char why[LIVE_WHY])
{
    if (!expression)
        return true;
    if (start_of(t) == FILTER_AT_ETHERNET)
        return compile(t->pcap, expression, out, why);
    return compile_dead(DLT_RAW, expression, out, why);
}

static bool let_in(const struct tap *t, const struct live_config *c, size_t i, char why[LIVE_WHY])
{
    _Static_assert(sizeof(struct bpf_insn) == sizeof(struct sock_filter), "one layout");
    struct bpf b;
    struct bpf_program also = {0};
    struct filter_mail m = {.start = start_of(t),
                            .direction = c->direction[i],
                            .loopback = t->all || strcmp(t->name, "lo") == 0,
                            .port_count = c->port_count,
                            .dns = c->dns,
                            .fetch = c->fetch};
    memcpy(m.port, c->port, sizeof(m.port));
    if (!compile_for(t, c->expression, &also, why))
        return false;
    bool fits =
        filter_mail(&b, &m, (const struct sock_filter *)(const void *)also.bf_insns, also.bf_len);
    pcap_freecode(&also);
    if (!fits)
        return fail(why, t->name, "the filter is too long");
    if (!attach(t->fd, &b))
        return fail(why, t->name,
                    errno == ENOMEM ? "no room for the filter: raise net.core.optmem_max"
                                    : strerror(errno));
    return true;
}

static void start_stats(struct tap *t, uint64_t ring_bytes, nstime now)
{
    t->stats = (struct live_stats){.name = t->name, .ring_bytes = ring_bytes, .since = now};
    t->stats.state = t->pcap ? nic_state(&t->nic) : NIC_GONE;
    if (t->all)
        t->stats.state = NIC_UP;
}

static size_t open_all(struct live *l, const struct live_config *c, char why[LIVE_WHY])
{
    size_t opened = 0;
    for (size_t i = 0; i < c->count; i++) {
        struct tap *t = &l->tap[l->count++];
        for (int k = 0; k < NIC_FILE_COUNT; k++)
            t->nic.fd[k] = -1;
        bool good = open_tap(t, c, i, why);
        opened += good;
        if (!good && (c->strict || t->pcap))
            return 0;
    }
    return opened;
}

static bool begin_all(struct live *l, const struct live_config *c, char why[LIVE_WHY])
{
    nstime now = clock_now(CLOCK_REALTIME);
    for (size_t i = 0; i < l->count; i++) {
        struct tap *t = &l->tap[i];
        if (t->pcap) {
            empty_ring(t);
            if (c->fanout && !join(t, (uint16_t)(c->fanout + i), why))
                return false;
            if (!let_in(t, c, i, why))
                return false;
        }
        start_stats(t, (uint64_t)c->ring_mib << 20, now);
    }
    return true;
}

static bool is_sane(const struct live_config *c)
{
    return c->count > 0 && c->count <= CAP_INTERFACES && c->port_count <= CAP_PORTS &&
           c->ring_mib > 0 && c->ring_mib <= CAP_LIVE_RING_MIB && c->snaplen > 0 &&
           c->snaplen <= FILTER_WHOLE;
}

struct live *live_open(const struct live_config *c, char why[LIVE_WHY])
{
    const struct timespec gathering = {.tv_nsec = CAP_LIVE_HOLD_MS * NS_PER_MS};
    struct live *l = calloc(1, sizeof(*l));
    if (!l || !is_sane(c)) {
        free(l);
        fail(why, "live capture", strerror(l ? EINVAL : ENOMEM));
        return NULL;
    }
    if (open_all(l, c, why) > 0) {
        nanosleep(&gathering, NULL);
        if (begin_all(l, c, why)) {
            l->clock_gap = clock_now(CLOCK_REALTIME) - clock_now(CLOCK_MONOTONIC);
            l->newest = l->now = INT64_MIN;
            return l;
        }
    }
    live_close(l);
    return NULL;
}

void live_close(struct live *l)
{
    if (!l)
        return;
    for (size_t i = 0; i < l->count; i++) {
        nic_close(&l->tap[i].nic);
        if (l->tap[i].pcap)
            pcap_close(l->tap[i].pcap);
    }
    free(l);
}

/* --- how the interfaces are --- */

static void enter(struct tap *t, enum nic_state s)
{
    if (s == t->stats.state)
        return;
    t->stats.state = s;
    t->stats.since = clock_now(CLOCK_REALTIME);
}

/* `any` is never down. Without sysfs an interface is up again when a packet of it comes. */
static void look(struct tap *t)
{
    if (t->all || !t->pcap)
        return;
    enum nic_state was = t->stats.state, s = nic_state(&t->nic);
    if (s == NIC_UNKNOWN)
        return;
    if (s == NIC_DOWN && was != NIC_DOWN)
        t->stats.downs++;
    enter(t, s);
}

/* The kernel says so once, by an error of the socket; it may be up again by now. */
static void gone_down(struct tap *t)
{
    if (t->stats.state != NIC_DOWN) {
        t->stats.downs++;
        enter(t, NIC_DOWN);
    }
    look(t);
}

static void look_at_all(struct live *l)
{
    nstime now = clock_now(CLOCK_MONOTONIC);
    if (l->looked && now - l->looked < CAP_LIVE_LOOK_MS * NS_PER_MS)
        return;
    l->looked = now;
    for (size_t i = 0; i < l->count; i++)
        look(&l->tap[i]);
}

/* Takes the error away, so that libpcap does not meet it: it would ask further (sensor/live.h). */
static void take_error(struct tap *t)
{
    int error = 0;
    socklen_t n = sizeof(error);
    if (getsockopt(t->fd, SOL_SOCKET, SO_ERROR, &error, &n) || error == 0)
        return;
    if (error == ENETDOWN)
        gone_down(t);
    else
        t->stats.errors++;
}

/* --- packets --- */

/* CLOCK_MONOTONIC is slewed as the other is, but never steps. */
static void note_step(struct live *l, nstime now)
{
    int64_t gap = now - clock_now(CLOCK_MONOTONIC), step = gap - l->clock_gap;
    l->clock_gap = gap;
    if (step < CAP_LIVE_STEP_MS * NS_PER_MS && step > -CAP_LIVE_STEP_MS * NS_PER_MS)
        return;
    l->counts.steps++;
    l->counts.last_step = step;
}

static void ask_kernel(struct live *l)
{
    struct pollfd fd[CAP_INTERFACES];
    int unused;
    size_t n = live_fds(l, fd, &unused);
    if (poll(fd, n, 0) <= 0)
        return;
    for (size_t i = 0; i < n; i++) {
        if (fd[i].revents & (POLLERR | POLLHUP))
            take_error(&l->tap[i]);
        if (fd[i].revents & POLLIN)
            l->tap[i].readable = true;
    }
}

/* An error of libpcap's when an interface is down, or may not be asked about, is none of ours. */
static void take_failed(struct tap *t)
{
    t->readable = false;
    look(t);
    if (t->stats.state == NIC_UP || t->stats.state == NIC_NO_CARRIER)
        t->stats.errors++;
}

static void note_packet(struct tap *t, const struct pcap_pkthdr *h, const u_char *bytes)
{
    if (t->stats.state == NIC_DOWN || t->stats.state == NIC_UNKNOWN)
        enter(t, NIC_UP);
    t->packet.time = clock_of(h->ts.tv_sec, h->ts.tv_usec); /* nanoseconds: so it was opened */
    t->packet.bytes = span_of(bytes, h->caplen);
    t->packet.wire_len = h->len > h->caplen ? h->len : h->caplen;
}

static void take(struct tap *t)
{
    struct pcap_pkthdr *h;
    const u_char *bytes;
    int r = pcap_next_ex(t->pcap, &h, &bytes); /* a copy: its place in the ring may be reused */
    if (r < 0)
        take_failed(t);
    if (r <= 0) {
        t->readable = false;
        return;
    }
    note_packet(t, h, bytes);
    t->has_packet = true;
}

static struct tap *earliest(struct live *l)
{
    struct tap *first = NULL;
    for (size_t i = 0; i < l->count; i++) {
        struct tap *t = &l->tap[i];
        if (!t->has_packet && t->readable)
            take(t);
        if (t->has_packet && (!first || t->packet.time < first->packet.time))
            first = t;
    }
    return first;
}

static bool may_have_earlier(const struct tap *t)
{
    return !t->has_packet && t->pcap && t->stats.state != NIC_DOWN && t->stats.state != NIC_GONE;
}

/* A time far ahead is of before the clock was set back: nothing to wait for. */
static bool is_due(const struct live *l, const struct tap *next, nstime now)
{
    int64_t age = clock_since(now, next->packet.time);
    if (age >= CAP_LIVE_HOLD_MS * NS_PER_MS || age < -CAP_LIVE_HOLD_MS * NS_PER_MS)
        return true;
    for (size_t i = 0; i < l->count; i++)
        if (&l->tap[i] != next && may_have_earlier(&l->tap[i]))
            return false;
    return true;
}

static void hand_out(struct live *l, struct tap *t, live_fn fn, void *user)
{
    if (t->packet.time < l->newest)
        l->counts.disordered++;
    l->newest = t->packet.time;
    t->has_packet = false;
    t->stats.packets++;
    t->stats.bytes += t->packet.bytes.n;
    t->stats.cut += t->packet.wire_len > t->packet.bytes.n;
    fn(user, &t->packet);
}

/* Of a single interface: nothing is waited for, so packets are handed out where they lie in the
 * ring. */
struct handing {
    struct live *live;
    live_fn fn;
    void *user;
};

#define LINE 64 /* bytes of a cache line */

/* The next packet lies behind this one in the ring, and its headers behind those of the kernel:
 * they are on their way while this one is looked at. Behind the last one nothing happens. */
static void fetch_next(const u_char *end)
{
    for (int i = 0; i < 3; i++)
        __builtin_prefetch(end + i * LINE);
}

/* pcap_handler */
static void on_packet(u_char *user, const struct pcap_pkthdr *h, const u_char *bytes)
{
    const struct handing *to = (const struct handing *)(const void *)user;
    struct tap *t = &to->live->tap[0];
    fetch_next(bytes + h->caplen);
    note_packet(t, h, bytes);
    hand_out(to->live, t, to->fn, to->user);
}

static size_t poll_only(struct live *l, size_t budget, live_fn fn, void *user)
{
    struct tap *t = &l->tap[0];
    struct handing to = {l, fn, user};
    uint64_t before = t->stats.packets;
    if (!t->readable)
        return 0;
    int r = pcap_dispatch(t->pcap, (int)budget, on_packet, (u_char *)(void *)&to);
    size_t n = (size_t)(t->stats.packets - before);
    if (r < 0)
        take_failed(t);
    t->readable = r > 0 && n == budget;
    return n;
}

static size_t poll_all(struct live *l, size_t budget, nstime now, live_fn fn, void *user)
{
    size_t n = 0;
    for (; n < budget; n++) {
        struct tap *t = earliest(l);
        if (!t || !is_due(l, t, now))
            break;
        hand_out(l, t, fn, user);
    }
    return n;
}

size_t live_poll(struct live *l, size_t budget, live_fn fn, void *user)
{
    nstime now = clock_now(CLOCK_REALTIME); /* before the kernel is asked: is_due() builds on it */
    note_step(l, now);
    look_at_all(l);
    ask_kernel(l);
    size_t n = l->count == 1 ? poll_only(l, budget, fn, user) : poll_all(l, budget, now, fn, user);
    l->now = n == budget ? l->newest : now - CAP_LIVE_HOLD_MS * NS_PER_MS;
    return n;
}

/* Of the packet that is the next one, whatever the interfaces that may have earlier ones do. */
static int due_in(const struct tap *t, nstime now)
{
    int64_t left = CAP_LIVE_HOLD_MS * NS_PER_MS - clock_since(now, t->packet.time);
    if (left <= 0 || left > 2 * CAP_LIVE_HOLD_MS * NS_PER_MS)
        return 0;
    return (int)(left / NS_PER_MS) + 1;
}

size_t live_fds(const struct live *l, struct pollfd fd[CAP_INTERFACES], int *wait)
{
    nstime now = clock_now(CLOCK_REALTIME);
    *wait = CAP_LIVE_LOOK_MS;
    for (size_t i = 0; i < l->count; i++) {
        const struct tap *t = &l->tap[i];
        bool asked = t->pcap && !t->has_packet && t->stats.state != NIC_GONE;
        fd[i] = (struct pollfd){.fd = asked ? t->fd : -1, .events = POLLIN};
        if (t->has_packet && due_in(t, now) < *wait)
            *wait = due_in(t, now);
    }
    return l->count;
}

nstime live_now(const struct live *l)
{
    return l->now;
}

/* --- what is told --- */

size_t live_interfaces(const struct live *l)
{
    return l->count;
}

static void count_kernel(struct tap *t)
{
    struct tpacket_stats_v3 s = {0};
    socklen_t n = sizeof(s);
    if (getsockopt(t->fd, SOL_PACKET, PACKET_STATISTICS, &s, &n))
        return;
    t->stats.kernel_packets += s.tp_packets;
    t->stats.kernel_drops += s.tp_drops;
    t->stats.ring_full += s.tp_freeze_q_cnt;
}

void live_stats(struct live *l, size_t i, struct live_stats *out)
{
    struct tap *t = &l->tap[i];
    if (t->pcap) {
        uint64_t drops = nic_drops(&t->nic);
        count_kernel(t);
        if (drops > t->drops_was) /* a removed interface has none */
            t->stats.interface_drops = drops - t->drops_was;
        t->stats.waiting = t->stats.kernel_packets - t->stats.kernel_drops - t->stats.packets;
    }
    *out = t->stats;
}

struct live_counts live_counts(const struct live *l)
{
    return l->counts;
}

bool live_lost(const struct live *l)
{
    for (size_t i = 0; i < l->count; i++)
        if (l->tap[i].stats.state == NIC_GONE)
            return true;
    return false;
}
