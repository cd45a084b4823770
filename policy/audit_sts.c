/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "policy/audit_list.h"

#define HTTP_OK 200
#define DAY     86400u
#define WEEK    (7 * DAY)

/* --- the record --- */

static void put_record(const struct lookup *l, struct audit *a)
{
    switch (l->sts) {
    case LOOKUP_STS_UNASKED:
        audit_put(a, "record", NULL, AUDIT_UNKNOWN, "It was not asked for.");
        break;
    case LOOKUP_STS_NONE:
        audit_put(a, "record", NULL, AUDIT_BAD,
                  "There is no TXT record at _mta-sts: the domain has no MTA-STS.");
        break;
    case LOOKUP_STS_DNS:
        audit_put(a, "record", NULL, l->record == LOOKUP_BOGUS ? AUDIT_BAD : AUDIT_UNKNOWN,
                  "The TXT record at _mta-sts could not be looked up: %s.", l->why);
        break;
    case LOOKUP_STS_RECORD:
        audit_put(a, "record", NULL, AUDIT_BAD, "The TXT record at _mta-sts is none: %s.", l->why);
        break;
    default:
        audit_put(a, "record", NULL, AUDIT_OK, "There is one TXT record at _mta-sts.");
    }
    if (l->id[0])
        audit_put(a, "id", NULL, AUDIT_OK, "It is %s.", l->id);
    else
        audit_put(a, "id", NULL, l->sts == LOOKUP_STS_RECORD ? AUDIT_BAD : AUDIT_UNKNOWN,
                  "There is none.");
}

/* --- the policy host --- */

static bool fetched(const struct lookup *l)
{
    return l->sts == LOOKUP_STS_POLICY || l->sts == LOOKUP_STS_INVALID;
}

/* Something was to be fetched. */
static bool tried(const struct lookup *l)
{
    return fetched(l) || l->sts == LOOKUP_STS_FETCH || l->sts == LOOKUP_STS_WEBPKI ||
           l->sts == LOOKUP_STS_REFUSED;
}

static void put_connection(const struct lookup *l, struct audit *a)
{
    if (!tried(l))
        audit_put(a, "connection", NULL, AUDIT_UNKNOWN, "No policy was fetched.");
    else if (l->sts == LOOKUP_STS_REFUSED)
        audit_put(a, "connection", NULL, AUDIT_BAD, "The policy host is not public: %s.", l->why);
    else if (l->sts == LOOKUP_STS_FETCH && l->status == 0)
        audit_put(a, "connection", NULL, AUDIT_BAD, "The policy host does not answer: %s.", l->why);
    else
        audit_put(a, "connection", NULL, AUDIT_OK, "The policy host speaks TLS 1.2 or later.");
}

static void put_certificate(const struct lookup *l, struct audit *a)
{
    if (l->sts == LOOKUP_STS_WEBPKI)
        audit_put(a, "certificate", NULL, AUDIT_BAD,
                  "That of the policy host is not accepted: %s%s%s.", l->why,
                  l->issuer[0] ? "; issued by " : "", l->issuer);
    else if (fetched(l) || (l->sts == LOOKUP_STS_FETCH && l->status != 0))
        audit_put(a, "certificate", NULL, AUDIT_OK, "That of the policy host is good%s%s.",
                  l->issuer[0] ? ", and issued by " : "", l->issuer);
    else
        audit_put(a, "certificate", NULL, AUDIT_UNKNOWN, "That of the policy host was not seen.");
}

