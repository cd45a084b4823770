/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/asking.h"

#include <stdlib.h>

#define MINUTE       (60 * NS_PER_S)
#define DAY          (24 * 60 * MINUTE)
#define REFRESH      DAY          /* RFC 8461 section 10.2: daily, say */
#define PAUSE        (5 * MINUTE) /* RFC 8461 section 3.3: at least that long after a failure */
#define PAUSE_MOST   (4 * 60 * MINUTE)
#define NOTHING      (4 * 60 * MINUTE) /* RFC 2308 section 5: an hour to three are good */
#define JITTER_PARTS 10                /* a tenth of a time at most */

#define BUCKETS      65536 /* of domains; powers of two */
#define HOST_BUCKETS 1024
#define HOSTS        CAP_ASKING_QUEUE /* that wait: each with one domain at least */
#define NOWHERE      UINT32_MAX

/* We ask for ourselves as well, and wait in turn like anybody. */
static const struct asking_host REFRESHER = {.net = {1}}, FOLLOWER = {.net = {2}};

enum state { STATE_LEFT_ALONE, STATE_WAITS, STATE_FLIES };

/* What is known of a domain. */
struct entry {
    struct entry *next;          /* same bucket */
    struct entry *older, *newer; /* left alone: by when that began; waits: in its host's line */
    struct waiter *host;         /* that it waits with */
    uint64_t hash;
    nstime answered; /* INT64_MIN: never yet */
    nstime due;      /* left alone: until then */
    nstime until;    /* of the policy that is known; INT64_MIN: there is none */
    uint64_t chased; /* hash of the id that was seen on the tap and asked for; 0: none */
    uint32_t place;  /* in the heap; NOWHERE: not there */
    uint8_t failures;
    uint8_t state;
    bool by_id; /* waits, flies: because of an id on the tap */
    uint8_t n;
    char id[CAP_STS_ID + 1];
    char name[]; /* no NUL */
};

/* A double-ended list of entries. */
struct line {
    struct entry *oldest, *newest;
    uint32_t count;
};

/* A host of which domains wait. */
struct waiter {
    struct waiter *next;           /* same bucket; or free */
    struct waiter *before, *after; /* a ring: whose turn it is */
    struct asking_host who;
    struct line line;
};

struct asking {
    struct siphash_key key;
    struct entry *bucket[BUCKETS];
    struct line alone[2];                 /* left alone: without and with a policy */
    struct entry *heap[CAP_ASKING_KNOWN]; /* policies that are left alone: the next due is first */
    uint32_t heap_n;

    struct waiter *host_bucket[HOST_BUCKETS];
    struct waiter *turn; /* of the ring; NULL: nobody waits */
    struct waiter *unused;
    uint32_t with[CAP_ASKING_QUEUE + 1]; /* hosts of which so many wait */
    uint32_t most;                       /* the most that wait of one host */

    struct entry *flying[CAP_ASKING_FLIGHT];
    nstime asked[CAP_ASKING_MINUTE]; /* a ring: when */
    uint64_t asked_n;
    nstime now; /* the newest that was told */
    struct asking_stats stats;
    struct waiter host[HOSTS];
};

struct asking *asking_new(const struct siphash_key *key)
{
    struct asking *a = calloc(1, sizeof(*a));
    if (!a)
        return NULL;
    a->key = *key;
    a->now = INT64_MIN;
    a->stats.bytes = sizeof(*a);
    for (size_t i = 0; i < HOSTS; i++) {
        a->host[i].next = a->unused;
        a->unused = &a->host[i];
    }
    return a;
}

void asking_free(struct asking *a)
{
    for (size_t i = 0; a && i < BUCKETS; i++) {
        for (struct entry *e = a->bucket[i], *next; e; e = next) {
            next = e->next;
            free(e);
        }
    }
    free(a);
}

/* --- lists --- */

static void append(struct line *l, struct entry *e)
{
    e->older = l->newest;
    e->newer = NULL;
    *(l->newest ? &l->newest->newer : &l->oldest) = e;
    l->newest = e;
    l->count++;
}

static void take_out(struct line *l, struct entry *e)
{
    *(e->older ? &e->older->newer : &l->oldest) = e->newer;
    *(e->newer ? &e->newer->older : &l->newest) = e->older;
    l->count--;
}

/* --- the heap of policies --- */

