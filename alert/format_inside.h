/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of formats, for their own files alone:
 *
 *   format.c                        which format, and the lines that it carries
 *   format_map.def, format_how.c    what goes where, and how
 *   format_nest.c                   JSON: rows whose paths are objects in objects
 *   format_flat.c                   the others: keys and values, escaped
 *   format_ecs.c ... format_rfc5424.c   a format each
 */
#ifndef ALERT_FORMAT_INSIDE_H
#define ALERT_FORMAT_INSIDE_H

#include "alert/format.h"
#include "alert/format_how.h"

/* Each renders a line that its format carries; the span has its LF and lies in `out`. */
struct span format_ecs(const struct eve_view *v, const struct format_options *o,
                       struct format_out *out);
struct span format_cef(const struct eve_view *v, const struct format_options *o,
                       struct format_out *out);
struct span format_ocsf(const struct eve_view *v, const struct format_options *o,
                        struct format_out *out);

/* `eve` is the line itself: it is the message. */
struct span format_rfc5424(const struct eve_view *v, struct span eve,
                           const struct format_options *o, struct format_out *out);

#endif
