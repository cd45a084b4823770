/* SPDX-License-Identifier: Apache-2.0 */
#include "spool_fixture.h"

#include <signal.h>
#include <sys/wait.h>

static uint64_t got[200000];

static uint64_t sum(const struct spool_losses *l)
{
    uint64_t n = 0;
    for (size_t i = 0; i < SPOOL_KIND_COUNT; i++)
        for (size_t j = 0; j < SPOOL_SEVERITIES; j++)
            n += l->lost[i][j];
    return n;
}

static void assert_run(size_t n, uint64_t from, uint64_t to)
{
    assert_int_equal(n, to - from + 1);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(got[i], from + i);
}

/* --- what is committed is there --- */

static void group_commit(void **state)
{
    const struct spool_config c = {.disk = &fault_disk};
    struct spool *s = spool_at(&c);

    (void)state;
    fault_none();
    for (uint64_t i = 1; i <= 50; i++)
        assert_int_equal(put_one(s, SPOOL_ALERT, 2, i), i);
    assert_int_equal(read_all_of("r", got, 1), 0);
    assert_int_equal(spool_stats(s).durable, 0);
    fault_none(); /* the reader wrote its offset */
    assert_int_equal(spool_commit(s, 0), 50);
    assert_int_equal(fault.writes, 1);
    assert_int_equal(fault.syncs, 2); /* the file and its name */
    put_one(s, SPOOL_ALERT, 2, 51);
    assert_int_equal(spool_commit(s, 0), 51);
    assert_int_equal(fault.syncs, 3);
    assert_int_equal(spool_commit(s, 0), 51); /* nothing to do */
    assert_int_equal(fault.syncs, 3);
    spool_close(s);
    assert_run(read_all_of("r", got, 100), 1, 51);
}

static void one_writer(void **state)
{
    struct spool *s = spool_at(NULL), *second;

    (void)state;
    assert_int_equal(spool_open(&second, spool_dir, NULL, spool_error), -1);
    assert_null(second);
    assert_string_equal(spool_error, "another process writes to this spool");
    spool_close(s);
    s = spool_at(NULL);
    spool_close(s);
}

/* Files of ten records, opened again and again. */
static void many_files(void **state)
{
    const struct spool_config c = {.segment_bytes = 10 * RECORD, .disk = &fault_disk};
    size_t segments;

    (void)state;
    fault_none();
    for (uint64_t i = 1; i <= 105; i++) {
        struct spool *s = spool_at(&c);
        assert_int_equal(put_one(s, SPOOL_SESSION, 0, i), i);
        assert_int_equal(spool_commit(s, 0), i);
        spool_close(s);
    }
    assert_int_equal(dir_bytes(&segments), 105 * RECORD);
    assert_int_equal(segments, 11);
    assert_run(read_all_of("r", got, 200), 1, 105);
}

/* What a sink was told before the power went has a number that is not used again. */
static void told_and_not_durable(void **state)
{
    const struct spool_config c = {.disk = &fault_disk};
    struct spool_record r;
    struct spool *s = spool_at(&c);
    struct spool_reader *reader = reader_of(NULL, "r");

    (void)state;
    fault_none();
    for (uint64_t i = 1; i <= 5; i++)
        put_one(s, SPOOL_ALERT, 2, i);
    spool_commit(s, 0);
    assert_int_equal(spool_reader_commit(reader, 5), 0);
    spool_close(s);
    assert_int_equal(truncate(dir_path("00000000000000000001.spool"), 3 * RECORD), 0);
    s = spool_at(&c);
    assert_int_equal(put_one(s, SPOOL_ALERT, 2, 6), 6);
    spool_commit(s, 0);
    spool_reader_rewind(reader, 5);
    assert_int_equal(spool_reader_take(reader, &r, 1), 1);
    assert_int_equal(r.seq, 6);
    spool_reader_close(reader);
    spool_close(s);
}

/* --- kill -9 --- */