static void put_at(struct asking *a, uint32_t i, struct entry *e)
{
    a->heap[i] = e;
    e->place = i;
}

static void sift_up(struct asking *a, uint32_t i, struct entry *e)
{
    for (; i > 0 && a->heap[(i - 1) / 2]->due > e->due; i = (i - 1) / 2)
        put_at(a, i, a->heap[(i - 1) / 2]);
    put_at(a, i, e);
}

static void sift_down(struct asking *a, uint32_t i, struct entry *e)
{
    for (uint32_t child; (child = 2 * i + 1) < a->heap_n; i = child) {
        if (child + 1 < a->heap_n && a->heap[child + 1]->due < a->heap[child]->due)
            child++;
        if (a->heap[child]->due >= e->due)
            break;
        put_at(a, i, a->heap[child]);
    }
    put_at(a, i, e);
}

static void heap_add(struct asking *a, struct entry *e)
{
    sift_up(a, a->heap_n++, e);
}

static void heap_remove(struct asking *a, struct entry *e)
{
    uint32_t i = e->place;
    struct entry *last = a->heap[--a->heap_n];
    e->place = NOWHERE;
    if (last == e)
        return;
    sift_up(a, i, last);
    sift_down(a, last->place, last);
}

/* --- domains --- */

static bool has_policy(const struct entry *e)
{
    return e->until != INT64_MIN;
}

static uint64_t hash_of(const struct asking *a, const struct domain *d)
{
    return siphash(&a->key, d->text, d->n);
}

static struct entry *find(const struct asking *a, const struct domain *d, uint64_t hash)
{
    struct entry *e = a->bucket[hash % BUCKETS];
    while (e && (e->hash != hash || !span_eq(span_of(e->name, e->n), domain_span(d))))
        e = e->next;
    return e;
}

static void leave_alone(struct asking *a, struct entry *e, nstime due)
{
    e->state = STATE_LEFT_ALONE;
    e->due = due;
    append(&a->alone[has_policy(e)], e);
    if (has_policy(e))
        heap_add(a, e);
}

static void no_longer_alone(struct asking *a, struct entry *e)
{
    take_out(&a->alone[has_policy(e)], e);
    if (e->place != NOWHERE)
        heap_remove(a, e);
}

/* Of one that is left alone. */
static void forget(struct asking *a, struct entry *e)
{
    struct entry **link = &a->bucket[e->hash % BUCKETS];
    no_longer_alone(a, e);
    while (*link != e)
        link = &(*link)->next;
    *link = e->next;
    a->stats.known--;
    a->stats.bytes -= sizeof(*e) + e->n;
    free(e);
}

/* A new one, left alone and due. Those that wait or fly are few and stay. NULL: no memory. */
static struct entry *add(struct asking *a, const struct domain *d, uint64_t hash)
{
    if (a->stats.known == CAP_ASKING_KNOWN)
        forget(a, a->alone[false].oldest ? a->alone[false].oldest : a->alone[true].oldest);
    struct entry *e = calloc(1, sizeof(*e) + d->n);
    if (!e)
        return NULL;
    e->next = a->bucket[hash % BUCKETS];
    a->bucket[hash % BUCKETS] = e;
    e->hash = hash;
    e->answered = e->until = INT64_MIN;
    e->place = NOWHERE;
    e->n = d->n;
    memcpy(e->name, d->text, d->n);
    a->stats.known++;
    a->stats.bytes += sizeof(*e) + e->n;
    leave_alone(a, e, INT64_MIN);
    return e;
}

/* --- who waits --- */

static struct waiter **host_link(struct asking *a, const struct asking_host *who)
{
    struct waiter **link = &a->host_bucket[siphash(&a->key, who, sizeof(*who)) % HOST_BUCKETS];
    while (*link && memcmp(&(*link)->who, who, sizeof(*who)) != 0)
        link = &(*link)->next;
    return link;
}

/* Its turn comes behind all others. */
static struct waiter *host_add(struct asking *a, const struct asking_host *who)
{
    struct waiter **link = host_link(a, who), *w = a->unused;
    if (*link)
        return *link;
    a->unused = w->next;
    *w = (struct waiter){.who = *who, .before = w, .after = w};
    *link = w;
    if (a->turn) {
        w->after = a->turn;
        w->before = a->turn->before;
        w->before->after = w->after->before = w;
    } else {
        a->turn = w;
    }
    return w;
}

