/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include "hello.h"
#include "layouts.h"

#include <stdio.h>
#include <stdlib.h>

#define AS_NAME(id, name, ...) [id] = (name),
const char *const server_kind_name[SERVER_KIND_COUNT] = {SERVER_KINDS(AS_NAME)};
const char *const client_kind_name[CLIENT_KIND_COUNT] = {CLIENT_KINDS(AS_NAME)};
#undef AS_NAME
#define AS_SHARE(id, name, share) [id] = (share),
static const uint16_t server_share[SERVER_KIND_COUNT] = {SERVER_KINDS(AS_SHARE)};
#undef AS_SHARE
#define AS_SHARES(id, name, own, foreign) [id] = {own, foreign},
static const uint16_t client_share[CLIENT_KIND_COUNT][2] = {CLIENT_KINDS(AS_SHARES)};
#undef AS_SHARES

enum { MET_BITS = 24, NET_SIZE = 8, KNOWN_SENDER = 5, TO_LEAVE_OUT = 6 };

static void *room(size_t count, size_t size)
{
    void *p = calloc(count, size);

    if (!p) {
        perror("monthgen");
        exit(1);
    }
    return p;
}

static uint32_t mixed(uint64_t v)
{
    struct rng r = {v};

    return (uint32_t)(rng_next(&r) >> 32);
}

uint32_t world_pair(const struct client *c, const struct server *s, uint32_t salt)
{
    return mixed((uint64_t)c->number << 40 ^ (uint64_t)s->number << 8 ^ salt);
}

bool world_first_met(struct world *w, const struct client *c, const struct server *s)
{
    uint32_t bit = world_pair(c, s, 1) >> (32 - MET_BITS);
    uint64_t mask = UINT64_C(1) << (bit & 63);
    bool first = !(w->met[bit >> 6] & mask);

    w->met[bit >> 6] |= mask;
    return first;
}

/* --- servers --- */

static enum software usual_software(struct rng *rng)
{
    static const uint8_t draw[] = {S_POSTFIX,  S_POSTFIX,   S_POSTFIX,  S_EXIM, S_EXIM,
                                   S_SENDMAIL, S_OPENSMTPD, S_EXCHANGE, S_QMAIL};

    return draw[rng_below(rng, sizeof draw)];
}

static enum software software_of(enum server_kind kind, struct rng *rng)
{
    switch (kind) {
    case EXIM:
        return S_EXIM;
    case SENDMAIL:
        return S_SENDMAIL;
    case OPENSMTPD:
        return S_OPENSMTPD;
    case EXCHANGE:
        return S_EXCHANGE;
    case QMAIL:
        return S_QMAIL;
    case POSTFIX:
    case POSTSCREEN:
    case XCLIENT:
    case TARPIT:
        return S_POSTFIX;
    default:
        return usual_software(rng);
    }
}

/* Of three layouts the first is the usual one; what the others are for, mail.c knows. */
static void give_layouts(struct server *s, struct rng *rng)
{
    enum software first = software_of(s->kind, rng);

    layout_make(&s->layout[0], first, rng);
    if (s->kind == LONG_EHLO)
        layout_lengthen(&s->layout[0]);
    if (s->kind == VENDOR || (s->kind == NO_TLS && rng_below(rng, 3) == 0))
        layout_vendor(&s->layout[0], rng);
    if (s->kind == VANITY)
        layout_shuffle(&s->layout[0], rng);
    s->layout[1] = s->layout[2] = s->layout[0];
    if (s->kind == NO_TLS || s->kind == HELO_ONLY || s->kind == GAINS)
        layout_no_offer(&s->layout[0]);
    if (s->kind == HELO_ONLY)
        layout_no_esmtp(&s->layout[0]);
    if (s->kind == ON_GREETING)
        layout_misplace(&s->layout[0]);
    if (s->kind == FARM || s->kind == BALANCER || s->kind == PER_CLIENT || s->kind == LOSES)
        layout_no_offer(&s->layout[1]);
    if (s->kind == EXCHANGE || s->kind == SIZES)
        layout_resize(&s->layout[1], rng);
    if (s->kind == EXCHANGE)
        layout_insert(&s->layout[1], s->layout[1].count, "XSHADOWREQUEST");
    if (s->kind == MOVES || s->kind == LAYOUTS)
        for (int i = 1; i < SERVER_LAYOUTS; i++)
            layout_make(&s->layout[i], (enum software)(((int)first + i) % SOFTWARE_COUNT), rng);
    if (s->kind == XCLIENT) {
        layout_insert(&s->layout[1], s->layout[1].slot + 1, "XCLIENT NAME ADDR PROTO HELO");
        layout_insert(&s->layout[1], s->layout[1].slot + 2, "XFORWARD NAME ADDR PROTO HELO SOURCE");
    }
    if (s->kind == AUTH_SOME)
        layout_other_auth(&s->layout[1]);
    if (s->kind == POSTSCREEN) { /* what it says before it lets the real server speak */
        layout_remove(&s->layout[1], 1);
        if (s->number % 2)
            layout_no_offer(&s->layout[1]);
    }
}

