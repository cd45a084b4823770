/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes a month of mail, or any time of it, as a capture: the same options give the same bytes.
 *
 *   monthgen [--seed N] [--sessions N] [--days D] [--servers S] [--clients C] [--attacks M]
 *            [--dns] [--flawless] [--truth FILE] [--authorities FILE] > CAPTURE
 *
 * --sessions are honest ones, retries included; --attacks come on top, each on a server that has at
 * least 30 clean sessions from three clients by then, each with the mail in clear after it;
 * families that come in runs of five are left out where they have fewer. FILE gets a line a
 * connection in the order of their beginnings, parted by tabs: client, its port, server, its port,
 * beginning (seconds), name of the server, server/client/flaw, family/shape or -, whether STARTTLS
 * was offered, whether TLS came about (y, n, or - where the capture cannot tell), and a number that
 * joins the connections of one attack, or 0.
 */
#include "month/agenda.h"
#include "month/campaign.h"
#include "month/chain.h"
#include "month/lookup.h"
#include "month/mail.h"
#include "month/tap.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>

enum flaw { NO_FLAW, TWICE, LOST, MIDSTREAM };
static const char *const flaw_name[] = {"", "/twice", "/lost", "/midstream"};

struct options {
    uint64_t seed;
    uint32_t sessions, days, servers, clients, attacks;
    bool dns, flawless;
    const char *truth, *authorities;
};

static struct month {
    struct options o;
    struct world w;
    struct agenda agenda;
    struct talk *free;
    struct campaign *campaign;
    size_t campaigns;
    FILE *truth;
    uint32_t planned; /* honest sessions, to come or past */
    uint32_t batch;   /* of them, how many more come at once */
    uint32_t groups;  /* attacked sessions */
    uint64_t arrived; /* the last one */
} month;

static void *must(void *p)
{
    if (!p) {
        perror("monthgen");
        exit(1);
    }
    return p;
}

static uint32_t below(uint32_t n)
{
    return rng_below(&month.w.rng, n);
}

/* --- when --- */

/* How much of a day's mail is sent before each hour, in a thousand. */
static const uint16_t before_hour[25] = {0,   18,  34,  49,  63,  78,  95,  118, 155,
                                         213, 281, 349, 413, 474, 538, 604, 670, 731,
                                         783, 826, 864, 899, 930, 958, 985};

/* Where in the day a part of its mail lies, in microseconds. */
static uint64_t time_of_day(double part)
{
    double thousand = part * before_hour[24];
    int hour = 0;

    while (hour < 23 && before_hour[hour + 1] <= thousand)
        hour++;
    double within = (thousand - before_hour[hour]) / (before_hour[hour + 1] - before_hour[hour]);
    return (uint64_t)((hour + within) * 3600e6);
}

/* When the session of this number arrives; now and then several arrive at once, as from a queue. */
static uint64_t arrival(uint32_t number)
{
    double day = (number + below(1000) / 1000.0) * month.o.days / (month.o.sessions + 1.0);
    uint64_t at = month.w.begin + (uint64_t)day * UINT64_C(86400000000) +
                  time_of_day(day - (double)(uint64_t)day);

    if (month.batch) {
        month.batch--;
        at = month.arrived + below(300000);
    } else if (below(40) == 0) {
        month.batch = 2 + below(8);
    }
    return month.arrived = at > month.arrived ? at : month.arrived;
}

/* --- connections --- */

static void plan(const struct plan *p)
{
    struct plan *copy = must(malloc(sizeof *copy));

    *copy = *p;
    agenda_add(&month.agenda, p->at, EVENT_CONNECTION, copy);
}

static struct talk *talk_new(void)
{
    struct talk *t = month.free;

    if (t)
        month.free = t->next_free;
    else
        t = must(malloc(sizeof *t));
    return t;
}

static void truth_write(const struct plan *p, const struct talk *t, const struct outcome *out,
                        enum flaw flaw)
{
    bool whole = flaw == NO_FLAW || flaw == TWICE;
    char text[2][INET6_ADDRSTRLEN];

    for (int side = 0; side < 2; side++)
        inet_ntop(t->ipv6 ? AF_INET6 : AF_INET, t->addr[side], text[side], sizeof text[side]);
    fprintf(month.truth,
            "%s\t%u\t%s\t%u\t%" PRIu64 ".%06u\t%s\t%s/%s%s\t%s%s%s\t%c\t%c\t%" PRIu32 "\n", text[0],
            t->port[0], text[1], t->port[1], p->at / 1000000, (unsigned)(p->at % 1000000),
            p->server->name, server_kind_name[p->server->kind], client_kind_name[p->client->kind],
            flaw_name[flaw], family_name[p->attack], p->shape ? "/" : "", p->shape ? p->shape : "",
            whole ? out->offered : '-', whole ? out->tls : '-', p->group);
}

