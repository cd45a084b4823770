/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/sink.h"

#include <signal.h>
#include <sys/resource.h>

#include "spool_fixture.h"

#define SYNCED (NS_PER_S / 10) /* alert/sink_file.c writes at once and syncs together */

static char sink_error[SINK_WHY], text[1 << 20];
static struct spool *spool;
static struct spool_reader *reader;
static uint64_t next; /* number of the next record */

static int begin(void **state)
{
    fault_none();
    if (dir_make(state) != 0)
        return -1;
    spool = spool_at(&(struct spool_config){.disk = &fault_disk});
    reader = reader_of(spool, "sink");
    next = 1;
    return 0;
}

static int end(void **state)
{
    spool_reader_close(reader);
    spool_close(spool);
    return dir_remove(state);
}

static void append(unsigned count)
{
    for (unsigned i = 0; i < count; i++, next++)
        assert_int_equal(put_one(spool, SPOOL_ALERT, 2, next), next);
    assert_int_equal(spool_commit(spool, 0), next - 1);
}

static uint64_t committed(void)
{
    return spool_reader_stats(reader).committed;
}

/* The file has these lines and nothing else. */
static void assert_lines(const char *path, uint64_t from, uint64_t to)
{
    size_t n = file_get(path, text, sizeof(text)), at = 0;
    for (uint64_t i = from; i <= to; i++, at += BODY + 1) {
        char line[32];
        snprintf(line, sizeof(line), "{\"n\":%06" PRIu64 "}\n", i);
        assert_true(at + BODY + 1 <= n);
        assert_memory_equal(text + at, line, BODY + 1);
    }
    assert_int_equal(at, n);
}

static struct sink *file_sink(void)
{
    struct sink *s = sink_file_new(dir_path("eve.json"), NULL, sink_error);
    assert_non_null(s);
    return s;
}

static void filters(void **state)
{
    struct sink_filter f = {.min_severity = 3};
    struct spool_record r = {.kind = SPOOL_ALERT, .severity = 2, .rule = 1320701};

    (void)state;
    assert_false(sink_wants(&f, &r));
    r.severity = 3;
    assert_true(sink_wants(&f, &r));
    f.rules[f.rule_count++] = 1320700;
    assert_true(sink_wants(&f, &r));
    f.rules[f.rule_count++] = 1320701;
    assert_false(sink_wants(&f, &r));
    r.kind = SPOOL_LOSS;
    r.severity = 0;
    assert_true(sink_wants(&f, &r)); /* the severity of alerts alone counts */
    f.without_kinds = 1u << SPOOL_SESSION;
    assert_true(sink_wants(&f, &r));
    r.kind = SPOOL_SESSION;
    assert_false(sink_wants(&f, &r));
}

/* What is filtered is done with. */
static void filtered_is_committed(void **state)
{
    const struct sink_filter f = {.min_severity = 4};
    struct sink *s = sink_file_new(dir_path("eve.json"), &f, sink_error);

    (void)state;
    append(10);
    assert_int_equal(sink_turn(s, reader, 0), 0);
    assert_int_equal(committed(), 10);
    assert_int_equal(s->stats.filtered, 10);
    put_one(spool, SPOOL_ALERT, 4, next);
    spool_commit(spool, 0);
    assert_int_equal(sink_turn(s, reader, 0), 1);
    assert_lines(dir_path("eve.json"), 11, 11);
    sink_close(s);
}

/* Lines are there at once, and have arrived when they were synced, a tenth of a second later. A
 * file that is closed before that is synced first. */
static void synced_together(void **state)
{
    struct sink *s = file_sink();

    (void)state;
    append(2);
    sink_turn(s, reader, 0);
    assert_lines(dir_path("eve.json"), 1, 2);
    assert_int_equal(committed(), 0);
    append(1);
    sink_turn(s, reader, SYNCED / 2);
    assert_lines(dir_path("eve.json"), 1, 3);
    assert_int_equal(committed(), 0);
    assert_int_equal(s->unarrived, 1);
    sink_turn(s, reader, SYNCED);
    assert_int_equal(committed(), 3);
    assert_int_equal(s->stats.delivered, 3);
    append(1);
    sink_turn(s, reader, 2 * SYNCED);
    assert_int_equal(committed(), 3);
    sink_reopen(s);
    sink_turn(s, reader, 2 * SYNCED);
    assert_int_equal(committed(), 4);
    sink_close(s);
}

static bool sync_fails;

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);

int __wrap_fdatasync(int fd)
{
    if (!sync_fails)
        return __real_fdatasync(fd);
    sync_fails = false;
    errno = EIO;
    return -1;
}

