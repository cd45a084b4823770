/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/http_body.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#define ZLIB_CONST
#include <zlib.h>

#include "deliver/syslog_frame.h"

struct text {
    char *p;
    size_t n, room; /* n > room: it did not fit */
};

static void put(struct text *t, const void *bytes, size_t n)
{
    if (t->n <= t->room && n <= t->room - t->n)
        memcpy(t->p + t->n, bytes, n);
    else
        n = t->room + 1 - t->n; /* from here on nothing fits */
    t->n += n;
}

static void put_str(struct text *t, const char *s)
{
    put(t, s, strlen(s));
}

/* A JSON string of bytes that are UTF-8. */
static void put_quoted(struct text *t, struct span s)
{
    char escape[8];

    put(t, "\"", 1);
    for (size_t i = 0; i < s.n && t->n <= t->room; i++) {
        if (s.p[i] >= 0x20 && s.p[i] != '"' && s.p[i] != '\\') {
            put(t, &s.p[i], 1);
        } else {
            snprintf(escape, sizeof(escape), "\\u%04x", s.p[i]);
            put(t, escape, 6);
        }
    }
    put(t, "\"", 1);
}

static void put_member(struct text *t, const char *key, const char *value)
{
    put(t, ",\"", 2);
    put_str(t, key);
    put(t, "\":", 2);
    put_quoted(t, span_str(value));
}

static bool is_object(struct span s)
{
    return s.n > 0 && s.p[0] == '{';
}

/* Of n digits that were looked at. */
static int number(const char *p, int n)
{
    int value = 0;

    for (int i = 0; i < n; i++)
        value = value * 10 + (p[i] - '0');
    return value;
}

/* YYYY-MM-DDTHH:MM:SS.uuuuuu+HH:MM */
bool http_body_time(const char *eve, int64_t *ms)
{
    char t[33];
    struct tm tm = {0};
    int64_t away;

    if (!syslog_frame_time(eve, t))
        return false;
    tm.tm_year = number(t, 4) - 1900;
    tm.tm_mon = number(t + 5, 2) - 1;
    tm.tm_mday = number(t + 8, 2);
    tm.tm_hour = number(t + 11, 2);
    tm.tm_min = number(t + 14, 2);
    tm.tm_sec = number(t + 17, 2);
    away = (int64_t)number(t + 27, 2) * 3600 + (int64_t)number(t + 30, 2) * 60;
    *ms = ((int64_t)timegm(&tm) - (t[26] == '-' ? -away : away)) * 1000 + number(t + 20, 3);
    return true;
}

static void put_hec(struct text *t, const struct http_body *b, const struct line *l,
                    struct span text)
{
    char stamp[64];
    int64_t ms;

    put_str(t, "{\"source\":\"stripwatch\"");
    put_member(t, "host", l->host[0] ? l->host : b->sensor);
    put_member(t, "sourcetype", b->sourcetype);
    if (b->index[0])
        put_member(t, "index", b->index);
    if (http_body_time(l->timestamp, &ms) && ms >= 0) {
        snprintf(stamp, sizeof(stamp), ",\"time\":%" PRId64 ".%03d", ms / 1000, (int)(ms % 1000));
        put_str(t, stamp);
    }
    put_str(t, ",\"event\":");
    if (is_object(text))
        put(t, text.p, text.n);
    else
        put_quoted(t, text);
    put_str(t, "}\n");
}

static void put_bulk(struct text *t, const struct line *l, struct span text)
{
    put_str(t, "{\"create\":{\"_id\":");
    put_quoted(t, span_str(l->id));
    put_str(t, "}}\n");
    if (is_object(text)) {
        put(t, text.p, text.n);
        put_str(t, "\n");
        return;
    }
    put_str(t, "{\"message\":");
    put_quoted(t, text);
    put_str(t, "}\n");
}

size_t http_body_item(const struct http_body *b, const struct line *line, struct span text,
                      char *to, size_t room)
{
    struct text t = {.p = to, .room = room};

    if (b->kind == SINK_HTTP_HEC) {
        put_hec(&t, b, line, text);
    } else if (b->kind == SINK_HTTP_BULK) {
        put_bulk(&t, line, text);
    } else {
        put(&t, text.p, text.n);
        put_str(&t, "\n");
    }
    return t.n <= room ? t.n : 0;
}

size_t http_body_gzip(struct span body, uint8_t *to, size_t room)
{
    enum { GZIP = 15 + 16, MEMORY = 8 };
    z_stream z = {0};
    size_t n;

    if (deflateInit2(&z, Z_BEST_SPEED, Z_DEFLATED, GZIP, MEMORY, Z_DEFAULT_STRATEGY) != Z_OK)
        return 0;
    z.next_in = body.p;
    z.avail_in = (uInt)body.n;
    z.next_out = to;
    z.avail_out = (uInt)room;
    n = deflate(&z, Z_FINISH) == Z_STREAM_END ? z.total_out : 0;
    deflateEnd(&z);
    return n;
}
