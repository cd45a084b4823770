/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/format_nest.h"

enum {
    STEPS = 8,  /* of a path of ours */
    DEPTH = 12, /* of what is copied as it is: ours has 4 */
    KEY = 64    /* bytes of a key that is copied */
};

struct path {
    struct span step[STEPS]; /* a key, or "[0]" */
    size_t n;
};

struct nest {
    struct json *out;
    struct path open; /* the objects and lists that are open */
};

static struct path path_of(const char *text)
{
    struct path p = {.n = 0};
    for (struct span rest = span_str(text); rest.n > 0 && p.n < STEPS;) {
        size_t dot = span_find(rest, '.'), bracket = span_find(rest, '[');
        size_t end = bracket > 0 && bracket < dot ? bracket : dot;
        p.step[p.n++] = span_first(rest, end);
        rest = span_from(rest, end == dot ? end + 1 : end);
    }
    return p;
}

static bool is_element(struct span step)
{
    return step.p[0] == '[';
}

static struct span key_of(struct span step)
{
    return is_element(step) ? span_of(NULL, 0) : step;
}

/* Closes what the path does not lie in, and opens what it does. */
static void nest_go(struct nest *n, const struct path *to)
{
    size_t parents = to->n - 1, shared = 0;
    while (shared < n->open.n && shared < parents &&
           span_eq(n->open.step[shared], to->step[shared]))
        shared++;
    for (; n->open.n > shared; n->open.n--)
        json_close(n->out);
    for (size_t i = shared; i < parents; i++) {
        json_put_open(n->out, key_of(to->step[i]), is_element(to->step[i + 1]));
        n->open.step[n->open.n++] = to->step[i];
    }
}

/* --- values --- */

static void put_value(struct json *out, struct span key, struct eve_value v, unsigned depth);

static void put_words(struct json *out, struct span key, struct span words)
{
    json_put_open(out, key, true);
    while (words.n > 0) {
        size_t n = span_find(words, ',');
        json_put_str(out, span_of(NULL, 0), span_first(words, n));
        words = span_from(words, n + 1);
    }
    json_close(out);
}

static void put_list(struct json *out, struct span key, struct eve_value list, unsigned depth)
{
    json_put_open(out, key, true);
    for (size_t i = 0; i < eve_view_count(list); i++)
        put_value(out, span_of(NULL, 0), eve_view_item(list, i), depth + 1);
    json_close(out);
}

struct copying {
    struct json *out;
    unsigned depth;
};

/* Keys are written as they are: only what could be one of ours. */
static bool is_key(struct span key)
{
    for (size_t i = 0; i < key.n; i++)
        if (!span_is_alpha(key.p[i]) && !span_is_digit(key.p[i]) && key.p[i] != '_' &&
            key.p[i] != '-')
            return false;
    return key.n > 0 && key.n <= KEY;
}

/* eve_view_member_fn */
static void put_member(void *user, struct span key, struct eve_value v)
{
    struct copying *c = user;
    if (is_key(key))
        put_value(c->out, key, v, c->depth);
}

static void put_object(struct json *out, struct span key, struct eve_value object, unsigned depth)
{
    struct copying c = {out, depth + 1};
    json_put_open(out, key, false);
    eve_view_each(object, put_member, &c);
    json_close(out);
}

static void put_value(struct json *out, struct span key, struct eve_value v, unsigned depth)
{
    if (depth > DEPTH) {
        json_shorten(out);
        return;
    }
    switch (v.kind) {
    case EVE_VALUE_NONE:
        return;
    case EVE_VALUE_TEXT:
        json_put_str(out, key, v.text);
        return;
    case EVE_VALUE_INTEGER:
        json_put_int(out, key, v.number);
        return;
    case EVE_VALUE_TENTHS:
        json_put_tenths(out, key, v.number);
        return;
    case EVE_VALUE_TRUTH:
        json_put_bool(out, key, v.truth);
        return;
    case EVE_VALUE_LIST:
        put_list(out, key, v, depth);
        return;
    case EVE_VALUE_OBJECT:
        put_object(out, key, v, depth);
        return;
    case EVE_VALUE_ONE:
        json_put_open(out, key, true);
        json_put_str(out, span_of(NULL, 0), v.text);
        json_close(out);
        return;
    case EVE_VALUE_WORDS:
        put_words(out, key, v.text);
        return;
    }
}

struct span format_nest_line(struct json *out, const struct eve_view *v, enum format format,
                             const struct format_row *row, size_t rows)
{
    struct nest n = {.out = out};
    struct format_how h = {.view = v, .format = format};
    json_begin(out);
    for (size_t i = 0; i < rows; i++) {
        struct eve_value value;
        h.constant = row[i].constant;
        if (!row[i].how(&h, row[i].from, &value))
            continue;
        struct path to = path_of(row[i].to);
        nest_go(&n, &to);
        put_value(out, to.step[to.n - 1], value, 0);
    }
    return json_end(out);
}