static void host_remove(struct asking *a, struct waiter *w)
{
    *host_link(a, &w->who) = w->next;
    if (a->turn == w)
        a->turn = w->after == w ? NULL : w->after;
    w->before->after = w->after;
    w->after->before = w->before;
    w->next = a->unused;
    a->unused = w;
}

/* Keeps the numbers of who has how many. */
static void count_host(struct asking *a, uint32_t from, uint32_t to)
{
    a->with[from] -= from > 0;
    a->with[to] += to > 0;
    if (to > a->most)
        a->most = to;
    while (a->most > 0 && a->with[a->most] == 0)
        a->most--;
}

static void stop_waiting(struct asking *a, struct entry *e)
{
    struct waiter *w = e->host;
    take_out(&w->line, e);
    count_host(a, w->line.count + 1, w->line.count);
    a->stats.waiting--;
    if (w->line.count == 0)
        host_remove(a, w);
}

/* The queue is full: is there one that waits for a host with more than this one would then have? It
 * gives way. */
static bool displace(struct asking *a, uint32_t count)
{
    struct waiter *w = a->turn;
    if (count + 1 >= a->most)
        return false;
    while (w->line.count < a->most)
        w = w->after;
    struct entry *newest = w->line.newest;
    stop_waiting(a, newest);
    leave_alone(a, newest, newest->due);
    a->stats.dropped++;
    return true;
}

static bool has_place(struct asking *a, const struct asking_host *who)
{
    const struct waiter *w = *host_link(a, who);
    return a->stats.waiting < CAP_ASKING_QUEUE || displace(a, w ? w->line.count : 0);
}

/* Of one that is left alone; there is a place. */
static void wait_in_line(struct asking *a, struct entry *e, const struct asking_host *who)
{
    struct waiter *w = host_add(a, who);
    no_longer_alone(a, e);
    e->state = STATE_WAITS;
    e->host = w;
    append(&w->line, e);
    count_host(a, w->line.count - 1, w->line.count);
    a->stats.waiting++;
}

/* --- what is wanted --- */

static void pass(struct asking *a, nstime now)
{
    a->now = now > a->now ? now : a->now;
}

void asking_want(struct asking *a, nstime now, const struct domain *d,
                 const struct asking_host *host)
{
    uint64_t hash = hash_of(a, d);
    struct entry *e = find(a, d, hash);
    pass(a, now);
    a->stats.wanted++;
    if (e && (e->state != STATE_LEFT_ALONE || now < e->due)) {
        a->stats.spared++;
        return;
    }
    if (!has_place(a, host) || (!e && !(e = add(a, d, hash)))) {
        a->stats.dropped++;
        return;
    }
    e->by_id = false;
    wait_in_line(a, e, host);
}

/* What somebody on the path may say any number of times must not make us ask as often: not soon
 * after an answer, and once for each id. */
void asking_id(struct asking *a, nstime now, const struct domain *d, const char *id)
{
    struct entry *e = find(a, d, hash_of(a, d));
    uint64_t hash = siphash(&a->key, id, strlen(id)) | 1;
    pass(a, now);
    if (!e || e->state != STATE_LEFT_ALONE || e->answered == INT64_MIN || strcmp(e->id, id) == 0 ||
        e->chased == hash || now < clock_add(e->answered, PAUSE) || !has_place(a, &FOLLOWER))
        return;
    e->chased = hash;
    e->by_id = true;
    wait_in_line(a, e, &FOLLOWER);
}

/* --- what is asked --- */

/* As many policies as find a place. */
static void refresh(struct asking *a, nstime now)
{
    while (a->heap_n > 0 && a->heap[0]->due <= now && has_place(a, &REFRESHER)) {
        struct entry *e = a->heap[0];
        e->by_id = false;
        wait_in_line(a, e, &REFRESHER);
    }
}

/* When the minute has room for one more. */
static nstime room_at(const struct asking *a)
{
    if (a->asked_n < CAP_ASKING_MINUTE)
        return INT64_MIN;
    return clock_add(a->asked[a->asked_n % CAP_ASKING_MINUTE], MINUTE);
}

static void take_off(struct asking *a, struct entry *e, nstime now)
{
    size_t i = 0;
    while (a->flying[i])
        i++;
    a->flying[i] = e;
    e->state = STATE_FLIES;
    a->asked[a->asked_n++ % CAP_ASKING_MINUTE] = now;
    a->stats.flying++;
    a->stats.asked++;
}

