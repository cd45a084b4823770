/* SPDX-License-Identifier: Apache-2.0 */
/* EHLO replies of mail servers, in the order in which each program prints its keywords. */
#ifndef TESTS_BENCH_MONTH_LAYOUTS_H
#define TESTS_BENCH_MONTH_LAYOUTS_H

#include "world.h"

/* One installation of a program, some options on, some off. */
void layout_make(struct layout *l, enum software software, struct rng *rng);

/* Changes to it; lines are kept by reference. */
void layout_insert(struct layout *l, int at, const char *line);
void layout_remove(struct layout *l, int at);
void layout_shuffle(struct layout *l, struct rng *rng);
void layout_no_offer(struct layout *l);
void layout_lengthen(struct layout *l);
void layout_vendor(struct layout *l, struct rng *rng);
void layout_misplace(struct layout *l);
void layout_resize(struct layout *l, struct rng *rng);
void layout_no_esmtp(struct layout *l);
void layout_other_auth(struct layout *l); /* without AUTH, or with it */

#endif
