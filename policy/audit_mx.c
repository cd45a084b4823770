/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include "policy/audit_list.h"
#include "policy/mx_pattern.h"

/* --- DNSSEC --- */

/* False: it is not known where mail goes. */
static bool put_exchangers(const struct lookup *l, struct audit *a)
{
    static const struct {
        enum audit_grade grade;
        const char *text;
    } TABLE[LOOKUP_SECURITY_COUNT] = {
        [LOOKUP_SECURE] = {AUDIT_OK, "The MX records are signed."},
        [LOOKUP_INSECURE] = {AUDIT_WARN, "The MX records are not signed: DANE does not apply, and "
                                         "whoever answers first says where mail goes."},
        [LOOKUP_BOGUS] = {AUDIT_BAD, "The MX records are wrongly signed: who validates has none."},
        [LOOKUP_FAILED] = {AUDIT_BAD, "The MX records could not be looked up."},
    };

    if (!l->asked_mx) {
        audit_put(a, "dnssec", NULL, AUDIT_UNKNOWN, "MX records were not asked for.");
        return false;
    }
    audit_put(a, "dnssec", NULL, TABLE[l->mx].grade, "%s", TABLE[l->mx].text);
    if (l->mx == LOOKUP_BOGUS || l->mx == LOOKUP_FAILED)
        return false;
    if (l->items == 0)
        audit_put(a, "mx", NULL, AUDIT_WARN, "There is no MX record.");
    if (l->items_left_out > 0)
        audit_put(
            a, "mx", NULL, AUDIT_UNKNOWN,
            "Of more than %u mail exchangers the best were looked at: %u records are left out.",
            l->items, l->items_left_out);
    return l->items > 0;
}

/* --- patterns --- */

static enum mx_match best_match(const struct sts_policy *p, const struct domain *host)
{
    enum mx_match best = MX_MATCH_NONE;

    for (uint32_t i = 0; i < p->mx_count; i++) {
        enum mx_match m = mx_match(p->mx[i], domain_span(host));
        best = m > best ? m : best;
    }
    return best;
}

static void put_match(const struct sts_policy *p, const struct domain *host, struct audit *a)
{
    enum audit_grade grade = p->mode == STS_MODE_ENFORCE ? AUDIT_BAD : AUDIT_WARN;
    enum mx_match m = best_match(p, host);

    if (m == MX_MATCH_WHOLE)
        audit_put(a, "mx", host, AUDIT_OK, "The policy names it.");
    else
        audit_put(a, "mx", host, grade, "The policy does not name it%s.",
                  m == MX_MATCH_DEPTH ? ": an asterisk stands for one label alone" : "");
}

static bool is_used(const struct lookup *l, struct span pattern)
{
    for (uint8_t i = 0; i < l->items; i++)
        if (mx_match(pattern, domain_span(&l->item[i].host)) == MX_MATCH_WHOLE)
            return true;
    return false;
}

/* A leftover is an open door: whoever gets that name is trusted. */
static void put_unused(const struct lookup *l, const struct sts_policy *p, struct audit *a)
{
    char shown[AUDIT_TEXT / 2] = "";
    unsigned unused = 0;

    for (uint32_t i = 0; i < p->mx_count; i++)
        if (!is_used(l, p->mx[i]) && unused++ == 0)
            text_escape(shown, sizeof(shown), p->mx[i]);
    if (unused > 0 && l->items_left_out > 0)
        audit_put(a, "pattern", NULL, AUDIT_UNKNOWN,
                  "No mail exchanger that was looked at is named by mx: %s.", shown);
    else if (unused == 1)
        audit_put(a, "pattern", NULL, AUDIT_WARN, "No mail exchanger is named by mx: %s.", shown);
    else if (unused > 1)
        audit_put(a, "pattern", NULL, AUDIT_WARN,
                  "No mail exchanger is named by mx: %s, and %u others.", shown, unused - 1);
    else
        audit_put(a, "pattern", NULL, AUDIT_OK, "Each mx of the policy names a mail exchanger.");
}

/* --- DANE (RFC 7672 sections 2.1 and 2.2) --- */

static bool is_lost(enum lookup_security s)
{
    return s == LOOKUP_BOGUS || s == LOOKUP_FAILED;
}

static void put_dane(const struct lookup *l, const struct lookup_mx *m, struct audit *a)
{
    bool above = lookup_leads_to(l, m);

    if (is_lost(m->address))
        audit_put(a, "dane", &m->host, AUDIT_BAD, "Its addresses are %s: senders hold mail back.",
                  lookup_security_text(m->address));
    else if (above && is_lost(m->tlsa))
        audit_put(a, "dane", &m->host, AUDIT_BAD,
                  "Its TLSA records are %s: senders that use DANE hold mail back.",
                  lookup_security_text(m->tlsa));
    else if (!m->has_tlsa)
        audit_put(a, "dane", &m->host, AUDIT_WARN, "It has no TLSA records.");
    else if (!above || m->tlsa != LOOKUP_SECURE)
        audit_put(a, "dane", &m->host, AUDIT_WARN,
                  "It has TLSA records, but %s not signed, so they count nothing.",
                  l->mx != LOOKUP_SECURE ? "the MX records are"
                  : !above               ? "its addresses are"
                                         : "they are");
    else if (m->records == 0)
        audit_put(a, "dane", &m->host, AUDIT_WARN,
                  "None of its TLSA records is usable: TLS is demanded, of anybody.");
    else
        audit_put(a, "dane", &m->host, AUDIT_OK, "It has %u usable TLSA record%s.",
                  (unsigned)m->records + m->records_left_out, m->records > 1 ? "s" : "");
}

void audit_mx(const struct lookup *l, const struct sts_policy *p, struct audit *a)
{
    bool promised = p && p->usable && p->mode != STS_MODE_NONE;

    if (!put_exchangers(l, a))
        return;
    for (uint8_t i = 0; promised && i < l->items; i++)
        put_match(p, &l->item[i].host, a);
    if (promised)
        put_unused(l, p, a);
    for (uint8_t i = 0; i < l->items; i++)
        put_dane(l, &l->item[i], a);
}
