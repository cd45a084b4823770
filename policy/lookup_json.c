/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/lookup_json.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "policy/policy_json.h"
#include "policy/sts_policy.h"
#include "policy/sts_txt.h"

#define STATUS_LEAST 100 /* of HTTP: three digits (RFC 9110 section 15) */
#define STATUS_MOST  599
#define TTL_MOST     INT32_MAX /* RFC 2181 section 8 */
#define SHA256_BYTES 32
#define SHA512_BYTES 64

/* One reading; what is wrong is said once. */
struct reader {
    char *why;
};

__attribute__((format(printf, 2, 3))) static bool refuse(struct reader *r, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(r->why, LOOKUP_JSON_WHY, format, args);
    va_end(args);
    return false;
}

/* A member that is known; NULL ends the list. */
struct known {
    const char *key;
    json_type type;
    bool needed;
};

static bool has_type(const json_t *v, json_type type)
{
    return type == JSON_TRUE ? json_is_boolean(v) : json_typeof(v) == type;
}

/* The members are those that are known, each of its type, and none that is needed is missing. */
static bool check_members(struct reader *r, const json_t *object, const struct known *list)
{
    size_t found = 0;
    for (const struct known *k = list; k->key; k++) {
        const json_t *v = json_object_get(object, k->key);
        found += v != NULL;
        if (!v && k->needed)
            return refuse(r, "there is no \"%s\"", k->key);
        if (v && !has_type(v, k->type))
            return refuse(r, "\"%s\" is of the wrong type", k->key);
    }
    return found == json_object_size(object) || refuse(r, "there is a member that is unknown");
}

/* Its text; empty if it is not there. */
static struct span text_of(const json_t *object, const char *key)
{
    const json_t *v = json_object_get(object, key);
    return v ? span_of(json_string_value(v), json_string_length(v)) : span_of("", 0);
}

static bool read_number(struct reader *r, const json_t *object, const char *key, json_int_t least,
                        json_int_t most, json_int_t *out)
{
    const json_t *v = json_object_get(object, key);
    *out = json_integer_value(v);
    return !v || (*out >= least && *out <= most) || refuse(r, "\"%s\" is out of range", key);
}

static bool read_domain(struct reader *r, const json_t *object, const char *key, struct domain *out)
{
    return !json_object_get(object, key) || domain_read(text_of(object, key), out) ||
           refuse(r, "\"%s\" is no domain name", key);
}

static bool read_printable(struct reader *r, const json_t *object, const char *key, char *out,
                           size_t cap)
{
    struct span text = text_of(object, key);
    if (text.n >= cap)
        return refuse(r, "\"%s\" is too long", key);
    for (size_t i = 0, n; i < text.n; i += n)
        if ((n = text_printable(span_from(text, i))) == 0)
            return refuse(r, "\"%s\" cannot be printed", key);
    memcpy(out, text.p, text.n);
    out[text.n] = '\0';
    return true;
}

static bool read_security(struct reader *r, const json_t *object, const char *key,
                          enum lookup_security *out)
{
    struct span text = text_of(object, key);
    for (int s = 0; s < LOOKUP_SECURITY_COUNT; s++) {
        *out = (enum lookup_security)s;
        if (span_eq(text, span_str(lookup_security_text(*out))))
            return true;
    }
    *out = LOOKUP_INSECURE;
    return !json_object_get(object, key) || refuse(r, "\"%s\" is no state of DNSSEC", key);
}

/* --- mail exchangers --- */

static int nibble(char c)
{
    static const char HEX[] = "0123456789abcdef";
    const char *at = c ? strchr(HEX, c) : NULL;
    return at ? (int)(at - HEX) : -1;
}

static bool read_hex(const char *text, struct route_tlsa *out)
{
    size_t n = strlen(text);
    if (n != (out->matching == TLSA_SHA512 ? SHA512_BYTES : SHA256_BYTES) * 2)
        return false;
    for (size_t i = 0; i < n; i += 2) {
        int high = nibble(text[i]), low = nibble(text[i + 1]);
        if (high < 0 || low < 0)
            return false;
        out->data[i / 2] = (uint8_t)(high * 16 + low);
    }
    out->n = (uint8_t)(n / 2);
    return true;
}

