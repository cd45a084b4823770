/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_json.h"

#include <jansson.h>
#include <stdio.h>
#include <time.h>

#include "base/text.h"
#include "policy/sts_txt.h"

#define SECONDS_MAX 9223372035 /* what nanoseconds in 64 bits can hold */

/* --- times --- */

/* `n` digits at *at, which moves on. */
static bool digits(const char **at, int n, int *out)
{
    *out = 0;
    for (int i = 0; i < n; i++, (*at)++) {
        if (**at < '0' || **at > '9')
            return false;
        *out = *out * 10 + (**at - '0');
    }
    return true;
}

static bool literal(const char **at, char c)
{
    if (**at != c)
        return false;
    (*at)++;
    return true;
}

/* The fraction of a second, of which nanoseconds are kept. */
static bool fraction(const char **at, int64_t *ns)
{
    int64_t unit = NS_PER_S / 10;
    *ns = 0;
    if (!literal(at, '.'))
        return true;
    if (**at < '0' || **at > '9')
        return false;
    for (; **at >= '0' && **at <= '9'; (*at)++, unit /= 10)
        *ns += unit * (**at - '0');
    return true;
}

static bool offset(const char **at, int64_t *seconds)
{
    int sign = **at == '-' ? -1 : 1, hours, minutes;
    *seconds = 0;
    if (literal(at, 'Z') || literal(at, 'z'))
        return **at == '\0';
    if (!literal(at, '+') && !literal(at, '-'))
        return false;
    if (!digits(at, 2, &hours) || !literal(at, ':') || !digits(at, 2, &minutes))
        return false;
    *seconds = sign * (hours * 3600 + minutes * 60);
    return **at == '\0' && hours < 24 && minutes < 60;
}

static bool date_and_time(const char **at, struct tm *tm)
{
    bool ok = digits(at, 4, &tm->tm_year) && literal(at, '-') && digits(at, 2, &tm->tm_mon) &&
              literal(at, '-') && digits(at, 2, &tm->tm_mday) &&
              (literal(at, 'T') || literal(at, 't') || literal(at, ' ')) &&
              digits(at, 2, &tm->tm_hour) && literal(at, ':') && digits(at, 2, &tm->tm_min) &&
              literal(at, ':') && digits(at, 2, &tm->tm_sec);
    tm->tm_year -= 1900;
    tm->tm_mon -= 1;
    return ok && tm->tm_year >= 0 && tm->tm_mon >= 0 && tm->tm_mon < 12 && tm->tm_mday > 0 &&
           tm->tm_mday < 32 && tm->tm_hour < 24 && tm->tm_min < 60 && tm->tm_sec < 61;
}

static bool rfc3339(const char *text, nstime *out)
{
    struct tm tm = {0};
    int64_t ns, off;
    if (!date_and_time(&text, &tm) || !fraction(&text, &ns) || !offset(&text, &off))
        return false;
    int64_t seconds = (int64_t)timegm(&tm) - off;
    if (seconds > SECONDS_MAX || seconds < -SECONDS_MAX)
        return false;
    *out = seconds * NS_PER_S + ns;
    return true;
}

bool policy_json_time(struct span text, nstime *out)
{
    char copy[64];
    int64_t seconds = 0;
    size_t i = 0;
    if (text.n == 0 || text.n >= sizeof(copy))
        return false;
    for (; i < text.n && span_is_digit(text.p[i]) && seconds <= SECONDS_MAX; i++)
        seconds = seconds * 10 + (text.p[i] - '0');
    if (i == text.n && seconds <= SECONDS_MAX) {
        *out = seconds * NS_PER_S;
        return true;
    }
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    return strlen(copy) == text.n && rfc3339(copy, out);
}

/* --- reading --- */

