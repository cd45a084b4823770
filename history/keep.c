/* SPDX-License-Identifier: Apache-2.0 */
#include "history/keep.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/text.h"

#define BUCKETS  (2 * CAP_STORE_DELTAS) /* half of them stay empty */
#define ROOM     (256u << 10)           /* bytes of the texts of one flush */
#define LOADED   (512u << 10)           /* and of what is read at a time */
#define BUDGET   (20 * NS_PER_MS)       /* of one turn of the store */
#define DEADLINE (2 * NS_PER_S)         /* of what has to be written before it is read */
#define REST     (10 * NS_PER_S)        /* by the system's clock, before asking again in vain */
#define ID       160                    /* bytes of an id without its number */
#define DAY_S    86400
#define DATE     10 /* bytes of "2026-03-01" */

_Static_assert((BUCKETS & (BUCKETS - 1)) == 0, "a power of two");

static const char *const KIND[] = {
    [KEEP_SERVER] = "server",
    [KEEP_SENDER] = "sender",
    [KEEP_FARM] = "farm",
    [KEEP_PAIR] = "pair",
};
static const char PAIRS[] = "-pairs"; /* behind the kind: whom it met */
_Static_assert(sizeof(KIND) / sizeof(KIND[0]) == KEEP_KIND_COUNT, "a word for each kind");

struct addition {
    int64_t by;
    uint32_t at; /* of key and field, one behind the other */
    uint16_t key_n, field_n;
    bool pair; /* gone earlier than the others */
};

struct keep {
    struct store *store; /* borrowed */
    keep_wall_fn *wall;
    struct siphash_key secret;
    char id[ID];
    struct keep_text key;      /* that keep_add() adds to; empty: none */
    struct keep_text pair_key; /* and keep_add_pair(); empty: not made yet */
    enum keep_kind kind;       /* of the key */
    int32_t day;               /* likewise */
    uint32_t pair_days;
    uint32_t pair_left; /* days that additions of pairs have to be kept, at least one of them */

    struct addition addition[CAP_STORE_DELTAS];
    uint16_t bucket[BUCKETS]; /* numbers of additions, and one more; 0: empty */
    uint32_t count;
    uint32_t room_n;
    char room[ROOM];
    struct store_delta delta[CAP_STORE_DELTAS]; /* of flushing */

    bool hurried;    /* see keep_hurry() */
    bool turned;     /* `flushed` is a time */
    nstime flushed;  /* by the packets */
    nstime paused;   /* by the system's clock */
    nstime asked;    /* in vain, likewise; 0: the last one was answered */
    uint64_t number; /* of flushes that were tried */
    uint64_t lost;   /* and that found no room */

    struct kept_field field[CAP_HISTORY_FIELDS];
    size_t fields;
    char loaded[LOADED];
    size_t loaded_n;
    int32_t month; /* of loading */
    bool newer;
    uint64_t passed_over;
};

/* --- texts --- */

void keep_text_init(struct keep_text *t)
{
    t->n = 0;
    t->whole = true;
}

void keep_put_bytes(struct keep_text *t, struct span bytes)
{
    if (bytes.n > CAP_STORE_KEY - t->n)
        t->whole = false;
    if (!t->whole || bytes.n == 0)
        return;
    memcpy(t->text + t->n, bytes.p, bytes.n);
    t->n += bytes.n;
}

void keep_put(struct keep_text *t, const char *text)
{
    keep_put_bytes(t, span_str(text));
}

void keep_put_number(struct keep_text *t, uint64_t value, unsigned least_digits)
{
    char digits[24];
    size_t at = sizeof(digits);
    for (; value > 0 || sizeof(digits) - at < least_digits || at == sizeof(digits); value /= 10)
        digits[--at] = (char)('0' + value % 10);
    keep_put_bytes(t, span_of(digits + at, sizeof(digits) - at));
}

void keep_put_hex(struct keep_text *t, uint64_t value, unsigned digits)
{
    char text[16];
    for (unsigned i = 0; i < digits; i++)
        text[i] = "0123456789abcdef"[value >> (4 * (digits - 1 - i)) & 15];
    keep_put_bytes(t, span_of(text, digits));
}

struct span keep_text_span(const struct keep_text *t)
{
    return span_of(t->text, t->whole ? t->n : 0);
}

