/* SPDX-License-Identifier: Apache-2.0 */
#include "dissect/tls.h"

#include "base/cursor.h"
#include "base/heap.h"
#include "dissect/smtp.h"
#include "dissect/tls_exchange.h"
#include "dissect/tls_match.h"
#include "dissect/tls_offer.h"

#define HEADER 4  /* type, and a length of three bytes */
#define GRAIN  64 /* bytes of messages are given room in steps of */

enum { CERTIFICATE = 11, SERVER_KEY_EXCHANGE = 12 }; /* RFC 5246 section 7.4 */

/* A message that is kept, inside the bytes of its side. */
struct part {
    uint32_t at, n; /* n 0: there is none */
};

struct side {
    bool closed;    /* nothing more is read: encrypted, lost or too much */
    bool in_record; /* the newest record is one of handshake */
    bool changed;   /* it said ChangeCipherSpec */
    bool finished;  /* and then a message, which is Finished */
    uint8_t head[HEADER];
    uint8_t have;     /* of the header */
    bool wanted;      /* the message is collected behind `used` */
    uint32_t left;    /* bytes of its body to come */
    uint32_t pending; /* bytes of it that were collected */
    uint8_t *bytes;
    uint32_t used, size;
};

/* Of the server: struct tls_facts. */
struct flight {
    uint32_t bytes; /* as far as it was read */
    uint32_t heard; /* client offset behind its first protected record */
    bool replied;   /* there is one */
    bool landed;    /* no more will come, or nobody knows */
};

struct tls {
    struct side side[SESSION_DIR_COUNT];
    struct part client, server, chain;
    uint16_t sslv2;     /* version in a ClientHello of that form; 0: it has the usual one */
    enum tls_keys keys; /* of the suite that was selected */
    bool answered;      /* the server sent something of a handshake */
    bool exchanged;     /* its ServerKeyExchange came */
    uint32_t read;      /* bytes of handshake, both directions */
    struct flight flight;
};

struct tls *tls_new(void)
{
    return heap_zeroed(sizeof(struct tls));
}

void tls_free(struct tls *t)
{
    if (!t)
        return;
    for (int d = 0; d < SESSION_DIR_COUNT; d++)
        heap_free(t->side[d].bytes);
    heap_free(t);
}

static struct span part_of(const struct side *side, struct part p)
{
    return p.n ? span_of(side->bytes + p.at, p.n) : span_of(NULL, 0);
}

/* Without a ServerHello nobody knows whether there were any. */
static void no_certificates(struct session *s, enum tls_certificates why)
{
    if (s->tls.certificates == TLS_CERTIFICATES_NONE)
        s->tls.certificates = (uint8_t)why;
}

static void close_side(struct tls *t, enum session_dir d)
{
    t->side[d].closed = true;
    t->side[d].in_record = false;
    t->side[d].pending = 0;
}

void tls_over(struct tls *t)
{
    close_side(t, SESSION_TO_SERVER);
    close_side(t, SESSION_TO_CLIENT);
}

static void too_much(struct tls *t, struct session *s)
{
    s->caps_hit++;
    no_certificates(s, TLS_CERTIFICATES_CAPPED);
    tls_over(t);
}

/* What the other side says can be read all the same. */
static void too_long(struct tls *t, struct session *s, enum session_dir d)
{
    s->caps_hit++;
    if (d == SESSION_TO_CLIENT)
        no_certificates(s, TLS_CERTIFICATES_CAPPED);
    close_side(t, d);
}

/* What was lost may be of the flight, or end it. */
static void lose_flight(struct flight *f, struct session *s, enum session_dir d)
{
    if (f->landed || (d == SESSION_TO_SERVER && f->replied))
        return;
    f->landed = true;
    s->tls.flight = 0;
}

void tls_lost(struct tls *t, struct session *s, enum session_dir d)
{
    lose_flight(&t->flight, s, d);
    if (t->side[d].closed)
        return;
    if (d == SESSION_TO_CLIENT)
        no_certificates(s, TLS_CERTIFICATES_GAP);
    close_side(t, d);
}

