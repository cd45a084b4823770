/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/eve_view.h"

#include <jansson.h>

#include "base/text.h"

#define TIME_LENGTH (TEXT_TIME - 1)

static const char *const TYPE[] = {
    [EVE_VIEW_ALERT] = "alert",
    [EVE_VIEW_SMTP] = "smtp",
    [EVE_VIEW_TLS] = "tls",
    [EVE_VIEW_STATS] = "stats",
};
_Static_assert(sizeof(TYPE) / sizeof(TYPE[0]) == EVE_VIEW_TYPE_COUNT, "a text each");

const char *eve_view_type_text(enum eve_view_type type)
{
    return TYPE[type];
}

/* --- values --- */

static int64_t tenths_of(double real)
{
    double tenths = real * 10 + (real < 0 ? -0.5 : 0.5);
    return tenths > -9e15 && tenths < 9e15 ? (int64_t)tenths : 0;
}

static struct eve_value value_of(const json_t *node)
{
    struct eve_value v = {.kind = EVE_VALUE_NONE, .node = node};
    if (json_is_string(node)) {
        v.kind = EVE_VALUE_TEXT;
        v.text = span_of(json_string_value(node), json_string_length(node));
    } else if (json_is_integer(node)) {
        v.kind = EVE_VALUE_INTEGER;
        v.number = json_integer_value(node);
    } else if (json_is_real(node)) {
        v.kind = EVE_VALUE_TENTHS;
        v.number = tenths_of(json_real_value(node));
    } else if (json_is_boolean(node)) {
        v.kind = EVE_VALUE_TRUTH;
        v.truth = json_is_true(node);
    } else if (json_is_array(node)) {
        v.kind = EVE_VALUE_LIST;
    } else if (json_is_object(node)) {
        v.kind = EVE_VALUE_OBJECT;
    }
    return v;
}

struct eve_value eve_view_get(const struct eve_view *v, const char *path)
{
    const json_t *at = v->root;
    for (struct span rest = span_str(path); at && rest.n > 0;) {
        size_t n = span_find(rest, '.');
        at = json_object_getn(at, (const char *)rest.p, n);
        rest = span_from(rest, n + 1);
    }
    return value_of(at);
}

size_t eve_view_count(struct eve_value list)
{
    return list.kind == EVE_VALUE_LIST ? json_array_size(list.node) : 0;
}

struct eve_value eve_view_item(struct eve_value list, size_t i)
{
    return value_of(i < eve_view_count(list) ? json_array_get(list.node, i) : NULL);
}

void eve_view_each(struct eve_value object, eve_view_member_fn *fn, void *user)
{
    json_t *node =
        (json_t *)object.node; /* jansson's iterators are not const; nothing is written */
    if (object.kind != EVE_VALUE_OBJECT)
        return;
    for (void *i = json_object_iter(node); i; i = json_object_iter_next(node, i))
        fn(user, span_of(json_object_iter_key(i), json_object_iter_key_len(i)),
           value_of(json_object_iter_value(i)));
}

/* --- time --- */

static bool two_digits(struct span s, size_t at, int most, int *out)
{
    if (!span_is_digit(s.p[at]) || !span_is_digit(s.p[at + 1]))
        return false;
    *out = (s.p[at] - '0') * 10 + (s.p[at + 1] - '0');
    return *out <= most;
}

static bool has_form(struct span time)
{
    static const char form[] = "0000-00-00T00:00:00.000000+0000";
    _Static_assert(sizeof(form) - 1 == TIME_LENGTH, "the form of text_time()");
    for (size_t i = 0; i < TIME_LENGTH; i++) {
        bool digit = form[i] == '0' && i < 26;
        if (digit ? !span_is_digit(time.p[i]) : time.p[i] != (uint8_t)form[i])
            return false;
    }
    return true;
}

static int64_t leap_days_before(int year)
{
    int y = year - 1;
    return y / 4 - y / 100 + y / 400;
}

static int64_t days_since_1970(int year, int month, int day)
{
    static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return (int64_t)(year - 1970) * 365 + leap_days_before(year) - leap_days_before(1970) +
           before[month - 1] + (leap && month > 2) + day - 1;
}

bool eve_view_ms(struct span time, int64_t *ms)
{
    int century, year, month, day, hour, minute, second, hundredth, third;
    if (time.n != TIME_LENGTH || !has_form(time))
        return false;
    bool good = two_digits(time, 0, 99, &century) && two_digits(time, 2, 99, &year) &&
                two_digits(time, 5, 12, &month) && two_digits(time, 8, 31, &day) &&
                two_digits(time, 11, 23, &hour) && two_digits(time, 14, 59, &minute) &&
                two_digits(time, 17, 59, &second) && two_digits(time, 20, 99, &hundredth);
    year = good ? century * 100 + year : 0;
    if (!good || year == 0 || month == 0 || day == 0)
        return false;
    third = time.p[22] - '0';
    *ms = ((days_since_1970(year, month, day) * 24 + hour) * 60 + minute) * 60000LL +
          second * 1000LL + hundredth * 10 + third;
    return true;
}

/* --- the line --- */

static bool is_printable(struct span s)
{
    for (size_t n; s.n > 0; s = span_from(s, n))
        if ((n = text_printable(s)) == 0)
            return false;
    return true;
}

static bool read_type(struct eve_view *v)
{
    struct eve_value type = eve_view_get(v, "event_type");
    for (int i = 0; i < EVE_VIEW_TYPE_COUNT; i++) {
        if (type.kind == EVE_VALUE_TEXT && span_eq(type.text, span_str(TYPE[i]))) {
            v->type = (enum eve_view_type)i;
            return true;
        }
    }
    return false;
}

static bool read_severity(struct eve_view *v)
{
    struct eve_value text = eve_view_item(eve_view_get(v, "alert.metadata.severity"), 0);
    for (int i = SEVERITY_LOW; i < SEVERITY_COUNT; i++) {
        if (text.kind == EVE_VALUE_TEXT &&
            span_eq(text.text, span_str(severity_text((enum severity)i)))) {
            v->severity = (enum severity)i;
            return true;
        }
    }
    return false;
}

static bool read_alert(struct eve_view *v)
{
    struct eve_value rule = eve_view_item(eve_view_get(v, "alert.metadata.rule"), 0);
    v->rule = rule.text;
    return rule.kind == EVE_VALUE_TEXT && rule.text.n > 0 && read_severity(v) &&
           eve_view_get(v, "alert.signature").kind == EVE_VALUE_TEXT &&
           eve_view_get(v, "alert.signature_id").kind == EVE_VALUE_INTEGER;
}

int eve_view_open(struct eve_view *v, struct span line)
{
    json_error_t error;
    int64_t ms;
    *v = (struct eve_view){.severity = SEVERITY_INFO};
    if (line.n > 0 && line.p[line.n - 1] == '\n')
        line.n--;
    if (!is_printable(line))
        return -1;
    v->root = json_loadb((const char *)line.p, line.n, JSON_ALLOW_NUL, &error);
    if (!v->root || !read_type(v))
        return -1;
    struct eve_value time = eve_view_get(v, "timestamp");
    if (time.kind != EVE_VALUE_TEXT || !eve_view_ms(time.text, &ms))
        return -1;
    return v->type != EVE_VIEW_ALERT || read_alert(v) ? 0 : -1;
}

void eve_view_close(struct eve_view *v)
{
    json_decref(v->root);
    v->root = NULL;
}