void keep_server_name(struct keep_text *t, uint8_t family, const uint8_t address[16], uint16_t port)
{
    char ip[TEXT_IP];
    text_ip(ip, family, address);
    keep_put(t, family == 6 ? "[" : "");
    keep_put(t, ip);
    keep_put(t, family == 6 ? "]:" : ":");
    keep_put_number(t, port, 1);
}

static void prefix(struct keep_text *t, enum keep_kind kind, const char *more, struct span name)
{
    keep_text_init(t);
    keep_put(t, "count/");
    keep_put(t, KIND[kind]);
    keep_put(t, more);
    keep_put(t, "/");
    keep_put_bytes(t, name);
    keep_put(t, name.n > 0 ? "/" : "");
}

void keep_prefix(struct keep_text *t, enum keep_kind kind, struct span name)
{
    prefix(t, kind, "", name);
}

void keep_pairs_prefix(struct keep_text *t, enum keep_kind kind, struct span name)
{
    prefix(t, kind, kind == KEEP_PAIR ? "" : PAIRS, name);
}

/* "YYYY-MM-DD". Days before 1970 have none: no counter is kept of them. */
static bool date_of(int32_t day, char date[TEXT_SECONDS])
{
    return day >= 0 && text_seconds(date, (int64_t)day * DAY_S);
}

unsigned keep_day_of_month(int32_t day)
{
    char date[TEXT_SECONDS];
    return date_of(day, date) ? (unsigned)(date[8] - '0') * 10 + (unsigned)(date[9] - '0') : 0;
}

/* The first day of the period of a pair that was kept on that day. */
static int32_t period_of(const struct keep *k, int32_t day)
{
    int32_t period = (int32_t)(k->pair_days / 2);
    return day >= 0 ? day - day % period : -1;
}

bool keep_same_period(const struct keep *k, int32_t a, int32_t b)
{
    return period_of(k, a) == period_of(k, b);
}

static void pair_key_of(const struct keep *k, struct keep_text *t, enum keep_kind kind,
                        struct span name, int32_t day)
{
    char date[TEXT_SECONDS];
    keep_pairs_prefix(t, kind, name);
    t->whole &= name.n > 0 && date_of(period_of(k, day), date);
    if (t->whole)
        keep_put_bytes(t, span_of(date, DATE));
}

static void key_of(struct keep_text *t, enum keep_kind kind, struct span name, int32_t day)
{
    char date[TEXT_SECONDS];
    keep_prefix(t, kind, name);
    t->whole &= name.n > 0 && date_of(day, date);
    if (!t->whole)
        return;
    keep_put_bytes(t, span_of(date, 8));
    keep_put(t, "01");
}

/* --- numbers --- */

bool keep_read_number(struct span text, uint32_t most, uint32_t *out)
{
    uint64_t value = 0;
    if (text.n == 0 || text.n > 10)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        if (!span_is_digit(text.p[i]))
            return false;
        value = value * 10 + (uint64_t)(text.p[i] - '0');
    }
    *out = (uint32_t)value;
    return value <= most;
}

bool keep_read_hex(struct span text, size_t digits, uint64_t *out)
{
    *out = 0;
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = text.p[i];
        bool letter = c >= 'a' && c <= 'f';
        if (!letter && !span_is_digit(c))
            return false;
        *out = *out << 4 | (uint64_t)(letter ? c - 'a' + 10 : c - '0');
    }
    return text.n == digits;
}

bool keep_read_day(const struct kept_field *f, struct span text, int32_t *out)
{
    uint32_t number;
    if (text.n != 2 || !keep_read_number(text, 31, &number) || number == 0)
        return false;
    *out = f->first + (int32_t)number - 1;
    return keep_day_of_month(*out) == number; /* of this month, and not of the next */
}

uint32_t keep_count(int64_t total, uint32_t most)
{
    if (total <= 0)
        return 0;
    return total < most ? (uint32_t)total : most;
}

int64_t keep_balance(int64_t total)
{
    if (total < 0)
        return -(int64_t)keep_count(total == INT64_MIN ? INT64_MAX : -total, UINT16_MAX);
    return keep_count(total, UINT16_MAX);
}

/* --- the life of it --- */

