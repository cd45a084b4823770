/* SPDX-License-Identifier: Apache-2.0 */
#include "store/where.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct where w;
static char why[256], name[STORE_NAME];

static int parse(const char *text)
{
    int rc = where_parse(&w, text, why, sizeof(why));
    where_name(&w, name);
    return rc;
}

static void memory_and_files(void **state)
{
    (void)state;
    assert_int_equal(parse(""), 0);
    assert_int_equal(w.kind, WHERE_MEMORY);
    assert_int_equal(parse("memory:"), 0);
    assert_int_equal(w.kind, WHERE_MEMORY);
    assert_string_equal(name, "memory");
    assert_int_equal(parse("/var/lib/state.db"), 0);
    assert_int_equal(w.kind, WHERE_SQLITE);
    assert_string_equal(w.path, "/var/lib/state.db");
    assert_int_equal(parse("sqlite:state:1.db"), 0);
    assert_string_equal(w.path, "state:1.db");
    assert_string_equal(name, "state:1.db");
}

static void redis_by_network(void **state)
{
    (void)state;
    assert_int_equal(parse("redis://localhost"), 0);
    assert_int_equal(w.kind, WHERE_REDIS);
    assert_string_equal(w.host, "localhost");
    assert_string_equal(w.port, "6379");
    assert_string_equal(w.prefix, "stripwatch:1:");
    assert_string_equal(w.password, "");
    assert_int_equal(parse("redis://me:p%40ss%2Fw%3a@[2001:db8::1]:7000/3?prefix=mail:"), 0);
    assert_string_equal(w.user, "me");
    assert_string_equal(w.password, "p@ss/w:");
    assert_string_equal(w.host, "2001:db8::1");
    assert_string_equal(w.port, "7000");
    assert_int_equal(w.db, 3);
    assert_string_equal(w.prefix, "mail:");
    assert_string_equal(name, "redis://[2001:db8::1]:7000/3");
    assert_int_equal(parse("redis://:secret@10.0.0.1/"), 0);
    assert_string_equal(w.user, "");
    assert_string_equal(w.password, "secret");
    assert_int_equal(parse("REDIS://host/15?user=me&db=4"), 0);
    assert_int_equal(w.db, 4);
    assert_string_equal(w.user, "me");
}

static void redis_by_socket(void **state)
{
    (void)state;
    assert_int_equal(parse("redis+unix:///run/redis.sock?db=2"), 0);
    assert_int_equal(w.kind, WHERE_REDIS_UNIX);
    assert_string_equal(w.path, "/run/redis.sock");
    assert_int_equal(w.db, 2);
    assert_int_equal(parse("redis+unix://u:hidden@/run/r.sock"), 0);
    assert_string_equal(w.password, "hidden");
    assert_string_equal(name, "redis+unix:///run/r.sock?db=0");
}

static void the_password_may_be_in_a_file(void **state)
{
    (void)state;
    char path[] = "/tmp/test_where_XXXXXX", text[128];
    int fd = mkstemp(path);
    assert_int_equal(write(fd, "from file\r\nsecond line\n", 23), 23);
    snprintf(text, sizeof(text), "redis://host?user=me&password-file=%s", path);
    assert_int_equal(parse(text), 0);
    assert_string_equal(w.password, "from file");
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(parse(text), -1);
    assert_string_equal(why, "the password file has no password");
    close(fd);
    unlink(path);
    assert_int_equal(parse(text), -1);
    assert_string_equal(why, "the password file cannot be read: No such file or directory");
}

static void bad_ones_are_refused_without_their_secrets(void **state)
{
    (void)state;
    static const char *const BAD[][2] = {
        {"rediss://:hunter2@host", "TLS to Redis is not built in: use stunnel and "
                                   "redis://127.0.0.1, or a unix socket (docs/redis.md)"},
        {"http://:hunter2@host",
         "it is none of memory:, sqlite:PATH, redis://HOST, redis+unix:///PATH"},
        {"sqlite:", "sqlite: is not followed by a path"},
        {"redis://", "the address has no host"},
        {"redis://:hunter2@", "the address has no host"},
        {"redis://:hunter2@:6379", "the address has no host"},
        {"redis://[::1", "the address has no ]"},
        {"redis://[::1]x", "something other than a port follows the host"},
        {"redis://:hunter2@host:0", "the port is not a number from 1 to 65535"},
        {"redis://:hunter2@host:65536", "the port is not a number from 1 to 65535"},
        {"redis://host:", "the port is not a number from 1 to 65535"},
        {"redis://host:1x", "the port is not a number from 1 to 65535"},
        {"redis://host/one", "the database is not a number from 0 to 65535"},
        {"redis://host?db=", "the database is not a number from 0 to 65535"},
        {"redis://host?db=99999999999", "the database is not a number from 0 to 65535"},
        {"redis://:hunter2%4@host", "the password has a % without two hexadecimal digits"},
        {"redis://:hunter2%0A@host", "the password has a control character"},
        {"redis://:hunter2%00@host", "the password has a control character"},
        {"redis://ho st", "the host is neither a name nor an address"},
        {"redis://host?prefix=a%20b", "the prefix is not printable ASCII without blanks"},
        {"redis://host?password=hunter2", "an option is none of prefix, db, user, password-file"},
        {"redis+unix://run/r.sock", "the path of the socket does not begin with /"},
    };
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        assert_int_equal(parse(BAD[i][0]), -1);
        assert_string_equal(why, BAD[i][1]);
        assert_null(strstr(why, "hunter"));
    }
}

static void lengths_are_bounded(void **state)
{
    (void)state;
    char text[4096];
    for (size_t n = 1; n < 2000; n += 13) {
        memset(text, 'a', n);
        text[n] = '\0';
        assert_int_equal(parse(text), n < WHERE_PATH ? 0 : -1);
        memcpy(text, "redis://", n < 8 ? n : 8);
        if (n > 8)
            assert_int_equal(parse(text), n - 8 < WHERE_TEXT ? 0 : -1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_and_files),
        cmocka_unit_test(redis_by_network),
        cmocka_unit_test(redis_by_socket),
        cmocka_unit_test(the_password_may_be_in_a_file),
        cmocka_unit_test(bad_ones_are_refused_without_their_secrets),
        cmocka_unit_test(lengths_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
