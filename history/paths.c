/* SPDX-License-Identifier: Apache-2.0 */
#include "history/paths.h"

#include <stdlib.h>

#include "base/recent.h"
#include "history/net.h"

#define DAY     (24 * 3600 * NS_PER_S)
#define SERVERS 32 /* four times what makes a judgement */

struct path_server {
    uint64_t owner; /* digest; 0: free */
    nstime time;
    bool offered;
};

struct path {
    struct path_server server[SERVERS];
};

struct paths {
    struct recent *table;
};

struct path_key {
    uint8_t net[NET_BYTES];
    uint8_t mac[6];
    uint8_t has_mac;
    uint8_t zero;
};

static struct path_key key_of(const struct observation *o)
{
    struct path_key k = {.has_mac = o->path.has_mac};
    net_of(o->family, o->client, k.net);
    if (o->path.has_mac)
        memcpy(k.mac, o->path.mac, sizeof(k.mac));
    return k;
}

struct paths *paths_new(const struct siphash_key *key)
{
    struct paths *p = calloc(1, sizeof(*p));
    if (!p)
        return NULL;
    p->table = recent_new(key, CAP_HISTORY_PATHS, sizeof(struct path));
    if (p->table)
        return p;
    free(p);
    return NULL;
}

struct recent **paths_tables(struct paths *p, struct recent **to)
{
    *to++ = p->table;
    return to;
}

void paths_free(struct paths *p)
{
    if (!p)
        return;
    recent_free(p->table);
    free(p);
}

uint64_t paths_evicted(const struct paths *p)
{
    return recent_evicted(p->table);
}

uint64_t paths_digest(const struct observation *o)
{
    static const struct siphash_key key = {4, 0};
    const struct path_key k = key_of(o);
    return siphash(&key, &k, sizeof(k));
}

void paths_recall(struct paths *p, const struct observation *o, uint64_t owner, struct baseline *b)
{
    const struct path_key k = key_of(o);
    const struct path *r = recent_find(p->table, &k, sizeof(k));
    for (size_t i = 0; r && i < SERVERS; i++) {
        const struct path_server *s = &r->server[i];
        int64_t ago = clock_since(o->time, s->time);
        if (s->owner == 0 || s->owner == owner || ago >= DAY || ago <= -DAY)
            continue;
        b->path_servers++;
        b->path_offering += s->offered;
    }
    if (owner == 0)
        return;
    b->path_servers++;
    b->path_offering += o->offer == OBSERVED_OFFER_MADE;
}

void paths_learn(struct paths *p, const struct observation *o, uint64_t owner)
{
    const struct path_key k = key_of(o);
    struct path *r = recent_keep(p->table, &k, sizeof(k));
    struct path_server *place = &r->server[0];
    for (size_t i = 0; i < SERVERS; i++) {
        struct path_server *s = &r->server[i];
        if (s->owner == owner) {
            place = s;
            break;
        }
        if (place->owner != 0 && (s->owner == 0 || s->time < place->time))
            place = s;
    }
    *place = (struct path_server){
        .owner = owner, .time = o->time, .offered = o->offer == OBSERVED_OFFER_MADE};
}
