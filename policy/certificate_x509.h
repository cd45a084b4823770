/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between policy/certificates.c and the library that reads X.509, whose types stay incomplete here.
 * Whatever it says about an error is left in its queue.
 */
#ifndef POLICY_CERTIFICATE_X509_H
#define POLICY_CERTIFICATE_X509_H

#include "policy/certificate.h"

struct x509_st;
struct x509_store_st;

/* Where the texts of a value lie until their number of bytes is known. */
struct certificate_scratch {
    size_t n;
    uint8_t text[CAP_CERT_NAMES * CAP_CERT_NAME + 4 * CAP_CERT_TEXT];
};

/* What was presented, in its order; NULL: unreadable. */
struct certificate_chain {
    struct x509_st *x509[CAP_CERT_CHAIN];
    uint32_t count;
};

/* One certificate with nothing behind it, or NULL. */
struct x509_st *certificate_x509(struct span der);
void certificate_x509_free(struct x509_st *x);

/* 0, or -1: the library refuses. `x`: NULL if it is unreadable. `depth` stays -1. */
int certificate_read_link(struct x509_st *x, struct span der, struct certificate_link *out);

/* All about the leaf but its trust. The texts point into the scratch. */
void certificate_read_leaf(struct x509_st *x, struct certificate *out,
                           struct certificate_scratch *scratch);

/* Its notBefore and notAfter, as in struct certificate_link. */
void certificate_read_dates(const struct x509_st *x, int64_t *not_before, int64_t *not_after);

/* By a hash that can be forged. */
bool certificate_signature_weak(struct x509_st *x);

/* The store of a file, a directory or, with NULL, the system; NULL: there is none. */
struct x509_store_st *certificate_store(const char *ca_path);
void certificate_store_free(struct x509_store_st *store);

/* Trust, its interval, and the way from the leaf through what was presented. `store`: NULL if there
 * is none. 0, or -1: no memory. The leaf is readable. */
int certificate_verify(struct x509_store_st *store, const struct certificate_chain *chain,
                       struct certificate *out);

#endif
