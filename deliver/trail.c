/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/trail.h"

static struct trail_slot *newest(struct trail *t)
{
    return t->count > 0 ? &t->slot[(t->at + t->count - 1) % TRAIL_SLOTS] : NULL;
}

/* When nothing could settle for longer than a minute, the last slot grows older records with it:
 * they wait too long rather than too short. */
void trail_add(struct trail *t, uint64_t seq, nstime now)
{
    struct trail_slot *s = newest(t);

    if (!s || (now - s->begun >= NS_PER_S && t->count < TRAIL_SLOTS)) {
        s = &t->slot[(t->at + t->count++) % TRAIL_SLOTS];
        *s = (struct trail_slot){.first = seq, .begun = now};
    }
    s->records++;
    s->last = now;
}

uint64_t trail_settle(struct trail *t, nstime now)
{
    uint64_t records = 0;

    while (t->count > 0 && now - t->slot[t->at].last >= TRAIL_KEPT) {
        records += t->slot[t->at].records;
        t->at = (t->at + 1) % TRAIL_SLOTS;
        t->count--;
    }
    return records;
}

uint64_t trail_oldest(const struct trail *t)
{
    return t->count > 0 ? t->slot[t->at].first : 0;
}

void trail_clear(struct trail *t)
{
    t->at = t->count = 0;
}