static void put_answer(const struct lookup *l, struct audit *a)
{
    if (l->status == 0)
        audit_put(a, "status", NULL, AUDIT_UNKNOWN, "The policy host gave none.");
    else if (l->status == HTTP_OK && l->sts == LOOKUP_STS_FETCH)
        audit_put(a, "status", NULL, AUDIT_BAD, "It is 200, but no policy came: %s.", l->why);
    else if (l->status == HTTP_OK)
        audit_put(a, "status", NULL, AUDIT_OK, "It is 200.");
    else
        audit_put(a, "status", NULL, AUDIT_BAD, "It is %d%s; senders take 200 alone.", l->status,
                  l->status / 100 == 3 ? ", and redirects must not be followed" : "");
    if (!fetched(l))
        audit_put(a, "content-type", NULL, AUDIT_UNKNOWN, "No policy came.");
    else if (l->plain)
        audit_put(a, "content-type", NULL, AUDIT_OK, "It is text/plain.");
    else
        audit_put(a, "content-type", NULL, AUDIT_WARN,
                  "It is %s, not text/plain: some senders refuse the policy.",
                  l->type[0] ? l->type : "missing");
}

/* --- the policy --- */

static void put_size(const struct lookup *l, struct audit *a)
{
    if (l->body)
        audit_put(a, "size", NULL, AUDIT_OK, "The policy has %zu bytes of 65536.", l->body_n);
    else if (l->sts == LOOKUP_STS_INVALID)
        audit_put(a, "size", NULL, AUDIT_BAD, "The policy cannot be read: %s.", l->why);
    else
        audit_put(a, "size", NULL, AUDIT_UNKNOWN, "No policy came.");
}

static void put_grammar(const struct sts_policy *p, struct audit *a)
{
    char lints[AUDIT_TEXT / 2] = "";
    size_t n = 0;

    for (int i = 0; i < LINT_COUNT; i++)
        if (p->lints & lint_bit((enum lint)i) && n < sizeof(lints))
            n += (size_t)snprintf(lints + n, sizeof(lints) - n, "%s%s", n ? ", " : "",
                                  lint_text((enum lint)i));
    if (!p->usable)
        audit_put(a, "grammar", NULL, AUDIT_BAD, "It is no policy: %s.",
                  p->reason[0] ? p->reason : "no mx that senders could use");
    else if (!p->strict)
        audit_put(a, "grammar", NULL, AUDIT_WARN, "Strict senders refuse the policy: %s.",
                  p->reason);
    else if (lints[0])
        audit_put(a, "grammar", NULL, AUDIT_WARN, "By the letter, but odd: %s.", lints);
    else
        audit_put(a, "grammar", NULL, AUDIT_OK, "By the letter.");
}

static void put_mode(const struct sts_policy *p, struct audit *a)
{
    if (p->mode == STS_MODE_ENFORCE)
        audit_put(a, "mode", NULL, AUDIT_OK, "It is enforce.");
    else if (p->mode == STS_MODE_UNKNOWN)
        audit_put(a, "mode", NULL, AUDIT_BAD, "There is none of enforce, testing and none.");
    else
        audit_put(a, "mode", NULL, AUDIT_WARN, "It is %s: mail is delivered without TLS as well.",
                  sts_mode_text(p->mode));
}

/* RFC 8461 section 3.2: at most a year, and weeks or more for whom an attack at the time of
 * refreshing is a worry. */
static void put_max_age(const struct sts_policy *p, struct audit *a)
{
    if (!p->has_max_age)
        audit_put(a, "max-age", NULL, AUDIT_BAD, "There is none.");
    else if (p->lints & lint_bit(LINT_MAX_AGE_CLAMPED))
        audit_put(a, "max-age", NULL, AUDIT_WARN, "It is above %u s, which some senders refuse.",
                  STS_MAX_AGE_MOST);
    else if (p->max_age < WEEK)
        audit_put(a, "max-age", NULL, AUDIT_WARN,
                  "It is %u s, less than a %s: whom no mail goes to for so long is not protected.",
                  p->max_age, p->max_age < DAY ? "day" : "week");
    else
        audit_put(a, "max-age", NULL, AUDIT_OK, "It is %u s.", p->max_age);
}

void audit_sts(const struct lookup *l, const struct sts_policy *p, struct audit *a)
{
    put_record(l, a);
    put_connection(l, a);
    put_certificate(l, a);
    put_answer(l, a);
    put_size(l, a);
    if (p) {
        put_grammar(p, a);
        put_mode(p, a);
        put_max_age(p, a);
    }
}
