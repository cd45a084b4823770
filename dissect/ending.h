/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How connections end, or seem to: an RST or a FIN may be forged, so each is taken back when its
 * sender goes on.
 */
#ifndef DISSECT_ENDING_H
#define DISSECT_ENDING_H

#include "dissect/dissect_state.h"

/* An RST; `marks` are enum copy_mark. It ends the connection if its receiver takes it; what its
 * sender says later tells. */
void ending_reset(struct flow *f, const struct arrival *a, uint8_t marks);

/* Data from the sender of an RST, or behind a FIN. */
void ending_outlive_reset(struct dissect *d, struct flow *f, const struct arrival *a);
void ending_outlive_fin(struct dissect *d, struct flow *f, const struct arrival *a);

/* Is the connection over? When all of it was read as well, its session is handed out. */
void ending_note(struct dissect *d, struct flow *f);

#endif
