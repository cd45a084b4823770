/* SPDX-License-Identifier: Apache-2.0 */
#include "dissect/park.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/heap.h"
#include "dissect/intern.h"
#include "dissect/smtp.h"
#include "dissect/tls.h"

#define REPLY "250-mx.test\r\n250-SIZE 1000\r\n250-STARTTLS\r\n250 HELP\r\n"

static const struct siphash_key key = {1, 2};

struct lot {
    struct flow_table *table;
    struct park *park;
    uint64_t serial;
};

static struct lot lot_new(void)
{
    return (struct lot){.table = flow_table_new(1024, &key), .park = park_new(&key, 1024)};
}

static void lot_free(struct lot *l)
{
    assert_int_equal(park_count(l->park), 0);
    assert_int_equal(park_bytes(l->park), 0);
    park_free(l->park);
    flow_table_free(l->table);
}

/* A flow of client 10.0.net.host. */
static struct flow *add(struct lot *l, uint8_t net, uint8_t host)
{
    struct flow_key k = {.family = 4,
                         .client = {10, 0, net, host},
                         .server = {192, 0, 2, 25},
                         .client_port = (uint16_t)(1024 + l->serial),
                         .server_port = 25};
    struct flow *f = flow_add(l->table, &k);

    f->session = session_new();
    f->session->key = k;
    f->session->serial = l->serial++;
    f->touched = (nstime)l->serial * NS_PER_S;
    return f;
}

static void say(struct flow *f, enum session_dir d, uint32_t offset, uint32_t acked,
                const char *text)
{
    struct smtp_chunk c = {
        .dir = d, .bytes = span_str(text), .offset = offset, .acked = acked, .time = 1};

    if (!f->smtp)
        f->smtp = smtp_new(f->session, false, false);
    assert_int_equal(smtp_feed(f->smtp, &c), c.bytes.n);
}

static void put(struct lot *l, struct flow *f)
{
    assert_true(park_flow(l->park, f, flow_hash(l->table, &f->key), true));
    flow_remove(l->table, f);
}

static struct flow *get(struct lot *l, struct parked *q)
{
    struct flow_key k = park_key(q);
    struct flow *f = flow_add(l->table, &k);

    assert_true(park_restore(l->park, q, l->table, f));
    return f;
}

static void let_go(struct lot *l, struct flow *f)
{
    smtp_free(f->smtp);
    session_free(f->session);
    flow_remove(l->table, f);
}

static void comes_back_with_all_it_knew(void **state)
{
    struct lot l = lot_new();
    struct flow *f = add(&l, 1, 1);
    struct flow_key k = f->key, other = f->key;
    struct parked *q;

    (void)state;
    say(f, SESSION_TO_CLIENT, 0, 0, "220 mx.test\r\n");
    say(f, SESSION_TO_SERVER, 0, 13, "EHLO a.test\r\n");
    say(f, SESSION_TO_CLIENT, 13, 13, REPLY);
    say(f, SESSION_TO_SERVER, 13, 66, "STARTTLS\r\nSTART"); /* a half line stays half */
    f->dir[0] = (struct reasm){.base = 7, .next = 30, .acked = 22, .started = true};
    f->recent[0][0].print = 77;
    put(&l, f);
    other.client_port++;
    assert_null(park_find(l.park, flow_hash(l.table, &other), &other));
    q = park_find(l.park, flow_hash(l.table, &k), &k);
    assert_non_null(q);
    assert_int_equal(park_serial(q), 0);
    f = get(&l, q);
    assert_null(park_find(l.park, flow_hash(l.table, &k), &k));
    assert_int_equal(f->touched, NS_PER_S);
    assert_int_equal(f->dir[0].next, 30);
    assert_int_equal(f->dir[0].acked, 22);
    assert_int_equal(f->recent[0][0].print, 0); /* it was silent */
    assert_true(flow_key_eq(&f->session->key, &k));
    assert_int_equal(f->session->reading.line_count, 4);
    struct ehlo_line *line = &f->session->reading.line[2];
    assert_true(span_eq(session_text(f->session, line->text), span_str("STARTTLS")));
    assert_int_equal(line->offset, 13 + 13 + 15);
    assert_true(span_eq(session_text(f->session, f->session->banner), span_str("220 mx.test")));
    say(f, SESSION_TO_CLIENT, 66, 23, "454 no\r\n");
    assert_int_equal(f->session->reading.upgrade_code, 454); /* it knew what was asked */
    let_go(&l, f);
    lot_free(&l);
}

