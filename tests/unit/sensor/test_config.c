/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "sensor/config_value.h"

static struct config c;
static char dir[] = "/tmp/test_config.XXXXXX";
static char file[64], said[4096], changed[4096];

static void on_problem(void *user, const struct config_problem *p)
{
    (void)user;
    FILE *to = fmemopen(said + strlen(said), sizeof(said) - strlen(said), "w");
    config_problem_print(to, p);
    fclose(to);
}

static void on_change(void *user, const struct config_change *d)
{
    size_t n = strlen(changed);
    (void)user;
    snprintf(changed + n, sizeof(changed) - n, "%s: %s -> %s%s\n", d->name, d->old, d->new,
             d->reloadable ? "" : " (fixed)");
}

static void write_file(const char *text)
{
    FILE *to = fopen(file, "w");
    assert_non_null(to);
    fputs(text, to);
    fclose(to);
}

static int begin(void **state)
{
    (void)state;
    said[0] = changed[0] = '\0';
    return config_init(&c);
}

static int end(void **state)
{
    (void)state;
    config_fini(&c);
    return 0;
}

static int parse(const char *text)
{
    return config_parse(&c, "f", span_str(text), on_problem, NULL);
}

static int set(const char *text)
{
    return config_set(&c, text, "/here", on_problem, NULL);
}

static void defaults_are_those_of_the_program(void **state)
{
    (void)state;
    assert_int_equal(c.capture.snaplen, 262144); /* as tcpdump has it */
    assert_int_equal(c.capture.ring, 64);
    assert_int_equal(c.capture.ports.count, 4);
    assert_int_equal(c.capture.ports.port[3], 2525);
    assert_int_equal(c.sensor.memory, CAP_MEMORY_MIB);
    assert_int_equal(c.sensor.max_flows, CAP_FLOWS);
    assert_int_equal(c.output.min_severity, SEVERITY_LOW);
    assert_int_equal(c.output.file.told.kinds,
                     CONFIG_KIND_SMTP | CONFIG_KIND_TLS | CONFIG_KIND_ALERT | CONFIG_KIND_STATS);
    assert_int_equal(c.output.spool.quota, 1024);
    assert_int_equal(c.privacy.log_sessions, CONFIG_SESSIONS_FINDINGS);
    assert_int_equal(c.privacy.pair_days, 30);
    assert_int_equal(c.coverage.gap, 600);
    assert_int_equal(c.log.level, CONFIG_LOG_INFO);
    assert_true(c.capture.promiscuous && c.capture.tunnels && !c.sensor.show_addresses);
    assert_null(c.policy.state);
    assert_null(c.process.user);
}

static void every_choice_is_its_enumeration(void **state)
{
    (void)state;
    assert_int_equal(set("sensor.vantage=server-side"), 0);
    assert_int_equal(c.sensor.vantage, CONFIG_VANTAGE_SERVER_SIDE);
    assert_int_equal(set("capture.direction=out"), 0);
    assert_int_equal(c.capture.direction, CONFIG_DIRECTION_OUT);
    assert_int_equal(set("privacy.log_sessions=none"), 0);
    assert_int_equal(c.privacy.log_sessions, CONFIG_SESSIONS_NONE);
    assert_int_equal(set("output.stdout=never"), 0);
    assert_int_equal(c.output.to_stdout, CONFIG_STDOUT_NEVER);
    assert_int_equal(set("output.redis.mode=xadd"), 0);
    assert_int_equal(c.output.redis.mode, CONFIG_REDIS_XADD);
    assert_int_equal(set("output.redis.min_severity=critical"), 0);
    assert_int_equal(c.output.redis.told.min_severity, SEVERITY_CRITICAL);
    assert_int_equal(set("log.level=debug"), 0);
    assert_int_equal(c.log.level, CONFIG_LOG_DEBUG);
    assert_int_equal(set("log.format=json"), 0);
    assert_int_equal(c.log.format, CONFIG_LOG_JSON);
    assert_int_equal(set("output.file.kinds=stats,alert"), 0);
    assert_int_equal(c.output.file.told.kinds, CONFIG_KIND_STATS | CONFIG_KIND_ALERT);
}