static int make_on_disk(void **state)
{
    (void)state;
    return dir_make_at("/tmp");
}

static void append_until_killed(int told)
{
    const struct spool_config c = {.segment_bytes = 16384};
    struct spool *s;
    uint64_t next, durable;

    if (spool_open(&s, spool_dir, &c, spool_error) != 0)
        _exit(1);
    for (next = spool_stats(s).durable + 1;;) {
        for (uint64_t i = 0; i <= next % 7; i++, next++)
            if (put_padded(s, SPOOL_ALERT, 1, next, (next * 37) % 900) != next)
                _exit(2);
        durable = spool_commit(s, 0);
        if (durable != next - 1 || write(told, &durable, sizeof(durable)) != sizeof(durable))
            _exit(3);
    }
}

static void kill_while_appending(void **state)
{
    uint64_t told = 0, one;
    unsigned seed = 42;

    (void)state;
    for (int round = 0; round < 40; round++) {
        int pipes[2], status;
        size_t n;
        pid_t child;
        assert_int_equal(pipe(pipes), 0);
        child = fork();
        assert_true(child >= 0);
        if (child == 0)
            append_until_killed(pipes[1]);
        close(pipes[1]);
        usleep((useconds_t)(rand_r(&seed) % 15000));
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        while (read(pipes[0], &one, sizeof(one)) == sizeof(one))
            told = one;
        close(pipes[0]);
        spool_close(spool_at(NULL)); /* cuts what is torn */
        n = read_all_of("r", got, sizeof(got) / sizeof(*got));
        assert_true(n >= told);
        assert_run(n, 1, n);
    }
    assert_true(told > 0);
}

/* --- a disk that takes nothing --- */

static void full_disk(void **state)
{
    const struct spool_config c = {.disk = &fault_disk};
    struct spool *s = spool_at(&c);

    (void)state;
    fault_none();
    put_one(s, SPOOL_ALERT, 2, 1);
    assert_int_equal(spool_commit(s, 0), 1);
    fault.room = RECORD + 10; /* in the middle of the second */
    for (uint64_t i = 2; i <= 4; i++)
        assert_int_equal(put_one(s, SPOOL_ALERT, 2, i), i);
    assert_int_equal(spool_commit(s, NS_PER_S), 1);
    assert_int_equal(spool_state(s), SPOOL_FULL);
    assert_string_equal(spool_why(s), "the spool cannot be written: No space left on device");
    assert_int_equal(spool_stats(s).queued, 3);
    fault.room = -1;
    fault.writes = 0;
    assert_int_equal(spool_commit(s, NS_PER_S), 1); /* not before its time */
    assert_int_equal(fault.writes, 0);
    put_one(s, SPOOL_ALERT, 2, 5);
    assert_int_equal(spool_commit(s, 2 * NS_PER_S), 5);
    assert_int_equal(spool_state(s), SPOOL_OK);
    assert_string_equal(spool_why(s), "");
    assert_int_equal(spool_stats(s).queued, 0);
    assert_int_equal(spool_stats(s).troubles, 1);
    spool_close(s);
    assert_run(read_all_of("r", got, 10), 1, 5);
    s = spool_at(&c);
    assert_int_equal(spool_stats(s).damaged, 0); /* what had been written in part is gone */
    assert_int_equal(spool_stats(s).torn_bytes, 0);
    spool_close(s);
}

