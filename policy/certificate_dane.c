/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/certificate.h"

#include "base/digest.h"

static const char *const RESULT[] = {
    [DANE_UNKNOWN] = "unknown",
    [DANE_MATCH] = "match",
    [DANE_MISMATCH] = "mismatch",
    [DANE_UNUSABLE] = "unusable",
};
_Static_assert(sizeof(RESULT) / sizeof(RESULT[0]) == DANE_COUNT, "one text each");

/* A record's data as a digest, for whole certificates and keys are not kept. */
struct wanted {
    uint8_t selector;
    struct span digest; /* 32 or 64 bytes */
    uint8_t sha256[32]; /* of the data when they are the whole thing */
};

static bool want(const struct tlsa *t, struct wanted *w)
{
    w->selector = t->selector;
    w->digest = t->data;
    if (t->matching != TLSA_FULL)
        return true;
    w->digest = span_of(w->sha256, sizeof(w->sha256));
    return digest_sha256(t->data, w->sha256) == 0;
}

static bool is(const struct certificate_link *l, const struct wanted *w)
{
    bool is_long = w->digest.n == sizeof(l->der_sha512);

    if (w->selector == TLSA_SPKI && !l->readable)
        return false;
    if (w->selector == TLSA_SPKI)
        return memcmp(is_long ? l->spki_sha512 : l->spki_sha256, w->digest.p, w->digest.n) == 0;
    return memcmp(is_long ? l->der_sha512 : l->der_sha256, w->digest.p, w->digest.n) == 0;
}

/* RFC 7671 section 5.2: as in PKIX, every certificate up to the anchor must be valid now. */
static bool dated(const struct certificate *c, int depth, nstime at)
{
    int64_t second = clock_second(at);

    for (uint32_t i = 0; i < c->chain_count; i++) {
        const struct certificate_link *l = &c->chain[i];
        if (l->depth >= 0 && l->depth <= depth && (second < l->not_before || second > l->not_after))
            return false;
    }
    return true;
}

/* A leaf may be its own anchor if it is an authority; DANE-EE(3) is for the others. */
static bool may_anchor(const struct certificate_link *l)
{
    return l->readable && (l->depth > 0 || (l->depth == 0 && l->self_issued && l->authority));
}

/* Is the record's anchor on the way from the leaf? `found`: it was presented at all. */
static bool anchored(const struct certificate *c, const struct wanted *w, nstime at, bool *found)
{
    *found = false;
    for (uint32_t i = 0; i < c->chain_count; i++) {
        const struct certificate_link *l = &c->chain[i];
        if (!is(l, w))
            continue;
        *found = true;
        if (may_anchor(l) && dated(c, l->depth, at))
            return true;
    }
    return false;
}

enum dane_result certificate_dane(const struct certificate *c, const struct tlsa *record, size_t n,
                                  const struct span *reference, size_t references, nstime at)
{
    bool named = certificate_names_any(c, reference, references), usable = false, open = false;
    struct wanted w;

    for (size_t i = 0; i < n; i++) {
        const struct tlsa *t = &record[i];
        bool found = true;
        if (!tlsa_usable(t) || !want(t, &w))
            continue;
        usable = true;
        if (t->usage == TLSA_DANE_EE && c->chain_count > 0 && is(&c->chain[0], &w))
            return DANE_MATCH;
        if (t->usage == TLSA_DANE_TA && anchored(c, &w, at, &found) && named)
            return DANE_MATCH;
        if (!found && (t->matching == TLSA_FULL || c->chain_left > 0))
            open = true;
    }
    return usable && !open ? DANE_MISMATCH : DANE_UNUSABLE;
}

const char *dane_result_text(enum dane_result r)
{
    return RESULT[r];
}

const char *dane_tlsrpt(enum dane_result r)
{
    return r == DANE_MISMATCH ? "tlsa-invalid" : NULL;
}