/* "3 1 1 2fa4…", usable, one blank between the parts. */
static bool read_record(const char *text, struct route_tlsa *out)
{
    *out = (struct route_tlsa){0};
    for (int i = 0; i < 3; i++) /* one digit and one blank, three times */
        if (text[2 * i] < '0' || text[2 * i] > '3' || text[2 * i + 1] != ' ')
            return false;
    out->usage = (uint8_t)(text[0] - '0');
    out->selector = (uint8_t)(text[2] - '0');
    out->matching = (uint8_t)(text[4] - '0');
    return out->usage >= TLSA_DANE_TA && out->selector <= TLSA_SPKI &&
           out->matching <= TLSA_SHA512 && read_hex(text + 6, out);
}

static bool read_records(struct reader *r, const json_t *list, struct lookup_mx *out)
{
    if (json_array_size(list) > CAP_ROUTES_TLSA)
        return refuse(r, "there are too many \"records\"");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (!text || !read_record(text, &out->record[out->records++]))
            return refuse(r, "one of \"records\" is no TLSA record that can be used");
    }
    return true;
}

static bool read_addresses(struct reader *r, const json_t *list, struct lookup_mx *out)
{
    if (json_array_size(list) > CAP_LOOKUP_ADDRESSES)
        return refuse(r, "there are too many addresses");
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct lookup_address *to = &out->at[out->addresses++];
        const char *text = json_string_value(json_array_get(list, i));
        to->family = text && strchr(text, ':') ? 6 : 4;
        if (!text || inet_pton(to->family == 6 ? AF_INET6 : AF_INET, text, to->bytes) != 1)
            return refuse(r, "one of \"at\" is no address");
    }
    return true;
}

static bool read_host(struct reader *r, const json_t *object, struct lookup_mx *out)
{
    static const struct known list[] = {
        {"host", JSON_STRING, true},
        {"preference", JSON_INTEGER, true},
        {"address", JSON_STRING, true},
        {"tlsa", JSON_STRING, true},
        {"alias", JSON_TRUE, false},
        {"base", JSON_STRING, false},
        {"records", JSON_ARRAY, false},
        {"unusable", JSON_TRUE, false},
        {"ttl", JSON_INTEGER, false},
        {"at", JSON_ARRAY, false},
        {"records_left_out", JSON_INTEGER, false},
        {"at_left_out", JSON_INTEGER, false},
        {NULL, JSON_NULL, false},
    };
    json_int_t preference, ttl, records, addresses;
    *out = (struct lookup_mx){0};
    if (!json_is_object(object))
        return refuse(r, "one of \"hosts\" is no object");
    if (!check_members(r, object, list) || !read_domain(r, object, "host", &out->host) ||
        !read_number(r, object, "preference", 0, UINT16_MAX, &preference) ||
        !read_security(r, object, "address", &out->address) ||
        !read_security(r, object, "tlsa", &out->tlsa) ||
        !read_domain(r, object, "base", &out->base) ||
        !read_number(r, object, "ttl", 0, TTL_MOST, &ttl) ||
        !read_number(r, object, "records_left_out", 1, UINT16_MAX, &records) ||
        !read_number(r, object, "at_left_out", 1, UINT16_MAX, &addresses) ||
        !read_records(r, json_object_get(object, "records"), out) ||
        !read_addresses(r, json_object_get(object, "at"), out))
        return false;
    out->preference = (uint16_t)preference;
    out->ttl = (uint32_t)ttl;
    out->records_left_out = (uint16_t)records;
    out->addresses_left_out = (uint16_t)addresses;
    out->alias = json_is_true(json_object_get(object, "alias"));
    out->has_tlsa = out->records > 0 || json_is_true(json_object_get(object, "unusable"));
    return true;
}

