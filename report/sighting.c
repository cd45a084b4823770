/* SPDX-License-Identifier: Apache-2.0 */
#include "report/sighting.h"

#include <jansson.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/text.h"
#include "report/event_field.h"

static enum sighting_kind broken(char why[SIGHTING_WHY], const char *what, struct span bytes)
{
    char shown[64];
    text_escape(shown, sizeof(shown), bytes);
    snprintf(why, SIGHTING_WHY, bytes.n ? "%s: '%s'" : "%s%s", what, shown);
    return SIGHTING_BROKEN;
}

static bool says(const json_t *object, const char *key, const char *word)
{
    return span_eq(event_member(object, key), span_str(word));
}

/* --- whose mail --- */

static size_t own_domain(const struct sighting_own *own, struct span name)
{
    size_t i = 0;
    if (name.n > 0 && name.p[name.n - 1] == '.')
        name.n--;
    while (i < own->count && !span_eq_nocase(name, own->name[i]))
        i++;
    return i;
}

static void read_recipients(const json_t *list, const struct sighting_own *own,
                            struct sighting *out)
{
    size_t i;
    json_t *name;
    json_array_foreach(list, i, name)
    {
        size_t at = own_domain(own, event_text(name));
        out->named = true;
        if (at < own->count)
            out->to[at / 64] |= 1ull << (at % 64);
    }
}

static void read_policy(const json_t *policy, const struct sighting_own *own, struct sighting *out)
{
    out->policy = TLSRPT_TYPE_NONE;
    out->policy_of = own_domain(own, event_member(policy, "domain"));
    if (out->policy_of == own->count)
        return;
    if (says(policy, "source", "mta-sts"))
        out->policy = TLSRPT_TYPE_STS;
    else if (says(policy, "source", "dane"))
        out->policy = TLSRPT_TYPE_TLSA;
    out->broken = out->policy != TLSRPT_TYPE_NONE && says(policy, "verdict", "violated");
}

/* A host as peers name it, an address literal (RFC 5321 section 4.1.3) among them; else empty. */
static void keep_host(char *dst, size_t cap, struct span name)
{
    for (size_t i = 0; i < name.n; i++)
        if (!span_is_alpha(name.p[i]) && !span_is_digit(name.p[i]) && !strchr("-._[:]", name.p[i]))
            return;
    event_tame(dst, cap, name);
}

/* The host in "220 mx1.example.test ESMTP" (RFC 5321 section 4.2). */
static void read_helo(struct span banner, struct sighting *out)
{
    struct span rest = span_from(banner, sizeof("220 ") - 1);
    keep_host(out->helo, sizeof(out->helo), span_first(rest, span_find(rest, ' ')));
}

/* Above info; `rule` NULL: of any rule. */
static bool has_finding(const json_t *list, const char *rule)
{
    size_t i;
    json_t *f;
    json_array_foreach(list, i, f)
    {
        if ((!rule || says(f, "rule", rule)) && !says(f, "severity", "info"))
            return true;
    }
    return false;
}

/* --- how it fared --- */

static void fail(struct sighting *out, enum tlsrpt_result result, const char *why)
{
    out->outcome = SIGHTING_FAILURE;
    out->result = result;
    snprintf(out->why, sizeof(out->why), "%s", why);
}

/* Offered and asked for; `whole`: nothing is missing between. */
static void read_upgrade(const json_t *t, bool whole, struct sighting *out)
{
    const json_t *code = json_object_get(t, "reply_code");
    json_int_t n = json_integer_value(code);
    if (json_is_integer(code) && n != 220) {
        char said[40];
        snprintf(said, sizeof(said), "reply %d to STARTTLS", (int)(n > 0 && n < 1000 ? n : 0));
        fail(out, TLSRPT_STARTTLS_NOT_SUPPORTED, said);
        out->offered = false;
    } else if (whole && n == 220 &&
               (says(t, "handshake", "aborted") || says(t, "handshake", "cleartext"))) {
        char stage[32], said[80];
        event_tame(stage, sizeof(stage), event_member(t, "stage"));
        snprintf(said, sizeof(said), "handshake %s after %s",
                 says(t, "handshake", "aborted") ? "aborted" : "answered in clear",
                 *stage ? stage : "STARTTLS");
        fail(out, TLSRPT_VALIDATION_FAILURE, said);
    } else {
        out->outcome = SIGHTING_UNKNOWN;
    }
}