/* --- messages --- */

static bool has_client(const struct tls *t, struct tls_client_hello *hello)
{
    static const uint8_t none = 0;
    struct span body = part_of(&t->side[SESSION_TO_SERVER], t->client);

    if (body.n == 0)
        return false;
    if (!t->sslv2)
        return tls_client_hello_read(body, hello);
    *hello = (struct tls_client_hello){
        .version = t->sslv2, .suites = body, .compression = span_of(&none, 1)};
    return true;
}

/* True: its bytes are kept; so below. */
static bool client_hello(struct tls *t, struct session *s, struct part *p)
{
    struct tls_client_hello hello;
    struct span data;

    if (t->client.n)
        return false;
    if (t->sslv2)
        p->n = (uint32_t)tls_match_of_sslv2(t->side[SESSION_TO_SERVER].bytes + p->at, p->n);
    t->client = *p;
    if (!has_client(t, &hello)) {
        t->client.n = 0;
        return false;
    }
    s->tls_newest = tls_client_newest(&hello);
    s->tls.fallback = tls_match_has_suite(&hello, TLS_SUITE_FALLBACK_SCSV);
    if (tls_extension(hello.extensions, TLS_EXTENSION_SERVER_NAME, &data))
        s->sni = smtp_text_keep(s, tls_server_name(data), CAP_DOMAIN_TEXT);
    return true;
}

static void take_selection(struct tls *t, struct session *s, const struct tls_server_hello *hello)
{
    const struct tls_suite *suite = tls_suite_find(hello->suite);

    t->keys = suite ? suite->keys : TLS_KEYS_OTHER;
    s->tls_suite = hello->suite;
    s->tls_sentinel = (uint8_t)hello->sentinel;
    s->tls.compression = hello->compression;
    if (hello->version >= TLS_VERSION_13) {
        s->tls.group = tls_match_server_group(hello);
        s->tls.resumed = tls_match_resumes(hello);
        no_certificates(s, s->tls.resumed ? TLS_CERTIFICATES_RESUMED : TLS_CERTIFICATES_TLS13);
        close_side(t, SESSION_TO_CLIENT);
    } else if (t->keys == TLS_KEYS_DH_ANON || t->keys == TLS_KEYS_ECDH_ANON ||
               t->keys == TLS_KEYS_PSK) {
        no_certificates(s, TLS_CERTIFICATES_ANONYMOUS);
    }
}

/* RFC 8446 section 4.1.4: one HelloRetryRequest at most, then one ServerHello. More are not read:
 * comparing each with a long ClientHello would take its time. */
static bool server_hello(struct tls *t, struct session *s, struct part p)
{
    struct tls_server_hello hello;
    struct tls_client_hello client;

    if (!tls_server_hello_read(part_of(&t->side[SESSION_TO_CLIENT], p), &hello))
        return false;
    if (t->server.n || (hello.retry && s->tls.retry)) {
        s->tls.altered |= TLS_ALTERED_SECOND;
        return false;
    }
    if (has_client(t, &client))
        s->tls.altered |= tls_match_unlike(&client, &hello);
    s->tls_version = hello.version;
    s->tls_suite = hello.suite;
    if (hello.retry) {
        s->tls.retry = true;
        return false;
    }
    t->server = p;
    take_selection(t, s, &hello);
    return true;
}

static bool certificate(struct tls *t, struct session *s, struct part p)
{
    if (t->chain.n || !t->server.n)
        return false;
    t->chain = p;
    s->tls.certificates = TLS_CERTIFICATES_SEEN;
    if (s->tls_stage < TLS_STAGE_CERTIFICATE)
        s->tls_stage = TLS_STAGE_CERTIFICATE;
    return true;
}

