/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line of EVE read back, as the spool keeps it: what renderers of other formats go by. Values are
 * asked for by their path ("alert.metadata.rule"). The line is ours, and is taken as if it were
 * not: it must be JSON of printable characters, and say what kind of line it is, and when.
 *
 *   eve_view_open()   then any of the others; eve_view_close() in any case
 *
 * Values point into the view and are valid until it is closed.
 */
#ifndef ALERT_EVE_VIEW_H
#define ALERT_EVE_VIEW_H

#include "base/span.h"
#include "rules/finding.h"

struct json_t; /* jansson's */

enum eve_view_type {
    EVE_VIEW_ALERT,
    EVE_VIEW_SMTP, /* the record of a session */
    EVE_VIEW_TLS,
    EVE_VIEW_STATS,
    EVE_VIEW_TYPE_COUNT
};

const char *eve_view_type_text(enum eve_view_type type);

struct eve_view {
    struct json_t *root;
    enum eve_view_type type;
    enum severity severity; /* of an alert; else SEVERITY_INFO */
    struct span rule;       /* of an alert: its primary rule; else empty */
};

enum eve_value_kind {
    EVE_VALUE_NONE, /* absent, or null */
    EVE_VALUE_TEXT,
    EVE_VALUE_INTEGER,
    EVE_VALUE_TENTHS, /* a number that is no integer, in tenths: ours have no more digits */
    EVE_VALUE_TRUTH,
    EVE_VALUE_LIST,
    EVE_VALUE_OBJECT,
    /* Never in a line, but made by renderers: */
    EVE_VALUE_ONE,   /* a list of one text */
    EVE_VALUE_WORDS, /* a list of words of ours, in `text` with commas between */
};

struct eve_value {
    enum eve_value_kind kind;
    struct span text;          /* TEXT, ONE, WORDS: UTF-8, and may hold anything that \u can say */
    int64_t number;            /* INTEGER, TENTHS */
    bool truth;                /* TRUTH */
    const struct json_t *node; /* LIST, OBJECT */
};

/* `line` with or without its LF. 0, or -1: it is no line of ours, or there is no memory. */
int eve_view_open(struct eve_view *v, struct span line);
void eve_view_close(struct eve_view *v);

/* The value at a path of keys with dots between. */
struct eve_value eve_view_get(const struct eve_view *v, const char *path);

/* Elements of a list; of any other kind there are none. */
size_t eve_view_count(struct eve_value list);
struct eve_value eve_view_item(struct eve_value list, size_t i);

/* Members of an object in the order of the line. */
typedef void eve_view_member_fn(void *user, struct span key, struct eve_value value);
void eve_view_each(struct eve_value object, eve_view_member_fn *fn, void *user);

/* Milliseconds since 1970 of a time as EVE writes it; false: it is none. */
bool eve_view_ms(struct span time, int64_t *ms);

#endif
