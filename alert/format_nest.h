/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows to JSON. The path of a row names objects with dots between; "name[0]" is the first element
 * of a list of objects. An object is open as long as rows follow that lie in it.
 */
#ifndef ALERT_FORMAT_NEST_H
#define ALERT_FORMAT_NEST_H

#include "alert/format_how.h"

/* A whole line. */
struct span format_nest_line(struct json *out, const struct eve_view *v, enum format format,
                             const struct format_row *row, size_t rows);

#endif
