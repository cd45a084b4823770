/* SPDX-License-Identifier: Apache-2.0 */
#include "history/known_offers.h"

static const struct {
    const char *suffix, *operator, * since;
    size_t n; /* bytes of the suffix */
} rows[] = {
#define ROW(suffix, operator, since) {suffix, operator, since, sizeof(suffix) - 1},
#include "known-offers.inc"
#undef ROW
};

/* Is it the suffix, or a name below it? Most fail by where their labels begin. */
static bool covers(struct span suffix, struct span host)
{
    if (host.n < suffix.n || (host.n > suffix.n && host.p[host.n - suffix.n - 1] != '.'))
        return false;
    return span_eq_nocase(span_from(host, host.n - suffix.n), suffix);
}

const char *known_offers_suffix(struct span host)
{
    if (host.n > 0 && host.p[host.n - 1] == '.')
        host.n--;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (covers(span_of(rows[i].suffix, rows[i].n), host))
            return rows[i].suffix;
    return NULL;
}
