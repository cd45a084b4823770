/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include "base/text.h"

/* Always kept free: `,"truncated":true`, a closing character for each level, the line feed. */
#define RESERVE   (18 + 64)
#define MAX_DEPTH 64

static const char HEX[] = "0123456789ABCDEF";

static void put(struct json *j, const char *p, size_t n)
{
    if (n) /* p may be NULL then */
        memcpy(j->buf + j->len, p, n);
    j->len += n;
}

static void put_char(struct json *j, char c)
{
    j->buf[j->len++] = c;
}

/* Comma and key. False when key and value of up to `value_max` bytes do not surely fit: from then
 * on the line takes nothing more, so what stands in it is always its true beginning. */
static inline bool begin_value(struct json *j, struct span key, size_t value_max)
{
    size_t room = sizeof j->buf - RESERVE - j->len;
    if (j->truncated || key.n + value_max + 4 > room) {
        j->truncated = true;
        return false;
    }
    char *at = j->buf + j->len;
    if (j->comma)
        *at++ = ',';
    j->comma = true;
    if (key.p) {
        *at++ = '"';
        memcpy(at, key.p, key.n);
        memcpy(at + key.n, "\":", 2);
        at += key.n + 2;
    }
    j->len = (size_t)(at - j->buf);
    return true;
}

void json_begin(struct json *j)
{
    j->buf[0] = '{';
    j->len = 1;
    j->depth = 1;
    j->comma = false;
    j->truncated = false;
    j->shortened = false;
    j->dropped = 0;
    j->closers = 0;
}

static void close_level(struct json *j)
{
    j->depth--;
    put_char(j, j->closers >> j->depth & 1 ? ']' : '}');
    j->comma = true;
}

struct span json_end(struct json *j)
{
    while (j->depth > 1)
        close_level(j);
    if (j->truncated || j->shortened) {
        if (j->comma)
            put_char(j, ',');
        put(j, "\"truncated\":true", 16);
    }
    put(j, "}\n", 2);
    return span_of(j->buf, j->len);
}

void json_put_open(struct json *j, struct span key, bool array)
{
    if (j->depth == MAX_DEPTH)
        j->truncated = true;
    if (!begin_value(j, key, 1)) {
        j->dropped++;
        return;
    }
    uint64_t bit = 1ULL << j->depth;
    j->closers = array ? j->closers | bit : j->closers & ~bit;
    j->depth++;
    put_char(j, array ? '[' : '{');
    j->comma = false;
}

void json_close(struct json *j)
{
    if (j->dropped)
        j->dropped--;
    else if (j->depth > 1)
        close_level(j);
}

void json_shorten(struct json *j)
{
    j->shortened = true;
}

#define EACH(byte) (0x0101010101010101ULL * (byte))

/* Bit 7 of each byte below 0x80 that is not `c`. */
static inline uint64_t others(uint64_t eight, uint8_t c)
{
    return (eight ^ EACH(c)) + EACH(0x7F);
}

/* Whether eight bytes stand in a JSON string as they are, and none is `mark`: bit 7 is gathered of
 * bytes below 0x80 and from blank on that are neither DEL nor one of the three. */
static inline bool eight_plain(const uint8_t *p, uint8_t mark)
{
    uint64_t w;
    memcpy(&w, p, sizeof w);
    uint64_t good = ~(w | (w + EACH(0x01))) & (w + EACH(0x60)) & others(w, '"') & others(w, '\\') &
                    others(w, mark);
    return (good & EACH(0x80)) == EACH(0x80);
}

static inline bool is_plain(uint8_t c, uint8_t mark)
{
    return c >= 0x20 && c < 0x7F && c != '"' && c != '\\' && c != mark;
}

/* Length of the run at the start of `s` that needs no escape and has no `mark`. */
static inline size_t run_without(struct span s, uint8_t mark)
{
    size_t n = 0;
    while (s.n - n >= 8 && eight_plain(s.p + n, mark))
        n += 8;
    if (s.n >= 8 && s.n - n < 8 && eight_plain(s.p + s.n - 8, mark))
        return s.n;
    while (n < s.n && is_plain(s.p[n], mark))
        n++;
    return n;
}

static size_t plain_run(struct span s)
{
    return run_without(s, '"');
}

