/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/peers.h"

#include <stdlib.h>

#include "base/heap.h"
#include "dissect/tls_print.h"
#include "policy/certificates.h"

struct peers {
    struct certificates *certificates;
    struct tls_prints *prints;
    const struct tls_client_print *client; /* of the hellos that were met last; NULL: none */
    const struct tls_server_print *server;
};

/* What session.peer is. */
struct met {
    const struct certificate *certificate; /* held; NULL: none was seen */
    struct peer_prints prints;
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

/* JA3 and JA4 know the usual hello alone. */
static void print_hellos(struct peers *p, const struct tls_sighting *t)
{
    p->client = t->client && !t->sslv2 ? tls_prints_client(p->prints, t->client) : NULL;
    p->server = t->server ? tls_prints_server(p->prints, t->server) : NULL;
}

void peers_meet(struct peers *p, struct session *s, const struct tls_sighting *t)
{
    print_hellos(p, t);
    if (s->peer)
        return;
    struct met *met = heap_zeroed(sizeof(*met));
    if (!met) {
        s->caps_hit++;
        return;
    }
    s->peer = met;
    met->prints = (struct peer_prints){.ja3s = p->server ? p->server->ja3s_number : 0,
                                       .ja4 = p->client ? p->client->ja4_number : 0};
    if (t->certificate_count == 0)
        return;
    met->certificate =
        certificates_look(p->certificates, t->certificate, t->certificate_count, t->time);
    s->caps_hit += !met->certificate;
}

struct eve_peer peers_describe(const struct peers *p, const struct session *s)
{
    return (struct eve_peer){
        .client = p->client,
        .server = p->server,
        .certificate = peers_certificate(s),
    };
}

const struct certificate *peers_certificate(const struct session *s)
{
    const struct met *met = s->peer;
    return met ? met->certificate : NULL;
}

const struct peer_prints *peers_prints(const struct session *s)
{
    static const struct peer_prints none;
    const struct met *met = s->peer;
    return met ? &met->prints : &none;
}

void peers_leave(struct session *s)
{
    certificate_release(peers_certificate(s));
    heap_free(s->peer);
    s->peer = NULL;
}
