/* SPDX-License-Identifier: Apache-2.0 */
/* Text that is written piece by piece into a room of a fixed size. */
#ifndef SENSOR_PAGE_H
#define SENSOR_PAGE_H

#include "base/span.h"

struct page {
    char *text; /* the caller's */
    size_t room, n;
};

/* A piece that does not fit is left out as a whole. */
void page_put(struct page *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
