/* SPDX-License-Identifier: Apache-2.0 */
/* What the two sides of a handshake say, and what they say about each other. */
#include "rules/families.h"
#include "rules/raise.h"
#include "rules/wording.h"

#include <stdio.h>

#include "base/tls_suite.h"

/* Descriptions of alerts (RFC 8446 section 6). */
enum {
    ALERT_BAD_RECORD_MAC = 20,
    ALERT_BAD_CERTIFICATE = 42,
    ALERT_CERTIFICATE_UNKNOWN = 46,
    ALERT_ILLEGAL_PARAMETER = 47,
    ALERT_UNKNOWN_CA = 48,
    ALERT_DECRYPT_ERROR = 51,
    ALERT_INAPPROPRIATE_FALLBACK = 86, /* RFC 7507 */
    ALERT_BAD_STATUS_RESPONSE = 113
};
enum { ALERT_FATAL = 2 };

/* "TLS 1.2"; of what is no version, its number. */
static struct wording_bytes version_text(uint16_t v)
{
    struct wording_bytes b;
    const char *name = tls_version_text(v);
    if (name)
        snprintf(b.text, sizeof(b.text), "%s", name);
    else
        snprintf(b.text, sizeof(b.text), "version %04x", v);
    return b;
}

static void say_versions(struct finding *f, const struct session *s)
{
    wording_say(f, "The server %s selected %s", wording_server(s).text,
                version_text(s->tls_version).text);
    if (s->tls_newest)
        wording_say(f, "of at most %s that the client offered.", version_text(s->tls_newest).text);
    else
        wording_say(f, "(RFC 8996).");
}

/* TLS-4; told at the end, since nothing is lost by then. */
static void version_obsolete(const struct view *v, struct judgement *out)
{
    const struct session *s = v->s;
    if (v->milestone != SESSION_CLOSED || s->tls_version == 0 || s->tls_version >= TLS_VERSION_12 ||
        s->tls_version < TLS_VERSION_SSL3)
        return;
    struct finding *f =
        raise_finding(out, v, RULE_VERSION_OBSOLETE, SESSION_TO_CLIENT, s->reading.upgrade_offset);
    raise_rate(f, SEVERITY_ROW_E1, EFFECT_NOTHING);
    say_versions(f, s);
    if (s->tls_newest <= s->tls_version || !s->tls_complete) /* nothing better was to be had, or it
                                                                came to nothing */
        raise_cap(f, SEVERITY_INFO);
    raise_alternative(f, CAUSE_TLS_INCOMPATIBLE);
    raise_alternative(f, CAUSE_ON_PATH_REWRITE);
}

/* RFC 8446 section 4.1.3: a client that offered TLS 1.3 must check both sentinels, one that offered
 * TLS 1.2 the second. */
static bool contradicts(const struct session *s)
{
    if (s->tls_version == 0 || s->tls_version >= s->tls_newest)
        return false;
    if (s->tls_newest >= TLS_VERSION_13)
        return s->tls_sentinel != TLS_SENTINEL_NONE;
    return s->tls_newest == TLS_VERSION_12 && s->tls_sentinel == TLS_SENTINEL_11;
}

/* TLS-1. */
static void downgrade_sentinel(const struct view *v, struct judgement *out)
{
    const struct session *s = v->s;
    if (!contradicts(s))
        return;
    struct finding *f = raise_finding(out, v, RULE_DOWNGRADE_SENTINEL, SESSION_TO_CLIENT,
                                      s->reading.upgrade_offset);
    raise_rate(f, SEVERITY_ROW_E4_E5, view_effect(v, true));
    f->confidence = CONFIDENCE_PROOF;
    raise_cause(f, CAUSE_ON_PATH_REWRITE);
    raise_alternative(f, CAUSE_TLS_INSPECTION_GATEWAY);
    say_versions(f, s);
    wording_say(f, "Its random ends with the sentinel by which it says that it knows better: the "
                   "ClientHello that reached it offered less than the one that was seen here.");
    wording_effect(f, v);
    wording_effect_line(f, v);
}

/* What is told at the end, when it is known what came of the handshake. */
static struct finding *told_last(const struct view *v, struct judgement *out, enum rule_id id)
{
    struct finding *f = raise_finding(out, v, id, SESSION_TO_CLIENT, v->s->tls.server_offset);
    raise_rate(f, SEVERITY_ROW_E1, EFFECT_NOTHING);
    return f;
}

/* --- cipher-weak --- */

static const struct tls_suite *selected(const struct session *s)
{
    return s->tls_version ? tls_suite_find(s->tls_suite) : NULL;
}

static const char *weakness(unsigned weak)
{
    if (weak & TLS_WEAK_NULL)
        return "it does not encrypt";
    if (weak & TLS_WEAK_EXPORT)
        return "it was made weak for export";
    if (weak & (TLS_WEAK_RC2 | TLS_WEAK_DES))
        return "its cipher can be broken by trying";
    if (weak & TLS_WEAK_RC4)
        return "RC4 is forbidden (RFC 7465)";
    if (weak & TLS_WEAK_3DES)
        return "its blocks are short (RFC 9325 section 4.1)";
    if (weak & TLS_WEAK_MD5)
        return "it authenticates by MD5";
    if (weak & TLS_WEAK_ANON)
        return "the server shows no certificate, as is usual between opportunistic Postfixes";
    return "it has no forward secrecy (RFC 9325 section 4.1)";
}

