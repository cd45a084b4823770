/* SPDX-License-Identifier: Apache-2.0 */
/* The `tls` line: Suricata's object `tls`, and ours, `starttls`, for what it has no names for. */
#include "alert/eve_parts.h"
#include "base/text.h"
#include "base/tls_suite.h"
#include "dissect/tls_print.h"
#include "policy/certificate.h"

/* Of each list whose length the peers choose: all of them together leave room for the rest of the
 * line. */
#define LIST_NUMBERS 512
#define LIST_BYTES   8192 /* of names: a hundred of 80 bytes */
#define JA3_TEXT     4096

/* Why there is none to show; TLS_CERTIFICATES_SEEN: its message had none that is whole. */
static const char *const UNSEEN_TEXT[] = {"aborted",   "damaged", "tls13",  "resumed",
                                          "anonymous", "gap",     "damaged"};
static const char *const EXCHANGE_TEXT[] = {NULL, "dhe", "ecdhe", "rsa-export"};
static const char *const PRIME_TEXT[] = {NULL, "rfc3526", "rfc7919", "rfc5114", "export"};
static const char *const STAGE_TEXT[] = {NULL, "client-hello", "server-hello", "certificate",
                                         "finished"};
_Static_assert(sizeof UNSEEN_TEXT / sizeof UNSEEN_TEXT[0] == TLS_CERTIFICATES_COUNT, "a text each");
_Static_assert(sizeof EXCHANGE_TEXT / sizeof EXCHANGE_TEXT[0] == TLS_EXCHANGE_COUNT, "a text each");
_Static_assert(sizeof PRIME_TEXT / sizeof PRIME_TEXT[0] == TLS_PRIME_COUNT, "a text each");
_Static_assert(sizeof STAGE_TEXT / sizeof STAGE_TEXT[0] == TLS_STAGE_COUNT, "a text each");

static void put_known_word(struct json *out, const char *key, const char *word)
{
    if (word)
        json_word(out, key, word);
}

static void put_text(struct json *out, const char *key, struct span text,
                     const struct eve_options *o)
{
    if (o->show_addresses)
        json_wire(out, key, text);
    else
        json_masked(out, key, text);
}

static void put_wire(struct json *out, const char *key, struct span text,
                     const struct eve_options *o)
{
    if (text.n > 0)
        put_text(out, key, text, o);
}

static void put_numbers(struct json *out, const char *key, struct span list)
{
    size_t n = tls_words(list);
    json_array(out, key);
    for (size_t i = 0; i < n && i < LIST_NUMBERS; i++)
        json_uint(out, NULL, tls_word(list, i));
    json_close(out);
    if (n > LIST_NUMBERS)
        json_shorten(out);
}

static void put_names(struct json *out, const char *key, const struct span *list, size_t n,
                      const struct eve_options *o)
{
    size_t begin = out->len, i;
    if (n == 0)
        return;
    json_array(out, key);
    for (i = 0; i < n && out->len - begin < LIST_BYTES; i++)
        put_text(out, NULL, list[i], o);
    json_close(out);
    if (i < n)
        json_shorten(out);
}

static void put_alpn(struct json *out, const char *key, const struct tls_said *said,
                     const struct eve_options *o)
{
    put_names(out, key, said->alpn, said->alpn_count, o);
    if (said->alpn_cut)
        json_shorten(out);
}

/* --- tls --- */

static void put_seconds(struct json *out, const char *key, int64_t seconds)
{
    char text[TEXT_SECONDS];
    if (text_seconds(text, seconds))
        json_word(out, key, text);
}

static void put_certificate(struct json *out, const struct certificate *c,
                            const struct eve_options *o)
{
    char fingerprint[CERTIFICATE_FINGERPRINT];
    certificate_fingerprint(c, fingerprint);
    put_wire(out, "subject", c->subject, o);
    put_wire(out, "issuerdn", c->issuer, o);
    if (c->serial[0])
        json_word(out, "serial", c->serial);
    json_word(out, "fingerprint", fingerprint);
    if (c->trust == CERT_TRUST_UNREADABLE)
        return;
    put_seconds(out, "notbefore", c->chain[0].not_before);
    put_seconds(out, "notafter", c->chain[0].not_after);
    put_names(out, "subjectaltname", c->name, c->name_count, o);
    if (c->names_left)
        json_shorten(out);
}

