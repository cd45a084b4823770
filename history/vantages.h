/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of the places from which servers are seen: a sensor, or one of its interfaces. Each is kept
 * once, by a number. There are as many as an operator has taps.
 */
#ifndef HISTORY_VANTAGES_H
#define HISTORY_VANTAGES_H

#include <stdio.h>

#include "base/caps.h"
#include "base/span.h"

struct vantages {
    uint8_t count;
    bool own[CAP_HISTORY_VANTAGES]; /* of this run; else another sensor's, by the store */
    char name[CAP_HISTORY_VANTAGES][CAP_HISTORY_VANTAGE + 1];
};

/* From 1 on. 0: it has no name, or there is no room for it. A longer name is cut. */
uint8_t vantages_number(struct vantages *v, struct span name);

/* The same of one that sessions were seen from in this run. */
uint8_t vantages_own(struct vantages *v, struct span name);

const char *vantages_name(const struct vantages *v, uint8_t number);

/* As history_save() and history_restore(). */
bool vantages_save(const struct vantages *v, FILE *to);
bool vantages_restore(struct vantages *v, FILE *from);

#endif
