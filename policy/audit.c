/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/audit.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/text.h"
#include "policy/audit_list.h"
#include "policy/tlsrpt_txt.h"

static const char *const GRADE_TEXT[] = {
    [AUDIT_OK] = "ok",
    [AUDIT_UNKNOWN] = "unknown",
    [AUDIT_WARN] = "warn",
    [AUDIT_BAD] = "bad",
};
_Static_assert(sizeof(GRADE_TEXT) / sizeof(GRADE_TEXT[0]) == AUDIT_GRADE_COUNT, "a text each");

const char *audit_grade_text(enum audit_grade g)
{
    return GRADE_TEXT[g];
}

void audit_put(struct audit *a, const char *name, const struct domain *host, enum audit_grade grade,
               const char *form, ...)
{
    struct audit_item *item = &a->item[a->count];
    va_list args;

    if (a->count == AUDIT_ITEMS)
        return;
    *item = (struct audit_item){.name = name, .grade = grade};
    if (host)
        item->host = *host;
    va_start(args, form);
    vsnprintf(item->text, sizeof(item->text), form, args);
    va_end(args);
    a->count++;
    if (grade > a->worst)
        a->worst = grade;
}

/* RFC 8460 section 3. */
static void put_reports(const struct lookup *l, struct audit *a)
{
    const struct txt_record record = {.text = span_str(l->report)};
    struct tlsrpt_txt t;
    char shown[AUDIT_TEXT / 2];

    if (!l->asked_reports) {
        audit_put(a, "tlsrpt", NULL, AUDIT_UNKNOWN, "It was not asked for.");
        return;
    }
    if (l->reports == LOOKUP_FAILED || l->reports == LOOKUP_BOGUS) {
        audit_put(a, "tlsrpt", NULL, AUDIT_UNKNOWN, "The TXT records at _smtp._tls are %s.",
                  lookup_security_text(l->reports));
        return;
    }
    if (l->report_records == 0) {
        audit_put(a, "tlsrpt", NULL, AUDIT_WARN,
                  "There is no TLSRPT record at _smtp._tls: senders tell nobody of what fails.");
        return;
    }
    tlsrpt_txt_read(&record, 1, &t);
    if (l->report_records > 1)
        audit_put(a, "tlsrpt", NULL, AUDIT_BAD,
                  "There are %u TLSRPT records at _smtp._tls, so none of them counts.",
                  (unsigned)l->report_records);
    else if (!t.usable)
        audit_put(a, "tlsrpt", NULL, AUDIT_BAD, "Reports can be sent nowhere: %s.",
                  t.reason[0] ? t.reason : "no address has a scheme that senders know");
    else if (!t.strict)
        audit_put(a, "tlsrpt", NULL, AUDIT_WARN, "Some senders will not read the record: %s.",
                  t.reason);
    else {
        text_escape(shown, sizeof(shown), t.rua[0]);
        audit_put(a, "tlsrpt", NULL, AUDIT_OK, "Reports go to %s%s.", shown,
                  t.rua_count > 1 ? " and others" : "");
    }
}

void audit(const struct lookup *l, struct audit *out)
{
    struct sts_policy p;
    const struct sts_policy *known = l->body ? &p : NULL;

    if (l->body)
        sts_policy_read(span_of(l->body, l->body_n), &p);
    out->count = 0;
    out->worst = AUDIT_OK;
    audit_sts(l, known, out);
    audit_mx(l, known, out);
    put_reports(l, out);
}