static void put_client(struct json *out, const struct tls_sighting *t, const struct eve_options *o)
{
    const struct tls_said *said = &t->said[SESSION_TO_SERVER];
    if (!t->client)
        return;
    put_alpn(out, "client_alpns", said, o);
    json_object(out, "client_handshake");
    put_known_word(out, "version", tls_version_text(said->version));
    put_numbers(out, "ciphers", t->suites);
    put_numbers(out, "exts", said->extensions);
    put_numbers(out, "sig_algs", t->signatures);
    json_close(out);
}

static void put_server(struct json *out, const struct session *s, const struct tls_sighting *t,
                       const struct eve_options *o)
{
    const struct tls_said *said = &t->said[SESSION_TO_CLIENT];
    if (!t->server)
        return;
    put_alpn(out, "server_alpns", said, o);
    json_object(out, "server_handshake");
    put_known_word(out, "version", tls_version_text(said->version));
    json_uint(out, "cipher", s->tls_suite);
    put_numbers(out, "exts", said->extensions);
    json_close(out);
}

static void put_ja3(struct json *out, const char *key, const char *hash, struct span text)
{
    json_object(out, key);
    json_word(out, "hash", hash);
    if (text.n <= JA3_TEXT)
        json_put_word(out, span_str("string"), text);
    else
        json_shorten(out);
    json_close(out);
}

static void put_tls(struct json *out, const struct session *s, const struct tls_sighting *t,
                    const struct eve_peer *p, const struct eve_options *o)
{
    json_object(out, "tls");
    if (t->server)
        put_known_word(out, "version", tls_version_text(s->tls_version));
    put_wire(out, "sni", session_text(s, s->sni), o);
    if (p->certificate)
        put_certificate(out, p->certificate, o);
    if (s->tls.resumed)
        json_bool(out, "session_resumed", true);
    put_client(out, t, o);
    put_server(out, s, t, o);
    if (p->client)
        put_ja3(out, "ja3", p->client->ja3, p->client->ja3_text);
    if (p->server)
        put_ja3(out, "ja3s", p->server->ja3s, p->server->ja3s_text);
    if (p->client)
        json_word(out, "ja4", p->client->ja4);
    if (!s->implicit_tls)
        json_word(out, "from_proto", "smtp");
    json_close(out);
}

/* --- starttls --- */

static void put_weaknesses(struct json *out, const struct certificate *c)
{
    if (c->weakness == 0)
        return;
    json_array(out, "weak");
    for (int w = 0; w < CERT_WEAK_COUNT; w++)
        if (c->weakness & certificate_weakness_bit((enum certificate_weakness)w))
            json_word(out, NULL, certificate_weakness_text((enum certificate_weakness)w));
    json_close(out);
}

static void put_spki(struct json *out, const uint8_t digest[32])
{
    static const char hex[] = "0123456789abcdef";
    char text[65];
    for (int i = 0; i < 32; i++) {
        text[2 * i] = hex[digest[i] >> 4];
        text[2 * i + 1] = hex[digest[i] & 15];
    }
    text[64] = '\0';
    json_word(out, "spki_sha256", text);
}

/* What is thought of it, at the time of the handshake. */
static void put_peer(struct json *out, const struct session *s, const struct certificate *c)
{
    enum certificate_dates dates = certificate_dates(c, session_handshake_time(s));
    json_object(out, "peer_certificate");
    json_word(out, "trust", certificate_trust_text(c->trust));
    json_word(out, "dates", certificate_dates_text(dates));
    json_word(out, "key", certificate_key_text(c->key));
    if (c->key_bits)
        json_uint(out, "key_bits", c->key_bits);
    if (c->signature[0])
        json_str(out, "signature", c->signature);
    put_spki(out, c->chain[0].spki_sha256);
    put_weaknesses(out, c);
    json_close(out);
}

static void put_certificates(struct json *out, const struct session *s,
                             const struct tls_sighting *t)
{
    bool seen = s->tls.certificates == TLS_CERTIFICATES_SEEN && t->certificate_count > 0;
    json_word(out, "certificate", seen ? "seen" : "not-observable");
    if (seen && t->certificates_cut)
        json_shorten(out);
    if (seen)
        json_uint(out, "certificates", t->certificate_count);
    else
        json_word(out, "not_observable", UNSEEN_TEXT[s->tls.certificates]);
}