static struct domain domain_of(const struct entry *e)
{
    struct domain d = {.n = e->n};
    memcpy(d.text, e->name, e->n);
    return d;
}

bool asking_next(struct asking *a, nstime now, struct domain *d, char id[CAP_STS_ID + 1])
{
    pass(a, now);
    if (a->stats.flying == CAP_ASKING_FLIGHT || now < room_at(a))
        return false;
    refresh(a, now);
    if (!a->turn)
        return false;
    struct entry *e = a->turn->line.oldest;
    a->turn = a->turn->after;
    stop_waiting(a, e);
    take_off(a, e, now);
    *d = domain_of(e);
    memcpy(id, e->id, CAP_STS_ID + 1);
    if (!e->by_id || e->until <= now)
        id[0] = '\0';
    return true;
}

/* Not all at the same second; the same for a domain each time. */
static nstime jitter(const struct entry *e, nstime span)
{
    return span / JITTER_PARTS / 1024 * (nstime)(e->hash >> 54);
}

/* A day, or half of its life where that is short; never sooner than the pause. */
static nstime refresh_after(const struct entry *e, nstime now)
{
    nstime half = clock_since(e->until, now) / 2, span = half < REFRESH ? half : REFRESH;
    span -= jitter(e, span);
    return span > PAUSE ? span : PAUSE;
}

static nstime pause_after(const struct entry *e)
{
    nstime span = PAUSE;
    for (uint8_t i = 1; i < e->failures && span < PAUSE_MOST; i++)
        span *= 2;
    span = span < PAUSE_MOST ? span : PAUSE_MOST;
    return span + jitter(e, span);
}

static void learn_policy(struct entry *e, const char *id, nstime until)
{
    size_t n = strlen(id);
    n = n < CAP_STS_ID ? n : CAP_STS_ID;
    memcpy(e->id, id, n);
    e->id[n] = '\0';
    e->until = until;
}

/* A policy outlives whatever else is found, until its end. */
static nstime due_after(struct asking *a, struct entry *e, nstime now, enum asking_outcome outcome)
{
    if (has_policy(e) && e->until <= now) {
        e->until = INT64_MIN;
        e->id[0] = '\0';
    }
    if (outcome == ASKING_FAILED) {
        a->stats.failed++;
        if (e->failures < UINT8_MAX)
            e->failures++;
        return clock_add(now, pause_after(e));
    }
    e->failures = 0;
    if (outcome == ASKING_SAME)
        return e->due > now ? e->due : clock_add(now, PAUSE);
    return clock_add(now, outcome == ASKING_POLICY ? refresh_after(e, now)
                                                   : NOTHING + jitter(e, NOTHING));
}

static bool land(struct asking *a, const struct entry *e)
{
    for (size_t i = 0; e && i < CAP_ASKING_FLIGHT; i++) {
        if (a->flying[i] != e)
            continue;
        a->flying[i] = NULL;
        a->stats.flying--;
        return true;
    }
    return false;
}

void asking_done(struct asking *a, nstime now, const struct domain *d, enum asking_outcome outcome,
                 const char *id, nstime until)
{
    struct entry *e = find(a, d, hash_of(a, d));
    pass(a, now);
    if (!land(a, e))
        return;
    a->stats.answered++;
    e->answered = now;
    if (outcome == ASKING_POLICY)
        learn_policy(e, id, until);
    nstime due = due_after(a, e, now, outcome);
    leave_alone(a, e, due);
}

void asking_restart(struct asking *a, nstime now)
{
    pass(a, now);
    for (size_t i = 0; i < CAP_ASKING_FLIGHT; i++) {
        struct entry *e = a->flying[i];
        if (!e)
            continue;
        land(a, e);
        leave_alone(a, e, now);
        if (has_place(a, &REFRESHER))
            wait_in_line(a, e, &REFRESHER);
        else
            a->stats.dropped++;
    }
}

nstime asking_due(const struct asking *a)
{
    nstime due = a->turn ? a->now : a->heap_n > 0 ? a->heap[0]->due : INT64_MAX;
    if (a->stats.flying == CAP_ASKING_FLIGHT)
        return INT64_MAX;
    return due > room_at(a) ? due : room_at(a);
}

struct asking_stats asking_stats(const struct asking *a)
{
    return a->stats;
}
