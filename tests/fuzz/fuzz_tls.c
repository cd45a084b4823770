/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader of handshakes, differential: both directions fed in the pieces of the input, with one
 * of them cut in two, and byte by byte must give the same facts, and nothing is read beyond
 * CAP_TLS_HANDSHAKE. Input: two bytes that choose the cut, then turns. Each has a byte of flags
 * (bit 0 direction, bits 1-2 what it is) and a length of two bytes: so many bytes that follow; or
 * so many that were lost; or sixteen times so many like the one that follows.
 */
#include <stdlib.h>

#include "base/heap.h"
#include "dissect/tls.h"

enum { TURNS = 64, MOST = 3 * CAP_TLS_HANDSHAKE, FILL = 16 };
enum { SHORT = 4096, STRIDE = 509 }; /* what is longer is not fed byte by byte */

struct turn {
    enum session_dir dir;
    bool lost;
    uint8_t *p; /* a piece of memory of its own; NULL: lost */
    size_t n;
};

/* A session, and what of its bytes may have been read. */
struct reading {
    struct session s;
    struct tls_record_reader record[SESSION_DIR_COUNT];
    bool off[SESSION_DIR_COUNT]; /* this direction is no TLS any more */
    bool gap[SESSION_DIR_COUNT];
    uint32_t offset[SESSION_DIR_COUNT];
    size_t read; /* at least */
};

static void expect(bool good)
{
    if (!good)
        abort();
}

/* --- turns --- */

static size_t read_turns(const uint8_t *p, size_t n, struct turn *out)
{
    size_t count = 0, total = 0;

    while (n > 3 && count < TURNS) {
        bool lost = (p[0] & 6) == 2, fill = (p[0] & 6) == 4;
        size_t length = (size_t)(p[1] << 8 | p[2]), have = fill ? 1 : n - 3;
        struct turn t = {.dir = (enum session_dir)(p[0] & 1), .lost = lost};

        t.n = fill ? length * FILL : lost || length < have ? length : have;
        if (t.n == 0 || total + t.n > MOST)
            return count;
        t.p = lost ? NULL : malloc(t.n);
        if (fill)
            memset(t.p, p[3], t.n);
        else if (!lost)
            memcpy(t.p, p + 3, t.n);
        total += t.n;
        p += 3 + (lost ? 0 : fill ? 1 : t.n);
        n -= 3 + (lost ? 0 : fill ? 1 : t.n);
        out[count++] = t;
    }
    return count;
}

/* --- feeding, as dissect/smtp_upgrade.c does --- */

static void feed(struct reading *r, enum session_dir d, struct span in)
{
    while (in.n > 0 && !r->off[d]) {
        struct tls_record record;
        size_t used = 0;

        if (r->record[d].want == 0 && tls_wants_body(r->s.handshake, d)) {
            struct span body = span_first(in, r->record[d].left);
            tls_body(r->s.handshake, &r->s, d, body);
            if (tls_wants_body(r->s.handshake, d)) /* or it may have left some of them unread */
                r->read += body.n;
        }
        switch (tls_record_push(&r->record[d], in, r->offset[d], &used, &record)) {
        case TLS_RECORD_SEEN:
            if (r->gap[d])
                tls_lost(r->s.handshake, &r->s, d);
            tls_record(r->s.handshake, &r->s, d, &record);
            break;
        case TLS_RECORD_NOT:
            tls_lost(r->s.handshake, &r->s, d);
            r->off[d] = true;
            break;
        case TLS_RECORD_MORE:
            break;
        }
        in = span_from(in, used);
        r->offset[d] += (uint32_t)used;
    }
    expect(r->read <= CAP_TLS_HANDSHAKE);
}

static void lose(struct reading *r, enum session_dir d, size_t n)
{
    struct tls_record_reader *record = &r->record[d];

    tls_lost(r->s.handshake, &r->s, d);
    r->offset[d] += (uint32_t)n;
    if (record->want == 0 && n <= record->left) {
        record->left -= (uint32_t)n;
        return;
    }
    record->have = record->want = 0;
    record->left = 0;
    r->gap[d] = true;
}

/* One turn in pieces. */
static void feed_turn(struct reading *r, const struct turn *t, size_t piece)
{
    if (t->lost)
        lose(r, t->dir, t->n);
    for (size_t at = 0; t->p && at < t->n; at += piece)
        feed(r, t->dir, span_first(span_of(t->p + at, t->n - at), piece));
}

/* One turn in two, the first of them in memory of its own. */
static void feed_cut(struct reading *r, const struct turn *t, size_t first)
{
    uint8_t *p = malloc(first + 1);

    memcpy(p + 1, t->p, first); /* reading behind it is reading outside */
    feed(r, t->dir, span_of(p + 1, first));
    free(p);
    feed(r, t->dir, span_of(t->p + first, t->n - first));
}

/* --- facts --- */