static void each_fault(void **state)
{
    const struct spool_config c = {.segment_bytes = 3 * RECORD, .disk = &fault_disk};
    const int errors[] = {ENOSPC, EDQUOT, EROFS, EIO};
    const enum spool_state states[] = {SPOOL_FULL, SPOOL_FULL, SPOOL_READ_ONLY, SPOOL_BROKEN};
    int *const calls[] = {&fault.open, &fault.write, &fault.sync};
    struct spool_losses l;
    uint64_t next = 1;
    nstime now = 0;
    struct spool *s = spool_at(&c);

    (void)state;
    for (size_t call = 0; call < 3; call++)
        for (size_t i = 0; i < 4; i++)
            for (int truncates = 0; truncates < 2; truncates++) {
                fault_none();
                for (int k = 0; k < 4; k++, next++) /* more than a file */
                    assert_int_equal(put_one(s, SPOOL_ALERT, 2, next), next);
                *calls[call] = errors[i];
                fault.truncate = truncates ? 0 : errors[i];
                assert_true(spool_commit(s, now += 60 * NS_PER_S) < next - 1);
                assert_int_equal(spool_state(s), states[i]);
                fault_none();
                put_one(s, SPOOL_ALERT, 2, next++);
                assert_int_equal(spool_commit(s, now += 60 * NS_PER_S), next - 1);
                assert_int_equal(spool_state(s), SPOOL_OK);
            }
    assert_false(spool_losses(s, &l));
    spool_close(s);
    assert_run(read_all_of("r", got, 1000), 1, next - 1);
    s = spool_at(&c);
    assert_int_equal(put_one(s, SPOOL_ALERT, 2, next), next);
    spool_close(s);
}

/* Opened on a disk that may not be written to: it can be read, and is written to later. */
static void read_only_from_the_beginning(void **state)
{
    const struct spool_config c = {.disk = &fault_disk};
    struct spool *s = spool_at(&c);

    (void)state;
    fault_none();
    put_one(s, SPOOL_ALERT, 2, 1);
    spool_commit(s, 0);
    spool_close(s);
    fault.open = fault.write = fault.truncate = fault.rename = fault.remove = EROFS;
    s = spool_at(&c);
    assert_int_equal(spool_state(s), SPOOL_READ_ONLY);
    assert_int_equal(read_all_of("r", got, 2), 1);
    assert_int_equal(put_one(s, SPOOL_ALERT, 2, 2), 2);
    assert_int_equal(spool_commit(s, 0), 1);
    fault_none();
    assert_int_equal(spool_commit(s, NS_PER_S), 2);
    assert_int_equal(spool_state(s), SPOOL_OK);
    spool_close(s);
    assert_run(read_all_of("r", got, 3), 1, 2);
}

/* While the disk is gone, a reader of the same process has what waits, once. */
static void told_from_memory(void **state)
{
    const struct spool_config c = {.disk = &fault_disk};
    struct spool *s = spool_at(&c);
    struct spool_reader *reader = reader_of(s, "r");
    struct spool_record r[8];
    struct spool_losses l;

    (void)state;
    fault_none();
    put_one(s, SPOOL_ALERT, 2, 1);
    spool_commit(s, 0);
    put_one(s, SPOOL_ALERT, 2, 2);
    assert_int_equal(spool_reader_take(reader, r, 8), 1); /* 2 is not raised yet */
    fault.write = fault.open = ENOSPC;
    spool_commit(s, 0);
    put_one(s, SPOOL_ALERT, 4, 3);
    assert_int_equal(spool_reader_take(reader, r, 8), 2);
    assert_int_equal(r[0].seq, 2);
    assert_int_equal(r[1].seq, 3);
    assert_int_equal(number_of(&r[1]), 3);
    assert_int_equal(spool_reader_take(reader, r, 8), 0);
    assert_int_equal(spool_reader_commit(reader, 3), -1);
    fault_none();
    put_one(s, SPOOL_ALERT, 2, 4);
    assert_int_equal(spool_commit(s, NS_PER_S), 4);
    assert_int_equal(spool_reader_take(reader, r, 8), 1);
    assert_int_equal(r[0].seq, 4);
    assert_int_equal(spool_reader_commit(reader, 4), 0);
    assert_false(spool_losses(s, &l));
    spool_reader_close(reader);
    spool_close(s);
}

