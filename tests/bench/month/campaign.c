/* SPDX-License-Identifier: Apache-2.0 */
#include "campaign.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const shape_name[SHAPE_COUNT] = {"isolated", "selective", "burst", "run"};

enum { TRIES = 400, RUN_LEAST = 5, RUN_MOST = 12 };
static const uint64_t minute = 60000000, hour = UINT64_C(3600000000);
static const uint32_t sessions_of[BURST + 1] = {1, 10, 20};

static uint16_t a_net(struct world *w)
{
    return w->client[rng_below(&w->rng, w->own_clients)].net;
}

/* Within so long; but no longer than a twentieth of the whole. */
static uint64_t at_most(struct world *w, enum campaign_shape shape)
{
    const uint64_t run[] = {2 * minute, hour, 72 * hour};

    return shape == ISOLATED ? 0
           : shape == BURST  ? hour
           : shape == RUN    ? run[rng_below(&w->rng, 3)]
                             : 72 * hour;
}

/* Attacks begin in the second quarter: before it nobody has a history. */
static void spread(struct world *w, struct campaign *c, enum family family,
                   enum campaign_shape shape, uint32_t sessions)
{
    uint64_t length = w->end - w->begin;
    uint64_t first = w->begin + length / 4, most = at_most(w, shape);

    c->family = family;
    c->from_behind = mail_from_behind(family);
    c->shape = shape;
    c->left = sessions;
    c->net = a_net(w);
    c->at = first + (uint64_t)((double)rng_below(&w->rng, UINT32_MAX) / UINT32_MAX *
                               (double)(length / 10 * 7));
    c->until = c->at + (most < length / 20 ? most : length / 20);
}

/* The next of a family of which so many sessions are left; 0: they are too few for any. */
static uint32_t next_of(struct world *w, enum family f, uint32_t turn, uint32_t left,
                        enum campaign_shape *shape)
{
    uint32_t sessions;

    if (mail_in_runs(f)) {
        *shape = RUN;
        sessions = RUN_LEAST + rng_below(&w->rng, RUN_MOST - RUN_LEAST + 1);
        if (left < RUN_LEAST)
            return 0;
        if (left <= RUN_MOST)
            return left;
        return left - sessions < RUN_LEAST ? left - RUN_LEAST : sessions;
    }
    /* Ten alone, ten of one net, twenty at once, and so on. */
    *shape = turn % 12 < 10 ? ISOLATED : turn % 12 < 11 ? SELECTIVE : BURST;
    sessions = sessions_of[*shape];
    return left < sessions ? left : sessions;
}

struct campaign *campaign_plan(struct world *w, uint32_t attacks, size_t *count)
{
    struct campaign *all = calloc(attacks + 1, sizeof *all);
    uint32_t families = FAMILY_COUNT - 1;

    if (!all) {
        perror("monthgen");
        exit(1);
    }
    *count = 0;
    for (uint32_t f = 0; f < families; f++) {
        uint32_t left = attacks / families + (f < attacks % families);
        enum family family = (enum family)(f + 1);
        enum campaign_shape shape;
        for (uint32_t turn = 0, n; (n = next_of(w, family, turn, left, &shape)); turn++) {
            spread(w, &all[(*count)++], family, shape, n);
            left -= n;
        }
    }
    return all;
}

static struct client *of_net(struct world *w, uint16_t net)
{
    uint32_t first = 0, size = 0;

    while (w->client[first].net != net)
        first++;
    while (first + size < w->own_clients && w->client[first + size].net == net)
        size++;
    return &w->client[first + rng_below(&w->rng, size)];
}

static bool between(const struct campaign *c, uint64_t now, struct plan *p, struct client *client,
                    struct server *server)
{
    if (!mail_upgrades(client, now) || !world_has_history(server))
        return false;
    *p = (struct plan){.at = now,
                       .client = client,
                       .server = server,
                       .family = c->family,
                       .attack = c->family,
                       .shape = shape_name[c->shape],
                       .port = 25};
    return true;
}

/* A sender whose way to TLS may be cut off: known here, by this of its addresses, and in no other
 * run, for one that came back twice takes the offer now and then, by its way. */
static bool suits_run(const struct world *w, const struct campaign *c, const struct client *client,
                      const struct server *server)
{
    if (c->sender && c->ipv6 != server->ipv6)
        return false;
    return (c->sender || !client->cut_until) && world_knows_sender(w, client, server);
}

/* Whoever sends to ours from far away. From one who is in a run nobody else takes anything. */
static bool next_from_behind(struct world *w, struct campaign *c, uint64_t now, struct plan *p)
{
    struct client *client = c->sender ? c->sender : world_sender(w, false);
    struct server *server = c->server ? c->server : world_receiver(w, true);
    bool run = c->shape == RUN;

    if (run ? !suits_run(w, c, client, server) : client->cut_until > now)
        return false;
    if (!between(c, now, p, client, server))
        return false;
    if (run && !c->sender) {
        client->cut_until = c->until + 10 * minute;
        c->ipv6 = server->ipv6;
    }
    if (run || c->shape == SELECTIVE)
        c->sender = client;
    if (c->shape == BURST)
        c->server = server;
    return true;
}

bool campaign_next(struct world *w, struct campaign *c, uint64_t now, struct plan *p)
{
    for (int i = 0; i < TRIES; i++) {
        if (c->from_behind) {
            if (next_from_behind(w, c, now, p))
                return true;
            continue;
        }
        bool inbound = c->shape == ISOLATED && rng_below(&w->rng, 3) == 0;
        struct client *client =
            c->shape == ISOLATED ? world_sender(w, !inbound) : of_net(w, c->net);
        struct server *server = world_receiver(w, inbound);
        if (i > TRIES / 2 || rng_below(&w->rng, 2)) /* not the popular ones alone */
            server = &w->server[rng_below(&w->rng, w->servers - w->own_servers)];
        if (inbound && !server->own)
            continue;
        if (client->cut_until <= now && between(c, now, p, client, server))
            return true;
    }
    return false;
}
