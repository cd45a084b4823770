/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How sure a proportion is: 95 % intervals of the share of days that have a property, where the
 * days of one server say nearly the same and so count as one observation.
 *
 * Two ways. The percentile bootstrap over servers (Efron and Tibshirani, An Introduction to the
 * Bootstrap, 1993, chapter 13; of clusters: Davison and Hinkley, 1997, section 3.8) draws as many
 * servers as there are, with replacement, INTERVAL_RESAMPLES times, and takes the share of each
 * draw. Where less than INTERVAL_FEW servers have the property, or less than that lack it, the
 * draws say too little (with none they say 0 to 0): then it is the score interval of Wilson (1927)
 * with the number of servers as its n, as if all days of a server were one. For 0 of n that is 0 to
 * 3.84 / (n + 3.84).
 *
 * Everything is in millionths and the same on every machine: the draws come from SplitMix64
 * (Steele, Lea, Flood 2014), begun with INTERVAL_SEED for each set of servers.
 */
#ifndef REPORT_INTERVAL_H
#define REPORT_INTERVAL_H

#include <stddef.h>
#include <stdint.h>

#define INTERVAL_SEED      20140830
#define INTERVAL_RESAMPLES 2000
#define INTERVAL_FEW       10
#define INTERVAL_COUNTS    6       /* properties of a server that are looked at together */
#define INTERVAL_WHOLE     1000000 /* a share of one */

/* A server: its days, and how many of them have each property. */
struct interval_server {
    uint32_t days; /* at least 1 */
    uint32_t with[INTERVAL_COUNTS];
};

enum interval_method { INTERVAL_NONE, INTERVAL_BOOTSTRAP, INTERVAL_WILSON, INTERVAL_METHOD_COUNT };

struct interval {
    enum interval_method method; /* INTERVAL_NONE: there are no servers */
    uint64_t count;              /* days that have it */
    uint32_t share, low, high;   /* millionths, rounded to the nearest */
};

/* One for each property. The order of the servers does not matter, and is changed; n is at most
 * 2^31. 0, or -1 without memory. */
int interval_of(struct interval_server *server, uint32_t n, struct interval out[INTERVAL_COUNTS]);

/* What interval_of() goes by: the shares of the draws, of each property in rising order. 0 or -1 as
 * above. */
struct interval_draws {
    uint32_t share[INTERVAL_COUNTS][INTERVAL_RESAMPLES];
};
int interval_draw(struct interval_server *server, uint32_t n, struct interval_draws *out);

/* Of the share, in millionths, of n. */
struct interval interval_wilson(uint32_t share, uint32_t n);

/* The next number; *state is the seed at first. */
uint64_t interval_random(uint64_t *state);

/* As the output spells it. */
const char *interval_method_text(enum interval_method m);

#endif
