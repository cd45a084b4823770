/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/held.h"

#include <stdlib.h>

#include "base/heap.h"
#include "base/recent.h"
#include "sensor/peers.h"

struct thought {
    uint64_t generation;
    uint16_t index;
    bool learnt, known;
    void *peer;
    void *memo;
};

struct held {
    struct recent *thoughts;
};

/* As bytes: no padding between. */
struct key {
    uint64_t generation, serial, index;
};

static struct key key_of(const struct held_id *id)
{
    return (struct key){id->generation, id->serial, id->index};
}

struct held *held_new(const struct siphash_key *key)
{
    struct held *h = calloc(1, sizeof(*h));
    if (!h)
        return NULL;
    h->thoughts = recent_new(key, CAP_HELD_SESSIONS, sizeof(struct thought));
    if (h->thoughts)
        return h;
    free(h);
    return NULL;
}

/* What belongs to a session that nobody will close. */
static void drop(struct held *h, struct thought *t)
{
    struct session gone = {.peer = t->peer};
    peers_leave(&gone);
    heap_free(t->memo);
    recent_forget(h->thoughts, t);
}

void held_free(struct held *h)
{
    if (!h)
        return;
    for (struct thought *t; (t = recent_oldest(h->thoughts)) != NULL;)
        drop(h, t);
    recent_free(h->thoughts);
    free(h);
}

void held_give(struct held *h, const struct held_id *id, struct session *s)
{
    const struct key key = key_of(id);
    const struct thought *t = recent_find(h->thoughts, &key, sizeof(key));
    s->peer = t ? t->peer : NULL;
    s->memo = t ? t->memo : NULL;
    s->learnt = t && t->learnt;
    s->known = t && t->known;
}

void held_take(struct held *h, const struct held_id *id, struct session *s, bool closed)
{
    const struct key key = key_of(id);
    struct thought *t = recent_find(h->thoughts, &key, sizeof(key));
    if (closed || !(s->peer || s->memo || s->learnt)) {
        if (t)
            recent_forget(h->thoughts, t);
        return;
    }
    if (!t && recent_is_full(h->thoughts))
        drop(h, recent_oldest(h->thoughts));
    t = recent_keep(h->thoughts, &key, sizeof(key));
    *t = (struct thought){.generation = id->generation,
                          .index = id->index,
                          .learnt = s->learnt,
                          .known = s->known,
                          .peer = s->peer,
                          .memo = s->memo};
}

void held_forget(struct held *h, uint16_t index, uint64_t generation)
{
    struct thought *t = recent_oldest(h->thoughts);
    while (t) {
        struct thought *next = recent_newer(h->thoughts, t);
        if (t->index == index && t->generation != generation)
            drop(h, t);
        t = next;
    }
}

uint32_t held_count(const struct held *h)
{
    return recent_count(h->thoughts);
}
