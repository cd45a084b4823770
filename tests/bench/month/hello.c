/* SPDX-License-Identifier: Apache-2.0 */
#include "hello.h"

enum { RECORD_HEADER = 5, HANDSHAKE = 22, CHANGE_CIPHER_SPEC = 20, APPLICATION_DATA = 23 };
enum { X25519_SHARE = 32, FILLER = 8192 };

struct client_stack {
    const uint16_t *suites, *groups, *signatures; /* each ends with 0 */
    const uint8_t *order;                         /* extensions, end with 255 */
    bool tls13, named;
};

/* Extensions by their number; renegotiation_info, which is 0xff01, as 1. */
enum { NAMED = 0, RENEGOTIATION = 1, STATUS = 5, GROUPS = 10, POINTS = 11, SIGNATURES = 13 };
enum { ETM = 22, EMS = 23, TICKET = 35, VERSIONS = 43, MODES = 45, SHARES = 51, END = 255 };

static const struct client_stack client_stack[CLIENT_STACKS] = {
    {/* OpenSSL 3 */
     (const uint16_t[]){0x1302, 0x1303, 0x1301, 0xc02c, 0xc030, 0x009f, 0xcca9, 0xcca8,
                        0xccaa, 0xc02b, 0xc02f, 0x009e, 0xc024, 0xc028, 0x006b, 0xc023,
                        0xc027, 0x0067, 0xc00a, 0xc014, 0x0039, 0xc009, 0xc013, 0x0033,
                        0x009d, 0x009c, 0x003d, 0x003c, 0x0035, 0x002f, 0x00ff, 0},
     (const uint16_t[]){29, 23, 30, 25, 24, 256, 257, 258, 259, 260, 0},
     (const uint16_t[]){0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0809, 0x080a, 0x080b, 0x0804,
                        0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0303, 0x0301, 0},
     (const uint8_t[]){POINTS, GROUPS, TICKET, ETM, EMS, SIGNATURES, VERSIONS, MODES, SHARES, END},
     true, false},
    {/* OpenSSL 1.1.1, with server_name */
     (const uint16_t[]){0x1302, 0x1303, 0x1301, 0xc02c, 0xc030, 0x009f, 0xcca9, 0xcca8, 0xccaa,
                        0xc02b, 0xc02f, 0x009e, 0xc014, 0x009d, 0x009c, 0x0035, 0x002f, 0x00ff, 0},
     (const uint16_t[]){29, 23, 30, 25, 24, 0},
     (const uint16_t[]){0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0804, 0x0805, 0x0806, 0x0401,
                        0x0501, 0x0601, 0},
     (const uint8_t[]){NAMED, POINTS, GROUPS, TICKET, ETM, EMS, SIGNATURES, VERSIONS, MODES, SHARES,
                       END},
     true, true},
    {/* OpenSSL 1.0.2 */
     (const uint16_t[]){0xc030, 0xc02c, 0xc028, 0xc024, 0xc014, 0xc00a, 0x009f, 0x006b, 0x0039,
                        0x009d, 0x003d, 0x0035, 0xc02f, 0xc02b, 0xc027, 0xc023, 0xc013, 0xc009,
                        0x009e, 0x0067, 0x0033, 0x009c, 0x003c, 0x002f, 0x00ff, 0},
     (const uint16_t[]){23, 25, 24, 0},
     (const uint16_t[]){0x0601, 0x0603, 0x0501, 0x0503, 0x0401, 0x0403, 0x0301, 0x0303, 0},
     (const uint8_t[]){POINTS, GROUPS, TICKET, SIGNATURES, END}, false, false},
    {/* GnuTLS */
     (const uint16_t[]){0x1302, 0x1303, 0x1301, 0xc02c, 0xcca9, 0xc00a, 0xc02b, 0xc009,
                        0xc030, 0xcca8, 0xc014, 0xc02f, 0xc013, 0x009d, 0x0035, 0x009c,
                        0x002f, 0x009f, 0xccaa, 0x0039, 0x009e, 0x0033, 0},
     (const uint16_t[]){23, 24, 25, 29, 30, 256, 257, 0},
     (const uint16_t[]){0x0401, 0x0809, 0x0804, 0x0403, 0x0807, 0x0501, 0x080a, 0x0805, 0x0503,
                        0x0601, 0x080b, 0x0806, 0x0603, 0},
     (const uint8_t[]){NAMED, STATUS, GROUPS, POINTS, SIGNATURES, ETM, EMS, TICKET, SHARES,
                       VERSIONS, RENEGOTIATION, MODES, END},
     true, true},
    {/* Schannel */
     (const uint16_t[]){0xc02c, 0xc02b, 0xc030, 0xc02f, 0x009f, 0x009e, 0xc024,
                        0xc023, 0xc028, 0xc027, 0xc00a, 0xc009, 0xc014, 0xc013,
                        0x009d, 0x009c, 0x003d, 0x003c, 0x0035, 0x002f, 0},
     (const uint16_t[]){29, 23, 24, 0},
     (const uint16_t[]){0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0201, 0x0403, 0x0503, 0x0203, 0},
     (const uint8_t[]){NAMED, STATUS, GROUPS, POINTS, SIGNATURES, TICKET, EMS, RENEGOTIATION, END},
     false, true},
    {/* Go */
     (const uint16_t[]){0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc009, 0xc013, 0xc00a,
                        0xc014, 0x009c, 0x009d, 0x002f, 0x0035, 0x1301, 0x1302, 0x1303, 0},
     (const uint16_t[]){29, 23, 24, 25, 0},
     (const uint16_t[]){0x0804, 0x0403, 0x0807, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0503,
                        0x0603, 0x0201, 0x0203, 0},
     (const uint8_t[]){NAMED, STATUS, GROUPS, POINTS, SIGNATURES, RENEGOTIATION, VERSIONS, SHARES,
                       END},
     true, true},
};

