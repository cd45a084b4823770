/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a line that goes out: there is an id, the frame of syslog has one line and only
 * printable ASCII, and an item of a body fits its room. */
#include <stdlib.h>

#include "deliver/http_body.h"
#include "deliver/syslog_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char to[8 * CAP_SPOOL_BODY];
    const struct span eve = span_of(data, size < CAP_SPOOL_BODY ? size : CAP_SPOOL_BODY);
    struct http_body b = {.sensor = "s", .sourcetype = "t"};
    struct line l;
    size_t n;

    line_read(eve, &l);
    must(l.id[0] &&
         strspn(l.id, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_") ==
             strlen(l.id));
    n = syslog_frame_header(&l, 16, "sensor", to, CAP_DELIVER_HEADER);
    must(n > 20 && n < CAP_DELIVER_HEADER);
    for (size_t i = 0; i < n; i++)
        must(to[i] >= ' ' && to[i] < 0x7f);
    for (int kind = 0; kind < SINK_HTTP_KIND_COUNT; kind++) {
        b.kind = (enum sink_http_kind)kind;
        n = http_body_item(&b, &l, eve, to, sizeof(to));
        must(n > 0 && n <= sizeof(to) && to[n - 1] == '\n');
        must(http_body_item(&b, &l, eve, to, size / 2) <= size / 2);
    }
    return 0;
}