static void lists_of_words_are_checked(void **state)
{
    static const char *const GOOD[] = {
        "resolver.forward=192.0.2.53,2001:db8::53@5353,192.0.2.54@853#dns.example,192.0.2.55#dns.example",
        "resolver.stub=alder.example=192.0.2.53,.=2001:db8::53@5300",
        "policy.own_domains=Alder.Example.,birch.example",
        "fetch.allow_nets=127.0.0.0/8",
        "policy.lookups=seen",
    };
    static const char *const BAD[] = {
        "resolver.forward=dns.example", /* a name must be asked of somebody */
        "resolver.forward=192.0.2.53:53",
        "resolver.forward=192.0.2.53@0",
        "resolver.forward=192.0.2.53@65536",
        "resolver.forward=192.0.2.53#",
        "resolver.forward=192.0.2.53#-x",
        "resolver.forward=192.0.2.0/24",
        "resolver.stub=192.0.2.53",
        "resolver.stub=alder.example=ns1",
        "resolver.stub==192.0.2.53",
        "policy.own_domains=_x.example",
        "policy.own_domains=a.example,A.example",
        "policy.own_domains=192.0.2.1",
        "policy.lookups=all",
        "fetch.port=0",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(GOOD) / sizeof(GOOD[0]); i++)
        assert_int_equal(set(GOOD[i]), 0);
    assert_int_equal(c.resolver.forward.count, 4);
    assert_string_equal(c.resolver.forward.word[2], "192.0.2.54@853#dns.example");
    assert_int_equal(c.resolver.stub.count, 2);
    assert_string_equal(c.policy.own_domains.word[0], "alder.example");
    assert_int_equal(c.policy.lookups, CONFIG_LOOKUPS_SEEN);
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        said[0] = '\0';
        assert_int_equal(set(BAD[i]), -1);
        assert_true(said[0]);
    }
}

static void lists_are_replaced_and_relative_paths_completed(void **state)
{
    (void)state;
    assert_int_equal(parse("capture: {interfaces: [a, b=client-side], ports: [25]}"), 0);
    assert_int_equal(c.capture.interfaces.count, 2);
    assert_int_equal(config_vantage_of(&c, &c.capture.interfaces.one[0]), CONFIG_VANTAGE_UNKNOWN);
    assert_int_equal(config_vantage_of(&c, &c.capture.interfaces.one[1]),
                     CONFIG_VANTAGE_CLIENT_SIDE);
    assert_int_equal(set("sensor.vantage=server-side"), 0);
    assert_int_equal(config_vantage_of(&c, &c.capture.interfaces.one[0]),
                     CONFIG_VANTAGE_SERVER_SIDE);
    assert_int_equal(set("capture.interfaces=c"), 0);
    assert_int_equal(c.capture.interfaces.count, 1);
    assert_int_equal(set("policy.state=s.db"), 0);
    assert_string_equal(c.policy.state, "/here/s.db");
    assert_int_equal(set("policy.state="), 0);
    assert_null(c.policy.state);
    assert_int_equal(set("policy.policies=a,redis://h"), 0);
    assert_string_equal(c.policy.policies.word[0], "/here/a");
    assert_int_equal(c.policy.policies.count, 2);
}

static void standard_output_is_for_those_without_another(void **state)
{
    (void)state;
    assert_true(config_to_stdout(&c));
    assert_int_equal(set("output.spool.dir=/s"), 0);
    assert_false(config_to_stdout(&c));
    assert_int_equal(set("output.stdout=always"), 0);
    assert_true(config_to_stdout(&c));
    assert_int_equal(set("output.spool.dir="), 0);
    assert_int_equal(set("output.stdout=never"), 0);
    assert_false(config_to_stdout(&c));
}