/* What all sinks had from memory makes room there, and that is no loss. */
static void delivered_from_memory_makes_room(void **state)
{
    const struct spool_config c = {.queue_bytes = 4096, .disk = &fault_disk};
    struct spool *s = spool_at(&c);
    struct spool_reader *reader = reader_of(s, "r");
    struct spool_record r[CAP_SPOOL_BATCH];
    struct spool_losses l;
    size_t n;

    (void)state;
    fault_none();
    fault.open = fault.write = EROFS;
    for (uint64_t i = 1; i <= 1000; i++) {
        put_one(s, SPOOL_ALERT, 2, i);
        spool_commit(s, (nstime)i * NS_PER_S);
        n = spool_reader_take(reader, r, CAP_SPOOL_BATCH);
        assert_int_equal(n, 1);
        assert_int_equal(number_of(r), i);
        spool_reader_commit(reader, i);
    }
    assert_false(spool_losses(s, &l));
    assert_true(spool_stats(s).queued_bytes <= 4096);
    fault_none();
    spool_reader_close(reader);
    spool_close(s);
}

/* The queue is too small: lost is what ranks lowest, and of that the oldest. */
static void order_in_memory(void **state)
{
    static const struct {
        enum spool_kind kind;
        uint8_t severity;
    } order[] = {{SPOOL_STATS, 0}, {SPOOL_SESSION, 0}, {SPOOL_ALERT, 0}, {SPOOL_ALERT, 1},
                 {SPOOL_ALERT, 2}, {SPOOL_ALERT, 3},   {SPOOL_ALERT, 4}};
    enum { KINDS = 7, EACH = 10 };
    struct spool_losses l;
    struct spool_config c = {.disk = &fault_disk};
    struct spool *s = spool_at(&c);

    (void)state;
    fault_none();
    put_one(s, SPOOL_STATS, 0, 1);
    c.queue_bytes = spool_stats(s).queued_bytes * EACH; /* room for ten */
    spool_close(s);
    s = spool_at(&c);
    fault.open = fault.write = EIO;
    for (uint64_t i = 0; i < KINDS * EACH; i++) { /* all kinds in turn */
        put_one(s, order[i % KINDS].kind, order[i % KINDS].severity, i + 1);
        spool_commit(s, 0);
    }
    assert_int_equal(spool_stats(s).queued, EACH);
    assert_true(spool_losses(s, &l));
    for (size_t k = 0; k < KINDS; k++)
        assert_int_equal(l.lost[order[k].kind][order[k].severity], k + 1 < KINDS ? EACH : 0);
    assert_false(spool_losses(s, &l));
    assert_int_equal(put_one(s, SPOOL_ALERT, 3, 71), 0); /* all that is there ranks higher */
    assert_int_not_equal(put_one(s, SPOOL_ALERT, 4, 72), 0);
    assert_true(spool_losses(s, &l));
    assert_int_equal(l.lost[SPOOL_ALERT][3], 1);
    assert_int_equal(l.lost[SPOOL_ALERT][4], 1);
    fault_none();
    assert_int_equal(spool_commit(s, NS_PER_S), 72);
    spool_close(s);
    assert_int_equal(read_all_of("r", got, 20), EACH);
    for (size_t i = 0; i + 1 < EACH; i++) /* the oldest critical one went for the 72nd */
        assert_int_equal(got[i], KINDS * (i + 2));
    assert_int_equal(got[EACH - 1], 72);
}

/* --- quota --- */

