/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A policy body of any bytes. What is said of it must hold together, and one more blank line at its
 * end is forgiven but never to the letter.
 */
#include <stdlib.h>

#include "policy/domain.h"
#include "policy/mx_pattern.h"
#include "policy/sts_policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void check(const struct sts_policy *p)
{
    must(p->strict == (p->reason[0] == '\0'));
    must(p->max_age <= STS_MAX_AGE_MOST && p->mx_count <= CAP_STS_MX);
    if (p->strict || p->usable)
        must(p->has_max_age && p->mode != STS_MODE_UNKNOWN &&
             (p->mx_count > 0 || p->mode == STS_MODE_NONE));
    for (uint32_t i = 0; i < p->mx_count; i++) {
        bool wildcard;
        must(domain_valid(mx_pattern_base(p->mx[i], &wildcard)));
        must(mx_match(p->mx[i], p->mx[i]) == MX_MATCH_WHOLE); /* an asterisk is one label, too */
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sts_policy p, longer;
    uint8_t *more = malloc(size + 2);

    sts_policy_read(span_of(data, size), &p);
    check(&p);
    if (size > 0 && size + 2 <= CAP_STS_BODY) {
        memcpy(more, data, size);
        memcpy(more + size, "\n\n", 2);
        sts_policy_read(span_of(more, size + 2), &longer);
        check(&longer);
        if (p.usable)
            must(longer.usable && !longer.strict && longer.mode == p.mode);
    }
    free(more);
    return 0;
}
