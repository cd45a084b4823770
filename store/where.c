/* SPDX-License-Identifier: Apache-2.0 */
#include "store/where.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/span.h"

#define DEFAULT_PORT   "6379"
#define DEFAULT_PREFIX "stripwatch:1:"

struct error {
    char *text; /* where it goes */
    size_t cap; /* bytes there */
};

static int fail(const struct error *e, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int fail(const struct error *e, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(e->text, e->cap, format, args);
    va_end(args);
    return -1;
}

static struct span before(struct span s, uint8_t c)
{
    return span_first(s, span_find(s, c));
}

static bool take_prefix(struct span *s, const char *prefix)
{
    if (!span_starts_nocase(*s, span_str(prefix)))
        return false;
    *s = span_from(*s, strlen(prefix));
    return true;
}

static int hex(uint8_t c)
{
    if (span_is_digit(c))
        return c - '0';
    c = span_upper(c);
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Percent-decoded (RFC 3986 section 2.1). `what` names it in an error, because the text may be a
 * secret. */
static int decode(char *to, size_t cap, struct span s, const char *what, const struct error *e)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        int c = s.p[i];
        if (c == '%') {
            int high = i + 2 < s.n ? hex(s.p[i + 1]) : -1;
            int low = high >= 0 ? hex(s.p[i + 2]) : -1;
            if (low < 0)
                return fail(e, "the %s has a %% without two hexadecimal digits", what);
            c = high * 16 + low;
            i += 2;
        }
        if (c < 0x20 || c == 0x7F)
            return fail(e, "the %s has a control character", what);
        if (n + 1 >= cap)
            return fail(e, "the %s is longer than %zu bytes", what, cap - 1);
        to[n++] = (char)c;
    }
    to[n] = '\0';
    return 0;
}

static int number(struct span s, unsigned long most, unsigned long *value)
{
    *value = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (!span_is_digit(s.p[i]) || i >= 6)
            return -1;
        *value = *value * 10 + (unsigned long)(s.p[i] - '0');
    }
    return s.n > 0 && *value <= most ? 0 : -1;
}

static int take_db(struct where *w, struct span s, const struct error *e)
{
    unsigned long value;

    if (number(s, 65535, &value) != 0)
        return fail(e, "the database is not a number from 0 to 65535");
    w->db = (unsigned)value;
    return 0;
}

/* The first line of the file, so that the password need not be on a command line. */
static int read_password(struct where *w, const char *path, const struct error *e)
{
    FILE *f = fopen(path, "re");
    size_t n;

    if (!f)
        return fail(e, "the password file cannot be read: %s", strerror(errno));
    n = fread(w->password, 1, sizeof(w->password) - 1, f);
    if (ferror(f)) {
        fclose(f);
        return fail(e, "the password file cannot be read: %s", strerror(EIO));
    }
    fclose(f);
    w->password[n] = '\0';
    w->password[strcspn(w->password, "\r\n")] = '\0';
    if (w->password[0] == '\0')
        return fail(e, "the password file has no password");
    if (strlen(w->password) == sizeof(w->password) - 1)
        return fail(e, "the password is longer than %zu bytes", sizeof(w->password) - 2);
    return 0;
}

static int take_prefix_option(struct where *w, struct span value, const struct error *e)
{
    if (decode(w->prefix, sizeof(w->prefix), value, "prefix", e) != 0)
        return -1;
    for (const char *c = w->prefix; *c; c++)
        if (*c <= ' ' || *c > '~')
            return fail(e, "the prefix is not printable ASCII without blanks");
    return 0;
}

static int take_option(struct where *w, struct span option, const struct error *e)
{
    struct span name = before(option, '='), value = span_from(option, name.n + 1);
    char path[WHERE_PATH];

    if (span_eq(name, span_str("prefix")))
        return take_prefix_option(w, value, e);
    if (span_eq(name, span_str("db")))
        return take_db(w, value, e);
    if (span_eq(name, span_str("user")))
        return decode(w->user, sizeof(w->user), value, "user", e);
    if (span_eq(name, span_str("password-file")))
        return decode(path, sizeof(path), value, "password file", e) != 0
                   ? -1
                   : read_password(w, path, e);
    return fail(e, "an option is none of prefix, db, user, password-file");
}

static int take_options(struct where *w, struct span s, const struct error *e)
{
    while (s.n > 0) {
        struct span option = before(s, '&');
        if (take_option(w, option, e) != 0)
            return -1;
        s = span_from(s, option.n + 1);
    }
    return 0;
}

/* user:password, and `at` them; s goes on behind it. */
static int take_user(struct where *w, struct span *s, const struct error *e)
{
    size_t end = span_find(*s, '@');
    struct span both = span_first(*s, end), user;

    if (end == s->n)
        return 0;
    user = before(both, ':');
    *s = span_from(*s, end + 1);
    if (decode(w->user, sizeof(w->user), user, "user", e) != 0)
        return -1;
    return decode(w->password, sizeof(w->password), span_from(both, user.n + 1), "password", e);
}

