/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/wire.h"

static void put(struct wire *to, const void *bytes, size_t n)
{
    to->full = to->full || n > to->room - to->n;
    if (to->full || n == 0)
        return;
    memcpy(to->p + to->n, bytes, n);
    to->n += n;
}

static void put_span(struct wire *to, struct span s)
{
    uint32_t n = (uint32_t)s.n;
    put(to, &n, sizeof(n));
    put(to, s.p, s.n);
}

/* --- sessions --- */

static void put_record(struct wire *to, const struct session *s)
{
    struct session bare = *s;
    bare.reading.line = NULL;
    bare.rcpt = bare.rcpt_domain = NULL;
    bare.pool = NULL;
    bare.pool_size = bare.pool_used;
    bare.handshake = NULL;
    bare.peer = bare.memo = NULL;
    bare.other = bare.twin = NULL;
    bare.learnt = bare.known = false;
    put(to, &bare, sizeof(bare));
    put(to, s->reading.line, s->reading.line_count * sizeof(*s->reading.line));
    put(to, s->rcpt, s->rcpt_count * sizeof(*s->rcpt));
    put(to, s->rcpt_domain, s->rcpt_domain_count * sizeof(*s->rcpt_domain));
    put(to, s->pool, s->pool_used);
}

void wire_put_session(struct wire *to, const struct session *s)
{
    const uint8_t more[2] = {s->other != NULL, s->twin != NULL};
    put(to, more, sizeof(more));
    put_record(to, s);
    if (s->other)
        put_record(to, s->other);
    if (s->twin)
        put_record(to, s->twin);
}

/* --- handshakes --- */

static void put_client(struct wire *to, const struct tls_client_hello *h)
{
    put(to, &h->version, sizeof(h->version));
    put_span(to, h->random);
    put_span(to, h->session_id);
    put_span(to, h->suites);
    put_span(to, h->compression);
    put_span(to, h->extensions);
}

static void put_server(struct wire *to, const struct tls_server_hello *h)
{
    const uint8_t small[3] = {h->compression, (uint8_t)h->sentinel, h->retry};
    put(to, &h->version, sizeof(h->version));
    put(to, &h->legacy, sizeof(h->legacy));
    put(to, &h->suite, sizeof(h->suite));
    put(to, small, sizeof(small));
    put_span(to, h->session_id);
    put_span(to, h->extensions);
}

static void put_said(struct wire *to, const struct tls_said *said)
{
    const uint8_t small[2] = {said->alpn_count, said->alpn_cut};
    put(to, &said->version, sizeof(said->version));
    put(to, small, sizeof(small));
    put_span(to, said->extensions);
    for (uint8_t i = 0; i < said->alpn_count; i++)
        put_span(to, said->alpn[i]);
}

void wire_put_handshake(struct wire *to, const struct tls_sighting *t)
{
    const uint8_t small[5] = {t->client != NULL, t->server != NULL, t->sslv2, t->certificate_count,
                              t->certificates_cut};
    put(to, &t->time, sizeof(t->time));
    put(to, &t->source, sizeof(t->source));
    put(to, small, sizeof(small));
    if (t->client)
        put_client(to, t->client);
    if (t->server)
        put_server(to, t->server);
    put_said(to, &t->said[SESSION_TO_SERVER]);
    put_said(to, &t->said[SESSION_TO_CLIENT]);
    put_span(to, t->suites);
    put_span(to, t->groups);
    put_span(to, t->signatures);
    for (uint8_t i = 0; i < t->certificate_count; i++)
        put_span(to, t->certificate[i]);
}

/* --- DNS, and fetches of policies --- */

void wire_put_dns(struct wire *to, const struct dns_sighting *s)
{
    const struct dns_message *m = s->message;
    struct dns_sighting bare = *s;
    bare.message = NULL;
    put(to, &bare, sizeof(bare));
    put(to, m, offsetof(struct dns_message, record));
    put(to, m->record, m->record_count * sizeof(*m->record));
    put(to, m->pool, m->pool_used);
}

void wire_put_fetch(struct wire *to, const struct fetch_sighting *s)
{
    struct fetch_sighting bare = *s;
    bare.host = NULL;
    put(to, &bare, sizeof(bare));
    put_span(to, span_str(s->host));
}

void wire_put_attempt(struct wire *to, const struct dissect_attempt *a)
{
    put(to, a, sizeof(*a));
}