/* The file is exchanged while lines of it are not synced, and it cannot be synced any more: all of
 * them come again, and what comes again has not arrived before it was synced. */
static void unsynced_and_gone(void **state)
{
    struct sink *s = file_sink();

    (void)state;
    append(2);
    sink_turn(s, reader, 0);
    assert_lines(dir_path("eve.json"), 1, 2);
    unlink(dir_path("eve.json"));
    append(1);
    sync_fails = true;
    sink_turn(s, reader, 1);
    assert_false(sync_fails);
    assert_int_equal(committed(), 0);
    sink_turn(s, reader, 2);
    assert_lines(dir_path("eve.json"), 1, 3);
    assert_int_equal(committed(), 0);
    assert_int_equal(s->unarrived, 1);
    sink_turn(s, reader, 2 + SYNCED);
    assert_int_equal(committed(), 3);
    assert_int_equal(s->stats.delivered, 3);
    sink_close(s);
}

static void rotation(void **state)
{
    struct sink *s = file_sink();
    char rotated[128];

    (void)state;
    snprintf(rotated, sizeof(rotated), "%s/eve.json.1", spool_dir);
    append(300);
    while (sink_turn(s, reader, 0) > 0)
        ;
    sink_turn(s, reader, SYNCED);
    assert_int_equal(committed(), 300);
    assert_lines(dir_path("eve.json"), 1, 300);
    assert_int_equal(rename(dir_path("eve.json"), rotated), 0); /* noticed */
    append(2);
    sink_turn(s, reader, 0);
    assert_lines(rotated, 1, 300);
    assert_lines(dir_path("eve.json"), 301, 302);
    unlink(dir_path("eve.json")); /* removed */
    append(2);
    sink_turn(s, reader, 0);
    assert_lines(dir_path("eve.json"), 303, 304);
    sink_reopen(s); /* the same file again */
    append(1);
    sink_turn(s, reader, 0);
    assert_lines(dir_path("eve.json"), 303, 305);
    assert_int_equal(truncate(dir_path("eve.json"), 0), 0); /* copytruncate */
    append(1);
    sink_turn(s, reader, 0);
    assert_lines(dir_path("eve.json"), 306, 306);
    sink_turn(s, reader, 2 * SYNCED);
    assert_int_equal(committed(), 306);
    assert_int_equal(s->stats.delivered, 306);
    sink_close(s);
}

/* A crash left the beginning of a line. */
static void ends_in_a_line(void **state)
{
    struct sink *s;
    size_t n;

    (void)state;
    file_put(dir_path("eve.json"), "{\"n\":0", 6);
    append(1);
    s = file_sink();
    sink_turn(s, reader, 0);
    n = file_get(dir_path("eve.json"), text, sizeof(text));
    assert_int_equal(n, 6 + 1 + BODY + 1);
    assert_memory_equal(text, "{\"n\":0\n{\"n\":000001}\n", n);
    sink_close(s);
}

static void limit_files(rlim_t bytes)
{
    struct rlimit l;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &l), 0);
    l.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &l), 0);
}

/* There is room for a line and a half: the rest follows in the same line, or, when the file has
 * been exchanged, the line is begun anew. */
static void no_room(void **state)
{
    struct sink *s = file_sink();

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    append(3);
    limit_files(BODY + 1 + 5);
    sink_turn(s, reader, 0);
    limit_files(RLIM_INFINITY);
    assert_int_not_equal(s->state, SINK_OK);
    assert_non_null(strstr(s->why, "cannot write to"));
    assert_int_equal(committed(), 0);
    assert_int_equal(file_get(dir_path("eve.json"), text, sizeof(text)), BODY + 1 + 5);
    sink_turn(s, reader, NS_PER_MS); /* not yet */
    assert_int_equal(committed(), 0);
    sink_turn(s, reader, 2 * NS_PER_S);
    assert_int_equal(s->state, SINK_OK);
    assert_lines(dir_path("eve.json"), 1, 3);
    sink_turn(s, reader, 2 * NS_PER_S + SYNCED);
    assert_int_equal(committed(), 3);

    append(3);
    limit_files(4 * (BODY + 1) + 5);
    sink_turn(s, reader, 3 * NS_PER_S);
    limit_files(RLIM_INFINITY);
    sink_reopen(s); /* the same file: the line goes on */
    sink_turn(s, reader, 6 * NS_PER_S);
    assert_lines(dir_path("eve.json"), 1, 6);

    append(3);
    limit_files(7 * (BODY + 1) + 5);
    sink_turn(s, reader, 7 * NS_PER_S);
    limit_files(RLIM_INFINITY);
    unlink(dir_path("eve.json"));
    sink_turn(s, reader, 10 * NS_PER_S);
    assert_lines(dir_path("eve.json"), 8, 9); /* the seventh was whole in the old one */
    sink_turn(s, reader, 10 * NS_PER_S + SYNCED);
    assert_int_equal(committed(), 9);
    sink_close(s);
}