static void server_key_exchange(struct tls *t, struct session *s, struct span body)
{
    struct tls_exchange_facts facts;
    struct tls_client_hello client;

    if (!t->server.n || t->exchanged) /* there is one (RFC 5246 section 7.3) */
        return;
    t->exchanged = true;
    if (!tls_exchange_read(body, t->keys, &facts))
        return;
    s->tls.exchange = (uint8_t)facts.kind;
    s->tls.exchange_bits = facts.bits;
    s->tls.prime = (uint8_t)facts.prime;
    s->tls.group = facts.group;
    if (facts.group && has_client(t, &client) && !tls_match_has_group(&client, facts.group))
        s->tls.altered |= TLS_ALTERED_GROUP;
}

static bool is_wanted(enum session_dir d, uint8_t type)
{
    if (d == SESSION_TO_SERVER)
        return type == TLS_CLIENT_HELLO;
    return type == TLS_SERVER_HELLO || type == CERTIFICATE || type == SERVER_KEY_EXCHANGE;
}

static bool message(struct tls *t, struct session *s, enum session_dir d, struct part *p)
{
    const struct side *side = &t->side[d];

    if (d == SESSION_TO_SERVER)
        return client_hello(t, s, p);
    if (side->head[0] == TLS_SERVER_HELLO)
        return server_hello(t, s, *p);
    if (side->head[0] == CERTIFICATE)
        return certificate(t, s, *p);
    server_key_exchange(t, s, part_of(side, *p));
    return false;
}

/* --- bytes --- */

static bool room(struct side *side, size_t n)
{
    size_t need = (size_t)side->used + side->pending + n, size = 2 * (size_t)side->size;
    uint8_t *p;

    if (need <= side->size)
        return true;
    if (size < need) /* a hello is all that most sides keep for long, and comes whole */
        size = (need + GRAIN - 1) / GRAIN * GRAIN;
    p = heap_resize(side->bytes, size);
    if (!p)
        return false;
    side->bytes = p;
    side->size = (uint32_t)size;
    return true;
}

static bool collect(struct side *side, struct span bytes)
{
    if (bytes.n == 0 || !side->wanted)
        return true;
    if (!room(side, bytes.n))
        return false;
    memcpy(side->bytes + side->used + side->pending, bytes.p, bytes.n);
    side->pending += (uint32_t)bytes.n;
    return true;
}

static void end_message(struct tls *t, struct session *s, enum session_dir d)
{
    struct side *side = &t->side[d];
    struct part p = {side->used, side->pending};

    side->have = 0;
    if (side->wanted && p.n > 0 && message(t, s, d, &p))
        side->used += p.n;
    side->pending = 0;
    side->wanted = false;
}

/* The header is whole. */
static bool begin_message(struct side *side, enum session_dir d)
{
    side->left = (uint32_t)side->head[1] << 16 | (uint32_t)side->head[2] << 8 | side->head[3];
    side->wanted = is_wanted(d, side->head[0]);
    if (side->head[0] == TLS_CLIENT_HELLO || side->head[0] == TLS_SERVER_HELLO)
        return side->left <= CAP_TLS_HELLO;
    return side->left <= CAP_TLS_HANDSHAKE;
}

/* The next bytes of a header, or of the body behind it. False: it is too long, or no memory. */
static bool take(struct side *side, enum session_dir d, struct span bytes)
{
    if (side->have < HEADER) {
        memcpy(side->head + side->have, bytes.p, bytes.n);
        side->have = (uint8_t)(side->have + bytes.n);
        return side->have < HEADER || begin_message(side, d);
    }
    side->left -= (uint32_t)bytes.n;
    return collect(side, bytes);
}

