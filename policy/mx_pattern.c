/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/mx_pattern.h"

#include "policy/domain.h"

struct span mx_pattern_base(struct span pattern, bool *wildcard)
{
    struct span base = domain_trim(pattern);
    *wildcard = true;
    if (base.n >= 2 && base.p[0] == '*' && base.p[1] == '.')
        return span_from(base, 2);
    if (base.n >= 1 && base.p[0] == '.')
        return span_from(base, 1);
    *wildcard = false;
    return base;
}

enum mx_match mx_match(struct span pattern, struct span host)
{
    bool wildcard;
    struct span base = mx_pattern_base(pattern, &wildcard);
    struct span name = domain_trim(host);
    if (base.n == 0 || name.n == 0)
        return MX_MATCH_NONE;
    if (!wildcard)
        return span_eq_nocase(base, name) ? MX_MATCH_WHOLE : MX_MATCH_NONE;
    if (name.n < base.n + 2 || name.p[name.n - base.n - 1] != '.' ||
        !span_eq_nocase(base, span_from(name, name.n - base.n)))
        return MX_MATCH_NONE;
    struct span front = span_first(name, name.n - base.n - 1);
    return span_find(front, '.') == front.n ? MX_MATCH_WHOLE : MX_MATCH_DEPTH;
}
