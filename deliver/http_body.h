/* SPDX-License-Identifier: Apache-2.0 */
/* A line as an item of a body: what Splunk, Elasticsearch and others want around it. */
#ifndef DELIVER_HTTP_BODY_H
#define DELIVER_HTTP_BODY_H

#include "deliver/deliver.h"
#include "deliver/line.h"

struct http_body {
    enum sink_http_kind kind;
    char index[CAP_SINK_KEY + 1]; /* HEC; "": none */
    char sourcetype[CAP_SINK_KEY + 1];
    char sensor[CAP_DELIVER_HOST + 1];
};

/* `text`: the line in its format, a JSON object or not; `line` is what `eve` says. Returns bytes,
 * 0: they do not fit. */
size_t http_body_item(const struct http_body *b, const struct line *line, struct span text,
                      char *to, size_t room);

/* Deflate with a gzip header; 0: it does not fit, or no memory. */
size_t http_body_gzip(struct span body, uint8_t *to, size_t room);

/* EVE's time in milliseconds since 1970; false: it is none. */
bool http_body_time(const char *eve, int64_t *ms);

#endif