void tls_body(struct tls *t, struct session *s, enum session_dir d, struct span bytes)
{
    struct side *side = &t->side[d];

    while (bytes.n > 0 && side->in_record && !side->closed) {
        size_t want = side->have < HEADER ? (size_t)(HEADER - side->have) : side->left;
        struct span next = span_first(bytes, want);
        bool heading = side->have < HEADER;

        if (next.n > CAP_TLS_HANDSHAKE - t->read) {
            too_much(t, s);
            return;
        }
        if (!take(side, d, next)) {
            if (heading)
                too_long(t, s, d);
            else
                too_much(t, s);
            return;
        }
        t->read += (uint32_t)next.n;
        if (side->have == HEADER && side->left == 0)
            end_message(t, s, d);
        bytes = span_from(bytes, next.n);
    }
}

bool tls_wants_body(const struct tls *t, enum session_dir d)
{
    return t->side[d].in_record;
}

/* --- records --- */

/* The record is the message. */
static void begin_sslv2(struct tls *t, const struct tls_record *r)
{
    struct side *side = &t->side[SESSION_TO_SERVER];

    if (t->client.n || r->length < 3 || r->length > CAP_TLS_HELLO) {
        close_side(t, SESSION_TO_SERVER);
        return;
    }
    t->sslv2 = (uint16_t)(r->body[0] << 8 | r->body[1]);
    side->in_record = true;
    side->have = HEADER;
    side->head[0] = TLS_CLIENT_HELLO;
    side->wanted = true;
    side->left = (uint32_t)r->length - 3u;
}

/*
 * ChangeCipherSpec. Up to TLS 1.2 what follows is encrypted, and a server that says it without a
 * certificate has resumed a session (RFC 5246 section 7.3). In TLS 1.3 it means nothing (RFC 8446
 * appendix D.4), and may come before the ServerHello (section 5); but the client's second hello is
 * of no interest.
 */
static void change_cipher(struct tls *t, struct session *s, enum session_dir d)
{
    if (d == SESSION_TO_CLIENT &&
        (s->tls_version >= TLS_VERSION_13 || (t->client.n && !t->answered)))
        return;
    if (d == SESSION_TO_CLIENT && t->server.n && !t->side[d].closed &&
        s->tls.certificates == TLS_CERTIFICATES_NONE) {
        s->tls.certificates = TLS_CERTIFICATES_RESUMED;
        s->tls.resumed = true;
    }
    close_side(t, d);
}

/* RFC 5246 section 7.4.9: who says Finished second has verified the other's. RFC 8446
 * section 4.4.4: the client says it when it has verified the server's; an alert in its place is
 * shorter. */
static void note_agreement(struct tls *t, struct session *s, enum session_dir d,
                           const struct tls_record *r)
{
    struct side *side = &t->side[d];
    bool modern = s->tls_version >= TLS_VERSION_13;

    if (!modern && side->changed && r->type == TLS_HANDSHAKE)
        side->finished = true;
    side->changed |= r->type == TLS_CHANGE_CIPHER_SPEC;
    if (t->side[SESSION_TO_SERVER].finished && t->side[SESSION_TO_CLIENT].finished)
        s->tls.agreed = true;
    if (modern && t->server.n && d == SESSION_TO_SERVER && r->type == TLS_APPLICATION_DATA &&
        r->length > TLS_ALERT_SIZE)
        s->tls.agreed = true;
}

void tls_record(struct tls *t, struct session *s, enum session_dir d, const struct tls_record *r)
{
    struct side *side = &t->side[d];

    side->in_record = false;
    note_agreement(t, s, d, r);
    if (r->type == TLS_HANDSHAKE && d == SESSION_TO_CLIENT && t->server.n &&
        s->tls_version >= TLS_VERSION_13 && r->length >= HEADER && r->body[0] == TLS_SERVER_HELLO)
        s->tls.altered |= TLS_ALTERED_SECOND;
    if (side->closed)
        return;
    if (r->type == TLS_CHANGE_CIPHER_SPEC) {
        change_cipher(t, s, d);
    } else if (r->type == TLS_APPLICATION_DATA) {
        close_side(t, d);
    } else if (r->type == TLS_HANDSHAKE && r->version == 2) {
        begin_sslv2(t, r);
    } else if (r->type == TLS_HANDSHAKE) {
        side->in_record = true;
        t->answered |= d == SESSION_TO_CLIENT && r->length > 0;
        tls_body(t, s, d,
                 span_of(r->body, r->length < sizeof(r->body) ? r->length : sizeof(r->body)));
    }
}

