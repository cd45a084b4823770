/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/heap.h"
#include "base/text.h"
#include "deliver/sink_datagram.h"
#include "deliver/syslog_frame.h"

enum { UDP_BYTES = 8192, UDP_MOST = 65507, PREFIX = 31, LENGTH = 8 };

struct syslog {
    struct sink_format format;
    bool is_framed;
    uint8_t facility;
    char sensor[CAP_DELIVER_HOST + 1];
    char prefix[PREFIX + 1];
};

static size_t put_message(const struct syslog *s, struct span eve, char *to, size_t room)
{
    struct line line;
    size_t n, prefix = strlen(s->prefix);

    if (s->is_framed)
        return sink_render(&s->format, eve, to, room);
    line_read(eve, &line);
    n = syslog_frame_header(&line, s->facility, s->sensor, to, CAP_DELIVER_HEADER);
    memcpy(to + n, s->prefix, prefix);
    n += prefix;
    return n + sink_render(&s->format, eve, to + n, room - n);
}

static size_t frame_datagram(const void *user, const struct spool_record *r, char *to, size_t room)
{
    return put_message(user, r->body, to, room);
}

/* MSG-LEN SP SYSLOG-MSG: the length is known when the message is there. */
static size_t frame_counted(const void *user, const struct spool_record *r, char *to, size_t room)
{
    size_t n = put_message(user, r->body, to + LENGTH, room - LENGTH), digits;
    char length[TEXT_UINT];

    digits = text_uint(length, n);
    memcpy(to, length, digits);
    to[digits] = ' ';
    memmove(to + digits + 1, to + LENGTH, n);
    return digits + 1 + n;
}

static bool is_port(const char *text)
{
    unsigned value = 0;

    for (; span_is_digit((uint8_t)*text) && value <= 65535; text++)
        value = value * 10 + (unsigned)(*text - '0');
    return !*text && value > 0 && value <= 65535;
}

static bool check(const struct sink_syslog_config *c, const char *port, char why[SINK_WHY])
{
    if (!c->host || !c->host[0] || strlen(c->host) > CAP_DELIVER_HOST)
        snprintf(why, SINK_WHY, "a host has 1 to %d bytes", CAP_DELIVER_HOST);
    else if (!is_port(port))
        snprintf(why, SINK_WHY, "a port is a number from 1 to 65535");
    else if (c->prefix && strlen(c->prefix) > PREFIX)
        snprintf(why, SINK_WHY, "a prefix has %d bytes at most", PREFIX);
    else if ((unsigned)c->way >= SINK_SYSLOG_WAY_COUNT || c->udp_bytes > UDP_MOST)
        snprintf(why, SINK_WHY, "a datagram has %d bytes at most", UDP_MOST);
    else
        return true;
    return false;
}

static struct syslog *make(const struct sink_syslog_config *c, const struct sink_filter *f,
                           char why[SINK_WHY])
{
    struct syslog *s = heap_zeroed(sizeof(*s));

    if (!s) {
        snprintf(why, SINK_WHY, "no memory for a sink");
        return NULL;
    }
    s->format = f ? f->format : (struct sink_format){0};
    s->facility = c->facility;
    s->is_framed = c->is_framed;
    snprintf(s->sensor, sizeof(s->sensor), "%s", c->sensor ? c->sensor : "");
    snprintf(s->prefix, sizeof(s->prefix), "%s", c->prefix ? c->prefix : "");
    return s;
}

static struct sink *over_stream(const struct sink_syslog_config *c, const char *port,
                                const struct sink_filter *f, char why[SINK_WHY])
{
    struct tls_client *tls = NULL;
    struct syslog *s;
    struct dial dial;

    if (c->way == SINK_SYSLOG_TLS && !(tls = tls_client_new(&c->tls, c->host, why)))
        return NULL;
    s = make(c, f, why);
    if (s && dial_init_host(&dial, c->host, port, tls))
        return sink_stream_new(&dial, frame_counted, s, f, why);
    snprintf(why, SINK_WHY, "no memory for a sink");
    tls_client_free(tls);
    heap_free(s);
    return NULL;
}

struct sink *sink_syslog_new(const struct sink_syslog_config *c, const struct sink_filter *f,
                             char why[SINK_WHY])
{
    const char *usual = c->way == SINK_SYSLOG_TLS ? "6514" : "514";
    const char *port = c->port ? c->port : usual;
    const struct sink_datagram_to to = {
        .host = c->host, .port = port, .most = c->udp_bytes ? c->udp_bytes : UDP_BYTES};
    struct syslog *s;

    if (!check(c, port, why))
        return NULL;
    if (c->way != SINK_SYSLOG_UDP)
        return over_stream(c, port, f, why);
    s = make(c, f, why);
    return s ? sink_datagram_new(&to, frame_datagram, s, f, why) : NULL;
}