static bool changes(enum server_kind kind)
{
    return kind == TROUBLE || kind == LOSES || kind == GAINS || kind == MOVES || kind == RENEWS ||
           kind == MIGRATES || kind == UPGRADES || kind == SIZES;
}

static enum server_kind kind_of(uint32_t draw)
{
    int left = (int)(draw % 1000);

    for (int kind = 0; kind < SERVER_KIND_COUNT; kind++)
        if ((left -= server_share[kind]) < 0)
            return (enum server_kind)kind;
    return POSTFIX;
}

/* Eight letters: names of one length let certificates be of one length too. */
static void name_server(struct server *s)
{
    static const char *const begin[] = {"elm", "oak", "ash", "fir", "yew", "bay", "fig", "nut"};
    static const char *const domain[] = {"test", "example"};

    snprintf(s->name, sizeof s->name, "mx1.%s%05u.%s", begin[mixed(s->number) % 8], s->number,
             domain[s->number % 2]);
}

/* Kinds go round as their shares say, whatever the seed. The most popular servers are common ones;
 * behind them come those who are hardest to tell from a victim, so that they have enough sessions.
 */
static enum server_kind kind_of_rank(uint32_t rank, uint32_t number)
{
    static const uint8_t first[] = {POSTFIX, EXIM,     SENDMAIL, EXCHANGE,   QMAIL, OPENSMTPD,
                                    FARM,    BALANCER, TROUBLE,  PER_CLIENT, LOSES, GAINS,
                                    MOVES,   RENEWS,   MIGRATES, UPGRADES};

    return rank < sizeof first ? (enum server_kind)first[rank] : kind_of(number * 619 + 17);
}

static void make_server(struct world *w, uint32_t i)
{
    struct server *s = &w->server[i];
    uint64_t days = w->end - w->begin;

    s->number = i;
    s->own = i >= w->servers - w->own_servers;
    uint32_t rank = s->own ? i - (w->servers - w->own_servers) : i;
    s->kind = kind_of_rank(rank, i);
    s->ipv6 = rng_below(&w->rng, 12) == 0;
    name_server(s);
    give_layouts(s, &w->rng);
    s->change_at = UINT64_MAX;
    if (changes(s->kind))
        s->change_at = w->begin + days / 10 * (3 + rng_below(&w->rng, 5));
    s->stack[0] = s->stack[1] = (uint8_t)rng_below(&w->rng, SERVER_STACKS);
    if (s->kind == UPGRADES) {
        s->stack[0] = STACK_OLD;
        s->stack[1] = STACK_NEW;
    }
}

void world_address(const struct server *s, uint32_t member, uint8_t addr[16])
{
    memset(addr, 0, 16);
    if (s->ipv6) {
        memcpy(addr, "\x20\x01\x0d\xb8", 4);
        put16(addr + 4, s->number);
        put16(addr + 14, 0x19 + member);
        return;
    }
    /* One in a /16, and every so many in the next /8. */
    put32(addr, (UINT32_C(46) << 24) + s->number % 15000 * 0x10000 +
                    (mixed(s->number) % 200 + 10) * 0x100 + 25 + member);
}

/* --- clients --- */

static enum client_kind client_kind_of(uint32_t draw, bool own)
{
    int left = (int)(draw % 1000);

    for (int kind = 0; kind < CLIENT_KIND_COUNT; kind++)
        if ((left -= client_share[kind][!own]) < 0)
            return (enum client_kind)kind;
    return C_POSTFIX;
}

/* A popular one, and of those that it reaches by the address that it has for most. */
static const struct server *to_leave_out(const struct world *w, const struct client *c)
{
    const struct server *first = &w->server[c->own ? 0 : w->servers - w->own_servers];
    uint32_t count = w->own_servers < TO_LEAVE_OUT ? w->own_servers : TO_LEAVE_OUT;

    for (uint32_t i = 0; i < count; i++)
        if (!first[(c->number + i) % count].ipv6)
            return &first[(c->number + i) % count];
    return NULL;
}