/* What is printable of the name, and what makes the start of this sensor unlike any other. */
static bool make_id(struct keep *k, const char *sensor, nstime wall)
{
    uint64_t chance;
    size_t n = 0;
    char name[64];
    for (const char *c = sensor ? sensor : "sensor"; *c && n + 1 < sizeof(name); c++)
        name[n++] = *c > ' ' && *c <= '~' && *c != '/' ? *c : '_';
    name[n] = '\0';
    if (getrandom(&chance, sizeof(chance), 0) != (ssize_t)sizeof(chance))
        return false;
    snprintf(k->id, sizeof(k->id), "%s/%lld/%016llx", name, (long long)(wall / NS_PER_S),
             (unsigned long long)chance);
    return true;
}

struct keep *keep_new(struct store *store, const char *sensor, const struct siphash_key *key,
                      keep_wall_fn *wall)
{
    struct keep *k = calloc(1, sizeof(*k));
    if (!k)
        return NULL;
    k->store = store;
    k->wall = wall;
    k->secret = *key;
    keep_pairs(k, PAIR_DAYS);
    if (make_id(k, sensor, wall()))
        return k;
    free(k);
    return NULL;
}

void keep_pairs(struct keep *k, uint32_t days)
{
    k->pair_days = days < 2 ? 2 : days < KEEP_PAIR_MOST ? days : KEEP_PAIR_MOST;
    k->pair_left = k->pair_days;
}

void keep_free(struct keep *k)
{
    free(k);
}

/* --- flushing --- */

static struct span key_at(const struct keep *k, const struct addition *a)
{
    return span_of(k->room + a->at, a->key_n);
}

static struct span field_at(const struct keep *k, const struct addition *a)
{
    return span_of(k->room + a->at + a->key_n, a->field_n);
}

static void forget_all(struct keep *k)
{
    k->count = k->room_n = 0;
    k->pair_left = k->pair_days;
    memset(k->bucket, 0, sizeof(k->bucket));
}

/* The store has taken it over, or has written it: a later repetition is its business. A file that
 * could not commit has neither, and then nothing of it was written. */
static bool hand_over(struct keep *k, uint32_t count, struct span id, nstime lasts)
{
    nstime wall = k->wall();
    uint64_t before = store_stats(k->store).acknowledged;
    enum store_status status =
        store_add_later(k->store, k->delta, count, id, clock_add(wall, lasts), wall);
    if (status != STORE_OK && status != STORE_WRONG)
        return false;
    status = store_tick(k->store, wall, BUDGET);
    struct store_stats stats = store_stats(k->store);
    return status == STORE_OK || stats.queued > 0 || stats.acknowledged != before;
}

/* Who reads a capture is faster than the network, and may wait for it. */
static void let_it_catch_up(struct keep *k)
{
    struct store_stats stats = store_stats(k->store);
    if (!stats.away && stats.queued_bytes > CAP_STORE_QUEUE / 2)
        store_drain(k->store, k->wall(), DEADLINE);
}

/* Those of pairs, or the others: what expires at one time is a flush. False: it was not taken, and
 * stays. What was taken adds nothing any more. */
static bool flush_those(struct keep *k, bool pair, nstime lasts)
{
    char id[ID + 24];
    uint32_t n = 0;
    for (uint32_t i = 0; i < k->count; i++) {
        const struct addition *a = &k->addition[i];
        if (a->pair == pair && a->by != 0)
            k->delta[n++] = (struct store_delta){key_at(k, a), field_at(k, a), a->by};
    }
    if (n == 0)
        return true;
    snprintf(id, sizeof(id), "%s/%llu", k->id, (unsigned long long)k->number++);
    if (!hand_over(k, n, span_str(id), lasts))
        return false;
    for (uint32_t i = 0; i < k->count; i++)
        if (k->addition[i].pair == pair)
            k->addition[i].by = 0;
    return true;
}

/* False: something was not taken, and stays. */
static bool flush(struct keep *k)
{
    k->paused = store_clock();
    if (k->count == 0)
        return true;
    if (!flush_those(k, false, KEEP_EXPIRY) ||
        !flush_those(k, true, (nstime)k->pair_left * DAY_S * NS_PER_S))
        return false;
    forget_all(k);
    let_it_catch_up(k);
    return true;
}