/* What is not printable should be escaped by now; what slipped through becomes \xHH here. */
static size_t put_special(struct json *j, struct span s)
{
    uint8_t c = s.p[0];
    size_t n = text_printable(s);
    if (c == '"' || c == '\\') {
        put_char(j, '\\');
        put_char(j, (char)c);
        return 1;
    }
    if (n) {
        put(j, (const char *)s.p, n);
        return n;
    }
    const char hex[5] = {'\\', '\\', 'x', HEX[c >> 4], HEX[c & 15]};
    put(j, hex, sizeof hex);
    return 1;
}

void json_put_str(struct json *j, struct span key, struct span s)
{
    /* Five bytes for one is the worst case: \\xHH. */
    if (s.n > sizeof j->buf || !begin_value(j, key, 5 * s.n + 2)) {
        j->truncated = true;
        return;
    }
    put_char(j, '"');
    while (s.n) {
        size_t run = plain_run(s);
        put(j, (const char *)s.p, run);
        s = span_from(s, run);
        if (s.n)
            s = span_from(s, put_special(j, s));
    }
    put_char(j, '"');
}

/* The same for a value that is known to need no escape. */
static inline void put_plain(struct json *j, struct span key, struct span s)
{
    if (!begin_value(j, key, s.n + 2))
        return;
    put_char(j, '"');
    put(j, (const char *)s.p, s.n);
    put_char(j, '"');
}

void json_put_word(struct json *j, struct span key, struct span value)
{
    put_plain(j, key, value);
}

void json_put_wire(struct json *j, struct span key, struct span value)
{
    char text[JSON_WIRE_TEXT + 1];
    if (value.n <= JSON_WIRE_TEXT && plain_run(value) == value.n) {
        put_plain(j, key, value);
        return;
    }
    size_t n = text_escape(text, sizeof text, value);
    json_put_str(j, key, span_of(text, n));
}

void json_put_masked(struct json *j, struct span key, struct span value)
{
    char text[JSON_WIRE_TEXT + 1];
    if (value.n <= JSON_WIRE_TEXT && run_without(value, '@') == value.n) {
        put_plain(j, key, value);
        return;
    }
    if (span_find(value, '@') == value.n) {
        json_put_wire(j, key, value);
        return;
    }
    size_t n = text_mask(text, sizeof text, value);
    json_put_str(j, key, span_of(text, n));
}

void json_put_uint(struct json *j, struct span key, uint64_t value)
{
    char text[TEXT_UINT];
    size_t n = text_uint(text, value);
    if (begin_value(j, key, n))
        put(j, text, n);
}

static uint64_t magnitude(int64_t value)
{
    return value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
}

void json_put_int(struct json *j, struct span key, int64_t value)
{
    char text[TEXT_UINT];
    size_t n = text_uint(text, magnitude(value));
    if (!begin_value(j, key, n + 1))
        return;
    if (value < 0)
        put_char(j, '-');
    put(j, text, n);
}

void json_put_bool(struct json *j, struct span key, bool value)
{
    if (begin_value(j, key, 5))
        put(j, value ? "true" : "false", value ? 4 : 5);
}

void json_put_null(struct json *j, struct span key)
{
    if (begin_value(j, key, 4))
        put(j, "null", 4);
}

void json_put_tenths(struct json *j, struct span key, int64_t tenths)
{
    char text[TEXT_UINT];
    uint64_t m = magnitude(tenths);
    size_t n = text_uint(text, m / 10);
    if (!begin_value(j, key, n + 3))
        return;
    if (tenths < 0)
        put_char(j, '-');
    put(j, text, n);
    put_char(j, '.');
    put_char(j, (char)('0' + m % 10));
}

void json_put_millionths(struct json *j, struct span key, uint32_t millionths)
{
    char text[TEXT_UINT];
    size_t n = text_uint(text, millionths / 1000000);
    if (!begin_value(j, key, n + 7))
        return;
    put(j, text, n);
    put_char(j, '.');
    for (uint32_t unit = 100000; unit > 0; unit /= 10)
        put_char(j, (char)('0' + millionths / unit % 10));
}

void json_put_time(struct json *j, struct span key, nstime t)
{
    char text[TEXT_TIME];
    put_plain(j, key, span_of(text, text_time(text, t)));
}