static void delivered_goes_first(void **state)
{
    const struct spool_config c = {
        .segment_bytes = 10 * RECORD, .quota_bytes = 100 * RECORD, .disk = &fault_disk};
    struct spool *s = spool_at(&c);
    struct spool_reader *fast = reader_of(s, "fast"), *slow = reader_of(NULL, "slow");
    struct spool_losses l;
    size_t segments;

    (void)state;
    fault_none();
    for (uint64_t i = 1; i <= 1000; i++) {
        put_one(s, SPOOL_STATS, 0, i);
        assert_int_equal(spool_commit(s, 0), i);
        assert_true(dir_bytes(&segments) <= 100 * RECORD);
        spool_reader_commit(fast, i);
        spool_reader_commit(slow, i > 80 ? i - 80 : 0);
    }
    assert_false(spool_losses(s, &l));
    spool_reader_commit(slow, 1000);
    for (uint64_t i = 1001; i <= 1150; i++) { /* now the slow one stands still */
        put_one(s, SPOOL_STATS, 0, i);
        spool_commit(s, 0);
    }
    assert_true(spool_losses(s, &l));
    assert_true(spool_stats(s).is_over_quota || sum(&l) > 0);
    assert_int_equal(l.lost[SPOOL_STATS][0], 150 - spool_stats(s).bytes / RECORD);
    spool_reader_close(fast);
    spool_reader_close(slow);
    spool_close(s);
}

/* Ten times the quota, of every kind: the rank that is lost is always the lowest there. */
static void order_on_disk(void **state)
{
    const struct spool_config c = {
        .segment_bytes = 20 * RECORD, .quota_bytes = 200 * RECORD, .disk = &fault_disk};
    struct spool *s = spool_at(&c);
    unsigned seed = 7;
    uint64_t appended[SPOOL_KIND_COUNT][SPOOL_SEVERITIES] = {0}, high = 0;
    uint8_t kinds[2001], severities[2001];
    struct spool_losses l;
    size_t segments, n;

    (void)state;
    fault_none();
    for (uint64_t i = 1; i <= 2000; i++) {
        unsigned dice = (unsigned)rand_r(&seed) % 100;
        kinds[i] = dice < 40 ? SPOOL_STATS : dice < 80 ? SPOOL_SESSION : SPOOL_ALERT;
        severities[i] = kinds[i] == SPOOL_ALERT ? (uint8_t)(rand_r(&seed) % 5) : 0;
        if (kinds[i] == SPOOL_ALERT && severities[i] >= 3 && ++high > 150)
            kinds[i] = SPOOL_STATS, severities[i] = 0; /* high and critical ones have room */
        appended[kinds[i]][severities[i]]++;
        put_one(s, (enum spool_kind)kinds[i], severities[i], i);
        if (i % 3 == 0)
            spool_commit(s, 0);
        assert_true(dir_bytes(&segments) <= 200 * RECORD);
        assert_true(segments <= 40);
    }
    assert_int_equal(spool_commit(s, 0), 2000);
    l = spool_stats(s).losses;
    assert_int_equal(l.lost[SPOOL_ALERT][3] + l.lost[SPOOL_ALERT][4], 0);
    assert_true(l.lost[SPOOL_STATS][0] > 0 && l.lost[SPOOL_SESSION][0] > 0);
    spool_close(s);
    n = read_all_of("r", got, 200);
    for (size_t i = 0; i < n; i++) {
        assert_true(i == 0 || got[i] > got[i - 1]);
        appended[kinds[got[i]]][severities[got[i]]]--;
    }
    assert_memory_equal(appended, l.lost, sizeof(appended)); /* there, or counted: nothing else */
}

/* Full of critical ones: the oldest goes for the newest, and nothing less gets in. */
static void full_of_critical(void **state)
{
    const struct spool_config c = {
        .segment_bytes = 10 * RECORD, .quota_bytes = 40 * RECORD, .disk = &fault_disk};
    struct spool *s = spool_at(&c);
    struct spool_losses l;
    size_t n, high = 0;

    (void)state;
    fault_none();
    for (uint64_t i = 1; i <= 100; i++) {
        put_one(s, SPOOL_ALERT, 4, i);
        put_one(s, SPOOL_ALERT, 3, 1000 + i);
        spool_commit(s, 0);
    }
    assert_true(spool_losses(s, &l));
    spool_close(s);
    n = read_all_of("r", got, 40);
    for (size_t i = 0; i < n; i++)
        if (got[i] > 1000) /* there was room beside the critical ones */
            memmove(&got[i], &got[i + 1], (--n - i) * sizeof(*got)), high++, i--;
    assert_int_equal(high + l.lost[SPOOL_ALERT][3], 100);
    assert_int_equal(n + l.lost[SPOOL_ALERT][4], 100);
    assert_in_range(n + high, 30, 40);
    assert_run(n, 101 - n, 100);
}