static void make_room(struct keep *k)
{
    if (flush(k))
        return;
    k->lost++;
    forget_all(k);
}

void keep_turn(struct keep *k, nstime now)
{
    if (!k)
        return;
    int64_t since = clock_since(now, k->flushed);
    if (k->turned && since >= 0 && since < KEEP_EVERY)
        return;
    nstime clock = store_clock();
    if (k->turned && clock - k->paused < KEEP_PAUSE)
        return;
    k->flushed = now;
    if (k->turned && !flush(k))
        store_tick(k->store, k->wall(), BUDGET);
    k->turned = true;
}

struct keep_loss keep_finish(struct keep *k, nstime most)
{
    if (!flush(k))
        k->lost++;
    enum store_status status = store_drain(k->store, k->wall(), most);
    struct store_stats stats = store_stats(k->store);
    struct keep_loss loss = {.portions = k->lost, .of = k->number, .why = stats.last_error};
    if (status != STORE_OK || stats.dropped > 0)
        loss.portions += stats.queued + stats.dropped;
    return loss;
}

/* --- adding --- */

void keep_of(struct keep *k, enum keep_kind kind, struct span name, int32_t day)
{
    if (!k)
        return;
    k->kind = kind;
    k->day = day;
    keep_text_init(&k->pair_key);
    if (kind == KEEP_PAIR)
        pair_key_of(k, &k->key, kind, name, day);
    else
        key_of(&k->key, kind, name, day);
}

/* The name as it stands in the key between its kind and the day. */
static struct span name_in(const struct keep_text *key, enum keep_kind kind)
{
    struct span all = keep_text_span(key);
    size_t before = strlen("count/") + strlen(KIND[kind]) + 1;
    return all.n > before + 1 + DATE ? span_of(all.p + before, all.n - before - 1 - DATE)
                                     : span_of(NULL, 0);
}

static uint64_t hash_of(const struct keep *k, struct span key, struct span field)
{
    return siphash(&k->secret, key.p, key.n) + siphash(&k->secret, field.p, field.n);
}

/* The bucket that has it, or the empty one where it belongs. */
static uint32_t look(const struct keep *k, struct span key, struct span field)
{
    uint32_t at = (uint32_t)hash_of(k, key, field) % BUCKETS;
    for (; k->bucket[at]; at = (at + 1) % BUCKETS) {
        const struct addition *a = &k->addition[k->bucket[at] - 1];
        if (span_eq(field_at(k, a), field) && span_eq(key_at(k, a), key))
            break;
    }
    return at;
}

static bool is_field(struct span field)
{
    for (size_t i = 0; i < field.n; i++)
        if (field.p[i] <= ' ' || field.p[i] > '~')
            return false;
    return field.n > 0 && field.n <= CAP_STORE_KEY;
}

static void add(struct keep *k, struct span key, bool pair, struct span field, int64_t by)
{
    if (key.n == 0 || !is_field(field))
        return;
    if (k->count == CAP_STORE_DELTAS || ROOM - k->room_n < key.n + field.n)
        make_room(k);
    uint32_t at = look(k, key, field);
    if (k->bucket[at]) {
        k->addition[k->bucket[at] - 1].by += by;
        return;
    }
    struct addition *a = &k->addition[k->count++];
    k->bucket[at] = (uint16_t)k->count;
    *a = (struct addition){by, k->room_n, (uint16_t)key.n, (uint16_t)field.n, pair};
    memcpy(k->room + k->room_n, key.p, key.n);
    memcpy(k->room + k->room_n + key.n, field.p, field.n);
    k->room_n += (uint32_t)(key.n + field.n);
}

/* As much later as its period has lasted it goes earlier, so that the first day of the period is
 * not kept for longer than the last one. */
static void note_end(struct keep *k)
{
    uint32_t left = k->pair_days - (uint32_t)(k->day - period_of(k, k->day));
    k->pair_left = left < k->pair_left ? left : k->pair_left;
}

void keep_add(struct keep *k, struct span field, int64_t by)
{
    if (!k)
        return;
    add(k, keep_text_span(&k->key), k->kind == KEEP_PAIR, field, by);
    if (k->kind == KEEP_PAIR && k->day >= 0)
        note_end(k);
}

