/* SPDX-License-Identifier: Apache-2.0 */
#include "campaign.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const shape_name[SHAPE_COUNT] = {"isolated", "selective", "burst"};

enum { TRIES = 400 };
static const uint64_t hour = UINT64_C(3600000000);
static const uint32_t sessions_of[SHAPE_COUNT] = {1, 10, 20};

static uint16_t a_net(struct world *w)
{
    return w->client[rng_below(&w->rng, w->own_clients)].net;
}

/* Attacks begin in the second quarter: before it nobody has a history. */
static void spread(struct world *w, struct campaign *c, enum family family,
                   enum campaign_shape shape, uint32_t sessions)
{
    uint64_t length = w->end - w->begin;
    uint64_t first = w->begin + length / 4, most = shape == SELECTIVE ? 72 * hour : hour;

    c->family = family;
    c->shape = shape;
    c->left = sessions;
    c->net = a_net(w);
    c->at = first + (uint64_t)((double)rng_below(&w->rng, UINT32_MAX) / UINT32_MAX *
                               (double)(length / 10 * 7));
    c->until = c->at + (shape == ISOLATED ? 0 : most < length / 20 ? most : length / 20);
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
        for (uint32_t turn = 0; left; turn++) {
            /* Ten alone, ten of one net, twenty at once, and so on. */
            enum campaign_shape shape = turn % 12 < 10   ? ISOLATED
                                        : turn % 12 < 11 ? SELECTIVE
                                                         : BURST;
            uint32_t sessions = left < sessions_of[shape] ? left : sessions_of[shape];
            spread(w, &all[(*count)++], (enum family)(f + 1), shape, sessions);
            left -= sessions;
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

bool campaign_next(struct world *w, const struct campaign *c, uint64_t now, struct plan *p)
{
    for (int i = 0; i < TRIES; i++) {
        bool inbound = c->shape == ISOLATED && rng_below(&w->rng, 3) == 0;
        struct client *client =
            c->shape == ISOLATED ? world_sender(w, !inbound) : of_net(w, c->net);
        struct server *server = world_receiver(w, inbound);
        if (i > TRIES / 2 || rng_below(&w->rng, 2)) /* not the popular ones alone */
            server = &w->server[rng_below(&w->rng, w->servers - w->own_servers)];
        if (inbound && !server->own)
            continue;
        if (!mail_upgrades(client, now) || !world_has_history(server))
            continue;
        *p = (struct plan){
            .at = now, .client = client, .server = server, .family = c->family, .port = 25};
        p->attack = c->family;
        p->shape = shape_name[c->shape];
        return true;
    }
    return false;
}