static int refuse(char why[POLICY_JSON_WHY], const char *what, struct span bytes)
{
    char shown[64];
    text_escape(shown, sizeof(shown), bytes);
    snprintf(why, POLICY_JSON_WHY, bytes.n ? "%s: '%s'" : "%s%s", what, shown);
    return -1;
}

static struct span string_of(const json_t *object, const char *key)
{
    const json_t *v = json_object_get(object, key);
    return json_is_string(v) ? span_of(json_string_value(v), json_string_length(v))
                             : span_of(NULL, 0);
}

/* Of a time that is not there `out` is left as it is. */
static bool read_time(const json_t *object, const char *key, nstime *out)
{
    const json_t *v = json_object_get(object, key);
    if (!v)
        return true;
    if (json_is_integer(v)) {
        json_int_t seconds = json_integer_value(v);
        *out = (nstime)seconds * (seconds < 0 || seconds > SECONDS_MAX ? 0 : NS_PER_S);
        return seconds >= 0 && seconds <= SECONDS_MAX;
    }
    return policy_json_time(string_of(object, key), out);
}

static int read_object(const json_t *object, struct policy_json *out, char why[POLICY_JSON_WHY])
{
    struct span domain = string_of(object, "domain"), id = string_of(object, "id");
    struct span body = string_of(object, "body");
    if (!domain_read(domain, &out->domain))
        return refuse(why, "\"domain\" is no domain name", domain);
    if (json_object_get(object, "id") && !sts_txt_id_valid(id))
        return refuse(why, "\"id\" is not 1 to 32 letters or digits", id);
    out->fetched = INT64_MIN;
    if (!read_time(object, "fetched", &out->fetched))
        return refuse(why, "\"fetched\" is no time", string_of(object, "fetched"));
    if (!read_time(object, "since", &out->since) || out->since < 0 ||
        (out->since > 0 && out->since > out->fetched))
        return refuse(why, "\"since\" is no time before \"fetched\"", string_of(object, "since"));
    if (!json_is_string(json_object_get(object, "body")))
        return refuse(why, "there is no \"body\"", span_of(NULL, 0));
    if (id.n > 0)
        memcpy(out->id, id.p, id.n);
    out->body = malloc(body.n + 1);
    if (!out->body)
        return refuse(why, "out of memory", span_of(NULL, 0));
    memcpy(out->body, body.p, body.n);
    out->body[body.n] = '\0';
    out->body_n = body.n;
    return 0;
}

int policy_json_read(struct span line, struct policy_json *out, char why[POLICY_JSON_WHY])
{
    json_error_t error;
    *out = (struct policy_json){0};
    json_t *object = json_loadb((const char *)line.p, line.n, JSON_REJECT_DUPLICATES, &error);
    int rc;
    if (!object)
        return refuse(why, "no JSON", span_str(error.text));
    if (json_is_object(object))
        rc = read_object(object, out, why);
    else
        rc = refuse(why, "no JSON object", span_of(NULL, 0));
    json_decref(object);
    return rc;
}

void policy_json_fini(struct policy_json *p)
{
    free(p->body);
    p->body = NULL;
}

/* --- writing --- */

static bool put_time(json_t *object, const char *key, nstime t)
{
    char when[TEXT_TIME];
    text_time(when, t);
    memcpy(when + strlen(when) - strlen("+0000"), "Z", 2);
    return !json_object_set_new(object, key, json_string(when));
}

char *policy_json_text(const struct policy_json *p)
{
    char *text = NULL;
    json_t *object = json_object();
    bool ok = object && !json_object_set_new(object, "domain", json_string(p->domain.text));
    if (p->fetched != INT64_MIN)
        ok = ok && put_time(object, "fetched", p->fetched);
    if (p->since != 0)
        ok = ok && put_time(object, "since", p->since);
    if (p->id[0])
        ok = ok && !json_object_set_new(object, "id", json_string(p->id));
    ok = ok && !json_object_set_new(object, "body", json_stringn(p->body, p->body_n));
    if (ok)
        text = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    return text;
}