/* By what the server had received, and not by the order of capture: so a session ticket behind the
 * client's Finished never counts (RFC 8446 section 4.6.1). */
void tls_protected(struct tls *t, struct session *s, enum session_dir d, const struct tls_record *r,
                   uint32_t acked)
{
    struct flight *f = &t->flight;

    if (f->landed)
        return;
    if (d == SESSION_TO_SERVER && !f->replied) {
        f->replied = true;
        f->heard = r->offset + TLS_RECORD_HEADER + r->length;
    } else if (d == SESSION_TO_CLIENT && f->replied && (int32_t)(acked - f->heard) >= 0) {
        f->landed = true;
    } else if (d == SESSION_TO_CLIENT && t->server.n && s->tls_version >= TLS_VERSION_13) {
        f->bytes += r->length;
    }
    if (f->replied)
        s->tls.flight = f->bytes;
}

/* --- what was seen --- */

/* RFC 5246 section 7.4.2: a list with its length of three bytes, of certificates with theirs. */
static void list_certificates(struct span body, struct tls_sighting *out)
{
    struct cursor c = cursor_of(body);
    size_t all = (size_t)cursor_u8(&c) << 16;

    all |= cursor_u16(&c);
    if (c.bad || all != c.left)
        out->certificates_cut = true;
    while (c.left > 0) {
        size_t n = (size_t)cursor_u8(&c) << 16;
        struct span one;

        n |= cursor_u16(&c);
        one = cursor_span(&c, n);
        if (c.bad || out->certificate_count == CAP_CERT_CHAIN) {
            out->certificates_cut = true;
            return;
        }
        out->certificate[out->certificate_count++] = one;
    }
}

static void list_alpn(struct span data, struct tls_said *out)
{
    struct cursor c = cursor_of(data);
    struct cursor list = cursor_of(cursor_span(&c, cursor_u16(&c)));

    while (list.left > 0) {
        struct span name = cursor_span(&list, cursor_u8(&list));
        out->alpn_cut = out->alpn_count == TLS_ALPN_NAMES;
        if (list.bad || out->alpn_cut)
            return;
        out->alpn[out->alpn_count++] = name;
    }
}

static void list_said(uint16_t version, struct span extensions, struct span types,
                      struct tls_said *out)
{
    struct span data;

    out->version = version;
    out->extensions = types;
    if (tls_extension(extensions, TLS_EXTENSION_ALPN, &data))
        list_alpn(data, out);
}

void tls_sight(const struct tls *t, struct tls_sight_room *room, struct tls_sighting *out)
{
    struct span server = part_of(&t->side[SESSION_TO_CLIENT], t->server);
    const struct tls_client_hello *client = &room->client;
    struct tls_offer offer;

    *out = (struct tls_sighting){0};
    if (has_client(t, &room->client)) {
        out->client = &room->client;
        out->sslv2 = t->sslv2 != 0;
        tls_offer_read(&offer, client, room->types[SESSION_TO_SERVER]);
        out->suites = offer.suites;
        out->groups = offer.groups;
        out->signatures = offer.algorithms;
        list_said(client->version, client->extensions, offer.types, &out->said[SESSION_TO_SERVER]);
    }
    if (t->server.n && tls_server_hello_read(server, &room->server)) {
        out->server = &room->server;
        list_said(room->server.legacy, room->server.extensions,
                  tls_offer_types(room->server.extensions, room->types[SESSION_TO_CLIENT]),
                  &out->said[SESSION_TO_CLIENT]);
    }
    if (t->chain.n)
        list_certificates(part_of(&t->side[SESSION_TO_CLIENT], t->chain), out);
}
