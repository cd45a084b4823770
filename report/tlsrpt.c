/* SPDX-License-Identifier: Apache-2.0 */
#include "report/tlsrpt.h"

#include "report/event_field.h"

static const char *const RESULT[] = {
    [TLSRPT_STARTTLS_NOT_SUPPORTED] = "starttls-not-supported",
    [TLSRPT_CERTIFICATE_HOST_MISMATCH] = "certificate-host-mismatch",
    [TLSRPT_CERTIFICATE_EXPIRED] = "certificate-expired",
    [TLSRPT_CERTIFICATE_NOT_TRUSTED] = "certificate-not-trusted",
    [TLSRPT_VALIDATION_FAILURE] = "validation-failure",
    [TLSRPT_TLSA_INVALID] = "tlsa-invalid",
    [TLSRPT_DNSSEC_INVALID] = "dnssec-invalid",
    [TLSRPT_DANE_REQUIRED] = "dane-required",
    [TLSRPT_STS_POLICY_FETCH_ERROR] = "sts-policy-fetch-error",
    [TLSRPT_STS_POLICY_INVALID] = "sts-policy-invalid",
    [TLSRPT_STS_WEBPKI_INVALID] = "sts-webpki-invalid",
};
_Static_assert(sizeof(RESULT) / sizeof(RESULT[0]) == TLSRPT_RESULT_COUNT, "a text each");

static const char *const TYPE[] = {
    [TLSRPT_TYPE_STS] = "sts",
    [TLSRPT_TYPE_TLSA] = "tlsa",
    [TLSRPT_TYPE_NONE] = "no-policy-found",
};
_Static_assert(sizeof(TYPE) / sizeof(TYPE[0]) == TLSRPT_TYPE_COUNT, "a text each");

static unsigned word_of(struct span word, const char *const *list, unsigned count)
{
    unsigned i = 0;
    while (i < count && !span_eq_nocase(word, span_str(list[i])))
        i++;
    return i;
}

const char *tlsrpt_result_text(enum tlsrpt_result r)
{
    return RESULT[r];
}

enum tlsrpt_result tlsrpt_result_of(struct span word)
{
    return (enum tlsrpt_result)word_of(word, RESULT, TLSRPT_RESULT_COUNT);
}

const char *tlsrpt_type_text(enum tlsrpt_type t)
{
    return TYPE[t];
}

enum tlsrpt_type tlsrpt_type_of(struct span word)
{
    return (enum tlsrpt_type)word_of(word, TYPE, TLSRPT_TYPE_COUNT);
}

bool tlsrpt_host_read(struct span text, struct tlsrpt_host *out)
{
    return event_address_plain(text, &out->family, out->address);
}

static const struct {
    uint8_t family, bits;
    uint8_t prefix[2];
} INNER[] = {
    {4, 8, {0}},         {4, 8, {10}},        {4, 10, {100, 64}},
    {4, 8, {127}},       {4, 16, {169, 254}}, {4, 12, {172, 16}},
    {4, 16, {192, 168}}, {6, 7, {0xFC}},      {6, 10, {0xFE, 0x80}},
};

static bool has_prefix(const uint8_t *address, const uint8_t prefix[2], uint8_t bits)
{
    unsigned a = address[0] * 256u + address[1], p = prefix[0] * 256u + prefix[1];
    return (a ^ p) >> (16 - bits) == 0;
}

bool tlsrpt_host_is_inner(const struct tlsrpt_host *h)
{
    static const uint8_t zero[15];
    if (h->family == 6 && memcmp(h->address, zero, sizeof(zero)) == 0 && h->address[15] <= 1)
        return true;
    for (size_t i = 0; i < sizeof(INNER) / sizeof(INNER[0]); i++)
        if (INNER[i].family == h->family && has_prefix(h->address, INNER[i].prefix, INNER[i].bits))
            return true;
    return false;
}

int tlsrpt_host_cmp(const struct tlsrpt_host *a, const struct tlsrpt_host *b)
{
    int by_family = (a->family > b->family) - (a->family < b->family);
    return by_family ? by_family : memcmp(a->address, b->address, sizeof(a->address));
}