static void make_client(struct world *w, uint32_t i)
{
    struct client *c = &w->client[i];
    bool submitter = i >= w->clients - w->submitters;
    uint32_t nth = i;

    c->number = i;
    c->own = i < w->own_clients;
    if (!c->own)
        nth -= w->own_clients;
    c->net = (uint16_t)(c->own ? i / NET_SIZE : 1000 + nth);
    c->kind = submitter ? C_SUBMISSION : client_kind_of(nth * 619 + 17, c->own);
    c->port = (uint16_t)(32768 + rng_below(&w->rng, 28000));
    c->stack = (uint8_t)rng_below(&w->rng, CLIENT_STACKS);
    c->change_at = UINT64_MAX;
    if (c->kind == C_LEAVES_OUT)
        c->left_out = to_leave_out(w, c);
    if (c->kind == C_REPLACED || c->left_out)
        c->change_at = w->begin + (w->end - w->begin) / 10 * (4 + rng_below(&w->rng, 4));
    if (c->own) {
        put32(c->addr[0],
              (UINT32_C(185) << 24) + 0xA0000 + c->net * UINT32_C(256) + 10 + i % NET_SIZE);
        snprintf(c->name, NAME, "out%u.net%u.sender.test", i % NET_SIZE, c->net);
    } else {
        put32(c->addr[0], (UINT32_C(120) << 24) + nth % 7000 * 0x10000 + mixed(i) % 60000);
        snprintf(c->name, NAME, "host%u.far%u.example", i, nth);
    }
    if (c->kind == C_TWO_NAMES)
        snprintf(c->later, NAME, "app.%s", strchr(c->name, '.') + 1);
    else
        snprintf(c->later, NAME, "relay-%u.new.test", i);
    memcpy(c->addr[1], "\x20\x01\x0d\xb8\xff\xff", 6);
    put32(c->addr[1] + 12, i + 1);
}

/* --- who writes to whom --- */

static double *zipf(uint32_t count)
{
    double *sum = room(count, sizeof *sum), total = 0;

    for (uint32_t i = 0; i < count; i++)
        sum[i] = total += 1.0 / (i + 2);
    return sum;
}

static uint32_t zipf_draw(const double *sum, uint32_t count, struct rng *rng)
{
    double wanted = (double)rng_below(rng, UINT32_MAX) / UINT32_MAX * sum[count - 1];
    uint32_t low = 0, high = count - 1;

    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (sum[middle] < wanted)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void busy_add(struct world *w, int own, uint32_t from, uint32_t to)
{
    w->busy[own] = room((to - from) * 16 + 1, sizeof *w->busy[own]);
    for (uint32_t i = from; i < to; i++)
        for (uint32_t n = 16 / (1 + mixed(i) % 4 + (w->client[i].kind >= C_NEVER ? 2 : 0)); n; n--)
            w->busy[own][w->busy_count[own]++] = i;
}

struct client *world_sender(struct world *w, bool own)
{
    return &w->client[w->busy[own][rng_below(&w->rng, w->busy_count[own])]];
}

struct server *world_receiver(struct world *w, bool own)
{
    uint32_t count = own ? w->own_servers : w->servers - w->own_servers;
    uint32_t first = own ? w->servers - w->own_servers : 0;

    return &w->server[first + zipf_draw(w->popular[own], count, &w->rng)];
}

/* Where it is kept whether these two had TLS. */
static bool *secured(const struct world *w, const struct client *c, const struct server *s)
{
    return &w->secured[(size_t)c->number * w->own_servers +
                       (s->number - (w->servers - w->own_servers))];
}

void world_clean(struct world *w, struct server *s, struct client *c)
{
    s->clean++;
    c->upgraded[s->ipv6]++;
    if (s->own)
        *secured(w, c, s) = true;
    for (int i = 0; i < WITNESSES; i++) {
        if (s->witness[i] == c->number + 1)
            return;
        if (!s->witness[i]) {
            s->witness[i] = c->number + 1;
            return;
        }
    }
}

static bool constant(enum server_kind kind)
{
    return kind != NO_TLS && kind != HELO_ONLY && kind != FARM && kind != BALANCER &&
           kind != TROUBLE && kind != PER_CLIENT && kind != LOSES && kind != GAINS &&
           kind != POSTSCREEN && kind != ON_GREETING;
}

bool world_has_history(const struct server *s)
{
    return constant(s->kind) && s->clean >= 30 && s->witness[WITNESSES - 1];
}

bool world_knows_sender(const struct world *w, const struct client *c, const struct server *s)
{
    return c->upgraded[s->ipv6] >= KNOWN_SENDER && !c->declined && *secured(w, c, s);
}

void world_make(struct world *w, uint64_t seed, uint32_t servers, uint32_t clients, uint64_t begin,
                uint64_t end)
{
    memset(w, 0, sizeof *w);
    w->rng.s = seed;
    w->begin = begin;
    w->end = end;
    w->servers = servers;
    w->own_servers = servers / 20 + 2;
    w->clients = clients;
    w->own_clients = clients / 8 + 16;
    w->submitters = clients / 20 + 1;
    w->server = room(servers, sizeof *w->server);
    w->client = room(clients, sizeof *w->client);
    w->met = room((UINT32_C(1) << MET_BITS) / 64, sizeof *w->met);
    w->secured = room((size_t)clients * w->own_servers, sizeof *w->secured);
    for (uint32_t i = 0; i < servers; i++)
        make_server(w, i);
    for (uint32_t i = 0; i < clients; i++)
        make_client(w, i);
    w->popular[0] = zipf(servers - w->own_servers);
    w->popular[1] = zipf(w->own_servers);
    busy_add(w, 1, 0, w->own_clients);
    busy_add(w, 0, w->own_clients, clients - w->submitters);
}