/* The suite that it takes of 1.3, or 0, and of 1.2: every client has them. */
static const struct server_stack {
    uint16_t suite13, suite12;
    bool ticket, ems;
} server_stack[SERVER_STACKS] = {
    [STACK_NEW] = {0x1302, 0xc030, true, true},
    {0x1301, 0xc02f, true, true},
    {0x1301, 0xc030, false, true},
    [STACK_OLD] = {0, 0xc030, true, false},
    {0, 0xc014, false, false},
};

bool hello_is13(int client, int server)
{
    return client_stack[client].tls13 && server_stack[server].suite13;
}

static const uint8_t *filler(void)
{
    static uint8_t bytes[2 * FILLER];

    if (!bytes[0]) {
        struct rng rng = {4242};
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = (uint8_t)rng_next(&rng);
        bytes[0] |= 1;
    }
    return bytes;
}

static uint8_t *put_filler(uint8_t *p, struct rng *rng, uint32_t size)
{
    memcpy(p, filler() + rng_below(rng, FILLER), size);
    return p + size;
}

static uint8_t *put_random(uint8_t *p, struct rng *rng)
{
    for (int i = 0; i < 32; i += 8) {
        uint64_t v = rng_next(rng);
        memcpy(p + i, &v, 8);
    }
    return p + 32;
}

static uint8_t *add16(uint8_t *p, uint32_t v)
{
    put16(p, v);
    return p + 2;
}

static uint8_t *add_bytes(uint8_t *p, const void *bytes, size_t size)
{
    memcpy(p, bytes, size);
    return p + size;
}

/* Numbers with their length in two bytes before them. */
static uint8_t *add_list(uint8_t *p, const uint16_t *v)
{
    uint8_t *length = p;

    for (p += 2; *v; v++)
        p = add16(p, *v);
    put16(length, (uint32_t)(p - length - 2));
    return p;
}

