/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/store/contract.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char directory[] = "/tmp/test_store_sqlite_XXXXXX";
static char path[64], why[STORE_WHY];
static struct store_options options;

static void file_path(const char *name)
{
    snprintf(path, sizeof(path), "%s/%s", directory, name);
}

static struct store *open_at(const char *name)
{
    struct store *fresh;
    file_path(name);
    assert_int_equal(store_open(&fresh, path, &options, why), STORE_OK);
    assert_string_equal(store_name(fresh), path);
    return fresh;
}

static struct store *open_fresh(void)
{
    static unsigned number;
    char name[16];
    snprintf(name, sizeof(name), "%u.db", number++);
    return open_at(name);
}

static void reopen(void)
{
    struct store *again;
    store_close(s);
    s = NULL;
    assert_int_equal(store_open(&again, path, &options, why), STORE_OK);
    s = again;
}

static void write_file(const char *name, const void *bytes, size_t n)
{
    file_path(name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    assert_int_equal(write(fd, bytes, n), n);
    close(fd);
}

static void refuses(enum store_status status, const char *text)
{
    struct store *none = (struct store *)1;
    assert_int_equal(store_open(&none, path, &options, why), status);
    assert_null(none);
    assert_string_equal(why, text);
}

static void run_sql(const char *name, const char *sql)
{
    char command[512];
    file_path(name);
    snprintf(command, sizeof(command), "sqlite3 '%s' '%s' >/dev/null", path, sql);
    assert_int_equal(system(command), 0);
}

/* --- */

static void it_outlives_the_run(void **state)
{
    (void)state;
    assert_int_equal(put_text("policy/a", "v"), STORE_OK);
    assert_int_equal(store_put_later(s, str("policy/b"), str("w"), STORE_NEVER, now), STORE_OK);
    assert_int_equal(add_one("count/x/d", "a", 5, "f1"), STORE_OK);
    reopen();
    assert_value("policy/a", str("v"));
    assert_value("policy/b", str("w"));
    assert_int_equal(add_one("count/x/d", "a", 5, "f1"), STORE_OK);
    assert_int_equal(total("count/x/d", "a"), 5);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07, 0); /* not for others */
}

static void later_writes_share_a_transaction(void **state)
{
    (void)state;
    assert_int_equal(store_put_later(s, str("policy/a"), str("v"), STORE_NEVER, now), STORE_OK);
    assert_value("policy/a", str("v"));
    assert_int_equal(store_stats(s).queued, 1);
    assert_int_equal(store_stats(s).acknowledged, 0);
    assert_int_equal(store_tick(s, now, NS_PER_MS), STORE_OK);
    assert_int_equal(store_stats(s).queued, 0);
    assert_int_equal(store_stats(s).acknowledged, 1);
    assert_int_equal(store_put_later(s, str("policy/b"), str("v"), STORE_NEVER, now), STORE_OK);
    store_close(s); /* what is queued is dropped */
    s = NULL;
    struct store *again;
    assert_int_equal(store_open(&again, path, NULL, why), STORE_OK);
    s = again;
    assert_int_equal(status_of("policy/b"), STORE_MISSING);
}

static void the_callers_time_counts(void **state)
{
    (void)state;
    assert_int_equal(store_put(s, str("policy/a"), str("v"), now + 10, now), STORE_OK);
    now += 9;
    assert_int_equal(status_of("policy/a"), STORE_OK);
    now += 1;
    assert_int_equal(status_of("policy/a"), STORE_MISSING);
    now -= 1;
    assert_int_equal(status_of("policy/a"), STORE_OK);
    now += 1;
    assert_int_equal(put_text("policy/b", "v"), STORE_OK); /* lets go of what has expired */
    now -= 1;
    assert_int_equal(status_of("policy/a"), STORE_MISSING);
}

static void two_may_use_it(void **state)
{
    (void)state;
    struct store *other;
    assert_int_equal(store_open(&other, path, NULL, why), STORE_OK);
    assert_int_equal(put_text("policy/a", "v"), STORE_OK);
    assert_int_equal(store_get(other, str("policy/a"), now, &value), STORE_OK);
    assert_int_equal(store_put_later(other, str("policy/b"), str("v"), 0, now), STORE_OK);
    assert_int_equal(put_text("policy/c", "v"), STORE_AWAY); /* the other one is writing */
    assert_int_equal(store_drain(other, now, 0), STORE_OK);
    assert_int_equal(put_text("policy/c", "v"), STORE_OK);
    store_close(other);
}

static void a_full_disk_loses_nothing_acknowledged(void **state)
{
    (void)state;
    static const char BULK[8192];
    char key[32];
    options.file_pages = 64;
    store_close(s);
    s = open_fresh();
    enum store_status status = STORE_OK;
    int n = 0;
    for (; n < 1000 && status == STORE_OK; n++) {
        snprintf(key, sizeof(key), "policy/%d", n);
        status = store_put(s, str(key), span_of(BULK, sizeof(BULK)), STORE_NEVER, now);
    }
    assert_int_equal(status, STORE_FULL);
    assert_string_equal(store_stats(s).last_error, "the state file: database or disk is full");
    assert_in_range(n, 10, 64);
    assert_int_equal(store_put_later(s, str("policy/x"), span_of(BULK, 8192), 0, now), STORE_FULL);
    assert_int_equal(store_stats(s).dropped, 2 - 1);
    reopen();
    for (int i = 0; i < n - 1; i++) {
        snprintf(key, sizeof(key), "policy/%d", i);
        assert_value(key, span_of(BULK, sizeof(BULK)));
    }
    assert_int_equal(store_remove(s, str("policy/0")), STORE_OK);
    assert_int_equal(put_text("policy/0", "small"), STORE_OK);
    options.file_pages = 0;
}

