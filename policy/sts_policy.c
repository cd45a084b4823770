/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/sts_policy.h"

#include "policy/domain.h"
#include "policy/field.h"

#define DIGITS_MOST   10    /* of max_age */
#define MAX_AGE_SHORT 86400 /* a day */

static const char *const MODE_TEXT[] = {
    [STS_MODE_NONE] = "none",
    [STS_MODE_TESTING] = "testing",
    [STS_MODE_ENFORCE] = "enforce",
};
_Static_assert(sizeof(MODE_TEXT) / sizeof(MODE_TEXT[0]) == STS_MODE_COUNT, "a text for each mode");

const char *sts_mode_text(enum sts_mode m)
{
    return MODE_TEXT[m];
}

enum sts_mode sts_mode_read(struct span word)
{
    for (int m = STS_MODE_NONE; m < STS_MODE_COUNT; m++)
        if (span_eq(word, span_str(MODE_TEXT[m])))
            return (enum sts_mode)m;
    return STS_MODE_UNKNOWN;
}

/* Reading goes on behind a fault: what else is there is told as well. */
struct reader {
    struct sts_policy *out;
    unsigned line; /* counted from 1 */
    bool has_version, has_mode, has_age;
    bool lf, crlf; /* seen */
};

/* --- faults --- */

static void fault(struct reader *r, bool fatal, const char *what, struct span bytes)
{
    r->out->strict = false;
    if (fatal)
        r->out->usable = false;
    field_reason(r->out->reason, r->line, what, bytes);
}

/* Forgiven, but against the letter. */
static void slip(struct reader *r, enum lint lint, const char *what)
{
    fault(r, false, what, span_of(NULL, 0));
    r->out->lints |= lint_bit(lint);
}

static void remark(struct reader *r, enum lint lint)
{
    r->out->lints |= lint_bit(lint);
}

static void missing(struct sts_policy *p, const char *what)
{
    p->strict = p->usable = false;
    field_reason(p->reason, 0, what, span_of(NULL, 0));
}

/* --- bytes --- */

/* Bytes of the UTF-8 character at the beginning, or 0 (RFC 3629 section 4). */
static size_t utf8_length(struct span s)
{
    static const struct {
        uint8_t first, last, low, high, n; /* of the first byte; of the second; in all */
    } row[] = {{0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3},
               {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3},
               {0xEE, 0xEF, 0x80, 0xBF, 3}, {0xF0, 0xF0, 0x90, 0xBF, 4},
               {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4}};
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        if (s.p[0] < row[i].first || s.p[0] > row[i].last)
            continue;
        if (s.n < row[i].n || s.p[1] < row[i].low || s.p[1] > row[i].high)
            return 0;
        for (size_t k = 2; k < row[i].n; k++)
            if ((s.p[k] & 0xC0) != 0x80)
                return 0;
        return row[i].n;
    }
    return 0;
}

/* sts-policy-ext-value: visible ASCII, UTF-8 beyond it, and blanks inside; not empty. */
static bool value_valid(struct span value)
{
    if (value.n == 0)
        return false;
    while (value.n > 0) {
        size_t n = value.p[0] >= 0x20 && value.p[0] < 0x7F ? 1
                   : value.p[0] >= 0x80                    ? utf8_length(value)
                                                           : 0;
        if (n == 0)
            return false;
        value = span_from(value, n);
    }
    return true;
}

/* --- fields --- */

static void read_version(struct reader *r, struct span value)
{
    if (!span_eq(value, span_str("STSv1")))
        fault(r, true, "the version is not STSv1", value);
}

static void read_mode(struct reader *r, struct span value)
{
    r->out->mode = sts_mode_read(value);
    if (r->out->mode == STS_MODE_UNKNOWN)
        fault(r, true, "the mode is none of enforce, testing, none", value);
}

static void read_max_age(struct reader *r, struct span value)
{
    uint64_t age = 0;
    bool digits = value.n > 0 && value.n <= DIGITS_MOST;
    for (size_t i = 0; digits && i < value.n; i++) {
        digits = span_is_digit(value.p[i]);
        age = age * 10 + (uint64_t)(value.p[i] - '0');
    }
    if (!digits) {
        fault(r, true, "max_age is not one to ten digits", value);
        return;
    }
    if (age > STS_MAX_AGE_MOST) {
        fault(r, false, "max_age is above 31557600", value);
        remark(r, LINT_MAX_AGE_CLAMPED);
        age = STS_MAX_AGE_MOST;
    }
    if (age < MAX_AGE_SHORT)
        remark(r, LINT_MAX_AGE_SHORT);
    r->out->has_max_age = true;
    r->out->max_age = (uint32_t)age;
}

/* RFC 2606 and the words of templates. */
static bool placeholder(struct span host)
{
    static const char *const tail[] = {"example.com",    "example.net",     "example.org",
                                       "yourdomain.com", "your-domain.com", "domain.tld"};
    for (size_t i = 0; i < sizeof(tail) / sizeof(tail[0]); i++) {
        struct span t = span_str(tail[i]);
        if (host.n >= t.n && span_eq_nocase(span_from(host, host.n - t.n), t) &&
            (host.n == t.n || host.p[host.n - t.n - 1] == '.'))
            return true;
    }
    return false;
}