static uint8_t *add_extension(uint8_t *p, int kind, const void *body, size_t size)
{
    p = add16(p, kind == RENEGOTIATION ? 0xff01 : (uint32_t)kind);
    p = add16(p, (uint32_t)size);
    return add_bytes(p, body, size);
}

static uint8_t *add_name(uint8_t *p, const char *name)
{
    uint32_t size = (uint32_t)strlen(name);

    p = add16(p, 0);
    p = add16(p, size + 5);
    p = add16(p, size + 3);
    *p++ = 0;
    p = add16(p, size);
    return add_bytes(p, name, size);
}

static uint8_t *add_numbers(uint8_t *p, int kind, const uint16_t *v)
{
    uint8_t *head = p;

    p = add_list(p + 4, v);
    put16(head, (uint32_t)kind);
    put16(head + 2, (uint32_t)(p - head - 4));
    return p;
}

static uint8_t *add_client_extension(uint8_t *p, int kind, const struct client_stack *c,
                                     const struct handshake *h, struct rng *rng)
{
    switch (kind) {
    case NAMED:
        return add_name(p, h->name);
    case GROUPS:
        return add_numbers(p, kind, c->groups);
    case SIGNATURES:
        return add_numbers(p, kind, c->signatures);
    case POINTS:
        return add_extension(p, kind, "\1\0", 2);
    case STATUS:
        return add_extension(p, kind, "\1\0\0\0\0", 5);
    case RENEGOTIATION:
        return add_extension(p, kind, "\0", 1);
    case VERSIONS:
        return add_extension(p, kind, "\4\3\4\3\3", 5);
    case MODES:
        return add_extension(p, kind, "\1\1", 2);
    case SHARES:
        p = add_extension(p, kind, "\0\x24\0\x1d\0\x20", 6);
        put16(p - 8, 6 + X25519_SHARE);
        return put_filler(p, rng, X25519_SHARE);
    default:
        return add_extension(p, kind, "", 0);
    }
}

/* A message begins, its length comes when it ends; likewise a record. */
static uint8_t *message_begin(uint8_t *p, uint8_t kind)
{
    put32(p, (uint32_t)kind << 24);
    return p + 4;
}

static void message_end(uint8_t *begin, const uint8_t *end)
{
    put16(begin + 2, (uint32_t)(end - begin - 4));
}

static uint8_t *record_begin(uint8_t *p, uint8_t kind, uint16_t version)
{
    *p = kind;
    put16(p + 1, version);
    return p + RECORD_HEADER;
}

static void record_end(uint8_t *begin, const uint8_t *end)
{
    put16(begin + 3, (uint32_t)(end - begin - RECORD_HEADER));
}

void hello_client(struct talk *t, const struct handshake *h)
{
    const struct client_stack *c = &client_stack[h->client];
    uint8_t *begin = talk_room(t, 700), *message = record_begin(begin, HANDSHAKE, 0x0301);
    uint8_t *p = message_begin(message, 1);

    p = put_random(add16(p, 0x0303), &t->rng);
    *p++ = c->tls13 || h->resumed ? 32 : 0;
    if (p[-1])
        p = put_random(p, &t->rng);
    p = add_list(p, c->suites);
    p = add_bytes(p, "\1\0", 2);

    uint8_t *extensions = p;
    p += 2;
    for (const uint8_t *kind = c->order; *kind != END; kind++)
        p = add_client_extension(p, *kind, c, h, &t->rng);
    put16(extensions, (uint32_t)(p - extensions - 2));
    message_end(message, p);
    record_end(begin, p);
    talk_sent(t, CLIENT, (size_t)(p - begin));
}

static bool offers(const struct client_stack *c, int kind)
{
    for (const uint8_t *k = c->order; *k != END; k++)
        if (*k == kind)
            return true;
    return false;
}