/* Each pointer alone, and all at once: none is taken for another. */
static void what_is_kept_as_it_is(void **state)
{
    enum {
        OTHER,
        HANDSHAKE,
        PEER,
        MEMO,
        EVIDENCE,
        HELD,
        LINE = HELD + 2,
        REPLY_LINES = LINE + 2,
        ALL
    };
    static char place[ALL];

    (void)state;
    for (int only = 0; only <= ALL; only++) {
        struct lot l = lot_new();
        struct flow *f = add(&l, 1, 1);
        struct session *s = f->session, *other = NULL;
        struct tls *handshake = NULL;
        bool has[ALL];
        for (int i = 0; i < ALL; i++)
            has[i] = only == ALL || only == i;
        if (has[REPLY_LINES]) {
            say(f, SESSION_TO_CLIENT, 0, 0, "220 mx.test\r\n");
            say(f, SESSION_TO_SERVER, 0, 13, "EHLO a.test\r\n");
            say(f, SESSION_TO_CLIENT, 13, 13, REPLY);
        }
        uint32_t up = has[REPLY_LINES] ? 13 : 0, down = has[REPLY_LINES] ? 66 : 0;
        if (has[LINE])
            say(f, SESSION_TO_SERVER, up, down, "EH");
        if (has[LINE + 1])
            say(f, SESSION_TO_CLIENT, down, up, "22");
        if (has[OTHER])
            s->other = other = session_new();
        if (has[HANDSHAKE])
            s->handshake = handshake = tls_new();
        s->peer = has[PEER] ? &place[PEER] : NULL;
        s->memo = has[MEMO] ? &place[MEMO] : NULL;
        f->evidence = has[EVIDENCE] ? (struct evidence *)&place[EVIDENCE] : NULL;
        for (int d = 0; d < SESSION_DIR_COUNT; d++)
            f->dir[d].held = has[HELD + d] ? (struct reasm_held *)&place[HELD + d] : NULL;
        put(&l, f);
        f = get(&l, park_least(l.park));
        s = f->session;
        assert_ptr_equal(s->other, other);
        assert_ptr_equal(s->handshake, handshake);
        assert_ptr_equal(s->peer, has[PEER] ? &place[PEER] : NULL);
        assert_ptr_equal(s->memo, has[MEMO] ? &place[MEMO] : NULL);
        assert_ptr_equal(f->evidence, has[EVIDENCE] ? &place[EVIDENCE] : NULL);
        for (int d = 0; d < SESSION_DIR_COUNT; d++) {
            assert_ptr_equal(f->dir[d].held, has[HELD + d] ? &place[HELD + d] : NULL);
            f->dir[d].held = NULL;
        }
        assert_int_equal(s->reading.line_count, has[REPLY_LINES] ? 4 : 0);
        if (has[REPLY_LINES])
            assert_true(span_eq(session_text(s, s->reading.line[3].text), span_str("HELP")));
        if (has[LINE]) {
            say(f, SESSION_TO_SERVER, up + 2, down, "LO b.test\r\n");
            assert_int_equal(s->ehlo_count, 1 + has[REPLY_LINES]);
        }
        f->evidence = NULL;
        let_go(&l, f);
        lot_free(&l);
    }
}

static void the_least_promising_goes_first(void **state)
{
    static const enum park_class order[] = {PARK_ENDED,   PARK_DECIDED, PARK_NO_GREETING,
                                            PARK_GREETED, PARK_ASKED,   PARK_SUSPECT};
    struct lot l = lot_new();

    (void)state;
    for (int i = PARK_CLASS_COUNT - 1; i >= 0; i--) { /* the most promising is the oldest */
        struct flow *f = add(&l, 1, 1);
        struct session *s = f->session;
        s->banner_code = order[i] == PARK_NO_GREETING ? 0 : 220;
        s->ehlo_count = order[i] != PARK_NO_GREETING && order[i] != PARK_GREETED;
        s->tls_complete = order[i] == PARK_DECIDED;
        s->memo = order[i] == PARK_SUSPECT ? s : NULL;
        if (order[i] == PARK_ENDED)
            flow_closing(l.table, f);
        put(&l, f);
    }
    for (int i = 0; i < PARK_CLASS_COUNT; i++) {
        struct parked *q = park_least(l.park);
        assert_int_equal(park_class(q), order[i]);
        struct flow *f = get(&l, q);
        assert_int_equal(f->closing, order[i] == PARK_ENDED);
        assert_int_equal(f->session->memo != NULL, order[i] == PARK_SUSPECT);
        let_go(&l, f);
    }
    assert_null(park_least(l.park));
    lot_free(&l);
}

