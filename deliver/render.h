/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DELIVER_RENDER_H
#define DELIVER_RENDER_H

#include "deliver/deliver.h"

/* The line in its format. `room` is more than CAP_SPOOL_BODY: it always fits as it is. A line feed
 * of a format becomes a blank: it would be two lines to whoever reads. */
size_t render_line(const struct deliver_format *f, struct span eve, char *to, size_t room);

#endif