/* Extensions that answer what this client offers. */
static uint8_t *server_extensions(uint8_t *p, const struct handshake *h, struct rng *rng)
{
    const struct client_stack *c = &client_stack[h->client];
    const struct server_stack *s = &server_stack[h->server];
    uint8_t *begin = p;

    p += 2;
    if (hello_is13(h->client, h->server)) {
        p = add_extension(p, VERSIONS, "\3\4", 2);
        p = add_extension(p, SHARES, "\0\x1d\0\x20", 4);
        put16(p - 6, 4 + X25519_SHARE);
        p = put_filler(p, rng, X25519_SHARE);
    } else {
        p = add_extension(p, RENEGOTIATION, "\0", 1);
        if (!h->resumed)
            p = add_extension(p, POINTS, "\3\0\1\2", 4);
        if (s->ticket && !h->resumed && offers(c, TICKET))
            p = add_extension(p, TICKET, "", 0);
        if (s->ems && offers(c, EMS))
            p = add_extension(p, EMS, "", 0);
    }
    put16(begin, (uint32_t)(p - begin - 2));
    return p;
}

/* The session identifier that the client sent, to be echoed. */
static const uint8_t *session_id(const struct talk *t)
{
    for (uint16_t i = t->count; i--;)
        if (t->packet[i].side == CLIENT && t->packet[i].size > 100)
            return t->bytes + t->packet[i].data + RECORD_HEADER + 4 + 2 + 32;
    return (const uint8_t *)"";
}

static uint8_t *server_hello(uint8_t *p, const struct talk *t, const struct handshake *h,
                             struct rng *rng)
{
    const struct server_stack *s = &server_stack[h->server];
    bool is13 = hello_is13(h->client, h->server);
    uint8_t *message = p;
    const uint8_t *id = session_id(t);

    p = message_begin(p, 2);
    p = put_random(add16(p, 0x0303), rng);
    if (!is13 && s->suite13) /* RFC 8446 section 4.1.3: it could have done better */
        memcpy(p - 8, "DOWNGRD\1", 8);
    p = is13 || h->resumed ? add_bytes(p, id, 1U + *id) : add_bytes(p, "", 1);
    p = add16(p, is13 ? s->suite13 : s->suite12);
    *p++ = 0;
    p = server_extensions(p, h, rng);
    message_end(message, p);
    return p;
}

/* ServerKeyExchange of ECDHE with RSA (RFC 8422 section 5.4), and ServerHelloDone. */
static uint8_t *key_exchange(uint8_t *p, struct rng *rng, bool x25519)
{
    uint8_t *message = p;
    uint8_t key = x25519 ? X25519_SHARE : 65;

    p = message_begin(p, 12);
    p = add_bytes(p, "\3\0", 2);
    *p++ = x25519 ? 29 : 23;
    *p++ = key;
    *p = 4;
    p = x25519 ? put_filler(p, rng, key) : put_filler(p + 1, rng, key - 1U);
    p = add16(p, 0x0401);
    p = add16(p, 256);
    p = put_filler(p, rng, 256);
    message_end(message, p);
    return message_begin(p, 14);
}

static uint8_t *sealed(uint8_t *p, uint8_t kind, struct rng *rng, uint32_t size)
{
    p = record_begin(p, kind, 0x0303);
    put16(p - 2, size);
    return put_filler(p, rng, size);
}

static uint8_t *change_cipher_spec(uint8_t *p)
{
    return add_bytes(p, "\x14\3\3\0\1\1", 6);
}