/* One commit of hundreds that are lost at once: no file is ended for each of them. */
static void lost_in_one_commit(void **state)
{
    const struct spool_config c = {
        .segment_bytes = 100 * RECORD, .quota_bytes = 400 * RECORD, .disk = &fault_disk};
    struct spool *s = spool_at(&c);

    (void)state;
    fault_none();
    for (uint64_t i = 1; i <= 400; i++)
        put_one(s, SPOOL_ALERT, 4, i);
    assert_int_equal(spool_commit(s, 0), 400);
    for (uint64_t i = 401; i <= 1200; i++)
        put_one(s, SPOOL_ALERT, i % 2 ? 3 : 4, i);
    assert_int_equal(spool_commit(s, 0), 1200);
    assert_true(spool_stats(s).segments <= 8);
    assert_true(spool_stats(s).losses.lost[SPOOL_ALERT][3] >= 300);
    assert_int_equal(spool_stats(s).losses.lost[SPOOL_ALERT][3] +
                         spool_stats(s).losses.lost[SPOOL_ALERT][4],
                     1200 - spool_stats(s).bytes / RECORD);
    spool_close(s);
}

/* Files are written anew under a reader: it misses nothing that stays, and gets nothing twice. */
static void reader_while_shrinking(void **state)
{
    const struct spool_config c = {
        .segment_bytes = 20 * RECORD, .quota_bytes = 100 * RECORD, .disk = &fault_disk};
    struct spool *s = spool_at(&c);
    struct spool_reader *reader = reader_of(s, "r");
    uint64_t last = 0, alerts = 0;
    struct spool_record r;

    (void)state;
    fault_none();
    for (uint64_t i = 1; i <= 1000; i++) {
        put_one(s, i % 20 == 0 ? SPOOL_ALERT : SPOOL_SESSION, i % 20 == 0 ? 4 : 0, i);
        spool_commit(s, 0);
        if (i % 3 == 0 && spool_reader_take(reader, &r, 1) == 1) {
            assert_true(number_of(&r) > last);
            last = number_of(&r);
            alerts += r.kind == SPOOL_ALERT;
        }
    }
    while (spool_reader_take(reader, &r, 1) == 1) {
        assert_true(number_of(&r) > last);
        last = number_of(&r);
        alerts += r.kind == SPOOL_ALERT;
    }
    assert_int_equal(last, 1000);
    assert_int_equal(alerts, 50);
    spool_reader_close(reader);
    spool_close(s);
}

/* --- readers --- */

static void at_least_once(void **state)
{
    const struct spool_config c = {.segment_bytes = 7 * RECORD, .disk = &fault_disk};
    struct spool *s = spool_at(&c);
    struct spool_reader *reader = reader_of(NULL, "r");
    struct spool_record r[10];

    (void)state;
    fault_none();
    for (uint64_t i = 1; i <= 40; i++)
        put_one(s, SPOOL_ALERT, 2, i);
    spool_commit(s, 0);
    for (int i = 0; i < 3; i++)
        assert_in_range(spool_reader_take(reader, r, 10), 1, 10);
    assert_int_equal(spool_reader_commit(reader, 12), 0);
    spool_reader_close(reader);
    reader = reader_of(NULL, "r");
    assert_int_equal(spool_reader_position(reader), 12);
    assert_int_equal(spool_reader_take(reader, r, 1), 1);
    assert_int_equal(r[0].seq, 13);
    spool_reader_rewind(reader, 3);
    assert_int_equal(spool_reader_take(reader, r, 1), 1);
    assert_int_equal(r[0].seq, 4);
    spool_reader_close(reader);
    spool_close(s);
}

