/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/tls_client.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "base/heap.h"

struct tls_client {
    SSL_CTX *context;
    SSL *ssl; /* of the connection there is; NULL: none */
    char name[CAP_DELIVER_HOST + 1];
    bool wants_write;
    char why[SINK_WHY];
};

/* The library's own words name neither keys nor data. */
static const char *reason(void)
{
    const char *text = ERR_reason_error_string(ERR_peek_last_error());

    return text ? text : "no reason given";
}

static bool load(SSL_CTX *x, const struct deliver_tls *c, char why[SINK_WHY])
{
    const char *what = NULL;

    ERR_clear_error();
    if (c->ca_file ? SSL_CTX_load_verify_file(x, c->ca_file) != 1
                   : SSL_CTX_set_default_verify_paths(x) != 1)
        what = c->ca_file ? c->ca_file : "the system's certificates";
    else if (c->certificate_file && SSL_CTX_use_certificate_chain_file(x, c->certificate_file) != 1)
        what = c->certificate_file;
    else if (c->key_file && SSL_CTX_use_PrivateKey_file(x, c->key_file, SSL_FILETYPE_PEM) != 1)
        what = c->key_file;
    if (what)
        snprintf(why, SINK_WHY, "TLS cannot use %s: %s", what, reason());
    return !what;
}

struct tls_client *tls_client_new(const struct deliver_tls *c, const char *name, char why[SINK_WHY])
{
    struct tls_client *t = heap_zeroed(sizeof(*t));

    if (!t) {
        snprintf(why, SINK_WHY, "no memory for TLS");
        return NULL;
    }
    snprintf(t->name, sizeof(t->name), "%s", name);
    t->context = SSL_CTX_new(TLS_client_method());
    if (!t->context || !load(t->context, c, why)) {
        tls_client_free(t);
        return NULL;
    }
    SSL_CTX_set_min_proto_version(t->context, TLS1_2_VERSION);
    SSL_CTX_set_verify(t->context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_mode(t->context, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                     SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                     SSL_MODE_RELEASE_BUFFERS);
    return t;
}

void tls_client_free(struct tls_client *t)
{
    if (!t)
        return;
    tls_client_end(t);
    SSL_CTX_free(t->context);
    heap_free(t);
}

/* RFC 5425 section 5.2; an address is compared with addresses (RFC 6125 B.2), and is no SNI. */
static bool expect_name(SSL *ssl, const char *name)
{
    uint8_t address[16];
    bool is_address =
        inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;

    if (is_address)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, name) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1;
}

bool tls_client_begin(struct tls_client *t, int fd)
{
    tls_client_end(t);
    t->wants_write = true;
    t->ssl = SSL_new(t->context);
    return t->ssl && expect_name(t->ssl, t->name) && SSL_set_fd(t->ssl, fd) == 1;
}

void tls_client_end(struct tls_client *t)
{
    if (t->ssl && SSL_is_init_finished(t->ssl))
        (void)SSL_shutdown(t->ssl);
    SSL_free(t->ssl);
    t->ssl = NULL;
}

static int trouble(struct tls_client *t, int rc)
{
    int error = SSL_get_error(t->ssl, rc);
    long verified = SSL_get_verify_result(t->ssl);

    t->wants_write = error == SSL_ERROR_WANT_WRITE;
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
        return 0;
    if (verified != X509_V_OK)
        snprintf(t->why, sizeof(t->why), "the certificate of the server does not hold: %s",
                 X509_verify_cert_error_string(verified));
    else if (error == SSL_ERROR_SSL)
        snprintf(t->why, sizeof(t->why), "TLS: %s", reason());
    else
        snprintf(t->why, sizeof(t->why), "the connection was closed");
    return -1;
}

int tls_client_shake(struct tls_client *t)
{
    int rc;

    ERR_clear_error();
    rc = SSL_connect(t->ssl);
    return rc == 1 ? 1 : trouble(t, rc);
}

ssize_t tls_client_write(struct tls_client *t, const void *bytes, size_t n)
{
    size_t wrote = 0;
    int rc;

    ERR_clear_error();
    rc = SSL_write_ex(t->ssl, bytes, n, &wrote);
    t->wants_write = false;
    return rc == 1 ? (ssize_t)wrote : trouble(t, rc);
}

ssize_t tls_client_read(struct tls_client *t, void *bytes, size_t n)
{
    bool wanted = t->wants_write;
    size_t got = 0;
    int rc;

    ERR_clear_error();
    rc = SSL_read_ex(t->ssl, bytes, n, &got);
    if (rc == 1)
        return (ssize_t)got;
    rc = trouble(t, rc);
    t->wants_write = t->wants_write || wanted;
    return rc;
}

bool tls_client_wants_write(const struct tls_client *t)
{
    return t->wants_write;
}

const char *tls_client_why(const struct tls_client *t)
{
    return t->why;
}
