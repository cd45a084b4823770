/* SPDX-License-Identifier: Apache-2.0 */
#include "history/psl.h"

#include <libpsl.h>
#include <stdlib.h>

/* Letters, digits, hyphens, underscores and dots, and not all digits at the end: no address. */
static bool is_name(struct span s)
{
    bool letter = false, dot = false;
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = s.p[i];
        if (!span_is_alpha(c) && !span_is_digit(c) && c != '-' && c != '_' && c != '.')
            return false;
        dot |= c == '.';
        letter = c == '.' ? false : letter || span_is_alpha(c);
    }
    return letter && dot && s.p[0] != '.';
}

static void lower(char *to, struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        to[i] = (char)(s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] + 32 : s.p[i]);
    to[s.n] = '\0';
}

void psl_domain(struct span name, struct psl_domain *out)
{
    const psl_ctx_t *list = psl_builtin();
    char text[CAP_DOMAIN_TEXT + 1];
    out->n = 0;
    out->text[0] = '\0';
    if (name.n > 0 && name.p[name.n - 1] == '.')
        name.n--;
    if (!list || name.n == 0 || name.n > CAP_DOMAIN_TEXT || !is_name(name))
        return;
    lower(text, name);
    const char *owned = psl_registrable_domain(list, text);
    if (!owned)
        return;
    out->n = (uint8_t)strlen(owned);
    memcpy(out->text, owned, out->n + 1u);
}

/* --- names come again --- */

#define NAMES       16384 /* of two a session; a newer one takes the place of an older one */
#define PRINT_LEAST (UINT64_C(1) << 8) /* no print is 0 */

struct psl_memory {
    struct siphash_key key;
    /* A print of the name, and in the lowest byte how many bytes at its end are its registrable
     * domain; 0: empty. */
    uint64_t at[NAMES];
};

_Static_assert(CAP_DOMAIN_TEXT <= UINT8_MAX, "a length is one byte");

struct psl_memory *psl_memory_new(const struct siphash_key *key)
{
    struct psl_memory *m = calloc(1, sizeof(*m));
    if (m)
        m->key = *key;
    return m;
}

void psl_memory_free(struct psl_memory *m)
{
    free(m);
}

void psl_recall(struct psl_memory *m, struct span name, struct psl_domain *out)
{
    if (name.n > 0 && name.p[name.n - 1] == '.')
        name.n--;
    if (name.n == 0 || name.n > CAP_DOMAIN_TEXT) {
        out->n = 0;
        out->text[0] = '\0';
        return;
    }
    uint64_t print = (siphash(&m->key, name.p, name.n) | PRINT_LEAST) & ~(uint64_t)UINT8_MAX;
    uint64_t *at = &m->at[(print >> 32) % NAMES];
    if ((*at & ~(uint64_t)UINT8_MAX) != print) {
        psl_domain(name, out);
        *at = print | out->n;
        return;
    }
    out->n = (uint8_t)*at;
    lower(out->text, span_from(name, name.n - out->n));
}
