/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports by TLSRPT that anybody may have sent: what is handed on is printable, within its bounds
 * and in order, and what is wrong is told in one printable line.
 */
#include <stdlib.h>

#include "base/text.h"
#include "report/tlsrpt_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct heard {
    unsigned reports, policies, failures, problems;
};

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void must_be_printable(const char *text)
{
    struct span rest = span_str(text);
    for (size_t n; rest.n > 0; rest = span_from(rest, n))
        must((n = text_printable(rest)) > 0);
}

static void on_report(void *user, const struct tlsrpt_report *r)
{
    struct heard *h = user;
    must(h->reports++ == 0 && h->policies == 0);
    must(!r->dated || (r->end >= r->begin && r->end - r->begin <= CAP_TLSRPT_DAYS * 86400));
    must_be_printable(r->organization);
    must_be_printable(r->id);
}

static void on_policy(void *user, const struct tlsrpt_policy *p)
{
    struct heard *h = user;
    must(h->reports == 1 && h->policies++ < CAP_TLSRPT_POLICIES);
    must(p->type <= TLSRPT_TYPE_COUNT);
    must_be_printable(p->domain);
}

static void must_be_host(const struct tlsrpt_host *h)
{
    static const uint8_t zero[16];
    must(h->family == 0 || h->family == 4 || h->family == 6);
    must(h->family != 4 || memcmp(h->address + 4, zero, 12) == 0);
    must(h->family != 0 || memcmp(h->address, zero, 16) == 0);
}

static void on_failure(void *user, const struct tlsrpt_failure *f)
{
    struct heard *h = user;
    must(h->policies > 0);
    h->failures++;
    must(f->result <= TLSRPT_RESULT_COUNT && f->word[0]);
    must(f->counted || f->sessions == 0);
    must_be_host(&f->sender);
    must_be_host(&f->receiver);
    must_be_printable(f->word);
    must_be_printable(f->mx);
}

static void on_problem(void *user, const char *where, const char *why)
{
    struct heard *h = user;
    h->problems++;
    must(*why);
    must_be_printable(where);
    must_be_printable(why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct heard h = {0};
    const struct tlsrpt_reader to = {&h, on_report, on_policy, on_failure, on_problem};
    int rc = tlsrpt_read(span_of(data, size), &to);
    must(rc == 0 ? h.reports == 1 : h.reports == 0 && h.problems == 1);
    return 0;
}
