/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "report/tlsrpt_records.h"

#define DAY 86400LL

/* Does nothing without memory; the document then misses a member, and *whole is false. */
struct maker {
    bool whole;
};

static void put(struct maker *k, json_t *object, const char *key, json_t *value)
{
    k->whole &= json_object_set_new(object, key, value) == 0;
}

static void put_text(struct maker *k, json_t *object, const char *key, const char *text)
{
    if (*text)
        put(k, object, key, json_string(text));
}

static void put_count(struct maker *k, json_t *object, const char *key, uint64_t n)
{
    put(k, object, key, json_integer((json_int_t)n));
}

static void put_host(struct maker *k, json_t *object, const char *key, const struct tlsrpt_host *h)
{
    char text[TEXT_IP];
    if (h->family == 0)
        return;
    text_ip(text, h->family, h->address);
    put_text(k, object, key, text);
}

/* RFC 3339, in UTC. */
static void put_time(struct maker *k, json_t *object, const char *key, int64_t second)
{
    char text[TEXT_TIME];
    text_time(text, clock_of(second, 0));
    snprintf(text + 19, sizeof(text) - 19, "Z");
    put_text(k, object, key, text);
}

/* Section 4.3 wants a URI here: one that has its text in itself (RFC 2397). */
static void put_additional(struct maker *k, json_t *object, const struct made_day *d)
{
    char uri[300];
    snprintf(uri, sizeof(uri),
             "data:,passive%%20observation%%20by%%20stripwatch%%3B%%20in%%20no%%20count%%3A%%20"
             "unknown%%20%" PRIu64 "%%2C%%20did%%20not%%20ask%%20%" PRIu64
             "%%2C%%20no%%20EHLO%%20%" PRIu64,
             d->beside[SIGHTING_UNKNOWN], d->beside[SIGHTING_UNASKED], d->beside[SIGHTING_NO_MAIL]);
    put_text(k, object, "additional-information", uri);
}

static json_t *failure(struct maker *k, const struct tlsrpt_made *m, const struct made_day *d,
                       const struct made_row *r)
{
    json_t *o = json_object();
    put_text(k, o, "result-type", tlsrpt_result_text((enum tlsrpt_result)r->result));
    put_host(k, o, "sending-mta-ip", &r->client);
    put_text(k, o, "receiving-mx-hostname", made_name(m, r->mx));
    put_text(k, o, "receiving-mx-helo", made_name(m, r->helo));
    put_host(k, o, "receiving-ip", &r->server);
    put_count(k, o, "failed-session-count", r->sessions);
    put_additional(k, o, d);
    put_text(k, o, "failure-reason-code", made_name(m, r->why));
    return o;
}

static bool is_of(const struct made_row *r, const struct made_day *d)
{
    return r->own == d->own && r->day == d->day;
}

/* The first row of a day or of a later one. */
static uint32_t first_row(const struct tlsrpt_made *m, const struct made_day *d)
{
    uint32_t low = 0, high = keyed_count(m->rows);
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        const struct made_row *r = keyed_at(m->rows, m->row_order[mid]);
        if (r->own < d->own || (r->own == d->own && r->day < d->day))
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static json_t *failures(struct maker *k, const struct tlsrpt_made *m, const struct made_day *d,
                        int type)
{
    json_t *list = json_array();
    for (uint32_t i = first_row(m, d); i < keyed_count(m->rows); i++) {
        const struct made_row *r = keyed_at(m->rows, m->row_order[i]);
        if (!is_of(r, d))
            break;
        if (r->type == type)
            k->whole &= json_array_append_new(list, failure(k, m, d, r)) == 0;
    }
    return list;
}

static json_t *policy(struct maker *k, const struct tlsrpt_made *m, const struct made_day *d,
                      int type, const char *domain)
{
    json_t *o = json_object(), *p = json_object(), *s = json_object();
    put_text(k, p, "policy-type", tlsrpt_type_text((enum tlsrpt_type)type));
    put_text(k, p, "policy-domain", domain);
    put_count(k, s, "total-successful-session-count", d->successes[type]);
    put_count(k, s, "total-failure-session-count", d->failures[type]);
    put(k, o, "policy", p);
    put(k, o, "summary", s);
    if (d->failures[type] > 0)
        put(k, o, "failure-details", failures(k, m, d, type));
    return o;
}

static json_t *policies(struct maker *k, const struct tlsrpt_made *m, const struct made_day *d,
                        const char *domain)
{
    json_t *list = json_array();
    for (int t = 0; t < TLSRPT_TYPE_COUNT; t++)
        if (d->successes[t] > 0 || d->failures[t] > 0)
            k->whole &= json_array_append_new(list, policy(k, m, d, t, domain)) == 0;
    return list;
}

static json_t *report(struct maker *k, const struct tlsrpt_made *m, const struct made_day *d)
{
    char domain[CAP_DOMAIN_TEXT + 1], contact[CAP_DOMAIN_TEXT + 16], id[CAP_DOMAIN_TEXT + 64];
    char day[TEXT_TIME];
    json_t *o = json_object(), *range = json_object();
    struct span name = m->own->name[d->own];
    snprintf(domain, sizeof(domain), "%.*s", (int)name.n, (const char *)name.p);
    snprintf(contact, sizeof(contact), "postmaster@%s", domain); /* RFC 5321 section 4.5.1 */
    text_time(day, clock_of(d->day * DAY, 0));
    snprintf(id, sizeof(id), "%.10s_%s_passive-observation", day, domain);
    put_text(k, o, "organization-name", "stripwatch (passive observation)");
    put_time(k, range, "start-datetime", d->day * DAY);
    put_time(k, range, "end-datetime", d->day * DAY + DAY - 1);
    put(k, o, "date-range", range);
    put_text(k, o, "contact-info", contact);
    put_text(k, o, "report-id", id);
    put(k, o, "policies", policies(k, m, d, domain));
    return o;
}

char *tlsrpt_made_json(const struct tlsrpt_made *m, size_t number)
{
    struct maker k = {.whole = true};
    json_t *root = report(&k, m, keyed_at(m->days, m->order[number]));
    char *text = k.whole ? json_dumps(root, JSON_COMPACT) : NULL;
    json_decref(root);
    return text;
}