void keep_add_pair(struct keep *k, struct span field, int64_t by)
{
    if (!k || k->kind == KEEP_PAIR) {
        keep_add(k, field, by);
        return;
    }
    if (k->day < 0)
        return;
    if (k->pair_key.n == 0)
        pair_key_of(k, &k->pair_key, k->kind, name_in(&k->key, k->kind), k->day);
    add(k, keep_text_span(&k->pair_key), true, field, by);
    note_end(k);
}

/* --- reading --- */

void keep_pass_over(struct keep *k)
{
    k->passed_over++;
}

uint64_t keep_passed_over(const struct keep *k)
{
    return k->passed_over;
}

/* store_total */
static bool on_total(void *user, struct span field, int64_t total)
{
    struct keep *k = user;
    if (!is_field(field) || k->fields == CAP_HISTORY_FIELDS || field.n > LOADED - k->loaded_n) {
        k->passed_over++;
        return k->fields < CAP_HISTORY_FIELDS;
    }
    memcpy(k->loaded + k->loaded_n, field.p, field.n);
    k->field[k->fields++] =
        (struct kept_field){span_of(k->loaded + k->loaded_n, field.n), total, k->month, k->newer};
    k->loaded_n += field.n;
    return true;
}

static bool has_additions(const struct keep *k, struct span key)
{
    for (uint32_t i = 0; i < k->count; i++)
        if (span_eq(key_at(k, &k->addition[i]), key))
            return true;
    return false;
}

/* What this run added must be there before it is read. */
static bool settle(struct keep *k, struct span key)
{
    if (has_additions(k, key) && !flush(k))
        return false;
    return store_stats(k->store).queued == 0 ||
           store_drain(k->store, k->wall(), DEADLINE) == STORE_OK;
}

static bool load_at(struct keep *k, const struct keep_text *key, int32_t first, bool newer)
{
    struct span text = keep_text_span(key);
    if (text.n == 0)
        return true;
    if (!settle(k, text))
        return false;
    k->month = first;
    k->newer = newer;
    enum store_status status = store_totals(k->store, text, k->wall(), on_total, k);
    if (status == STORE_OK || status == STORE_MISSING)
        return true;
    k->passed_over += status == STORE_WRONG;
    return status == STORE_WRONG; /* something else stands there */
}

static bool load_months(struct keep *k, enum keep_kind kind, struct span name, int32_t day)
{
    struct keep_text key;
    int32_t first = day - (int32_t)keep_day_of_month(day) + 1;
    int32_t before = first > 0 ? first - (int32_t)keep_day_of_month(first - 1) : -1;
    key_of(&key, kind, name, before);
    bool had = load_at(k, &key, before, false);
    key_of(&key, kind, name, first);
    return had && load_at(k, &key, first, true);
}

static bool load_pairs(struct keep *k, enum keep_kind kind, struct span name, int32_t day)
{
    struct keep_text key;
    int32_t first = period_of(k, day), before = first > 0 ? period_of(k, first - 1) : -1;
    pair_key_of(k, &key, kind, name, before);
    bool had = load_at(k, &key, before, false);
    pair_key_of(k, &key, kind, name, first);
    return had && load_at(k, &key, first, false);
}

void keep_hurry(struct keep *k)
{
    k->hurried = true;
}

/* One that was away comes back in turns that do not wait. */
static bool is_away(struct keep *k)
{
    if (k->hurried && store_stats(k->store).away)
        store_tick(k->store, k->wall(), BUDGET);
    return k->hurried && store_stats(k->store).away;
}

bool keep_load(struct keep *k, enum keep_kind kind, struct span name, int32_t day, struct kept *out)
{
    nstime clock = store_clock();
    bool had = true;
    if ((k->asked && clock - k->asked < REST) || is_away(k))
        return false;
    k->fields = k->loaded_n = 0;
    if (day < 0) {
        *out = (struct kept){k->field, 0};
        return true;
    }
    if (kind != KEEP_PAIR)
        had = load_months(k, kind, name, day);
    if (had && (kind == KEEP_PAIR || k->fields > 0)) /* who met nobody is not known at all */
        had = load_pairs(k, kind, name, day);
    k->asked = had ? 0 : store_clock();
    *out = (struct kept){k->field, k->fields};
    return had;
}