/* The reply to EHLO is whole. */
static void read_decision(const json_t *t, bool whole, struct sighting *out)
{
    const json_t *asked = json_object_get(t, "asked");
    if (says(t, "offered", "no"))
        fail(out, TLSRPT_STARTTLS_NOT_SUPPORTED, "no STARTTLS in the reply to EHLO");
    else if (says(t, "offered", "garbled"))
        fail(out, TLSRPT_STARTTLS_NOT_SUPPORTED, "something else stands where STARTTLS stood");
    else if (says(t, "offered", "conflicting"))
        fail(out, TLSRPT_STARTTLS_NOT_SUPPORTED, "two copies of the reply to EHLO differ");
    else if (!says(t, "offered", "yes"))
        out->outcome = SIGHTING_UNKNOWN;
    else if (json_is_true(asked))
        read_upgrade(t, whole, out);
    else
        out->outcome = json_is_false(asked) ? SIGHTING_UNASKED : SIGHTING_UNKNOWN;
}

static void read_outcome(const json_t *t, struct sighting *out)
{
    bool one_sided = says(t, "visibility", "client") || says(t, "visibility", "server");
    bool whole = says(t, "visibility", "both");
    out->offered = says(t, "offered", "yes");
    if (one_sided)
        out->outcome = SIGHTING_UNKNOWN;
    else if (says(t, "verdict", "encrypted") && says(t, "handshake", "complete"))
        out->outcome = SIGHTING_SUCCESS;
    else if (says(t, "ehlo", "complete"))
        read_decision(t, whole, out);
    else
        out->outcome = whole && says(t, "ehlo", "none") ? SIGHTING_NO_MAIL : SIGHTING_UNKNOWN;
}

static bool read_starttls(const json_t *t, const struct sighting_own *own, struct sighting *out)
{
    const json_t *clear = json_object_get(t, "clear");
    if (event_member(t, "offered").n == 0 || event_member(t, "visibility").n == 0)
        return false;
    out->implicit = json_is_true(json_object_get(t, "implicit"));
    out->clear = json_integer_value(json_object_get(clear, "mails")) > 0;
    read_outcome(t, out);
    read_recipients(json_object_get(clear, "rcpt_domains"), own, out);
    read_policy(json_object_get(t, "policy"), own, out);
    out->certificate = has_finding(json_object_get(t, "findings"), "sts-certificate-invalid");
    out->ordinary = !has_finding(json_object_get(t, "findings"), NULL);
    read_helo(event_member(t, "banner"), out);
    return true;
}

/* --- the handshake --- */

static enum tlsrpt_result doubt_of(const json_t *certificate)
{
    if (says(certificate, "dates", "expired") || says(certificate, "dates", "not-yet-valid"))
        return TLSRPT_CERTIFICATE_EXPIRED; /* section 4.3.1 has no word for the latter */
    if (says(certificate, "trust", "untrusted") || says(certificate, "trust", "self-signed") ||
        says(certificate, "trust", "invalid"))
        return TLSRPT_CERTIFICATE_NOT_TRUSTED;
    return TLSRPT_RESULT_COUNT;
}

static void read_alerts(const json_t *list, struct sighting_peer *out)
{
    size_t i;
    json_t *alert;
    json_array_foreach(list, i, alert)
    {
        json_int_t n = json_integer_value(json_object_get(alert, "description"));
        uint8_t code = n > 0 && n <= UINT8_MAX ? (uint8_t)n : 0;
        if (says(alert, "direction", "to_server"))
            out->alert = code;
        else
            out->server_alert = code;
    }
}

static void read_handshake(const json_t *root, const json_t *t, struct sighting_peer *out)
{
    *out = (struct sighting_peer){.doubt = doubt_of(json_object_get(t, "peer_certificate"))};
    keep_host(out->sni, sizeof(out->sni), event_member(json_object_get(root, "tls"), "sni"));
    read_alerts(json_object_get(t, "alerts"), out);
}

/* RFC 8446 section 6.2: what a client says of a certificate that it does not take. */
static enum tlsrpt_result result_of(uint8_t alert)
{
    switch (alert) {
    case 44: /* certificate_revoked */
    case 48: /* unknown_ca */
        return TLSRPT_CERTIFICATE_NOT_TRUSTED;
    case 45: /* certificate_expired */
        return TLSRPT_CERTIFICATE_EXPIRED;
    default:
        return TLSRPT_VALIDATION_FAILURE;
    }
}

static void add_alert(struct sighting *s, const char *whose, uint8_t alert)
{
    size_t n = strlen(s->why);
    if (alert)
        snprintf(s->why + n, sizeof(s->why) - n, ", TLS alert %u by the %s", alert, whose);
}

