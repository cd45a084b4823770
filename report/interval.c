/* SPDX-License-Identifier: Apache-2.0 */
#include "report/interval.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define Z_95 1.959963984540054 /* of the normal distribution, 97.5 % lie below */

/* Of 2,000 shares in rising order: 49 lie below the one and above the other, and 50 would be 2.5 %
 * (the convention of Davison and Hinkley: the 50th and the 1,951st). */
#define LOW_RANK  (INTERVAL_RESAMPLES / 40 - 1)
#define HIGH_RANK (INTERVAL_RESAMPLES - INTERVAL_RESAMPLES / 40)

static const char *const METHOD_TEXT[] = {
    [INTERVAL_NONE] = "none",
    [INTERVAL_BOOTSTRAP] = "bootstrap",
    [INTERVAL_WILSON] = "wilson",
};
_Static_assert(sizeof(METHOD_TEXT) / sizeof(METHOD_TEXT[0]) == INTERVAL_METHOD_COUNT,
               "a text each");

const char *interval_method_text(enum interval_method m)
{
    return METHOD_TEXT[m];
}

uint64_t interval_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static uint32_t share_of(uint64_t count, uint64_t days)
{
    return (uint32_t)((count * INTERVAL_WHOLE + days / 2) / days);
}

/* --- Wilson --- */

static uint32_t millionths(double x)
{
    double bounded = x < 0 ? 0 : x > 1 ? 1 : x;
    return (uint32_t)(bounded * INTERVAL_WHOLE + 0.5);
}

struct interval interval_wilson(uint32_t share, uint32_t n)
{
    double p = (double)share / INTERVAL_WHOLE, z2 = Z_95 * Z_95;
    double whole = 1 + z2 / n, middle = (p + z2 / (2.0 * n)) / whole;
    double half = Z_95 * sqrt(p * (1 - p) / n + z2 / (4.0 * n * n)) / whole;
    return (struct interval){
        .method = INTERVAL_WILSON,
        .share = share,
        .low = share == 0 ? 0 : millionths(middle - half),
        .high = share == INTERVAL_WHOLE ? INTERVAL_WHOLE : millionths(middle + half),
    };
}

/* --- the bootstrap --- */

static int compare(uint32_t x, uint32_t y)
{
    return (x > y) - (x < y);
}

static int by_counts(const void *a, const void *b)
{
    const struct interval_server *x = a, *y = b;
    int order = compare(x->days, y->days);
    for (int c = 0; order == 0 && c < INTERVAL_COUNTS; c++)
        order = compare(x->with[c], y->with[c]);
    return order;
}

static int by_size(const void *a, const void *b)
{
    return compare(*(const uint32_t *)a, *(const uint32_t *)b);
}

/* Servers that have the same counts are of one kind, and stand side by side: a draw is how many of
 * each kind came. */
struct kinds {
    struct interval_server *kind;
    uint32_t count;
    uint32_t servers;
    uint32_t *of;    /* the kind of each server */
    uint32_t *drawn; /* of each kind, in the draw under way */
    uint32_t missed; /* fell behind the last server */
};

static bool kinds_init(struct kinds *k, struct interval_server *server, uint32_t n)
{
    *k = (struct kinds){.kind = server, .servers = n, .of = calloc(n, sizeof(*k->of))};
    if (!k->of)
        return false;
    qsort(server, n, sizeof(*server), by_counts);
    for (uint32_t i = 0; i < n; i++) {
        if (i == 0 || by_counts(&server[i], &server[k->count - 1]) != 0)
            server[k->count++] = server[i];
        k->of[i] = k->count - 1;
    }
    k->drawn = calloc(k->count, sizeof(*k->drawn));
    return k->drawn != NULL;
}

/* Heads of n coins. */
static uint32_t heads(uint64_t *state, uint32_t n)
{
    uint32_t sum = 0;
    for (; n >= 64; n -= 64)
        sum += (uint32_t)__builtin_popcountll(interval_random(state));
    if (n > 0)
        sum += (uint32_t)__builtin_popcountll(interval_random(state) >> (64 - n));
    return sum;
}

/*
 * `n` picks, each of any of the `size` places from `from` on, a power of two: as many of them are
 * in the first half as there are heads of n coins, and so on in either half, down to where all
 * places are of one kind. To pick one by one would be the same, and take many times as long.
 */