static bool read_exchangers(struct reader *r, const json_t *object, struct lookup *out)
{
    static const struct known list[] = {
        {"dnssec", JSON_STRING, true}, {"expansion", JSON_STRING, false},
        {"hosts", JSON_ARRAY, true},   {"left_out", JSON_INTEGER, false},
        {NULL, JSON_NULL, false},
    };
    const json_t *hosts = json_object_get(object, "hosts");
    json_int_t left_out;
    if (!object)
        return true;
    out->asked_mx = true;
    if (!check_members(r, object, list) || !read_security(r, object, "dnssec", &out->mx) ||
        !read_domain(r, object, "expansion", &out->expansion) ||
        !read_number(r, object, "left_out", 1, UINT16_MAX, &left_out))
        return false;
    out->items_left_out = (uint16_t)left_out;
    if (json_array_size(hosts) > CAP_LOOKUP_MX)
        return refuse(r, "there are too many \"hosts\"");
    for (size_t i = 0; i < json_array_size(hosts); i++)
        if (!read_host(r, json_array_get(hosts, i), &out->item[out->items++]))
            return false;
    return true;
}

/* --- reports --- */

static bool read_reports(struct reader *r, const json_t *object, struct lookup *out)
{
    static const struct known list[] = {
        {"dnssec", JSON_STRING, true},
        {"count", JSON_INTEGER, true},
        {"text", JSON_STRING, false},
        {NULL, JSON_NULL, false},
    };
    json_int_t count;
    if (!object)
        return true;
    if (!check_members(r, object, list) || !read_security(r, object, "dnssec", &out->reports) ||
        !read_number(r, object, "count", 0, UINT8_MAX, &count) ||
        !read_printable(r, object, "text", out->report, sizeof(out->report)))
        return false;
    out->asked_reports = true;
    out->report_records = (uint8_t)count;
    return true;
}

/* --- the policy --- */

static bool read_sts(struct reader *r, const json_t *object, enum lookup_sts *out)
{
    struct span text = text_of(object, "sts");
    for (int s = 0; s < LOOKUP_STS_COUNT; s++) {
        *out = (enum lookup_sts)s;
        if (span_eq(text, span_str(lookup_sts_text(*out))))
            return true;
    }
    *out = LOOKUP_STS_UNASKED;
    return refuse(r, "\"sts\" is none of the words for it");
}

static bool read_id(struct reader *r, const json_t *object, char out[CAP_STS_ID + 1])
{
    struct span id = text_of(object, "id");
    if (!json_object_get(object, "id"))
        return true;
    if (!sts_txt_id_valid(id))
        return refuse(r, "\"id\" is not 1 to 32 letters or digits");
    memcpy(out, id.p, id.n);
    return true;
}

static bool is_usable(const struct lookup *l)
{
    struct sts_policy *p = malloc(sizeof(*p));
    bool usable = false;
    if (p) {
        sts_policy_read(span_of(l->body, l->body_n), p);
        usable = p->usable;
    }
    free(p);
    return usable;
}

static bool read_body(struct reader *r, const json_t *object, struct lookup *out)
{
    struct span body = text_of(object, "body");
    bool there = json_object_get(object, "body") != NULL;
    if (!there)
        return out->sts != LOOKUP_STS_POLICY || refuse(r, "there is no \"body\"");
    if (out->sts != LOOKUP_STS_POLICY && out->sts != LOOKUP_STS_INVALID)
        return refuse(r, "there is a \"body\", and no policy came");
    if (body.n > CAP_STS_BODY)
        return refuse(r, "\"body\" is too long");
    out->body = malloc(body.n + 1);
    if (!out->body)
        return refuse(r, "out of memory");
    memcpy(out->body, body.p, body.n);
    out->body[body.n] = '\0';
    out->body_n = body.n;
    return out->sts != LOOKUP_STS_POLICY || is_usable(out) ||
           refuse(r, "\"body\" is no policy that can be used");
}

