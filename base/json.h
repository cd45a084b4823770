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

void json_begin(struct json *j);                   /* opens the outermost object */
struct span json_end(struct json *j);              /* closes it; the line with its LF */
void json_object(struct json *j, const char *key); /* key NULL inside an array */
void json_array(struct json *j, const char *key);
void json_close(struct json *j); /* closes the innermost object or array */
void json_str(struct json *j, const char *key, const char *value); /* UTF-8 text, already escaped */
void json_wire(struct json *j, const char *key, struct span value);   /* text_escape()d */
void json_masked(struct json *j, const char *key, struct span value); /* text_mask()ed */
void json_uint(struct json *j, const char *key, uint64_t value);
void json_int(struct json *j, const char *key, int64_t value);
void json_bool(struct json *j, const char *key, bool value);
void json_tenths(struct json *j, const char *key, int64_t tenths); /* 118 -> 11.8 */
void json_time(struct json *j, const char *key, nstime t);         /* ...T..:..:...uuuuuu+0000 */

/* Says "truncated":true in a line whose writer left a list short by itself; writing goes on. */
void json_shorten(struct json *j);

#endif
