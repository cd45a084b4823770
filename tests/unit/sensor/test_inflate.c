/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/inflate.h"

#include <lz4frame.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include <cmocka.h>

#include "tests/unit/guard.h"

#define TEXT_BYTES 3000

struct packed {
    uint8_t b[4 * TEXT_BYTES];
    size_t n;
};

static uint8_t text[TEXT_BYTES];

/* Neither random nor monotonous, so every decoder has literals and matches to do. */
static int make_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (uint8_t)(i % 7 ? i * i >> 5 : i / 7);
    return 0;
}

static void pack(enum inflate_kind kind, struct packed *to)
{
    uint8_t *out = to->b + to->n;
    size_t room = sizeof(to->b) - to->n;
    if (kind == INFLATE_GZIP) {
        z_stream z = {0};
        assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, MAX_WBITS + 16, 8, 0), Z_OK);
        z.next_in = text;
        z.avail_in = sizeof(text);
        z.next_out = out;
        z.avail_out = (uInt)room;
        assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
        to->n += z.total_out;
        deflateEnd(&z);
    } else if (kind == INFLATE_ZSTD) {
        ZSTD_CCtx *c = ZSTD_createCCtx();
        ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
        to->n += ZSTD_compress2(c, out, room, text, sizeof(text));
        ZSTD_freeCCtx(c);
    } else {
        LZ4F_preferences_t p = {.frameInfo = {.contentChecksumFlag = LZ4F_contentChecksumEnabled}};
        to->n += LZ4F_compressFrame(out, room, text, sizeof(text), &p);
    }
}

struct result {
    uint8_t b[3 * TEXT_BYTES];
    size_t n;
    int error;
    bool complete;
};

/* Feeds [0, cut) and then the rest, with `room` bytes of space a time. */
static void unpack(enum inflate_kind kind, struct span in, size_t cut, size_t room,
                   struct result *r)
{
    struct inflate *d = inflate_new(kind);
    struct span part[2] = {span_first(in, cut), span_from(in, cut)};
    r->n = 0;
    r->error = 0;
    for (int i = 0; i < 2; i++) {
        size_t made = 1, before;
        do {
            before = part[i].n;
            assert_true(r->n + room <= sizeof(r->b));
            r->error = inflate_feed(d, &part[i], r->b + r->n, room, &made);
            assert_true(made <= room);
            r->n += made;
        } while (!r->error && (made > 0 || part[i].n < before));
    }
    r->complete = inflate_complete(d);
    if (r->error)
        assert_non_null(inflate_error(d));
    inflate_free(d);
}

static void assert_texts(const struct result *r, size_t count)
{
    assert_int_equal(r->error, 0);
    assert_true(r->complete);
    assert_int_equal(r->n, count * sizeof(text));
    for (size_t i = 0; i < count; i++)
        assert_memory_equal(r->b + i * sizeof(text), text, sizeof(text));
}

static const enum inflate_kind KINDS[] = {INFLATE_GZIP, INFLATE_ZSTD, INFLATE_LZ4};
#define EACH_KIND(k) for (const enum inflate_kind *k = KINDS; k < KINDS + 3; k++)

static void recognises_by_magic(void **state)
{
    (void)state;
    EACH_KIND(k)
    {
        struct packed p = {.n = 0};
        pack(*k, &p);
        assert_int_equal(inflate_recognise(span_of(p.b, p.n)), *k);
        assert_int_equal(inflate_recognise(span_of(p.b, 3)), INFLATE_NONE);
    }
    assert_int_equal(inflate_recognise(span_of("\x5A\x2A\x4D\x18", 4)), INFLATE_ZSTD);
    assert_int_equal(inflate_recognise(span_of("\xD4\xC3\xB2\xA1", 4)), INFLATE_NONE);
    assert_int_equal(inflate_recognise(span_of("\x1F\x8B\x07\x00", 4)), INFLATE_NONE);
    assert_int_equal(inflate_recognise(span_of(NULL, 0)), INFLATE_NONE);
}

static void every_split_gives_the_text(void **state)
{
    (void)state;
    static struct result r;
    EACH_KIND(k)
    {
        struct packed p = {.n = 0};
        pack(*k, &p);
        uint8_t *guarded = guard_copy(p.b, p.n);
        for (size_t cut = 0; cut <= p.n; cut++) {
            unpack(*k, span_of(guarded, p.n), cut, 1000, &r);
            assert_texts(&r, 1);
        }
        unpack(*k, span_of(guarded, p.n), 5, 1, &r); /* one byte of room */
        assert_texts(&r, 1);
        guard_free(guarded);
    }
}