static void no_directory(void **state)
{
    struct sink *s = sink_file_new(dir_path("d/eve.json"), NULL, sink_error);
    char directory[128];

    (void)state;
    append(1);
    sink_turn(s, reader, 0);
    assert_int_equal(s->state, SINK_BROKEN);
    assert_int_equal(committed(), 0);
    snprintf(directory, sizeof(directory), "%s/d", spool_dir);
    assert_int_equal(mkdir(directory, 0700), 0);
    sink_turn(s, reader, 2 * NS_PER_S);
    assert_lines(dir_path("d/eve.json"), 1, 1);
    sink_turn(s, reader, 2 * NS_PER_S + SYNCED);
    assert_int_equal(committed(), 1);
    sink_close(s);
    unlink(dir_path("d/eve.json"));
    rmdir(directory);
}

/* Standard output is a pipe that nobody reads: no turn waits, and nothing is committed that is not
 * in it. */
static void full_pipe(void **state)
{
    int pipes[2], saved = dup(STDOUT_FILENO);
    struct sink *s;
    size_t n, total = 0;
    ssize_t got = 0;

    (void)state;
    assert_int_equal(pipe(pipes), 0);
    assert_true(saved >= 0 && dup2(pipes[1], STDOUT_FILENO) == STDOUT_FILENO);
    s = sink_stdout_new(NULL, sink_error);
    assert_non_null(s);
    append(10000); /* 130,000 bytes: twice what a pipe has room for */
    for (int i = 0; i < 100; i++)
        sink_turn(s, reader, 0);
    n = (size_t)committed();
    for (int i = 0; i < 200; i++) {
        got = total < sizeof(text) ? read(pipes[0], text + total, 4096) : 0;
        total += got > 0 ? (size_t)got : 0;
        sink_turn(s, reader, 0);
        if (total == 10000 * (BODY + 1))
            break;
    }
    sink_turn(s, reader, 0);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    close(pipes[0]);
    close(pipes[1]);
    assert_in_range(n * (BODY + 1), 4096, 65536);
    assert_int_equal(total, 10000 * (BODY + 1));
    for (size_t i = 0; i < 10000; i++)
        assert_int_equal(strtoull(text + i * (BODY + 1) + 5, NULL, 10), i + 1);
    assert_int_equal(committed(), 10000);
    sink_close(s);
}

static void redis_configuration(void **state)
{
    struct sink_redis_config c = {.where = "redis://127.0.0.1:1/0", .verb = SINK_XADD};
    enum sink_redis_verb verb;
    struct pollfd p;
    struct sink *s;

    (void)state;
    assert_true(sink_redis_verb("LPUSH", &verb) && verb == SINK_LPUSH);
    assert_true(sink_redis_verb("list", &verb) && verb == SINK_LPUSH);
    assert_true(sink_redis_verb("rpush", &verb) && verb == SINK_RPUSH);
    assert_true(sink_redis_verb("channel", &verb) && verb == SINK_PUBLISH);
    assert_true(sink_redis_verb("publish", &verb) && verb == SINK_PUBLISH);
    assert_true(sink_redis_verb("stream", &verb) && verb == SINK_XADD);
    assert_true(sink_redis_verb("xadd", &verb) && verb == SINK_XADD);
    assert_false(sink_redis_verb("set", &verb));
    append(1);
    s = sink_redis_new(&c, NULL, sink_error);
    assert_non_null(s);
    assert_false(sink_poll(s, &p));
    for (int i = 0; i < 5; i++) /* nobody listens there */
        sink_turn(s, reader, (nstime)i * NS_PER_S);
    assert_int_equal(s->state, SINK_AWAY);
    assert_int_equal(committed(), 0);
    sink_close(s);
    c.where = "/a/file";
    assert_null(sink_redis_new(&c, NULL, sink_error));
    c.where = "redis://:secret@";
    assert_null(sink_redis_new(&c, NULL, sink_error));
    assert_null(strstr(sink_error, "secret"));
    c.where = "redis://127.0.0.1";
    c.key = "";
    assert_null(sink_redis_new(&c, NULL, sink_error));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(filters),         CASE(filtered_is_committed),
        CASE(synced_together), CASE(unsynced_and_gone),
        CASE(rotation),        CASE(ends_in_a_line),
        CASE(no_room),         CASE(no_directory),
        CASE(full_pipe),       CASE(redis_configuration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