struct facts {
    uint8_t *p;
    size_t n, size;
};

static void put(struct facts *f, struct span bytes)
{
    if (f->size - f->n < bytes.n + 8) {
        f->size = 2 * f->size + bytes.n + 8;
        f->p = realloc(f->p, f->size);
    }
    memcpy(f->p + f->n, &bytes.n, sizeof(bytes.n));
    if (bytes.n > 0)
        memcpy(f->p + f->n + sizeof(bytes.n), bytes.p, bytes.n);
    f->n += sizeof(bytes.n) + bytes.n;
}

static void put_session(struct facts *f, const struct session *s)
{
    const struct tls_facts *t = &s->tls;
    const uint32_t numbers[] = {t->certificates,  t->exchange,     t->prime,       t->altered,
                                t->compression,   t->resumed,      t->retry,       t->fallback,
                                t->group,         s->tls_newest,   s->tls_version, t->exchange_bits,
                                s->tls_suite,     s->tls_sentinel, s->caps_hit,    s->tls_stage,
                                t->server_offset, t->agreed};

    expect(t->certificates < TLS_CERTIFICATES_COUNT && t->exchange < TLS_EXCHANGE_COUNT);
    expect(t->prime < TLS_PRIME_COUNT && s->tls_stage < TLS_STAGE_COUNT);
    put(f, span_of(numbers, sizeof(numbers)));
    put(f, session_text(s, s->sni));
}

static void put_said(struct facts *f, const struct tls_said *said)
{
    const uint32_t numbers[] = {said->version, said->alpn_count, said->alpn_cut};

    expect(said->extensions.n <= CAP_TLS_HELLO / 2 && said->alpn_count <= TLS_ALPN_NAMES);
    put(f, span_of(numbers, sizeof(numbers)));
    put(f, said->extensions);
    for (int i = 0; i < said->alpn_count; i++)
        put(f, said->alpn[i]);
}

static void put_sighting(struct facts *f, const struct tls_sighting *t)
{
    const uint32_t numbers[] = {t->client != NULL, t->server != NULL, t->sslv2,
                                t->certificate_count, t->certificates_cut};
    size_t kept = 0;

    put(f, span_of(numbers, sizeof(numbers)));
    put(f, t->suites);
    put(f, t->groups);
    put(f, t->signatures);
    put_said(f, &t->said[SESSION_TO_SERVER]);
    put_said(f, &t->said[SESSION_TO_CLIENT]);
    expect(t->certificate_count <= CAP_CERT_CHAIN);
    for (int i = 0; i < t->certificate_count; i++) {
        kept += t->certificate[i].n;
        put(f, t->certificate[i]);
    }
    expect(kept <= CAP_TLS_HANDSHAKE);
}

/* `cut`: in the turn of that index, after so many bytes; a turn beyond the last: nowhere. */
static struct facts read_all(const struct turn *t, size_t count, size_t piece, size_t cut_turn,
                             size_t cut)
{
    static struct tls_sight_room room;
    static struct reading r;
    struct tls_sighting seen;
    struct facts f = {0};
    size_t before = heap_bytes();

    memset(&r, 0, sizeof(r));
    r.s.handshake = tls_new();
    for (size_t i = 0; i < count; i++)
        if (i == cut_turn && t[i].p)
            feed_cut(&r, &t[i], cut);
        else
            feed_turn(&r, &t[i], piece);
    expect(heap_bytes() - before <= 2 * 2 * CAP_TLS_HANDSHAKE + CAP_TEXT_POOL);
    tls_sight(r.s.handshake, &room, &seen);
    put_session(&f, &r.s);
    put_sighting(&f, &seen);
    tls_over(r.s.handshake);
    for (int d = 0; d < SESSION_DIR_COUNT; d++)
        expect(!tls_wants_body(r.s.handshake, (enum session_dir)d));
    session_clear(&r.s);
    expect(heap_bytes() == before);
    return f;
}

static void expect_same(struct facts whole, struct facts now)
{
    expect(whole.n == now.n && memcmp(whole.p, now.p, now.n) == 0);
    free(now.p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct turn turn[TURNS];
    size_t n = size > 2 ? read_turns(data + 2, size - 2, turn) : 0, total = 0, at, i = 0;

    if (n == 0)
        return 0;
    for (size_t k = 0; k < n; k++)
        total += turn[k].n;
    for (at = (size_t)(data[0] << 8 | data[1]) % total; at >= turn[i].n; i++)
        at -= turn[i].n;
    struct facts whole = read_all(turn, n, MOST, TURNS, 0);
    expect_same(whole, read_all(turn, n, MOST, i, at));
    expect_same(whole, read_all(turn, n, total <= SHORT ? 1 : STRIDE, TURNS, 0));
    free(whole.p);
    for (size_t k = 0; k < n; k++)
        free(turn[k].p);
    return 0;
}