static int take_port(struct where *w, struct span s, const struct error *e)
{
    unsigned long value;

    if (number(s, 65535, &value) != 0 || value == 0)
        return fail(e, "the port is not a number from 1 to 65535");
    snprintf(w->port, sizeof(w->port), "%lu", value);
    return 0;
}

/* host, host:port, [address]:port */
static int take_host(struct where *w, struct span s, const struct error *e)
{
    struct span host = before(s, ':'), rest;

    if (s.n > 0 && s.p[0] == '[') {
        host = before(span_from(s, 1), ']');
        rest = span_from(s, host.n + 2);
        if (host.n + 1 >= s.n)
            return fail(e, "the address has no ]");
    } else {
        rest = span_from(s, host.n);
    }
    if (host.n == 0)
        return fail(e, "the address has no host");
    if (decode(w->host, sizeof(w->host), host, "host", e) != 0)
        return -1;
    for (const char *c = w->host; *c; c++)
        if (*c <= ' ' || *c > '~' || *c == '\\')
            return fail(e, "the host is neither a name nor an address");
    if (rest.n == 0)
        return 0;
    if (rest.p[0] != ':')
        return fail(e, "something other than a port follows the host");
    return take_port(w, span_from(rest, 1), e);
}

static int parse_redis(struct where *w, struct span s, const struct error *e)
{
    struct span main = before(s, '?'), authority;

    w->kind = WHERE_REDIS;
    if (take_user(w, &main, e) != 0)
        return -1;
    authority = before(main, '/');
    if (take_host(w, authority, e) != 0)
        return -1;
    main = span_from(main, authority.n + 1);
    if (main.n > 0 && take_db(w, main, e) != 0)
        return -1;
    return take_options(w, span_from(s, span_find(s, '?') + 1), e);
}

static int parse_unix(struct where *w, struct span s, const struct error *e)
{
    struct span main = before(s, '?');

    w->kind = WHERE_REDIS_UNIX;
    if (take_user(w, &main, e) != 0)
        return -1;
    if (main.n == 0 || main.p[0] != '/')
        return fail(e, "the path of the socket does not begin with /");
    if (decode(w->path, sizeof(w->path), main, "path of the socket", e) != 0)
        return -1;
    return take_options(w, span_from(s, span_find(s, '?') + 1), e);
}

static int parse_path(struct where *w, struct span s, const struct error *e)
{
    w->kind = WHERE_SQLITE;
    if (s.n == 0)
        return fail(e, "sqlite: is not followed by a path");
    if (s.n >= sizeof(w->path))
        return fail(e, "the path is longer than %zu bytes", sizeof(w->path) - 1);
    memcpy(w->path, s.p, s.n);
    return 0;
}

/* A scheme that we do not know would otherwise become a file of that name. */
static bool has_scheme(struct span s)
{
    size_t i = span_find(s, ':');
    return i > 0 && i + 2 < s.n && s.p[i + 1] == '/' && s.p[i + 2] == '/';
}

int where_parse(struct where *w, const char *text, char *why, size_t cap)
{
    const struct error e = {why, cap};
    struct span s = span_str(text);

    memset(w, 0, sizeof(*w));
    snprintf(w->port, sizeof(w->port), DEFAULT_PORT);
    snprintf(w->prefix, sizeof(w->prefix), DEFAULT_PREFIX);
    if (s.n == 0 || span_eq_nocase(s, span_str("memory:")))
        return 0;
    if (take_prefix(&s, "sqlite:"))
        return parse_path(w, s, &e);
    if (take_prefix(&s, "redis://"))
        return parse_redis(w, s, &e);
    if (take_prefix(&s, "redis+unix://"))
        return parse_unix(w, s, &e);
    if (take_prefix(&s, "rediss://"))
        return fail(&e, "TLS to Redis is not built in: use stunnel and redis://127.0.0.1, or a "
                        "unix socket (docs/redis.md)");
    if (has_scheme(s))
        return fail(&e, "it is none of memory:, sqlite:PATH, redis://HOST, redis+unix:///PATH");
    return parse_path(w, s, &e);
}

void where_name(const struct where *w, char name[STORE_NAME])
{
    const char *open = strchr(w->host, ':') ? "[" : "", *close = *open ? "]" : "";

    switch (w->kind) {
    case WHERE_SQLITE:
        snprintf(name, STORE_NAME, "%s", w->path);
        break;
    case WHERE_REDIS:
        snprintf(name, STORE_NAME, "redis://%s%s%s:%s/%u", open, w->host, close, w->port, w->db);
        break;
    case WHERE_REDIS_UNIX:
        snprintf(name, STORE_NAME, "redis+unix://%s?db=%u", w->path, w->db);
        break;
    case WHERE_MEMORY:
    default:
        snprintf(name, STORE_NAME, "memory");
        break;
    }
}
