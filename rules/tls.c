/* SPDX-License-Identifier: Apache-2.0 */
/* What the hellos of TLS say about each other. */
#include "rules/families.h"
#include "rules/raise.h"
#include "rules/wording.h"

#include <stdio.h>

/* "TLS 1.2"; of what is no version, its number. */
static struct wording_bytes version_text(uint16_t v)
{
    static const char *const text[] = {"SSL 3.0", "TLS 1.0", "TLS 1.1", "TLS 1.2", "TLS 1.3"};
    struct wording_bytes b;
    if (v >= 0x0300 && v < 0x0300 + sizeof(text) / sizeof(text[0]))
        snprintf(b.text, sizeof(b.text), "%s", text[v - 0x0300]);
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

void tls_judge(const struct view *v, struct judgement *out)
{
    version_obsolete(v, out);
    downgrade_sentinel(v, out);
}
