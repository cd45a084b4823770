/* SPDX-License-Identifier: Apache-2.0 */
/* A line of a look-up, as it may come from a process that an attacker has taken. What is read can
 * be written, read again and written to the same. */
#include <stdlib.h>

#include "base/text.h"
#include "policy/lookup_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void must_be_printable(const char *text)
{
    struct span s = span_str(text);
    for (size_t n; s.n > 0; s = span_from(s, n))
        must((n = text_printable(s)) > 0);
}

static void look_at(const struct lookup *l)
{
    must(l->domain.n > 0 && domain_valid(domain_span(&l->domain)));
    must(l->items <= CAP_LOOKUP_MX && l->body_n <= CAP_STS_BODY);
    must((l->sts != LOOKUP_STS_POLICY || l->body) && (l->sts != LOOKUP_STS_SAME || l->id[0]));
    must_be_printable(l->why);
    must_be_printable(l->issuer);
    for (uint8_t i = 0; i < l->items; i++)
        must(l->item[i].host.n > 0 && l->item[i].records <= CAP_ROUTES_TLSA &&
             l->item[i].addresses <= CAP_LOOKUP_ADDRESSES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct lookup l, again;
    char why[LOOKUP_JSON_WHY] = "", *first, *second;
    struct span in = span_of(data, size);
    int rc = lookup_json_read(in, &l, why);

    (void)lookup_json_is(in);
    must((rc < 0) == (why[0] != '\0'));
    must_be_printable(why);
    if (rc == 0) {
        look_at(&l);
        first = lookup_json_text(&l);
        must(first && lookup_json_is(span_str(first)));
        must(lookup_json_read(span_str(first), &again, why) == 0);
        second = lookup_json_text(&again);
        must(second && strcmp(first, second) == 0);
        lookup_fini(&again);
        free(first);
        free(second);
    }
    lookup_fini(&l);
    return 0;
}