static bool read_object(struct reader *r, const json_t *object, struct lookup *out)
{
    static const struct known list[] = {
        {"domain", JSON_STRING, true},   {"checked", JSON_STRING, true},
        {"sts", JSON_STRING, true},      {"record", JSON_STRING, false},
        {"id", JSON_STRING, false},      {"body", JSON_STRING, false},
        {"issuer", JSON_STRING, false},  {"why", JSON_STRING, false},
        {"status", JSON_INTEGER, false}, {"mx", JSON_OBJECT, false},
        {"plain", JSON_TRUE, false},     {"type", JSON_STRING, false},
        {"reports", JSON_OBJECT, false}, {NULL, JSON_NULL, false},
    };
    json_int_t status;
    if (!json_is_object(object))
        return refuse(r, "no JSON object");
    if (!check_members(r, object, list) || !read_domain(r, object, "domain", &out->domain) ||
        !read_sts(r, object, &out->sts) || !read_security(r, object, "record", &out->record) ||
        !read_id(r, object, out->id) ||
        !read_number(r, object, "status", STATUS_LEAST, STATUS_MOST, &status) ||
        !read_printable(r, object, "issuer", out->issuer, sizeof(out->issuer)) ||
        !read_printable(r, object, "why", out->why, sizeof(out->why)) ||
        !read_printable(r, object, "type", out->type, sizeof(out->type)) ||
        !read_body(r, object, out) || !read_reports(r, json_object_get(object, "reports"), out))
        return false;
    out->status = (int)status;
    out->plain = json_is_true(json_object_get(object, "plain"));
    if (!policy_json_time(text_of(object, "checked"), &out->time))
        return refuse(r, "\"checked\" is no time");
    if (out->sts == LOOKUP_STS_SAME && !out->id[0])
        return refuse(r, "there is no \"id\" that is the same");
    return read_exchangers(r, json_object_get(object, "mx"), out);
}

/* Inside of a text the quotes would have backslashes before them. */
bool lookup_json_is(struct span line)
{
    static const char KEY[] = "\"checked\"";
    const size_t n = sizeof(KEY) - 1;
    for (size_t i = span_find(line, '"'); i + n < line.n; i++) {
        if (memcmp(line.p + i, KEY, n) != 0)
            continue;
        i += n;
        while (i < line.n && (line.p[i] == ' ' || line.p[i] == '\t'))
            i++;
        if (i < line.n && line.p[i] == ':')
            return true;
    }
    return false;
}

int lookup_json_read(struct span line, struct lookup *out, char why[LOOKUP_JSON_WHY])
{
    struct reader r = {why};
    json_error_t error;
    json_t *object = NULL;
    bool good = false;
    *out = (struct lookup){0};
    if (line.n > CAP_LOOKUP_LINE)
        refuse(&r, "the line is too long");
    else if (!(object = json_loadb((const char *)line.p, line.n, JSON_REJECT_DUPLICATES, &error)))
        refuse(&r, "no JSON");
    else
        good = read_object(&r, object, out);
    json_decref(object);
    return good ? 0 : -1;
}

/* --- writing --- */

static bool put_text(json_t *object, const char *key, const char *text)
{
    return !text[0] || !json_object_set_new(object, key, json_string(text));
}

static bool put_number(json_t *object, const char *key, json_int_t n)
{
    return !json_object_set_new(object, key, json_integer(n));
}

static bool put_left_out(json_t *object, const char *key, uint16_t n)
{
    return n == 0 || put_number(object, key, n);
}

static bool put_record(json_t *list, const struct route_tlsa *t)
{
    char text[8 + 2 * sizeof(t->data)];
    int at = snprintf(text, sizeof(text), "%u %u %u ", t->usage, t->selector, t->matching);
    for (uint8_t i = 0; i < t->n; i++)
        at += snprintf(text + at, sizeof(text) - (size_t)at, "%02x", t->data[i]);
    return !json_array_append_new(list, json_string(text));
}

static bool put_records(json_t *object, const struct lookup_mx *m)
{
    json_t *list = json_array();
    bool ok = list != NULL;
    for (uint8_t i = 0; ok && i < m->records; i++)
        ok = put_record(list, &m->record[i]);
    ok &= !json_object_set_new(object, "records", list);
    if (m->has_tlsa && m->records == 0)
        ok &= !json_object_set_new(object, "unusable", json_true());
    return ok;
}

