/* SPDX-License-Identifier: Apache-2.0 */
#include "history/knocks.h"

#include <stdlib.h>

#include "base/recent.h"
#include "history/attempts.h"
#include "history/servers.h"

#define OTHERS 4 /* clients of one shut server that are told apart: one more makes a difference */

struct knock {
    uint8_t server[16];
    nstime time;
    bool refused;
};

/* Of one client, the newest first. */
struct knocker {
    struct knock item[BASELINE_LINKS];
    uint8_t count;
};

/* A server, since it last answered. */
struct shut {
    uint32_t who[OTHERS];
    uint8_t count;
};

struct knocks {
    struct recent *client, *server;
};

struct knocks *knocks_new(const struct siphash_key *key)
{
    struct knocks *k = calloc(1, sizeof(*k));
    if (!k)
        return NULL;
    k->client = recent_new(key, CAP_HISTORY_KNOCKS, sizeof(struct knocker));
    k->server = recent_new(key, CAP_HISTORY_KNOCKS, sizeof(struct shut));
    if (k->client && k->server)
        return k;
    knocks_free(k);
    return NULL;
}

struct recent **knocks_tables(struct knocks *k, struct recent **to)
{
    *to++ = k->client;
    *to++ = k->server;
    return to;
}

void knocks_free(struct knocks *k)
{
    if (!k)
        return;
    recent_free(k->server);
    recent_free(k->client);
    free(k);
}

uint64_t knocks_evicted(const struct knocks *k)
{
    return recent_evicted(k->client) + recent_evicted(k->server);
}

struct end_key {
    uint8_t address[16];
    uint8_t family;
};

static struct end_key key_of(uint8_t family, const uint8_t address[16])
{
    struct end_key k = {.family = family};
    memcpy(k.address, address, sizeof(k.address));
    return k;
}

static bool is_of(const struct knock *n, const struct observation *o)
{
    return memcmp(n->server, o->server, sizeof(n->server)) == 0;
}

static void take_out(struct knocker *r, const struct observation *o)
{
    uint8_t kept = 0;
    for (uint8_t i = 0; i < r->count; i++)
        if (!is_of(&r->item[i], o))
            r->item[kept++] = r->item[i];
    r->count = kept;
}

void knocks_note(struct knocks *k, const struct observation *o, bool refused)
{
    const struct end_key client = key_of(o->family, o->client);
    const struct end_key server = key_of(o->family, o->server);
    struct knocker *r = recent_keep(k->client, &client, sizeof(client));
    struct shut *shut = recent_keep(k->server, &server, sizeof(server));
    uint32_t who = servers_client_digest(o);
    uint8_t i = 0;
    take_out(r, o);
    r->count = (uint8_t)(r->count + (r->count < BASELINE_LINKS));
    memmove(r->item + 1, r->item, (r->count - 1u) * sizeof(r->item[0]));
    r->item[0] = (struct knock){.time = o->time, .refused = refused};
    memcpy(r->item[0].server, o->server, sizeof(o->server));
    while (i < shut->count && shut->who[i] != who)
        i++;
    if (i == shut->count && i < OTHERS)
        shut->who[shut->count++] = who;
}

void knocks_answered(struct knocks *k, const struct observation *o)
{
    const struct end_key client = key_of(o->family, o->client);
    const struct end_key server = key_of(o->family, o->server);
    struct knocker *r;
    struct shut *shut;
    if (recent_count(k->client) == 0) /* mostly there is none */
        return;
    if ((shut = recent_find(k->server, &server, sizeof(server))))
        recent_forget(k->server, shut);
    if (!(r = recent_find(k->client, &client, sizeof(client))))
        return;
    take_out(r, o);
    if (r->count == 0)
        recent_forget(k->client, r);
}

static uint8_t others_of(struct knocks *k, const struct observation *o, const struct knock *n)
{
    const struct end_key server = key_of(o->family, n->server);
    const struct shut *shut = recent_find(k->server, &server, sizeof(server));
    uint32_t who = servers_client_digest(o);
    uint8_t others = 0;
    for (uint8_t i = 0; shut && i < shut->count; i++)
        others = (uint8_t)(others + (shut->who[i] != who));
    return others;
}

void knocks_recall(struct knocks *k, const struct observation *o, struct baseline *b)
{
    const struct end_key client = key_of(o->family, o->client);
    const struct knocker *r =
        recent_count(k->client) > 0 ? recent_find(k->client, &client, sizeof(client)) : NULL;
    for (uint8_t i = 0; r && i < r->count; i++) {
        int64_t ago = clock_since(o->begin, r->item[i].time);
        struct usual_knock *to = &b->knock[b->knock_count];
        if (is_of(&r->item[i], o) || ago < 0 || ago >= ATTEMPT_KEPT)
            continue;
        *to = (struct usual_knock){.time = r->item[i].time,
                                   .refused = r->item[i].refused,
                                   .others = others_of(k, o, &r->item[i])};
        memcpy(to->server, r->item[i].server, sizeof(to->server));
        b->knock_count++;
    }
}
