/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ServerKeyExchange (RFC 5246 section 7.4.3, RFC 8422 section 5.4; the ephemeral RSA of RFC 2246
 * section 7.4.3): the strength of what is offered, not the offer itself.
 */
#ifndef DISSECT_TLS_EXCHANGE_H
#define DISSECT_TLS_EXCHANGE_H

#include "base/tls_suite.h"
#include "dissect/tls_facts.h"

struct tls_exchange_facts {
    enum tls_exchange kind;
    enum tls_prime prime;
    uint16_t bits;  /* of the prime or the modulus; 0: of a curve */
    uint16_t group; /* named curve; 0: none, or not a named one */
};

/* `body`: the message without its header of four bytes; `keys`: of the selected suite. False: it is
 * of no kind that is read here, or damaged. */
bool tls_exchange_read(struct span body, enum tls_keys keys, struct tls_exchange_facts *out);

#endif