static void foreign_files_stay_as_they_are(void **state)
{
    (void)state;
    char bytes[8192];
    memset(bytes, 'x', sizeof(bytes));
    write_file("text", bytes, sizeof(bytes));
    refuses(STORE_WRONG, "the file is not a state file of stripwatch");
    write_file("short", "x", 1);
    refuses(STORE_WRONG, "the file is not a state file of stripwatch");
    run_sql("other", "CREATE TABLE t(a); INSERT INTO t VALUES(1)");
    struct stat before, after;
    assert_int_equal(stat(path, &before), 0);
    refuses(STORE_WRONG, "the file is the database of another program");
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(before.st_size, after.st_size);
    assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
    file_path("");
    refuses(STORE_REFUSED, "the state file cannot be opened for writing: Is a directory");
    file_path("none/x.db");
    refuses(STORE_REFUSED,
            "the state file cannot be opened for writing: No such file or directory");
    file_path("pipe");
    assert_int_equal(mkfifo(path, 0600), 0);
    refuses(STORE_WRONG, "the state file is not a regular file");
}

static void another_schema_is_refused(void **state)
{
    (void)state;
    store_close(open_at("newer.db"));
    run_sql("newer.db", "PRAGMA user_version=2");
    refuses(STORE_WRONG, "the state file has schema 2, this stripwatch knows 1");
    store_close(open_at("without.db"));
    run_sql("without.db", "DROP TABLE entry");
    refuses(STORE_WRONG, "the state file cannot be used: no such table: entry");
    run_sql("empty.db", "VACUUM"); /* a header, and nothing in it */
    store_close(open_at("empty.db"));
}

/* Every page but the first overwritten: each answer is an answer or an error, nothing crashes. */
static void a_damaged_file_is_told(void **state)
{
    (void)state;
    char key[32], junk[4096];
    bool damaged = false;
    for (int i = 0; i < 200; i++) {
        snprintf(key, sizeof(key), "policy/%d", i);
        assert_int_equal(store_put_later(s, str(key), str(key), STORE_NEVER, now), STORE_OK);
    }
    assert_int_equal(store_drain(s, now, 0), STORE_OK);
    store_close(s); /* and with it the log goes into the file */
    int fd = open(path, O_RDWR);
    memset(junk, 0xA5, sizeof(junk));
    for (off_t at = 4096; at < lseek(fd, 0, SEEK_END); at += 4096)
        assert_int_equal(pwrite(fd, junk, sizeof(junk), at), sizeof(junk));
    close(fd);
    enum store_status status = store_open(&s, path, NULL, why);
    if (status != STORE_OK) {
        assert_int_equal(status, STORE_DAMAGED);
        s = open_fresh();
        return;
    }
    for (int i = 0; i < 200; i++) {
        snprintf(key, sizeof(key), "policy/%d", i);
        status = status_of(key);
        assert_true(status == STORE_OK || status == STORE_DAMAGED);
        damaged |= status == STORE_DAMAGED;
    }
    assert_true(damaged);
    assert_int_equal(put_text("policy/x", "v"), STORE_DAMAGED);
    assert_int_equal(store_scan(s, str("policy/"), now, count_key, key), STORE_DAMAGED);
}

/* Root may write everywhere, so a child without privileges tries. */
static void a_read_only_file_is_refused(void **state)
{
    (void)state;
    store_close(open_at("readonly.db"));
    assert_int_equal(chmod(path, 0444), 0);
    assert_int_equal(chmod(directory, 0755), 0);
    pid_t child = fork();
    if (child == 0) {
        struct store *none;
        if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0)
            _exit(2);
        _exit(store_open(&none, path, NULL, why) == STORE_REFUSED &&
                      strcmp(why, "the state file cannot be opened for writing: "
                                  "Permission denied") == 0
                  ? 0
                  : 1);
    }
    int code;
    assert_int_equal(waitpid(child, &code, 0), child);
    assert_int_equal(code, 0);
}

static int make_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
    (void)state;
    char command[64];
    snprintf(command, sizeof(command), "rm -r '%s'", directory);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONTRACT_TESTS,
        CONTRACT_TEST(it_outlives_the_run),
        CONTRACT_TEST(later_writes_share_a_transaction),
        CONTRACT_TEST(the_callers_time_counts),
        CONTRACT_TEST(two_may_use_it),
        CONTRACT_TEST(a_full_disk_loses_nothing_acknowledged),
        CONTRACT_TEST(a_damaged_file_is_told),
        cmocka_unit_test(foreign_files_stay_as_they_are),
        cmocka_unit_test(another_schema_is_refused),
        cmocka_unit_test(a_read_only_file_is_refused),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
