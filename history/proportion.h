/* SPDX-License-Identifier: Apache-2.0 */
/* How sure a share is that was counted. */
#ifndef HISTORY_PROPORTION_H
#define HISTORY_PROPORTION_H

#include <stdint.h>

/* The lower end of Wilson's score interval (1927), 95 % two-sided, for `hits` of `n`; 0 for n 0. */
double proportion_least(uint32_t hits, uint32_t n);

#endif