static void spread(struct kinds *k, uint64_t *state, uint32_t n, uint32_t from, uint32_t size)
{
    if (n == 0)
        return;
    if (from >= k->servers) {
        k->missed += n;
        return;
    }
    if (size <= k->servers - from && k->of[from] == k->of[from + size - 1]) {
        k->drawn[k->of[from]] += n;
        return;
    }
    uint32_t first = heads(state, n), half = size / 2;
    spread(k, state, first, from, half);
    spread(k, state, n - first, from + half, half);
}

/* As many servers as there are, with replacement. Who missed picks again. */
static void pick_all(struct kinds *k, uint64_t *state)
{
    uint32_t size = 1;
    while (size < k->servers)
        size *= 2;
    memset(k->drawn, 0, k->count * sizeof(*k->drawn));
    for (uint32_t n = k->servers; n > 0; n = k->missed) {
        k->missed = 0;
        spread(k, state, n, 0, size);
    }
}

static void draw(struct kinds *k, uint64_t *state, struct interval_draws *out, int at)
{
    uint64_t days = 0, with[INTERVAL_COUNTS] = {0};
    pick_all(k, state);
    for (uint32_t i = 0; i < k->count; i++) {
        days += (uint64_t)k->drawn[i] * k->kind[i].days;
        for (int c = 0; c < INTERVAL_COUNTS; c++)
            with[c] += (uint64_t)k->drawn[i] * k->kind[i].with[c];
    }
    for (int c = 0; c < INTERVAL_COUNTS; c++)
        out->share[c][at] = share_of(with[c], days);
}

int interval_draw(struct interval_server *server, uint32_t n, struct interval_draws *out)
{
    struct kinds k;
    uint64_t state = INTERVAL_SEED;
    bool ok = kinds_init(&k, server, n);
    for (int i = 0; ok && i < INTERVAL_RESAMPLES; i++)
        draw(&k, &state, out, i);
    for (int c = 0; ok && c < INTERVAL_COUNTS; c++)
        qsort(out->share[c], INTERVAL_RESAMPLES, sizeof(out->share[c][0]), by_size);
    free(k.of);
    free(k.drawn);
    return ok ? 0 : -1;
}

/* --- both --- */

struct census {
    uint64_t days;
    uint64_t with[INTERVAL_COUNTS];
    uint32_t have[INTERVAL_COUNTS]; /* servers that have it on some day */
    uint32_t lack[INTERVAL_COUNTS]; /* those that lack it on some day */
};

static struct census count_all(const struct interval_server *server, uint32_t n)
{
    struct census sum = {0};
    for (uint32_t i = 0; i < n; i++) {
        sum.days += server[i].days;
        for (int c = 0; c < INTERVAL_COUNTS; c++) {
            sum.with[c] += server[i].with[c];
            sum.have[c] += server[i].with[c] > 0;
            sum.lack[c] += server[i].with[c] < server[i].days;
        }
    }
    return sum;
}

static bool enough(const struct census *sum, int c)
{
    return sum->have[c] >= INTERVAL_FEW && sum->lack[c] >= INTERVAL_FEW;
}

static int draw_intervals(struct interval_server *server, uint32_t n, const struct census *sum,
                          struct interval out[INTERVAL_COUNTS])
{
    struct interval_draws *draws = malloc(sizeof(*draws));
    int rc = draws ? interval_draw(server, n, draws) : -1;
    for (int c = 0; rc == 0 && c < INTERVAL_COUNTS; c++) {
        if (!enough(sum, c))
            continue;
        out[c].method = INTERVAL_BOOTSTRAP;
        out[c].low = draws->share[c][LOW_RANK];
        out[c].high = draws->share[c][HIGH_RANK];
    }
    free(draws);
    return rc;
}

int interval_of(struct interval_server *server, uint32_t n, struct interval out[INTERVAL_COUNTS])
{
    struct census sum = count_all(server, n);
    bool any = false;
    memset(out, 0, INTERVAL_COUNTS * sizeof(*out));
    for (int c = 0; n > 0 && c < INTERVAL_COUNTS; c++) {
        out[c] = interval_wilson(share_of(sum.with[c], sum.days), n);
        out[c].count = sum.with[c];
        any |= enough(&sum, c);
    }
    return any ? draw_intervals(server, n, &sum, out) : 0;
}
