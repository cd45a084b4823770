/* SPDX-License-Identifier: Apache-2.0 */
/* A spool of a hundred records, cut at every byte and with every bit turned: what is intact is
 * recovered, and nothing else. What is intact follows from where records begin and end. */
#include "spool_fixture.h"

enum { RECORDS = 100, BYTES = RECORDS * RECORD };

static const struct spool_config CONFIG = {.disk = &fault_disk};
static const char *const SEGMENT = "00000000000000000001.spool";
static uint8_t whole[BYTES + 1];

static int make_whole(void **state)
{
    struct spool *s;
    if (dir_make(state) != 0)
        return -1;
    s = spool_at(&CONFIG);
    for (uint64_t i = 1; i <= RECORDS; i++)
        assert_int_equal(put_one(s, SPOOL_ALERT, (uint8_t)(i % 5), i), i);
    assert_int_equal(spool_commit(s, 0), RECORDS);
    spool_close(s);
    assert_int_equal(file_get(dir_path(SEGMENT), whole, sizeof(whole)), BYTES);
    return 0;
}

/* Opens what is there, checks that it has the numbers 1 to `last` but `without`, and that the next
 * record gets the number behind the last one that is there. */
static void check(uint64_t last, uint64_t without, uint64_t torn, uint64_t damaged)
{
    struct spool *s = spool_at(&CONFIG);
    struct spool_stats t = spool_stats(s);
    uint64_t got[RECORDS + 1], expect = 1;
    size_t n;

    assert_int_equal(t.torn_bytes, torn);
    assert_int_equal(t.damaged_bytes, damaged);
    assert_int_equal(put_one(s, SPOOL_GAP, 0, last + 1), last + 1);
    assert_int_equal(spool_commit(s, 0), last + 1);
    spool_close(s);
    n = read_all_of("r", got, RECORDS + 1);
    for (size_t i = 0; i < n; i++, expect++) {
        expect += expect == without;
        assert_int_equal(got[i], expect);
    }
    assert_int_equal(n, last + 1 - (without > 0));
}

static void every_truncation(void **state)
{
    (void)state;
    for (size_t cut = 0; cut <= BYTES; cut++) {
        dir_empty(".spool");
        file_put(dir_path(SEGMENT), whole, cut);
        check(cut / RECORD, 0, cut % RECORD, 0);
    }
}

static void every_bit(void **state)
{
    (void)state;
    for (size_t bit = 0; bit < BYTES * 8; bit++) {
        uint64_t hit = bit / 8 / RECORD + 1;
        bool is_last = hit == RECORDS;
        whole[bit / 8] ^= (uint8_t)(1 << bit % 8);
        dir_empty(".spool");
        file_put(dir_path(SEGMENT), whole, BYTES);
        whole[bit / 8] ^= (uint8_t)(1 << bit % 8);
        check(is_last ? RECORDS - 1 : RECORDS, is_last ? 0 : hit, is_last ? RECORD : 0,
              is_last ? 0 : RECORD);
    }
}

/* A reader that meets the damage itself, with nobody having cut anything: the same. */
static void reader_alone(void **state)
{
    uint64_t got[RECORDS];

    (void)state;
    dir_empty(".spool");
    for (size_t byte = 0; byte < BYTES; byte += 7) {
        uint64_t hit = byte / RECORD + 1;
        whole[byte] ^= 0xFF;
        file_put(dir_path(SEGMENT), whole, BYTES);
        whole[byte] ^= 0xFF;
        assert_int_equal(read_all_of("r", got, RECORDS), RECORDS - 1);
        for (uint64_t i = 0; i < RECORDS - 1; i++)
            assert_int_equal(got[i], i + 1 + (i + 1 >= hit));
    }
}

/* An author who knows the format writes records into a body: no header is found there. */
static void record_in_a_body(void **state)
{
    uint8_t inner[RECORD];
    struct spool_record r = {.seq = 7, .kind = SPOOL_ALERT, .body = span_str("{\"n\":666666}")};
    struct spool *s;

    (void)state;
    dir_empty(".spool");
    spool_record_write(inner, &r);
    s = spool_at(&CONFIG);
    r.body = span_of(inner, sizeof(inner));
    assert_int_equal(spool_append(s, &r), 0);
    r.body = span_str("two\nlines");
    assert_int_equal(spool_append(s, &r), 0);
    r.body = span_of("", 0);
    assert_int_equal(spool_append(s, &r), 0);
    r.body = span_str("\n");
    assert_int_equal(spool_append(s, &r), 0);
    assert_int_equal(spool_stats(s).refused, 4);
    r.body = span_str("{\"n\":000001}\n"); /* as json_end() gives it */
    assert_int_equal(spool_append(s, &r), 1);
    spool_commit(s, 0);
    spool_close(s);
    assert_int_equal(file_get(dir_path(SEGMENT), whole, sizeof(whole)), RECORD);
}

/* The longest body goes through, one byte more is refused. */
static void longest(void **state)
{
    static char body[CAP_SPOOL_BODY + 1];
    struct spool_record r = {.kind = SPOOL_ALERT, .severity = 4}, got;
    struct spool_reader *reader;
    struct spool *s;

    (void)state;
    dir_empty("");
    memset(body, 'x', sizeof(body));
    s = spool_at(&CONFIG);
    r.body = span_of(body, CAP_SPOOL_BODY + 1);
    assert_int_equal(spool_append(s, &r), 0);
    r.body.n--;
    for (uint64_t i = 1; i <= 20; i++)
        assert_int_equal(spool_append(s, &r), i);
    assert_int_equal(spool_commit(s, 0), 20);
    reader = reader_of(s, "r");
    for (uint64_t i = 1; i <= 20; i++) {
        assert_int_equal(spool_reader_take(reader, &got, 1), 1);
        assert_int_equal(got.seq, i);
        assert_true(span_eq(got.body, r.body));
    }
    assert_int_equal(spool_reader_take(reader, &got, 1), 0);
    spool_reader_close(reader);
    spool_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_truncation), cmocka_unit_test(every_bit),
        cmocka_unit_test(reader_alone),     cmocka_unit_test(record_in_a_body),
        cmocka_unit_test(longest),
    };
    return cmocka_run_group_tests(tests, make_whole, dir_remove);
}
