/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/certificate.h"

#include <stdio.h>

#include "policy/dns_id.h"

static const char *const TRUST[] = {
    [CERT_TRUST_OK] = "ok",
    [CERT_TRUST_UNTRUSTED] = "untrusted",
    [CERT_TRUST_SELF_SIGNED] = "self-signed",
    [CERT_TRUST_INVALID] = "invalid",
    [CERT_TRUST_UNREADABLE] = "unreadable",
    [CERT_TRUST_UNKNOWN] = "unknown",
};
_Static_assert(sizeof(TRUST) / sizeof(TRUST[0]) == CERT_TRUST_COUNT, "one text each");

static const char *const KEY[] = {
    [CERT_KEY_OTHER] = "other",     [CERT_KEY_RSA] = "rsa",     [CERT_KEY_ECDSA] = "ecdsa",
    [CERT_KEY_ED25519] = "ed25519", [CERT_KEY_ED448] = "ed448", [CERT_KEY_DSA] = "dsa",
};
_Static_assert(sizeof(KEY) / sizeof(KEY[0]) == CERT_KEY_COUNT, "one text each");

static const char *const DATES[] = {
    [CERT_DATES_OK] = "ok",
    [CERT_DATES_EARLY] = "not-yet-valid",
    [CERT_DATES_EXPIRED] = "expired",
};
_Static_assert(sizeof(DATES) / sizeof(DATES[0]) == CERT_DATES_COUNT, "one text each");

static const char *const WEAKNESS[] = {
    [CERT_WEAK_RSA] = "rsa-short",
    [CERT_WEAK_EC] = "ec-short",
    [CERT_WEAK_DSA] = "dsa",
    [CERT_WEAK_SIGNATURE] = "signature-sha1-md5",
    [CERT_WEAK_AUTHORITY] = "authority",
    [CERT_WEAK_LONG] = "long-lived",
};
_Static_assert(sizeof(WEAKNESS) / sizeof(WEAKNESS[0]) == CERT_WEAK_COUNT, "one text each");

const char *certificate_trust_text(enum certificate_trust t)
{
    return TRUST[t];
}

const char *certificate_key_text(enum certificate_key k)
{
    return KEY[k];
}

const char *certificate_dates_text(enum certificate_dates d)
{
    return DATES[d];
}

const char *certificate_weakness_text(enum certificate_weakness w)
{
    return WEAKNESS[w];
}

void certificate_fingerprint(const struct certificate *c, char dst[CERTIFICATE_FINGERPRINT])
{
    for (size_t i = 0; i < sizeof(c->leaf_sha1); i++)
        (void)snprintf(dst + 3 * i, 4, "%02x%s", c->leaf_sha1[i],
                       i + 1 < sizeof(c->leaf_sha1) ? ":" : "");
}

enum certificate_dates certificate_dates(const struct certificate *c, nstime at)
{
    int64_t second = clock_second(at);

    if (second > c->valid_until)
        return CERT_DATES_EXPIRED;
    return second < c->valid_from ? CERT_DATES_EARLY : CERT_DATES_OK;
}

bool certificate_names(const struct certificate *c, struct span host)
{
    for (uint32_t i = 0; i < c->name_count; i++)
        if (dns_id_match(c->name[i], host))
            return true;
    return false;
}

bool certificate_names_any(const struct certificate *c, const struct span *host, size_t hosts)
{
    if (c->names_left > 0)
        return true;
    for (size_t i = 0; i < hosts; i++)
        if (certificate_names(c, host[i]) ||
            (c->name_count == 0 && dns_id_match(c->common_name, host[i])))
            return true;
    return false;
}

/* An attacker's certificate is first of all not trusted; a sloppy owner's has the wrong name or is
 * too old. "certificate-expired" is no word for one that is not valid yet. */
const char *certificate_tlsrpt(const struct certificate *c, struct span host, nstime at)
{
    switch (c->trust) {
    case CERT_TRUST_INVALID:
    case CERT_TRUST_UNREADABLE:
        return "validation-failure";
    case CERT_TRUST_UNTRUSTED:
    case CERT_TRUST_SELF_SIGNED:
        return "certificate-not-trusted";
    default:
        break;
    }
    if (host.n > 0 && !certificate_names(c, host) && c->names_left == 0)
        return "certificate-host-mismatch";
    switch (certificate_dates(c, at)) {
    case CERT_DATES_EXPIRED:
        return "certificate-expired";
    case CERT_DATES_EARLY:
        return "validation-failure";
    default:
        return NULL;
    }
}