/* TLS-5: what was selected; what is merely offered is anybody's. */
static void cipher_weak(const struct view *v, struct judgement *out)
{
    const struct session *s = v->s;
    const struct tls_suite *suite = selected(s);
    if (v->milestone != SESSION_CLOSED || !suite || suite->weak == 0)
        return;
    struct finding *f = told_last(v, out, RULE_CIPHER_WEAK);
    if (!(suite->weak & ~(unsigned)(TLS_WEAK_ANON | TLS_WEAK_STATIC)) || !s->tls_complete)
        raise_cap(f, SEVERITY_INFO);
    raise_alternative(f, CAUSE_TLS_INCOMPATIBLE);
    raise_alternative(f, CAUSE_ON_PATH_REWRITE);
    wording_say(f, "The server %s selected %s: %s.", wording_server(s).text, suite->name,
                weakness(suite->weak));
}

/* --- key-exchange-weak --- */

#define DHE_LEAST  2048 /* RFC 9325 section 4.4 */
#define DHE_BROKEN 1024 /* Adrian et al., Imperfect forward secrecy, 2015 */

/* The server signed an RSA key for this handshake, and no suite was selected that has one. */
static bool is_freak(const struct session *s)
{
    const struct tls_suite *suite = selected(s);
    return s->tls.exchange == TLS_EXCHANGE_RSA && suite && !(suite->weak & TLS_WEAK_EXPORT);
}

static bool is_export(const struct session *s)
{
    const struct tls_suite *suite = selected(s);
    return suite && (suite->weak & TLS_WEAK_EXPORT);
}

static void say_exchange(struct finding *f, const struct session *s)
{
    const char *shared = s->tls.prime == TLS_PRIME_OTHER ? "" : ", which many servers share";
    if (s->tls.exchange == TLS_EXCHANGE_RSA)
        wording_say(f, "The server %s sent an RSA key of %u bits for this handshake%s.",
                    wording_server(s).text, s->tls.exchange_bits,
                    is_freak(s) ? ", and the suite that it selected has none (FREAK)" : "");
    else if (s->tls.exchange == TLS_EXCHANGE_DHE)
        wording_say(f, "The server %s uses a prime of %u bits%s.", wording_server(s).text,
                    s->tls.exchange_bits, shared);
    else
        wording_say(f, "The server %s selected key exchange for export.", wording_server(s).text);
}

/* TLS-6. */
static void key_exchange_weak(const struct view *v, struct judgement *out)
{
    const struct session *s = v->s;
    bool prime = s->tls.exchange == TLS_EXCHANGE_DHE && s->tls.exchange_bits < DHE_LEAST;
    bool severe = (prime && s->tls.exchange_bits < DHE_BROKEN) ||
                  s->tls.exchange == TLS_EXCHANGE_RSA || is_export(s);
    if (v->milestone != SESSION_CLOSED || !(prime || severe))
        return;
    struct finding *f = told_last(v, out, RULE_KEY_EXCHANGE_WEAK);
    if (severe) /* RULES.md: export, or what is broken in days */
        f->severity = SEVERITY_MEDIUM;
    if (!s->tls_complete) /* nothing was entrusted to it */
        raise_cap(f, severe ? SEVERITY_LOW : SEVERITY_INFO);
    raise_alternative(f, CAUSE_TLS_INCOMPATIBLE);
    raise_alternative(f, CAUSE_ON_PATH_REWRITE);
    say_exchange(f, s);
}

/* --- fallback-scsv --- */

/* TLS-3: the client says that it comes again with less, and a server that knows better says so. */
static void fallback_scsv(const struct view *v, struct judgement *out)
{
    const struct session *s = v->s;
    bool refused = s->tls_alert[SESSION_TO_CLIENT] == ALERT_INAPPROPRIATE_FALLBACK;
    if (v->milestone != SESSION_CLOSED || !(s->tls.fallback || refused))
        return;
    struct finding *f =
        raise_finding(out, v, RULE_FALLBACK_SCSV, SESSION_TO_SERVER, s->client_after_offset);
    raise_rate(f, SEVERITY_ROW_E1, EFFECT_NOTHING);
    if (!refused)
        raise_cap(f, SEVERITY_INFO);
    raise_alternative(f, CAUSE_ON_PATH_REWRITE);
    raise_alternative(f, CAUSE_TLS_INCOMPATIBLE);
    if (s->tls.fallback)
        wording_say(f,
                    "The client's hello offers at most %s and says that it had offered more "
                    "before (RFC 7507): an earlier handshake had failed.",
                    version_text(s->tls_newest).text);
    if (refused)
        wording_say(f, "The server %s knows better and refused (alert %d).", wording_server(s).text,
                    ALERT_INAPPROPRIATE_FALLBACK);
}

/* --- handshake-altered --- */

