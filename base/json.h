/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A JSON writer: append only, fixed key order, no allocation per value. Any byte in, valid UTF-8
 * JSON out. One writer holds one line at a time: json_begin() starts it, json_end() closes it with
 * a line feed, and the text is then in buf[0..len). A line that would pass CAP_JSON_LINE is closed
 * early as valid JSON with "truncated":true in its outermost object.
 *
 * Keys are ours and never from the wire: they are written as they are.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/caps.h"
#include "base/clock.h"
#include "base/span.h"

#define JSON_WIRE_TEXT 256 /* a field from the wire is cut here: enough to know it again */

struct json {
    char buf[CAP_JSON_LINE];
    size_t len;       /* bytes written */
    uint8_t depth;    /* open objects and arrays */
    bool comma;       /* the next value needs a comma before it */
    bool truncated;   /* the cap was hit; later values are dropped */
    bool shortened;   /* json_shorten() was called */
    uint32_t dropped; /* objects and arrays opened since, their closing still to come */
    uint64_t closers; /* one bit a level: 1 array, 0 object */
};

void json_begin(struct json *j);      /* opens the outermost object */
struct span json_end(struct json *j); /* closes it; the line with its LF */
void json_close(struct json *j);      /* closes the innermost object or array */

/* What json_KIND() below calls: a key whose length is known, at compile time for a literal. */
void json_put_open(struct json *j, struct span key, bool array);
void json_put_str(struct json *j, struct span key, struct span value);
void json_put_word(struct json *j, struct span key, struct span value);
void json_put_wire(struct json *j, struct span key, struct span value);
void json_put_masked(struct json *j, struct span key, struct span value);
void json_put_uint(struct json *j, struct span key, uint64_t value);
void json_put_int(struct json *j, struct span key, int64_t value);
void json_put_bool(struct json *j, struct span key, bool value);
void json_put_null(struct json *j, struct span key);
void json_put_tenths(struct json *j, struct span key, int64_t tenths);
void json_put_millionths(struct json *j, struct span key, uint32_t millionths);
void json_put_time(struct json *j, struct span key, nstime t);

/* The key of every kind of value: NULL inside an array. */
static inline struct span json_key(const char *key)
{
    return key ? span_str(key) : span_of(NULL, 0);
}

static inline void json_object(struct json *j, const char *key)
{
    json_put_open(j, json_key(key), false);
}

static inline void json_array(struct json *j, const char *key)
{
    json_put_open(j, json_key(key), true);
}

/* UTF-8 text, already escaped. */
static inline void json_str(struct json *j, const char *key, const char *value)
{
    json_put_str(j, json_key(key), span_str(value));
}

/* Text that is our own and holds printable ASCII but no quote and no backslash: names out of our
 * tables, addresses, digests. It is written unread. */
static inline void json_word(struct json *j, const char *key, const char *value)
{
    json_put_word(j, json_key(key), span_str(value));
}

/* text_escape()d. */
static inline void json_wire(struct json *j, const char *key, struct span value)
{
    json_put_wire(j, json_key(key), value);
}

/* text_mask()ed. */
static inline void json_masked(struct json *j, const char *key, struct span value)
{
    json_put_masked(j, json_key(key), value);
}

static inline void json_uint(struct json *j, const char *key, uint64_t value)
{
    json_put_uint(j, json_key(key), value);
}

static inline void json_int(struct json *j, const char *key, int64_t value)
{
    json_put_int(j, json_key(key), value);
}

static inline void json_bool(struct json *j, const char *key, bool value)
{
    json_put_bool(j, json_key(key), value);
}

/* Not in EVE lines, where what is unknown is left out. */
static inline void json_null(struct json *j, const char *key)
{
    json_put_null(j, json_key(key));
}

/* 118 -> 11.8 */
static inline void json_tenths(struct json *j, const char *key, int64_t tenths)
{
    json_put_tenths(j, json_key(key), tenths);
}

/* 25000 -> 0.025000 */
static inline void json_millionths(struct json *j, const char *key, uint32_t millionths)
{
    json_put_millionths(j, json_key(key), millionths);
}

/* ...T..:..:...uuuuuu+0000 */
static inline void json_time(struct json *j, const char *key, nstime t)
{
    json_put_time(j, json_key(key), t);
}

/* Says "truncated":true in a line whose writer left a list short by itself; writing goes on. */
void json_shorten(struct json *j);

#endif