static void several_members_are_one_text(void **state)
{
    (void)state;
    static struct result r;
    EACH_KIND(k)
    {
        struct packed p = {.n = 0};
        pack(*k, &p);
        size_t one = p.n;
        pack(*k, &p);
        for (size_t cut = one - 20; cut < one + 20; cut++) {
            unpack(*k, span_of(p.b, p.n), cut, 1000, &r);
            assert_texts(&r, 2);
        }
    }
}

/* Whatever is missing at the end, the stream never passes for a whole one. */
static void truncation_is_seen(void **state)
{
    (void)state;
    static struct result r;
    EACH_KIND(k)
    {
        struct packed p = {.n = 0};
        pack(*k, &p);
        for (size_t n = 1; n < p.n; n++) {
            unpack(*k, span_of(p.b, n), n, 1000, &r);
            assert_false(r.complete && !r.error);
            assert_true(r.n <= sizeof(text));
            assert_memory_equal(r.b, text, r.n);
        }
    }
}

static void corruption_is_seen(void **state)
{
    (void)state;
    static struct result r;
    EACH_KIND(k)
    {
        struct packed p = {.n = 0};
        pack(*k, &p);
        for (size_t at = p.n / 4; at < p.n;
             at++) { /* past the header, of which not all is checked */
            p.b[at] ^= 0x55;
            unpack(*k, span_of(p.b, p.n), p.n, 1000, &r);
            assert_false(r.complete && !r.error);
            p.b[at] ^= 0x55;
        }
    }
}

static void gzip_may_be_padded_with_zeros_only(void **state)
{
    (void)state;
    static struct result r;
    struct packed p = {.n = 0};
    pack(INFLATE_GZIP, &p);
    memset(p.b + p.n, 0, 9);
    for (size_t zeros = 1; zeros <= 8; zeros++) {
        unpack(INFLATE_GZIP, span_of(p.b, p.n + zeros), p.n + zeros / 2, 1000, &r);
        assert_texts(&r, 1);
    }
    p.b[p.n + 8] = 0x1F; /* after padding nothing may follow, not even a member */
    unpack(INFLATE_GZIP, span_of(p.b, p.n + 9), p.n, 1000, &r);
    assert_int_equal(r.error, -1);
    assert_int_equal(r.n, sizeof(text));
}

/* RFC 8878 section 3.1.1.1.2: Window_Descriptor's exponent is its upper five bits, plus ten. */
static void zstd_window_is_capped(void **state)
{
    (void)state;
    static struct result r;
    uint8_t frame[] = {0x28, 0xB5, 0x2F, 0xFD, 0x00, 0, 0x01, 0x00, 0x00};
    frame[5] = (INFLATE_WINDOW_LOG - 10) << 3;
    unpack(INFLATE_ZSTD, span_of(frame, sizeof(frame)), 0, 10, &r);
    assert_int_equal(r.error, 0);
    assert_true(r.complete);
    frame[5] = (INFLATE_WINDOW_LOG + 1 - 10) << 3;
    unpack(INFLATE_ZSTD, span_of(frame, sizeof(frame)), 0, 10, &r);
    assert_int_equal(r.error, -1);
}

static void skippable_frames_are_skipped(void **state)
{
    (void)state;
    static struct result r;
    struct packed p = {.b = "\x50\x2A\x4D\x18\x04\x00\x00\x00skip", .n = 12};
    pack(INFLATE_ZSTD, &p);
    unpack(INFLATE_ZSTD, span_of(p.b, p.n), 6, 1000, &r);
    assert_texts(&r, 1);
}

static void libraries_tell_their_version(void **state)
{
    (void)state;
    EACH_KIND(k) assert_true(strlen(inflate_library(*k)) >= 5);
    inflate_free(NULL);
    assert_null(inflate_new(INFLATE_NONE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recognises_by_magic),
        cmocka_unit_test(every_split_gives_the_text),
        cmocka_unit_test(several_members_are_one_text),
        cmocka_unit_test(truncation_is_seen),
        cmocka_unit_test(corruption_is_seen),
        cmocka_unit_test(gzip_may_be_padded_with_zeros_only),
        cmocka_unit_test(zstd_window_is_capped),
        cmocka_unit_test(skippable_frames_are_skipped),
        cmocka_unit_test(libraries_tell_their_version),
    };
    return cmocka_run_group_tests(tests, make_text, NULL);
}