static const char *alteration(unsigned altered)
{
    if (altered & TLS_ALTERED_SECOND)
        return "two ServerHellos";
    if (altered & TLS_ALTERED_VERSION)
        return "a version that the client had not offered";
    if (altered & TLS_ALTERED_SUITE)
        return "a suite that the client had not offered";
    if (altered & TLS_ALTERED_COMPRESSION)
        return "a compression that the client had not offered";
    if (altered & TLS_ALTERED_GROUP)
        return "a group that the client had not offered";
    if (altered & TLS_ALTERED_SESSION)
        return "another session id than the client's";
    return "an extension that the client had not asked for";
}

/* Somebody says that what was signed or hashed is not what it had said and heard. An illegal
 * parameter is more often one that it does not like: no more than info. */
static const struct {
    uint8_t alert;
    const char *name;
} COMPLAINT[] = {{ALERT_BAD_RECORD_MAC, "bad_record_mac"},
                 {ALERT_DECRYPT_ERROR, "decrypt_error"},
                 {ALERT_ILLEGAL_PARAMETER, "illegal_parameter"}};

static const char *complaint(const struct session *s, enum session_dir *by)
{
    for (size_t i = 0; i < sizeof(COMPLAINT) / sizeof(COMPLAINT[0]); i++)
        for (*by = SESSION_TO_SERVER; *by < SESSION_DIR_COUNT; (*by)++)
            if (s->tls_alert_level[*by] == ALERT_FATAL && s->tls_alert[*by] == COMPLAINT[i].alert)
                return COMPLAINT[i].name;
    return NULL;
}

/* RFC 8446 section 6.2: it is the certificate that the client has something against, and so it had
 * taken the hello for an answer to its own (section 4.1.3). */
static bool about_certificate(uint8_t alert)
{
    return (alert >= ALERT_BAD_CERTIFICATE && alert <= ALERT_CERTIFICATE_UNKNOWN) ||
           alert == ALERT_UNKNOWN_CA || alert == ALERT_BAD_STATUS_RESPONSE;
}

/*
 * Did the two come apart over what was altered, as far as can be said? Both sides hash what they
 * said and heard, and compare: then it was not altered, and the server has a bug that its client
 * lives with. Where bytes were lost, or the capture ends, they may have come so far.
 */
static bool came_apart(const struct view *v)
{
    const struct session *s = v->s;
    if (s->tls_complete || s->tls.agreed || about_certificate(s->tls_alert[SESSION_TO_SERVER]) ||
        !session_whole(s, SESSION_TO_SERVER) || !session_whole(s, SESSION_TO_CLIENT))
        return false;
    return v->closed || s->mails > 0 || s->tls_alert_level[SESSION_TO_SERVER] == ALERT_FATAL ||
           s->tls_alert_level[SESSION_TO_CLIENT] == ALERT_FATAL;
}

/* TLS-7, TLS-8. */
static void handshake_altered(const struct view *v, struct judgement *out)
{
    const struct session *s = v->s;
    enum session_dir d = SESSION_TO_SERVER;
    const char *alert = s->tls_version && !s->tls_complete ? complaint(s, &d) : NULL;
    bool apart = came_apart(v);
    if (v->milestone != SESSION_CLOSED || !(s->tls.altered || s->tls.compression || alert))
        return;
    struct finding *f =
        raise_finding(out, v, RULE_HANDSHAKE_ALTERED, SESSION_TO_CLIENT, s->tls.server_offset);
    raise_rate(f, s->tls.altered ? SEVERITY_ROW_E4_E5 : SEVERITY_ROW_E1, view_effect(v, true));
    if (!s->tls.altered)
        raise_cap(f, SEVERITY_LOW);
    if (!apart || !(s->tls.altered || (alert && s->tls_alert[d] != ALERT_ILLEGAL_PARAMETER)))
        raise_cap(f, SEVERITY_INFO);
    if (s->tls.altered && apart)
        raise_cause(f, CAUSE_ON_PATH_REWRITE);
    raise_alternative(f, CAUSE_TLS_INCOMPATIBLE);
    raise_alternative(f, CAUSE_TLS_INSPECTION_GATEWAY);
    if (s->tls.altered)
        wording_say(f, "The server %s answered with %s.", wording_server(s).text,
                    alteration(s->tls.altered));
    else if (s->tls.compression)
        wording_say(f, "The server %s selected compression, which tells what it hides (CRIME).",
                    wording_server(s).text);
    if (s->tls.altered && (s->tls_complete || s->tls.agreed))
        wording_say(f, "The handshake came to its end all the same, so both sides saw the same: "
                       "the server has a bug.");
    if (alert)
        wording_say(f,
                    "The %s broke off with the alert %s: what it checked does not fit what it "
                    "had said and heard.",
                    d == SESSION_TO_SERVER ? "client" : "server", alert);
    wording_effect(f, v);
    wording_effect_line(f, v);
}

void tls_judge(const struct view *v, struct judgement *out)
{
    version_obsolete(v, out);
    downgrade_sentinel(v, out);
    cipher_weak(v, out);
    key_exchange_weak(v, out);
    fallback_scsv(v, out);
    handshake_altered(v, out);
}