static void finish13(struct talk *t, const struct handshake *h)
{
    static const uint32_t rest[] = {23, 0, 281, 69}; /* sealed, each in a record */
    uint8_t *begin = talk_room(t, 8000), *p = record_begin(begin, HANDSHAKE, 0x0303);

    p = server_hello(p, t, h, &t->rng);
    record_end(begin, p);
    p = change_cipher_spec(p);
    for (size_t i = 0; i < sizeof rest / sizeof rest[0]; i++)
        p = sealed(p, APPLICATION_DATA, &t->rng, rest[i] ? rest[i] : (uint32_t)h->chain->size + 26);
    talk_sent(t, SERVER, (size_t)(p - begin));

    begin = talk_room(t, 200);
    p = sealed(change_cipher_spec(begin), APPLICATION_DATA, &t->rng, 69);
    talk_sent(t, CLIENT, (size_t)(p - begin));
    if (server_stack[h->server].ticket) {
        hello_data(t, SERVER, 234);
        hello_data(t, SERVER, 234);
    }
}

static void finish12_resumed(struct talk *t, const struct handshake *h)
{
    uint8_t *begin = talk_room(t, 400), *p = record_begin(begin, HANDSHAKE, 0x0303);

    p = server_hello(p, t, h, &t->rng);
    record_end(begin, p);
    p = sealed(change_cipher_spec(p), HANDSHAKE, &t->rng, 40);
    talk_sent(t, SERVER, (size_t)(p - begin));
    begin = talk_room(t, 400);
    p = sealed(change_cipher_spec(begin), HANDSHAKE, &t->rng, 40);
    talk_sent(t, CLIENT, (size_t)(p - begin));
}

static void ticket_and_finished(struct talk *t, const struct handshake *h)
{
    uint8_t *begin = talk_room(t, 400), *p = begin;

    if (server_stack[h->server].ticket && offers(&client_stack[h->client], TICKET)) {
        uint8_t *message = record_begin(p, HANDSHAKE, 0x0303);
        p = message_begin(message, 4);
        p = add_bytes(p, "\0\0\x1c\x20\0\xc0", 6);
        p = put_filler(p, &t->rng, 192);
        message_end(message, p);
        record_end(begin, p);
    }
    p = sealed(change_cipher_spec(p), HANDSHAKE, &t->rng, 40);
    talk_sent(t, SERVER, (size_t)(p - begin));
}

static void finish12(struct talk *t, const struct handshake *h)
{
    bool x25519 = client_stack[h->client].groups[0] == 29;
    uint8_t key = x25519 ? X25519_SHARE : 65;
    uint8_t *begin = talk_room(t, 8000), *p = record_begin(begin, HANDSHAKE, 0x0303);

    p = server_hello(p, t, h, &t->rng);
    p = add_bytes(p, h->chain->message, h->chain->size);
    p = key_exchange(p, &t->rng, x25519);
    record_end(begin, p);
    talk_sent(t, SERVER, (size_t)(p - begin));

    begin = talk_room(t, 400);
    uint8_t *message = record_begin(begin, HANDSHAKE, 0x0303);
    p = message_begin(message, 16);
    *p++ = key;
    *p = 4;
    p = x25519 ? put_filler(p, &t->rng, key) : put_filler(p + 1, &t->rng, key - 1U);
    message_end(message, p);
    record_end(begin, p);
    p = sealed(change_cipher_spec(p), HANDSHAKE, &t->rng, 40);
    talk_sent(t, CLIENT, (size_t)(p - begin));
    ticket_and_finished(t, h);
}

void hello_finish(struct talk *t, const struct handshake *h)
{
    if (hello_is13(h->client, h->server))
        finish13(t, h);
    else if (h->resumed)
        finish12_resumed(t, h);
    else
        finish12(t, h);
}

void hello_alert(struct talk *t, int side, uint8_t description)
{
    const uint8_t record[] = {21, 3, 3, 0, 2, 2, description};

    talk_send(t, side, record, sizeof record);
}

void hello_data(struct talk *t, int side, uint32_t size)
{
    uint8_t *begin = talk_room(t, size + 64U);
    uint8_t *end = sealed(begin, APPLICATION_DATA, &t->rng, size + 24);

    talk_sent(t, side, (size_t)(end - begin));
}
