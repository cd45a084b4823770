/* SPDX-License-Identifier: Apache-2.0 */
#include "dissect/tls_exchange.h"

#include "base/cursor.h"
#include "base/digest.h"

enum { NAMED_CURVE = 3 }; /* RFC 8422 section 5.4 */

static struct span without_zeros(struct span number)
{
    while (number.n > 0 && number.p[0] == 0)
        number = span_from(number, 1);
    return number;
}

static uint16_t bits_of(struct span number)
{
    unsigned bits = (unsigned)number.n * 8;

    for (uint8_t top = number.n ? number.p[0] : 0xff; !(top & 0x80); top = (uint8_t)(top << 1))
        bits--;
    return (uint16_t)(bits < UINT16_MAX ? bits : UINT16_MAX);
}

static uint64_t head_of(const uint8_t digest[32])
{
    uint64_t v = 0;

    for (int i = 0; i < 8; i++)
        v = v << 8 | digest[i];
    return v;
}

/* By the first eight bytes of their SHA-256. */
static enum tls_prime prime_of(struct span prime, uint16_t bits)
{
    static const struct {
        uint64_t head;
        uint16_t bits;
        enum tls_prime prime;
    } known[] = {
        {0xb52ba6a3026520a6, 768, TLS_PRIME_IKE},    {0x3f35a3f5f6c4376a, 1024, TLS_PRIME_IKE},
        {0x64fcc83ec403930b, 1536, TLS_PRIME_IKE},   {0xd66436f79bbd6b2e, 2048, TLS_PRIME_IKE},
        {0x48cf8b092fbce435, 3072, TLS_PRIME_IKE},   {0x4ee95187682bcb23, 4096, TLS_PRIME_IKE},
        {0xd1bfe6d0925ce7e4, 6144, TLS_PRIME_IKE},   {0x39ab4feab950a312, 8192, TLS_PRIME_IKE},
        {0x9cd3b7f336872f46, 2048, TLS_PRIME_FFDHE}, {0x0eaf67db3a839156, 3072, TLS_PRIME_FFDHE},
        {0x4648414224ac881b, 4096, TLS_PRIME_FFDHE}, {0x227ac9066b3ddd9e, 6144, TLS_PRIME_FFDHE},
        {0x770b14efaf6f0499, 8192, TLS_PRIME_FFDHE}, {0x44c55cfee5c07592, 1024, TLS_PRIME_5114},
        {0xbfe545862ca102ad, 2048, TLS_PRIME_5114},  {0x0b7835722cb61982, 2048, TLS_PRIME_5114},
        {0xdb01e702899166da, 512, TLS_PRIME_EXPORT}, {0x3cdb020b9ef298b2, 512, TLS_PRIME_EXPORT},
    };
    uint8_t digest[32];

    if (digest_sha256(prime, digest))
        return TLS_PRIME_OTHER;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (known[i].bits == bits && known[i].head == head_of(digest))
            return known[i].prime;
    return TLS_PRIME_OTHER;
}

/* dh_p, dh_g, dh_Ys */
static bool read_dhe(struct cursor *c, struct tls_exchange_facts *out)
{
    struct span prime = without_zeros(cursor_span(c, cursor_u16(c)));

    cursor_skip(c, cursor_u16(c));
    cursor_skip(c, cursor_u16(c));
    if (c->bad || prime.n == 0)
        return false;
    out->kind = TLS_EXCHANGE_DHE;
    out->bits = bits_of(prime);
    out->prime = prime_of(prime, out->bits);
    return true;
}

static bool read_ecdhe(struct cursor *c, struct tls_exchange_facts *out)
{
    uint8_t type = cursor_u8(c);

    out->kind = TLS_EXCHANGE_ECDHE;
    out->group = type == NAMED_CURVE ? cursor_u16(c) : 0;
    return !c->bad;
}

/* rsa_modulus, rsa_exponent */
static bool read_rsa(struct cursor *c, struct tls_exchange_facts *out)
{
    struct span modulus = without_zeros(cursor_span(c, cursor_u16(c)));

    cursor_skip(c, cursor_u16(c));
    if (c->bad || modulus.n == 0)
        return false;
    out->kind = TLS_EXCHANGE_RSA;
    out->bits = bits_of(modulus);
    return true;
}

bool tls_exchange_read(struct span body, enum tls_keys keys, struct tls_exchange_facts *out)
{
    struct cursor c = cursor_of(body);

    *out = (struct tls_exchange_facts){0};
    switch (keys) {
    case TLS_KEYS_DHE:
    case TLS_KEYS_DH_ANON:
        return read_dhe(&c, out);
    case TLS_KEYS_ECDHE:
    case TLS_KEYS_ECDH_ANON:
        return read_ecdhe(&c, out);
    case TLS_KEYS_RSA:
        return read_rsa(&c, out);
    default:
        return false;
    }
}