static bool put_addresses(json_t *object, const struct lookup_mx *m)
{
    char text[TEXT_IP];
    json_t *list = json_array();
    bool ok = list != NULL;
    for (uint8_t i = 0; ok && i < m->addresses; i++) {
        text_ip(text, m->at[i].family, m->at[i].bytes);
        ok = !json_array_append_new(list, json_string(text));
    }
    return !json_object_set_new(object, "at", list) && ok;
}

static bool put_host(json_t *list, const struct lookup_mx *m)
{
    json_t *object = json_object();
    bool ok = object && put_text(object, "host", m->host.text) &&
              put_number(object, "preference", m->preference) &&
              put_text(object, "address", lookup_security_text(m->address)) &&
              (!m->alias || !json_object_set_new(object, "alias", json_true())) &&
              put_text(object, "base", m->base.text) &&
              put_text(object, "tlsa", lookup_security_text(m->tlsa)) && put_records(object, m) &&
              put_number(object, "ttl", m->ttl < TTL_MOST ? m->ttl : TTL_MOST) &&
              put_left_out(object, "records_left_out", m->records_left_out) &&
              put_addresses(object, m) &&
              put_left_out(object, "at_left_out", m->addresses_left_out);
    return !json_array_append_new(list, object) && ok;
}

static bool put_exchangers(json_t *object, const struct lookup *l)
{
    json_t *mx = json_object(), *hosts = json_array();
    bool ok = mx && hosts && put_text(mx, "dnssec", lookup_security_text(l->mx)) &&
              put_text(mx, "expansion", l->expansion.text);
    for (uint8_t i = 0; ok && i < l->items; i++)
        ok = put_host(hosts, &l->item[i]);
    ok = ok && put_left_out(mx, "left_out", l->items_left_out);
    ok &= !json_object_set_new(mx, "hosts", hosts);
    return !json_object_set_new(object, "mx", mx) && ok;
}

/* What is no policy may be any bytes; of those that JSON has no text for there is none. */
static bool put_body(json_t *object, const struct lookup *l)
{
    bool text = l->body && !memchr(l->body, '\0', l->body_n);
    json_t *body = text ? json_stringn(l->body, l->body_n) : NULL;
    if (!body)
        return l->sts != LOOKUP_STS_POLICY;
    return !json_object_set_new(object, "body", body);
}

/* What a stranger wrote into a record need not be text. */
static bool put_reports(json_t *object, const struct lookup *l)
{
    char text[sizeof(l->report)];
    json_t *reports = json_object();
    text_escape(text, sizeof(text), span_str(l->report));
    bool ok = reports && put_text(reports, "dnssec", lookup_security_text(l->reports)) &&
              put_number(reports, "count", l->report_records) && put_text(reports, "text", text);
    return !json_object_set_new(object, "reports", reports) && ok;
}

static bool put_all(json_t *object, const struct lookup *l)
{
    char when[TEXT_TIME];
    text_time(when, l->time);
    memcpy(when + strlen(when) - strlen("+0000"), "Z", 2);
    return put_text(object, "domain", l->domain.text) && put_text(object, "checked", when) &&
           put_text(object, "sts", lookup_sts_text(l->sts)) &&
           put_text(object, "record", lookup_security_text(l->record)) &&
           put_text(object, "id", l->id) && put_body(object, l) &&
           (l->status == 0 || put_number(object, "status", l->status)) &&
           put_text(object, "issuer", l->issuer) && put_text(object, "why", l->why) &&
           put_text(object, "type", l->type) &&
           (!l->plain || !json_object_set_new(object, "plain", json_true())) &&
           (!l->asked_reports || put_reports(object, l)) &&
           (!l->asked_mx || put_exchangers(object, l));
}

char *lookup_json_text(const struct lookup *l)
{
    json_t *object = json_object();
    char *text = object && put_all(object, l) ? json_dumps(object, JSON_COMPACT) : NULL;
    json_decref(object);
    return text;
}