static void faults_have_file_line_and_key(void **state)
{
    (void)state;
    assert_int_equal(parse("log:\n  level: loud\n\ncapture:\n  ports:\n    - 25\n    - 0\n"), -1);
    assert_string_equal(said, "f:2: log.level: 'loud' is not error, warning, info or debug\n"
                              "f:7: capture.ports: '0' is not a port from 1 to 65535\n");
}

static void a_refused_value_is_as_before(void **state)
{
    (void)state;
    assert_int_equal(set("capture.snaplen=1"), -1);
    assert_int_equal(c.capture.snaplen, 262144);
    assert_int_equal(set("sensor.name=a"), 0);
    assert_int_equal(set("sensor.name=\x1b"), -1);
    assert_string_equal(c.sensor.name, "a");
}

static void hints_look_beside_and_elsewhere(void **state)
{
    (void)state;
    assert_int_equal(set("log.levle=info"), -1);
    assert_non_null(strstr(said, "did you mean 'log.level'?"));
    said[0] = '\0';
    assert_int_equal(set("log.snaplen=1"), -1);
    assert_non_null(strstr(said, "did you mean 'capture.snaplen'?"));
    said[0] = '\0';
    assert_int_equal(set("qqqqqqqqqqqqqqqq=1"), -1);
    assert_null(strstr(said, "did you mean"));
}

static void units_of_numbers(void **state)
{
    (void)state;
    assert_int_equal(set("sensor.memory=2GiB"), 0);
    assert_int_equal(c.sensor.memory, 2048);
    assert_int_equal(set("coverage.gap=2 h"), 0);
    assert_int_equal(c.coverage.gap, 7200);
    assert_int_equal(set("capture.snaplen=96KiB"), 0);
    assert_int_equal(c.capture.snaplen, 98304);
    assert_int_equal(set("coverage.drops=100%"), 0);
    assert_int_equal(set("sensor.memory=1048577"), -1);
    assert_int_equal(set("sensor.memory=4TiB"), -1);
    assert_int_equal(set("sensor.memory=2  GiB"), -1);
    assert_int_equal(set("sensor.memory=2GiB "), -1);
    assert_int_equal(set("sensor.memory=99999999999"), -1);
}

/* --- files --- */

static const struct config_source FROM = {.path = file, .here = "/"};

static int reload(void)
{
    static struct config next;
    return config_reread(&next, &c, &FROM, on_problem, NULL)
               ? -1
               : config_replace(&c, &next, on_change, NULL);
}

static void start(const char *text)
{
    config_fini(&c);
    write_file(text);
    assert_int_equal(config_read(&c, &FROM, on_problem, NULL), 0);
    assert_ptr_equal(c.source, &FROM);
    assert_string_equal(said, "");
}

static void a_reload_tells_what_differs(void **state)
{
    (void)state;
    start("log:\n  level: info\ncapture:\n  ports: [25]\n");
    assert_int_equal(reload(), 0);
    write_file(
        "log:\n  level: debug\ncapture:\n  ports: [25]\nsensor:\n  local_nets: 10.0.0.0/8\n");
    assert_int_equal(reload(), 2);
    assert_string_equal(changed, "sensor.local_nets: [] -> ['10.0.0.0/8']\n"
                                 "log.level: info -> debug\n");
    assert_int_equal(c.log.level, CONFIG_LOG_DEBUG);
    assert_int_equal(c.sensor.roles.local.count, 1);
}

static void a_bad_reload_changes_nothing(void **state)
{
    (void)state;
    start("log:\n  level: info\n");
    write_file("log:\n  level: debug\ncoverage:\n  gap: 1\n");
    assert_int_equal(reload(), -1);
    assert_non_null(strstr(said, ":4: coverage.gap: "));
    assert_int_equal(c.log.level, CONFIG_LOG_INFO);
    unlink(file);
    assert_int_equal(reload(), -1);
    assert_string_equal(changed, "");
    assert_int_equal(c.file_count, 1);
}

