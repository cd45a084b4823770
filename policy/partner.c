/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/partner.h"

#include "policy/field.h"

#define MX "mx:"

static struct span next_word(struct span *rest)
{
    size_t n = 0;
    *rest = field_trim_front(*rest);
    while (n < rest->n && rest->p[n] != ' ' && rest->p[n] != '\t')
        n++;
    struct span word = span_first(*rest, n);
    *rest = span_from(*rest, n);
    return word;
}

static int refuse(char why[CAP_STS_REASON], const char *what, struct span bytes)
{
    why[0] = '\0';
    field_reason(why, 0, what, bytes);
    return -1;
}

static int read_who(struct span who, struct domain *d, struct span *mx, char why[CAP_STS_REASON])
{
    bool wildcard, is_mx = span_starts_nocase(who, span_str(MX));
    *mx = is_mx ? span_from(who, strlen(MX)) : span_of(NULL, 0);
    struct span name = is_mx ? mx_pattern_base(*mx, &wildcard) : who;
    if (domain_read(name, d) && !domain_numeric(domain_span(d)))
        return 0;
    return refuse(why, is_mx ? "no pattern of a mail exchanger" : "no domain name", who);
}

int partner_read(struct span line, struct book *book, char why[CAP_STS_REASON])
{
    struct span rest = span_first(line, span_find(line, '#')), mx;
    struct span who = next_word(&rest), what = next_word(&rest), more = next_word(&rest);
    struct domain d;
    if (who.n == 0)
        return 0;
    if (read_who(who, &d, &mx, why))
        return -1;
    if (!span_eq(what, span_str("tls")))
        return refuse(why, what.n ? "unknown demand" : "says nothing of what the partner must do",
                      what);
    if (more.n > 0)
        return refuse(why, "unknown demand", more);
    struct book_policy p = {.source = EXPECTATION_PARTNER,
                            .mode = STS_MODE_ENFORCE,
                            .strict = true,
                            .from = INT64_MIN,
                            .until = INT64_MAX,
                            .mx = &mx,
                            .mx_count = mx.n > 0};
    if (book_add(book, &d, &p) == BOOK_NO_MEMORY)
        return refuse(why, "out of memory", span_of(NULL, 0));
    return 1;
}
