/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <sys/un.h>

#include "base/heap.h"
#include "deliver/sink_datagram.h"

static size_t frame_line(const void *user, const struct spool_record *r, char *to, size_t room)
{
    size_t n = sink_render(user, r->body, to, room - 1);

    to[n] = '\n';
    return n + 1;
}

static size_t frame_datagram(const void *user, const struct spool_record *r, char *to, size_t room)
{
    return sink_render(user, r->body, to, room);
}

struct sink *sink_unix_new(const struct sink_unix_config *c, const struct sink_filter *f,
                           char why[SINK_WHY])
{
    const struct sink_datagram_to to = {.path = c->path, .most = CAP_SINK_LINE};
    struct sink_format *format;
    struct dial dial;

    if (!c->path[0] || strlen(c->path) >= sizeof(((struct sockaddr_un *)0)->sun_path)) {
        snprintf(why, SINK_WHY, "the path of a socket has 1 to %zu bytes",
                 sizeof(((struct sockaddr_un *)0)->sun_path) - 1);
        return NULL;
    }
    format = heap_zeroed(sizeof(*format));
    if (!format) {
        snprintf(why, SINK_WHY, "no memory for a sink");
        return NULL;
    }
    *format = f ? f->format : (struct sink_format){0};
    if (c->is_datagram)
        return sink_datagram_new(&to, frame_datagram, format, f, why);
    (void)dial_init_path(&dial, c->path);
    return sink_stream_new(&dial, frame_line, format, f, why);
}
