/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/dns_id.h"

#include "policy/domain.h"

bool dns_id_match(struct span id, struct span host)
{
    struct span name = domain_trim(id), want = domain_trim(host);
    bool wildcard = name.n > 2 && name.p[0] == '*' && name.p[1] == '.';

    if (!domain_valid(want) || domain_numeric(want))
        return false;
    if (wildcard) {
        name = span_from(name, 2);
        want = span_from(want, span_find(want, '.') + 1);
        if (span_find(name, '.') == name.n)
            return false;
    }
    return domain_valid(name) && span_eq_nocase(name, want);
}
