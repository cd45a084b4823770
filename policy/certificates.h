/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The certificates that were seen, each chain read and verified once: a signature takes as long as
 * the rest of a session. OpenSSL and the trust store wake at the first certificate. No network, no
 * revocation, no clock.
 */
#ifndef POLICY_CERTIFICATES_H
#define POLICY_CERTIFICATES_H

#include "policy/certificate.h"

struct certificates;

/* `ca_path`: a file of certificates, or a directory as openssl-rehash(1) leaves it; NULL: those of
 * the system. It is copied, and read at the first look. NULL: no memory. */
struct certificates *certificates_new(const char *ca_path);

/* Values that are still held outlive it. */
void certificates_free(struct certificates *cs);

/* Reads the trust store now. False: there is none, and trust is CERT_TRUST_UNKNOWN. */
bool certificates_load(struct certificates *cs);

/* The value of a chain, the leaf first, each span the DER of one certificate; to be given back with
 * certificate_release(). The spans are not kept. NULL: no memory, or by the packet time `at` too
 * many were read that had not been seen before, or too many are held; or the leaf has more than
 * CAP_CERT_BYTES, which nothing is known of then. */
const struct certificate *certificates_look(struct certificates *cs, const struct span *chain,
                                            size_t count, nstime at);

/* One more holder of the same value. */
const struct certificate *certificate_hold(const struct certificate *c);

/* NULL is nothing. */
void certificate_release(const struct certificate *c);

/* Chains that were read, not counting those that were remembered. */
uint64_t certificates_read(const struct certificates *cs);

#endif