/* How the keys come about where no ServerKeyExchange says it: by the group in TLS 1.3 (RFC 8446
 * section 4.2.7: those of 0x01xx are finite fields), by the suite before it. */
static const char *implied_exchange(const struct session *s)
{
    const struct tls_suite *suite = tls_suite_find(s->tls_suite);
    if (s->tls_version >= TLS_VERSION_13 && s->tls.group)
        return s->tls.group >> 8 == 1 ? "dhe" : "ecdhe";
    return suite && suite->keys == TLS_KEYS_RSA && !s->tls.resumed ? "rsa" : NULL;
}

/* RFC 7919 appendix A. */
static unsigned exchange_bits(const struct session *s)
{
    static const uint16_t ffdhe[] = {2048, 3072, 4096, 6144, 8192};
    unsigned i = s->tls.group - 0x0100u;
    if (s->tls.exchange_bits)
        return s->tls.exchange_bits;
    return i < sizeof(ffdhe) / sizeof(ffdhe[0]) ? ffdhe[i] : 0;
}

static void put_exchange(struct json *out, const struct session *s)
{
    const char *kind = EXCHANGE_TEXT[s->tls.exchange];
    if (!kind)
        kind = implied_exchange(s);
    if (!kind)
        return;
    json_object(out, "key_exchange");
    json_word(out, "kind", kind);
    if (exchange_bits(s))
        json_uint(out, "bits", exchange_bits(s));
    put_known_word(out, "prime", PRIME_TEXT[s->tls.prime]);
    json_close(out);
}

static void put_alerts(struct json *out, const struct session *s)
{
    if (!s->tls_alert_level[0] && !s->tls_alert_level[1])
        return;
    json_array(out, "alerts");
    for (int d = 0; d < SESSION_DIR_COUNT; d++) {
        if (!s->tls_alert_level[d])
            continue;
        json_object(out, NULL);
        json_word(out, "direction", d == SESSION_TO_SERVER ? "to_server" : "to_client");
        json_uint(out, "level", s->tls_alert_level[d]);
        json_uint(out, "description", s->tls_alert[d]);
        json_close(out);
    }
    json_close(out);
}

static void put_suite(struct json *out, const struct session *s)
{
    const struct tls_suite *suite = tls_suite_find(s->tls_suite);
    if (suite)
        json_word(out, "suite", suite->name);
}

/* From the ClientHello to the first data under the new keys. */
static void put_duration(struct json *out, const struct session *s)
{
    if (s->tls.begin && s->tls.end > s->tls.begin)
        json_tenths(out, "handshake_ms",
                    (s->tls.end - s->tls.begin + NS_PER_MS / 20) / (NS_PER_MS / 10));
}

static void put_starttls(struct json *out, const struct session *s, const struct tls_sighting *t,
                         const struct eve_peer *p)
{
    json_object(out, "starttls");
    if (s->implicit_tls)
        json_bool(out, "implicit", true);
    put_known_word(out, "stage", STAGE_TEXT[s->tls_stage]);
    put_certificates(out, s, t);
    if (p->certificate)
        put_peer(out, s, p->certificate);
    if (t->server)
        put_suite(out, s);
    if (t->groups.n)
        put_numbers(out, "groups", t->groups);
    if (s->tls.group)
        json_uint(out, "group", s->tls.group);
    put_exchange(out, s);
    if (s->tls.compression)
        json_uint(out, "compression", s->tls.compression);
    if (s->tls.retry)
        json_bool(out, "retry", true);
    put_alerts(out, s);
    put_duration(out, s);
    json_close(out);
}

void eve_tls(struct json *out, const struct session *s, const struct tls_sighting *t,
             const struct eve_peer *p, const struct eve_options *o)
{
    const struct eve_subject subject = {.time = t->time,
                                        .flow_id = s->flow_id,
                                        .key = &s->key,
                                        .tcp = true,
                                        .vlan = s->vlan,
                                        .vlan_count = s->vlan_count,
                                        .tunnel = s->tunnel,
                                        .tunnel_count = s->tunnel_count,
                                        .source = t->source};
    eve_put_envelope(out, &subject, "tls", o);
    put_tls(out, s, t, p, o);
    put_starttls(out, s, t, p);
}