/* Another process reads while this one writes. */
static void follow_from_another_process(void **state)
{
    enum { RECORDS_TOLD = 3000 };
    const struct spool_config c = {.segment_bytes = 8192, .disk = &fault_disk};
    struct spool *s = spool_at(&c);
    pid_t child;
    int status;

    (void)state;
    fault_none();
    child = fork();
    if (child == 0) {
        struct spool_reader *reader;
        struct spool_record r[CAP_SPOOL_BATCH];
        uint64_t last = 0;
        size_t n;
        if (spool_reader_open(&reader, spool_dir, "other", NULL, NULL, spool_error) != 0)
            _exit(1);
        while (last < RECORDS_TOLD) {
            n = spool_reader_take(reader, r, CAP_SPOOL_BATCH);
            for (size_t i = 0; i < n; i++)
                if (r[i].seq != ++last || r[i].time != (nstime)last)
                    _exit(2);
        }
        _exit(spool_reader_stats(reader).damaged > 0 ? 3 : 0);
    }
    for (uint64_t i = 1; i <= RECORDS_TOLD; i++) {
        put_padded(s, SPOOL_ALERT, 2, i, i % 300);
        if (i % 5 == 0)
            spool_commit(s, 0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    spool_close(s);
}

/* A bit of an offset's file is turned, or it is cut: it says the newest, or the one before. */
static void damaged_offset(void **state)
{
    uint8_t file[2 * 512];
    struct spool_reader *r;
    size_t n;

    (void)state;
    fault_none();
    r = reader_of(NULL, "r");
    spool_reader_commit(r, 1000);
    spool_reader_commit(r, 2000);
    spool_reader_close(r);
    n = file_get(dir_path("r.offset"), file, sizeof(file));
    for (size_t bit = 0; bit < n * 8; bit++) {
        uint64_t seq;
        file[bit / 8] ^= (uint8_t)(1 << bit % 8);
        file_put(dir_path("r.offset"), file, n);
        file[bit / 8] ^= (uint8_t)(1 << bit % 8);
        r = reader_of(NULL, "r");
        seq = spool_reader_position(r);
        assert_true(seq == 1000 || seq == 2000);
        spool_reader_close(r);
    }
    for (size_t cut = 0; cut <= n; cut++) {
        uint64_t seq;
        file_put(dir_path("r.offset"), file, cut);
        r = reader_of(NULL, "r");
        seq = spool_reader_position(r);
        assert_true(seq == 0 || seq == 1000 || seq == 2000);
        spool_reader_close(r);
    }
}

static void keep_only(void **state)
{
    const char *const names[] = {"file"};

    (void)state;
    fault_none();
    spool_reader_close(reader_of(NULL, "file"));
    spool_reader_close(reader_of(NULL, "redis"));
    assert_int_equal(spool_reader_keep_only(spool_dir, names, 1), 0);
    assert_int_equal(access(dir_path("file.offset"), F_OK), 0);
    assert_int_not_equal(access(dir_path("redis.offset"), F_OK), 0);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, dir_make, dir_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(group_commit),
        CASE(one_writer),
        CASE(many_files),
        CASE(told_and_not_durable),
        cmocka_unit_test_setup_teardown(kill_while_appending, make_on_disk, dir_remove),
        CASE(full_disk),
        CASE(each_fault),
        CASE(read_only_from_the_beginning),
        CASE(told_from_memory),
        CASE(delivered_from_memory_makes_room),
        CASE(order_in_memory),
        CASE(delivered_goes_first),
        CASE(order_on_disk),
        CASE(full_of_critical),
        CASE(lost_in_one_commit),
        CASE(reader_while_shrinking),
        CASE(at_least_once),
        CASE(follow_from_another_process),
        CASE(damaged_offset),
        CASE(keep_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