void sighting_join(struct sighting *s, const struct sighting_peer *peer)
{
    if (peer)
        s->peer = *peer;
    if (s->outcome == SIGHTING_FAILURE && peer && s->result == TLSRPT_VALIDATION_FAILURE) {
        s->result = result_of(peer->alert);
        add_alert(s, "client", peer->alert);
        add_alert(s, "server", peer->server_alert);
    } else if (s->outcome == SIGHTING_SUCCESS && s->broken) {
        if (s->policy == TLSRPT_TYPE_TLSA)
            fail(s, TLSRPT_TLSA_INVALID, "TLS carried data, and no TLSA record matches");
        else if (s->certificate && peer && peer->doubt != TLSRPT_RESULT_COUNT)
            fail(s, peer->doubt, "TLS carried data all the same");
        else if (s->certificate)
            fail(s, TLSRPT_CERTIFICATE_HOST_MISMATCH, "TLS carried data all the same");
        else
            fail(s, TLSRPT_VALIDATION_FAILURE, "TLS carried data, and the policy was not kept");
    }
}

/* --- the line --- */

static bool read_endpoints(const json_t *root, struct sighting *out, char why[SIGHTING_WHY])
{
    const json_t *port = json_object_get(root, "dest_port");
    json_int_t n = json_integer_value(port);
    if (!tlsrpt_host_read(event_member(root, "src_ip"), &out->client))
        broken(why, "src_ip is no address", event_member(root, "src_ip"));
    else if (!tlsrpt_host_read(event_member(root, "dest_ip"), &out->server))
        broken(why, "dest_ip is no address", event_member(root, "dest_ip"));
    else if (!json_is_integer(port) || n < 0 || n > UINT16_MAX)
        broken(why, "dest_port is no port", span_of(NULL, 0));
    out->port = (uint16_t)n;
    return why[0] == '\0';
}

static bool read_moment(const json_t *root, struct sighting *out, char why[SIGHTING_WHY])
{
    bool zoned;
    json_int_t flow = json_integer_value(json_object_get(root, "flow_id"));
    out->flow_id = (uint64_t)flow;
    if (event_time(event_member(root, "timestamp"), &out->second, &zoned) && zoned &&
        out->second >= -CLOCK_PACKET_S && out->second <= CLOCK_PACKET_S)
        return true;
    broken(why, "no timestamp of EVE", event_member(root, "timestamp"));
    return false;
}

/* An alert of ours that says that the sensor was blind. */
static bool is_blind(const json_t *root, struct sighting *out)
{
    const json_t *metadata = json_object_get(json_object_get(root, "alert"), "metadata");
    const json_t *rule = json_array_get(json_object_get(metadata, "rule"), 0);
    const json_t *seconds = json_object_get(json_object_get(root, "sensor"), "seconds");
    json_int_t n = json_integer_value(seconds);
    out->blind = n > 0 && n < CAP_BORDER_DAYS * 86400LL ? n : 0;
    return span_eq(event_text(rule), span_str("coverage-lost"));
}

static enum sighting_kind kind_of(const json_t *root, const json_t *t)
{
    if (says(root, "event_type", "alert"))
        return SIGHTING_BLIND;
    if (says(root, "event_type", "smtp") && t)
        return SIGHTING_SESSION;
    return says(root, "event_type", "tls") && t ? SIGHTING_HANDSHAKE : SIGHTING_OTHER;
}

static enum sighting_kind read_root(const json_t *root, const struct sighting_own *own,
                                    struct sighting *out, char why[SIGHTING_WHY])
{
    const json_t *t = json_object_get(root, "starttls");
    if (event_member(root, "event_type").n == 0)
        return broken(why, "no object with an event_type", span_of(NULL, 0));
    enum sighting_kind kind = kind_of(root, t);
    if (kind == SIGHTING_OTHER || (kind == SIGHTING_BLIND && !is_blind(root, out)))
        return SIGHTING_OTHER;
    if (!read_moment(root, out, why))
        return SIGHTING_BROKEN;
    out->live = event_member(root, "in_iface").n > 0;
    out->ordinary = kind == SIGHTING_HANDSHAKE;
    if (kind == SIGHTING_HANDSHAKE)
        read_handshake(root, t, &out->peer);
    if (kind != SIGHTING_SESSION)
        return kind;
    if (!read_endpoints(root, out, why))
        return SIGHTING_BROKEN;
    if (!read_starttls(t, own, out))
        return broken(why, "starttls is not as its schema says", span_of(NULL, 0));
    return SIGHTING_SESSION;
}

enum sighting_kind sighting_read(struct span line, const struct sighting_own *own,
                                 struct sighting *out, char why[SIGHTING_WHY])
{
    json_error_t error;
    json_t *root = json_loadb((const char *)line.p, line.n, 0, &error);
    *out = (struct sighting){.peer = {.doubt = TLSRPT_RESULT_COUNT}};
    why[0] = '\0';
    if (!root)
        return broken(why, "no JSON", span_str(error.text));
    enum sighting_kind kind = read_root(root, own, out, why);
    json_decref(root);
    return kind;
}
