/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/peers.h"

#include <stdlib.h>

#include "dissect/tls_print.h"
#include "policy/certificates.h"

struct peers {
    struct certificates *certificates;
    struct tls_prints *prints;
};

struct peers *peers_new(const struct siphash_key *key, const char *ca_path)
{
    struct peers *p = calloc(1, sizeof(*p));
    if (!p)
        return NULL;
    p->certificates = certificates_new(ca_path);
    p->prints = tls_prints_new(key);
    if (p->certificates && p->prints)
        return p;
    peers_free(p);
    return NULL;
}

void peers_free(struct peers *p)
{
    if (!p)
        return;
    certificates_free(p->certificates);
    tls_prints_free(p->prints);
    free(p);
}

bool peers_load(struct peers *p)
{
    return certificates_load(p->certificates);
}

void peers_meet(struct peers *p, struct session *s, const struct tls_sighting *t)
{
    if (t->certificate_count == 0 || s->peer)
        return;
    s->peer = certificates_look(p->certificates, t->certificate, t->certificate_count, t->time);
    s->caps_hit += !s->peer;
}

struct eve_peer peers_describe(struct peers *p, const struct session *s,
                               const struct tls_sighting *t)
{
    bool printable = t->client && !t->sslv2; /* JA3 and JA4 know the usual hello alone */
    return (struct eve_peer){
        .client = printable ? tls_prints_client(p->prints, t->client) : NULL,
        .server = t->server ? tls_prints_server(p->prints, t->server) : NULL,
        .certificate = s->peer,
    };
}

const struct certificate *peers_certificate(const struct session *s)
{
    return s->peer;
}

void peers_leave(struct session *s)
{
    certificate_release(s->peer);
    s->peer = NULL;
}