/* Of a hundred flows ninety are of one network: its oldest goes before older ones of others. */
static void a_network_beyond_its_share_goes_first(void **state)
{
    struct lot l = lot_new();

    (void)state;
    for (int i = 0; i < 4; i++)
        put(&l, add(&l, (uint8_t)(2 + i), 1));
    for (int i = 0; i < 90; i++)
        put(&l, add(&l, 1, (uint8_t)i));
    for (int i = 0; i < 90; i++) {
        struct flow *f = get(&l, park_least(l.park));
        if (i < 60) /* shares mean something as long as there are some */
            assert_int_equal(f->key.client[2], 1);
        let_go(&l, f);
    }
    while (park_least(l.park))
        let_go(&l, get(&l, park_least(l.park)));
    lot_free(&l);
}

static void what_nobody_touches_expires(void **state)
{
    struct lot l = lot_new();
    struct flow *f = add(&l, 1, 1); /* touched at 1 s */

    (void)state;
    put(&l, f);
    f = add(&l, 1, 2); /* at 2 s */
    flow_closing(l.table, f);
    put(&l, f);
    assert_null(park_expired(l.park, 11 * NS_PER_S, 20 * NS_PER_S, 10 * NS_PER_S));
    struct parked *q = park_expired(l.park, 12 * NS_PER_S, 20 * NS_PER_S, 10 * NS_PER_S);
    assert_int_equal(park_serial(q), 1);
    let_go(&l, get(&l, q));
    assert_null(park_expired(l.park, 20 * NS_PER_S, 20 * NS_PER_S, 10 * NS_PER_S));
    q = park_expired(l.park, 21 * NS_PER_S, 20 * NS_PER_S, 10 * NS_PER_S);
    assert_int_equal(park_serial(q), 0);
    let_go(&l, get(&l, q));
    lot_free(&l);
}

/* A thousand clients of one server: its reply is kept once. */
static void equal_replies_are_kept_once(void **state)
{
    struct lot l = lot_new();
    size_t one = 0, all;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        struct flow *f = add(&l, (uint8_t)(i / 250), (uint8_t)(i % 250));
        say(f, SESSION_TO_CLIENT, 0, 0, "220 mx.test\r\n");
        say(f, SESSION_TO_SERVER, 0, 13, "EHLO a.test\r\n");
        say(f, SESSION_TO_CLIENT, 13, 13, REPLY);
        put(&l, f);
        one = i == 0 ? park_bytes(l.park) : one;
    }
    all = park_bytes(l.park);
    /* strings behind the greeting: "SIZE 1000" "STARTTLS" "HELP" */
    assert_true(all <= 1000 * one - 999 * (9 + 8 + 4));
    uint32_t count;
    struct parked **in_order = park_all(l.park, &count);
    assert_int_equal(count, 1000);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(park_serial(in_order[i]), i);
        let_go(&l, get(&l, in_order[i]));
    }
    free(in_order);
    lot_free(&l);
}

static void interned_bytes_are_shared_and_let_go(void **state)
{
    size_t before = heap_bytes();
    struct intern *t = intern_new(&key, 16);
    struct interned *a = intern_keep(t, span_str("abc")), *b = intern_keep(t, span_str("abc"));
    struct interned *c = intern_keep(t, span_str("abd"));

    (void)state;
    assert_ptr_equal(a, b);
    assert_ptr_not_equal(a, c);
    assert_true(span_eq(intern_bytes(c), span_str("abd")));
    intern_let_go(t, a);
    assert_true(span_eq(intern_bytes(b), span_str("abc")));
    intern_let_go(t, b);
    intern_let_go(t, c);
    assert_int_equal(heap_bytes(), before);
    intern_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back_with_all_it_knew),
        cmocka_unit_test(what_is_kept_as_it_is),
        cmocka_unit_test(the_least_promising_goes_first),
        cmocka_unit_test(a_network_beyond_its_share_goes_first),
        cmocka_unit_test(what_nobody_touches_expires),
        cmocka_unit_test(equal_replies_are_kept_once),
        cmocka_unit_test(interned_bytes_are_shared_and_let_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
