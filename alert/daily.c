/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/daily.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/json.h"
#include "base/text.h"

enum { DAY = 86400 };

static const char MAGIC[] = "stripwatch-daily 1";

int64_t daily_day(nstime time)
{
    int64_t s = clock_second(time);

    return s / DAY - (s % DAY < 0);
}

static struct daily_rule *find(struct daily *d, const char *name)
{
    for (size_t i = 0; i < d->rules; i++)
        if (strcmp(d->rule[i].name, name) == 0)
            return &d->rule[i];
    if (d->rules == CAP_DAILY_RULES || !name[0] || strlen(name) >= sizeof(d->rule[0].name))
        return NULL;
    snprintf(d->rule[d->rules].name, sizeof(d->rule[0].name), "%s", name);
    d->rule[d->rules].alerts = 0;
    return &d->rule[d->rules++];
}

bool daily_add(struct daily *d, uint64_t seq, nstime time, const char *rule)
{
    int64_t day = daily_day(time);
    struct daily_rule *r;

    if (seq <= d->upto)
        return false;
    d->from = d->alerts == 0 ? day : d->from;
    d->to = d->alerts == 0 || day > d->to ? day : d->to;
    d->upto = seq;
    d->alerts++;
    r = find(d, rule);
    if (r)
        r->alerts++;
    else
        d->unlisted++;
    return true;
}

bool daily_is_due(const struct daily *d, nstime now)
{
    return d->alerts > 0 && daily_day(now) > d->from;
}

static void put_day(struct json *j, const char *key, int64_t day)
{
    char text[TEXT_SECONDS] = "";

    if (text_seconds(text, day * DAY)) {
        text[10] = '\0';
        json_str(j, key, text);
    }
}

size_t daily_line(const struct daily *d, nstime now, const char *sensor, char *to, size_t room)
{
    static struct json j; /* feeds have one thread, and a line of 64 KiB no place on the stack */
    struct span line;

    json_begin(&j);
    json_time(&j, "timestamp", now);
    json_str(&j, "event_type", "stats");
    if (sensor && sensor[0])
        json_wire(&j, "host", span_str(sensor));
    json_object(&j, "stats");
    json_object(&j, "stripwatch");
    json_object(&j, "low_alerts");
    put_day(&j, "from", d->from);
    put_day(&j, "to", d->to);
    json_uint(&j, "alerts", d->alerts);
    json_object(&j, "rules");
    for (size_t i = 0; i < d->rules; i++)
        json_uint(&j, d->rule[i].name, d->rule[i].alerts);
    json_close(&j);
    if (d->unlisted > 0)
        json_uint(&j, "unlisted", d->unlisted);
    line = json_end(&j);
    if (line.n - 1 > room)
        return 0;
    memcpy(to, line.p, line.n - 1);
    return line.n - 1;
}

void daily_next(struct daily *d)
{
    *d = (struct daily){.upto = d->upto};
}

size_t daily_save(const struct daily *d, char to[DAILY_TEXT])
{
    int n = snprintf(to, DAILY_TEXT, "%s %" PRId64 " %" PRId64 " %" PRIu64 " %" PRIu64 "\n", MAGIC,
                     d->from, d->to, d->upto, d->unlisted);

    for (size_t i = 0; i < d->rules; i++)
        n += snprintf(to + n, DAILY_TEXT - (size_t)n, "%s %" PRIu64 "\n", d->rule[i].name,
                      d->rule[i].alerts);
    return (size_t)n;
}

/* --- reading it back --- */

static bool take_word(struct span *s, uint8_t end, char *to, size_t room)
{
    size_t n = span_find(*s, end);

    if (n == 0 || n >= s->n || n >= room)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!span_is_alpha(s->p[i]) && !span_is_digit(s->p[i]) && s->p[i] != '-')
            return false;
    memcpy(to, s->p, n);
    to[n] = '\0';
    *s = span_from(*s, n + 1);
    return true;
}

/* Numbers that leave room for adding to them. */
static bool take_number(struct span *s, uint8_t end, uint64_t *value)
{
    char text[TEXT_UINT];

    if (!take_word(s, end, text, sizeof(text) - 2))
        return false;
    *value = 0;
    for (const char *p = text; *p; p++) {
        if (!span_is_digit((uint8_t)*p))
            return false;
        *value = *value * 10 + (uint64_t)(*p - '0');
    }
    return true;
}

static bool take_rule(struct daily *d, struct span *s)
{
    char name[sizeof(d->rule[0].name)];
    struct daily_rule *r;
    uint64_t alerts;

    if (d->rules == CAP_DAILY_RULES || !take_word(s, ' ', name, sizeof(name)) ||
        !take_number(s, '\n', &alerts) || alerts == 0)
        return false;
    r = find(d, name);
    if (!r || r->alerts > 0)
        return false;
    r->alerts = alerts;
    return !__builtin_add_overflow(d->alerts, alerts, &d->alerts);
}

bool daily_load(struct daily *d, struct span text)
{
    struct span s = span_from(text, sizeof(MAGIC));
    uint64_t from, to;

    *d = (struct daily){0};
    if (text.n < sizeof(MAGIC) || memcmp(text.p, MAGIC, sizeof(MAGIC) - 1) != 0 ||
        !take_number(&s, ' ', &from) || !take_number(&s, ' ', &to) ||
        !take_number(&s, ' ', &d->upto) || !take_number(&s, '\n', &d->unlisted))
        goto none;
    d->from = (int64_t)from;
    d->to = (int64_t)to;
    d->alerts = d->unlisted;
    while (s.n > 0)
        if (!take_rule(d, &s))
            goto none;
    if (d->from <= d->to && d->to < INT64_MAX / DAY)
        return true;
none:
    *d = (struct daily){0};
    return false;
}
