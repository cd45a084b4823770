/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alerts that a feed finds in its socket when it takes the place of one that died. The judge said
 * them to that one, and will say them again in their order as soon as it hears of the new one, with
 * those before them that died with it. Until then they wait here, for told too early they would
 * stand before those. Only of a judge that has died as well they are all there is.
 */
#ifndef SENSOR_STALE_H
#define SENSOR_STALE_H

#include "base/clock.h"
#include "base/span.h"

struct stale;

struct stale *stale_new(void); /* NULL: no memory */
void stale_free(struct stale *s);

/* False: there is no room. */
bool stale_keep(struct stale *s, struct span line, nstime now);

/* They come again. */
void stale_forget(struct stale *s);

/* They do not: each is given, in their order. */
void stale_take(struct stale *s, void (*line)(void *user, struct span line), void *user);

nstime stale_since(const struct stale *s); /* when the oldest came; 0: there is none */

#endif