static void keep_mx(struct reader *r, struct span pattern)
{
    struct sts_policy *p = r->out;
    if (p->mx_count == CAP_STS_MX) {
        remark(r, LINT_TOO_MANY_MX);
        p->usable = false; /* a host that one of the others names would be called a stranger */
        return;
    }
    for (uint32_t i = 0; i < p->mx_count; i++)
        if (span_eq_nocase(p->mx[i], pattern))
            remark(r, LINT_DUPLICATE_MX);
    p->mx[p->mx_count++] = pattern;
}

static void read_mx(struct reader *r, struct span value)
{
    bool wildcard = value.n >= 2 && value.p[0] == '*' && value.p[1] == '.';
    struct span host = wildcard ? span_from(value, 2) : value;
    if (host.n > 1 && host.p[host.n - 1] == '.') {
        slip(r, LINT_TRAILING_DOT, "an mx ends with a dot");
        value.n--;
        host.n--;
    }
    if (!domain_valid(host)) {
        fault(r, true, "mx is no host name", value);
        return;
    }
    if (domain_numeric(host)) { /* fits RFC 5321's Domain; no host is called so */
        remark(r, LINT_NUMERIC_MX);
        r->out->usable = false;
    }
    if (placeholder(host))
        remark(r, LINT_PLACEHOLDER_MX);
    keep_mx(r, value);
}

static void read_extension(struct reader *r, struct span name, struct span value)
{
    if (!field_name_valid(name))
        fault(r, true, "no name of a field", name);
    else if (!value_valid(value))
        fault(r, true, "a field has no value, or bytes that no value has", name);
}

/* "any field other than mx ... all entries except for the first MUST be ignored". */
static bool first_time(struct reader *r, bool *seen)
{
    if (*seen)
        remark(r, LINT_DUPLICATE_FIELD);
    bool first = !*seen;
    *seen = true;
    return first;
}

static void read_field(struct reader *r, struct span name, struct span value)
{
    if (span_eq(name, span_str("version"))) {
        if (first_time(r, &r->has_version))
            read_version(r, value);
    } else if (span_eq(name, span_str("mode"))) {
        if (first_time(r, &r->has_mode))
            read_mode(r, value);
    } else if (span_eq(name, span_str("max_age"))) {
        if (first_time(r, &r->has_age))
            read_max_age(r, value);
    } else if (span_eq(name, span_str("mx"))) {
        read_mx(r, value);
    } else {
        read_extension(r, name, value);
    }
}

/* --- lines --- */

static void read_line(struct reader *r, struct span line)
{
    struct span text = field_trim_front(line);
    if (text.n == 0) {
        slip(r, LINT_BLANK_LINE, "a blank line");
        return;
    }
    if (text.n < line.n)
        slip(r, LINT_LEADING_SPACE, "blanks before a field's name");
    size_t colon = span_find(text, ':');
    if (colon == text.n) {
        fault(r, true, "no colon", text);
        return;
    }
    struct span name = field_trim_back(span_first(text, colon));
    if (name.n < colon)
        slip(r, LINT_SPACE_BEFORE_COLON, "blanks before a colon");
    struct span rest = field_trim_front(span_of(text.p + colon + 1, text.n - colon - 1));
    struct span value = field_trim_back(rest);
    if (value.n < rest.n)
        remark(r, LINT_TRAILING_SPACE);
    read_field(r, name, value);
}

/* The next line without its end, which is LF or CRLF; the last one may have none. */
static struct span next_line(struct reader *r, struct span *rest)
{
    size_t end = span_find(*rest, '\n');
    struct span line = span_first(*rest, end);
    bool ended = end < rest->n;
    *rest = span_from(*rest, end + 1);
    r->line++;
    if (!ended)
        return line;
    if (line.n > 0 && line.p[line.n - 1] == '\r') {
        line.n--;
        r->crlf = true;
    } else {
        r->lf = true;
    }
    return line;
}

static void check_whole(struct reader *r)
{
    struct sts_policy *p = r->out;
    if (r->lf && r->crlf)
        remark(r, LINT_MIXED_LINE_ENDS);
    if (!r->has_version)
        missing(p, "no version");
    if (!r->has_mode)
        missing(p, "no mode");
    if (!r->has_age)
        missing(p, "no max_age");
    if (p->mx_count == 0 && p->mode != STS_MODE_NONE)
        missing(p, "no mx, and the mode is not none");
    if (p->mx_count > 0 && p->mode == STS_MODE_NONE)
        remark(r, LINT_MX_WITH_NONE);
}

void sts_policy_read(struct span body, struct sts_policy *out)
{
    struct reader r = {.out = out};
    out->strict = out->usable = true;
    out->mode = STS_MODE_UNKNOWN;
    out->has_max_age = false;
    out->max_age = 0;
    out->mx_count = 0; /* those behind it are as large as pages: not cleared */
    out->lints = 0;
    out->reason[0] = '\0';
    if (body.n > CAP_STS_BODY) {
        missing(out, "more than 64 KiB");
        return;
    }
    if (body.n >= 3 && memcmp(body.p, "\xEF\xBB\xBF", 3) == 0) {
        r.line = 1;
        slip(&r, LINT_BYTE_ORDER_MARK, "a byte order mark");
        r.line = 0;
        body = span_from(body, 3);
    }
    while (body.n > 0)
        read_line(&r, next_line(&r, &body));
    check_whole(&r);
}