/* Of a thousand sessions the tap sees three twice and three incompletely, one from its middle. */
static enum flaw flaw_of(struct talk *t, const struct plan *p)
{
    uint32_t luck = below(1000);

    if (month.o.flawless || p->group || luck >= 7 || t->count < 8)
        return NO_FLAW;
    if (luck < 3) {
        for (uint16_t i = 0; i < t->count; i++)
            t->packet[i].copies = 2;
        return TWICE;
    }
    if (luck < 6) {
        for (uint32_t i = 1 + below(2); i; i--)
            t->packet[3 + below(t->count - 3U)].copies = 0;
        return LOST;
    }
    for (uint32_t i = 3 + below(t->count - 6U); i; i--)
        t->packet[i - 1].copies = 0;
    return MIDSTREAM;
}

static void again(const struct plan *p, const struct outcome *out)
{
    struct plan next = out->next;

    if (!out->again || (!p->group && month.planned == month.o.sessions))
        return;
    if (!p->group)
        month.planned++;
    next.family = NO_ATTACK;
    plan(&next);
}

static void connection_begin(struct plan *p)
{
    struct talk *t;

    if (!p->group && p->client->cut_until > p->at) { /* a retry from before the run */
        p->at = p->client->cut_until + below(3600) * UINT64_C(1000000);
        agenda_add(&month.agenda, p->at, EVENT_CONNECTION, p);
        return;
    }
    t = talk_new();
    if (p->server->kind == FARM)
        p->member = (uint8_t)below(4);
    struct outcome out = mail_make(&month.w, p, t);
    enum flaw flaw = flaw_of(t, p);
    if (out.tls == 'y' && flaw == NO_FLAW)
        world_clean(&month.w, p->server, p->client);
    if (out.tls == 'n' && out.offered == 'y' && !p->group)
        p->client->declined = true;
    if (month.truth)
        truth_write(p, t, &out, flaw);
    again(p, &out);
    agenda_add(&month.agenda, t->packet[0].at, EVENT_PACKET, t);
    free(p);
}

static void packet_out(struct talk *t)
{
    tap_packet(t);
    if (t->sent < t->count) {
        agenda_add(&month.agenda, t->packet[t->sent].at, EVENT_PACKET, t);
        return;
    }
    t->next_free = month.free;
    month.free = t;
}

/* --- arrivals --- */

static bool under_attack(const struct plan *p, uint64_t at)
{
    for (size_t i = 0; i < month.campaigns; i++) {
        const struct campaign *c = &month.campaign[i];
        bool here = c->from_behind ? c->server == p->server : c->net == p->client->net;
        if (c->shape == BURST && here && c->at <= at && at <= c->until)
            return true;
    }
    return p->client->cut_until > at;
}

static bool submits_here(const struct server *s)
{
    return s->kind == POSTFIX || s->kind == EXIM || s->kind == EXCHANGE;
}

/* Over half goes out, some is submitted, the rest comes in from far away. What leaves a net, comes
 * to a server or is of a sender while all of that is attacked is no honest session. */
static struct plan honest(uint64_t at)
{
    struct world *w = &month.w;
    struct plan p = {.at = at, .port = 25};
    uint32_t way = below(100);

    if (way < 5) {
        p.client = &w->client[w->clients - w->submitters + below(w->submitters)];
        p.port = 587;
        do
            p.server = world_receiver(w, true);
        while (!submits_here(p.server));
        return p;
    }
    do {
        p.client = world_sender(w, way < 60);
        p.server = world_receiver(w, way >= 60);
    } while (under_attack(&p, at));
    return p;
}

static void arrive(uint64_t at)
{
    struct plan p = honest(at);

    if (month.o.dns && p.client->own && !p.server->ipv6 && below(2)) {
        struct lookup *l = must(malloc(sizeof *l));
        *l = (struct lookup){.client = p.client, .server = p.server, .id = (uint16_t)below(65536)};
        agenda_add(&month.agenda, at, EVENT_DATAGRAM, l);
        p.at += 4 * LOOKUP_STEP;
    }
    plan(&p);
}

static void look_up(struct lookup *l, uint64_t at)
{
    lookup_next(l, at);
    if (l->step < LOOKUP_STEPS)
        agenda_add(&month.agenda, at + LOOKUP_STEP, EVENT_DATAGRAM, l);
    else
        free(l);
}

/* Where nobody has a history yet, it is tried again hours later, until there is no time left. */
static void attack(struct campaign *c, uint64_t at)
{
    uint64_t length = month.w.end - month.w.begin, next = at + length / 100;
    struct plan p;

    if (campaign_next(&month.w, c, at, &p)) {
        p.group = ++month.groups;
        plan(&p);
        c->left--;
        next = at + (c->left ? (c->until > at ? c->until - at : 1) / (c->left + 1) : 0);
    } else {
        c->until += next - at;
    }
    if (c->left && (next < month.w.end || (c->shape == RUN && c->sender)))
        agenda_add(&month.agenda, next, EVENT_ATTACK, c);
}

