/* SPDX-License-Identifier: Apache-2.0 */
/* One fetch, between the files of online/https.h. libcurl's and OpenSSL's types stay theirs. */
#ifndef ONLINE_HTTPS_GET_H
#define ONLINE_HTTPS_GET_H

#include "online/https.h"

struct curl_slist;
struct x509_store_st;

struct https_get {
    struct https_get *next;            /* under way */
    const struct https_config *config; /* of whom it belongs to */
    struct x509_store_st *trust;       /* likewise */
    void *easy;                        /* of libcurl; NULL: nothing is sent */
    void *share;                       /* its names and addresses: of this fetch alone */
    struct curl_slist *pinned;         /* the same in words */
    struct https_address address[CAP_HTTPS_ADDRESSES];
    size_t addresses, at; /* the one that is tried */
    struct domain host;
    nstime begun, due; /* monotonic; `due`: then it is over */
    https_fn fn;
    void *user;

    bool closed;              /* the server said that it has said all (close_notify) */
    bool has_length, chunked; /* how the end of the body is known otherwise */
    bool heard;               /* a byte of the answer came */
    bool over;                /* `sts` and `why` are what is told */
    enum lookup_sts sts;
    char why[HTTPS_WHY];
    char error[256]; /* libcurl writes here (CURL_ERROR_SIZE) */
    int verified;    /* X509_V_OK, or why the chain is none */
    char issuer[CAP_LOOKUP_TEXT];
    char type[CAP_HTTPS_TYPE];
    size_t headers, header_bytes;
    uint8_t *body; /* heap */
    size_t body_n, body_room;
};

/* --- https_get.c --- */

nstime https_now(void); /* monotonic */

/* NULL: no memory. */
struct https_get *https_get_new(const struct https_config *c, struct x509_store_st *trust,
                                const struct domain *d, const struct https_address *a, size_t n);
void https_get_free(struct https_get *g);

/* Turns to the next address. False: there is none, or no memory. It is in nobody's hands. */
bool https_get_next(struct https_get *g);

/* --- https_answer.c --- */

/* The first reason that is found is told. */
void https_end(struct https_get *g, enum lookup_sts sts, const char *why);

/* Callbacks of libcurl: `n` bytes of a header line, of the body. Not all taken: it ends. */
size_t https_header(char *p, size_t size, size_t n, void *user);
size_t https_body(char *p, size_t size, size_t n, void *user);

/* Is this another address's turn? Nothing was heard, and no certificate was the reason. */
bool https_missed(const struct https_get *g);

/* libcurl is through with it: what came of it; `code`: CURLcode. */
void https_finish(struct https_get *g, int code);
void https_tell(const struct https_get *g);

/* --- https_tls.c --- */

/* Before each handshake; `ssl_ctx`: SSL_CTX. False: no memory. */
bool https_tls(struct https_get *g, void *ssl_ctx);

/* Why the chain is none, in words. */
const char *https_tls_text(int verified);

#endif
