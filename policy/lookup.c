/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/lookup.h"

#include <stdlib.h>

bool lookup_leads_to(const struct lookup *l, const struct lookup_mx *m)
{
    return l->mx == LOOKUP_SECURE &&
           (m->address == LOOKUP_SECURE || (m->address == LOOKUP_INSECURE && m->alias));
}

void lookup_fini(struct lookup *l)
{
    free(l->body);
    l->body = NULL;
    l->body_n = 0;
}

const char *lookup_sts_text(enum lookup_sts s)
{
    static const char *const TEXT[LOOKUP_STS_COUNT] = {
        [LOOKUP_STS_UNASKED] = "unasked", [LOOKUP_STS_NONE] = "none",
        [LOOKUP_STS_POLICY] = "policy",   [LOOKUP_STS_SAME] = "same",
        [LOOKUP_STS_DNS] = "dns",         [LOOKUP_STS_RECORD] = "record",
        [LOOKUP_STS_FETCH] = "fetch",     [LOOKUP_STS_WEBPKI] = "webpki",
        [LOOKUP_STS_INVALID] = "invalid", [LOOKUP_STS_REFUSED] = "refused",
    };
    return TEXT[s];
}

const char *lookup_security_text(enum lookup_security s)
{
    static const char *const TEXT[LOOKUP_SECURITY_COUNT] = {
        [LOOKUP_INSECURE] = "insecure",
        [LOOKUP_SECURE] = "secure",
        [LOOKUP_BOGUS] = "bogus",
        [LOOKUP_FAILED] = "failed",
    };
    return TEXT[s];
}

const char *lookup_tlsrpt(const struct lookup *l)
{
    switch (l->sts) {
    case LOOKUP_STS_DNS:
    case LOOKUP_STS_FETCH:
    case LOOKUP_STS_REFUSED:
        return "sts-policy-fetch-error";
    case LOOKUP_STS_RECORD:
    case LOOKUP_STS_INVALID:
        return "sts-policy-invalid";
    case LOOKUP_STS_WEBPKI:
        return "sts-webpki-invalid";
    default:
        return NULL;
    }
}