static void happen(const struct event *e)
{
    if (e->kind == EVENT_PACKET)
        packet_out(e->what);
    else if (e->kind == EVENT_CONNECTION)
        connection_begin(e->what);
    else if (e->kind == EVENT_ATTACK)
        attack(e->what, e->at);
    else
        look_up(e->what, e->at);
}

static void generate(void)
{
    uint64_t next = arrival(0);

    for (size_t i = 0; i < month.campaigns; i++)
        agenda_add(&month.agenda, month.campaign[i].at, EVENT_ATTACK, &month.campaign[i]);
    while (month.planned < month.o.sessions || month.agenda.count) {
        bool more = month.planned < month.o.sessions;
        if (more && (!month.agenda.count || next <= agenda_first(&month.agenda)->at)) {
            month.planned++;
            arrive(next);
            next = arrival(month.planned);
            continue;
        }
        struct event e = agenda_take(&month.agenda);
        happen(&e);
    }
}

/* --- command line --- */

static void usage(void)
{
    fputs("usage: monthgen [--seed N] [--sessions N] [--days D] [--servers S] [--clients C] "
          "[--attacks M] [--dns] [--flawless] [--truth FILE] [--authorities FILE]\n",
          stderr);
    exit(2);
}

static uint32_t number(const char *text, uint32_t least, uint32_t most)
{
    char *end;
    unsigned long v = strtoul(text, &end, 10);

    if (*end || end == text || v < least || v > most)
        usage();
    return (uint32_t)v;
}

static struct options options_of(int argc, char **argv)
{
    static const struct option known[] = {{"seed", required_argument, NULL, 's'},
                                          {"sessions", required_argument, NULL, 'n'},
                                          {"days", required_argument, NULL, 'd'},
                                          {"servers", required_argument, NULL, 'S'},
                                          {"clients", required_argument, NULL, 'C'},
                                          {"attacks", required_argument, NULL, 'a'},
                                          {"dns", no_argument, NULL, 'D'},
                                          {"flawless", no_argument, NULL, 'f'},
                                          {"truth", required_argument, NULL, 't'},
                                          {"authorities", required_argument, NULL, 'A'},
                                          {NULL, 0, NULL, 0}};
    struct options o = {1, 30000, 30, 300, 400, 0, false, false, NULL, NULL};

    for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (c == 's')
            o.seed = number(optarg, 0, UINT32_MAX);
        else if (c == 'n')
            o.sessions = number(optarg, 1, 100000000);
        else if (c == 'd')
            o.days = number(optarg, 1, 3650);
        else if (c == 'S')
            o.servers = number(optarg, 50, 15000);
        else if (c == 'C')
            o.clients = number(optarg, 50, 50000);
        else if (c == 'a')
            o.attacks = number(optarg, 0, 1000000);
        else if (c == 'D')
            o.dns = true;
        else if (c == 'f')
            o.flawless = true;
        else if (c == 'A')
            o.authorities = optarg;
        else if (c == 't')
            o.truth = optarg;
        else
            usage();
    }
    if (optind != argc)
        usage();
    return o;
}

static void write_authorities(const char *path, uint64_t begin)
{
    FILE *out = must(fopen(path, "w"));

    chain_roots(out, (int64_t)(begin / 1000000));
    if (fclose(out)) {
        perror(path);
        exit(1);
    }
}

int main(int argc, char **argv)
{
    const uint64_t begin = UINT64_C(1795255200) / 86400 * 86400 * 1000000; /* 2026-11-21 */
    struct options o = options_of(argc, argv);

    month.o = o;
    world_make(&month.w, o.seed, o.servers, o.clients, begin,
               begin + o.days * UINT64_C(86400000000));
    month.campaign = campaign_plan(&month.w, o.attacks, &month.campaigns);
    month.truth = o.truth ? must(fopen(o.truth, "w")) : NULL;
    if (month.truth) /* a line is there before the packets that it is about */
        setvbuf(month.truth, NULL, _IOLBF, BUFSIZ);
    if (o.authorities)
        write_authorities(o.authorities, begin);
    tap_open(stdout);
    generate();
    tap_close();
    if (month.truth && fclose(month.truth)) {
        perror(o.truth);
        return 1;
    }
    fprintf(stderr, "%" PRIu32 " sessions, %" PRIu32 " of %" PRIu32 " attacks, %" PRIu64 " bytes\n",
            month.planned, month.groups, o.attacks, tap_bytes());
    return 0;
}