static void what_only_a_restart_changes_keeps_all_of_it(void **state)
{
    (void)state;
    start("log:\n  level: info\n");
    write_file("log:\n  level: debug\ncapture:\n  ring: 1 GiB\n");
    assert_int_equal(reload(), -1);
    assert_non_null(strstr(said, ":4: capture.ring: cannot change"));
    assert_int_equal(c.log.level, CONFIG_LOG_INFO);
    assert_int_equal(c.capture.ring, 64);
    assert_string_equal(changed, "");
}

static void a_secret_is_never_shown(void **state)
{
    char text[256], secret[64];
    FILE *to;
    (void)state;
    snprintf(secret, sizeof(secret), "%s/secret", dir);
    snprintf(text, sizeof(text), "output: {redis: {address: h, password_file: %s}}", secret);
    to = fopen(secret, "w");
    assert_non_null(to);
    fputs("one\nrest\n", to);
    fclose(to);
    chmod(secret, 0600);
    start(text);
    assert_string_equal(c.output.redis.password.value, "one");
    to = fopen(secret, "w");
    assert_non_null(to);
    fputs("two", to);
    fclose(to);
    assert_int_equal(reload(), 1);
    assert_string_equal(changed, "output.redis.password_file: (changed) -> (changed)\n");
    assert_string_equal(c.output.redis.password.value, "two");
    unlink(secret);
}

static void differences_say_what_a_restart_needs(void **state)
{
    static struct config other;
    (void)state;
    assert_int_equal(config_init(&other), 0);
    assert_int_equal(config_diff(&c, &other, on_change, NULL), 0);
    assert_int_equal(set("capture.workers=2"), 0);
    assert_int_equal(config_diff(&other, &c, on_change, NULL), 1);
    assert_string_equal(changed, "capture.workers: 1 -> 2 (fixed)\n");
    config_fini(&other);
}

static void every_key_is_documented(void **state)
{
    char allowed[256];
    (void)state;
    for (enum config_key key = 0; key < CONFIG_KEY_COUNT; key++) {
        const struct config_row *row = config_key_row(key);
        assert_true(strlen(row->help) > 5);
        assert_int_equal(config_key_find(row->path), key);
        config_value_allowed(allowed, sizeof(allowed), row);
        assert_true(allowed[0] != '\0' && strlen(allowed) < 128);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(defaults_are_those_of_the_program, begin, end),
        cmocka_unit_test_setup_teardown(every_choice_is_its_enumeration, begin, end),
        cmocka_unit_test_setup_teardown(lists_of_words_are_checked, begin, end),
        cmocka_unit_test_setup_teardown(lists_are_replaced_and_relative_paths_completed, begin,
                                        end),
        cmocka_unit_test_setup_teardown(standard_output_is_for_those_without_another, begin, end),
        cmocka_unit_test_setup_teardown(faults_have_file_line_and_key, begin, end),
        cmocka_unit_test_setup_teardown(a_refused_value_is_as_before, begin, end),
        cmocka_unit_test_setup_teardown(hints_look_beside_and_elsewhere, begin, end),
        cmocka_unit_test_setup_teardown(units_of_numbers, begin, end),
        cmocka_unit_test_setup_teardown(a_reload_tells_what_differs, begin, end),
        cmocka_unit_test_setup_teardown(a_bad_reload_changes_nothing, begin, end),
        cmocka_unit_test_setup_teardown(what_only_a_restart_changes_keeps_all_of_it, begin, end),
        cmocka_unit_test_setup_teardown(a_secret_is_never_shown, begin, end),
        cmocka_unit_test_setup_teardown(differences_say_what_a_restart_needs, begin, end),
        cmocka_unit_test_setup_teardown(every_key_is_documented, begin, end),
    };
    if (!mkdtemp(dir))
        return 1;
    snprintf(file, sizeof(file), "%s/f.yaml", dir);
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(file);
    rmdir(dir);
    return rc;
}
