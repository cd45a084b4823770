/* SPDX-License-Identifier: Apache-2.0 */
/* Where a domain wants reports about TLS (RFC 8460 section 3). */
#include <stdio.h>
#include <stdlib.h>

#include "online/lookup_job.h"
#include "online/rdata.h"

#define NAME      (CAP_DOMAIN_TEXT + 16)
#define NAME_MOST 253

static void report_keep(struct lookup *l, const struct txt_record *record, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct txt_reader r = {0};
        if (!txt_begins(&record[i], "v=TLSRPTv1", &r))
            continue;
        if (l->report_records == 0) {
            struct span kept = span_first(record[i].text, CAP_LOOKUP_REPORT);
            kept = span_first(kept, span_find(kept, '\0'));
            memcpy(l->report, kept.p, kept.n);
            l->report[kept.n] = '\0';
        }
        if (l->report_records < UINT8_MAX)
            l->report_records++;
    }
}

static void on_reports(void *user, const struct answer *a)
{
    struct lookup_job *j = user;
    size_t n;

    if (!lookup_job_came(j))
        return;
    j->l.reports = a->security;
    if (a->security == LOOKUP_BOGUS || a->security == LOOKUP_FAILED)
        return;
    struct txt_record *record = rdata_txts(a->rdata, a->n, &n);
    if (!record) {
        j->l.reports = LOOKUP_FAILED;
        return;
    }
    report_keep(&j->l, record, n);
    free(record);
}

void lookup_reports_ask(struct lookup_job *j)
{
    char name[NAME];

    j->l.asked_reports = true;
    snprintf(name, sizeof(name), "_smtp._tls.%s", j->l.domain.text);
    if (strlen(name) > NAME_MOST) /* there can be no such record */
        return;
    j->l.reports = LOOKUP_FAILED;
    lookup_job_ask(j, name, RESOLVE_TXT, on_reports, j);
}
