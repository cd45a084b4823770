/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/cli.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct cli c;

/* Words are parted by single blanks. */
static int parse(const char *line)
{
    static char copy[512];
    char *argv[32] = {copy};
    int argc = 1;
    snprintf(copy, sizeof(copy), "%s", line);
    for (char *p = copy; (p = strchr(p, ' ')); argc++) {
        *p++ = '\0';
        argv[argc] = p;
    }
    cli_fini(&c);
    return cli_parse(&c, argc, argv);
}

static void defaults_are_as_documented(void **state)
{
    (void)state;
    assert_int_equal(parse("stripwatch read a.pcap"), 0);
    assert_int_equal(c.command, CLI_READ);
    assert_int_equal(c.operand_count, 1);
    assert_string_equal(c.operand[0], "a.pcap");
    assert_int_equal(c.fail_on, SEVERITY_MEDIUM);
    assert_int_equal(c.min_severity, SEVERITY_LOW);
    assert_int_equal(c.max_flows, CAP_FLOWS);
    assert_int_equal(c.memory, 256);
    assert_int_equal(c.port_count, 0);
    assert_int_equal(c.colour, CLI_COLOUR_AUTO);
    assert_false(c.json || c.append || c.show_addresses || c.exit_zero || c.quiet || c.help);
    assert_null(c.out_path);
    assert_null(c.sensor_name);
}

static void options_are_taken_anywhere(void **state)
{
    (void)state;
    assert_int_equal(parse("stripwatch read a --json -o out -a b --ports 25,26 --sensor-name s1 "
                           "--fail-on none --min-severity high -n -q --max-flows=10 - "
                           "--local-nets 10.0.0.0/8 --own-mx ::1 --smart-hosts 192.0.2.1 "
                           "--community-id-seed 7 --show-addresses --format ocsf"),
                     0);
    assert_true(c.json && c.append && c.no_names && c.quiet && c.show_addresses);
    assert_string_equal(c.out_path, "out");
    assert_int_equal(c.operand_count, 3);
    assert_string_equal(c.operand[2], "-");
    assert_int_equal(c.port_count, 2);
    assert_int_equal(c.fail_on, SEVERITY_COUNT);
    assert_int_equal(c.min_severity, SEVERITY_HIGH);
    assert_int_equal(c.max_flows, 10);
    assert_int_equal(c.format, FORMAT_OCSF);
    assert_int_equal(c.community_id_seed, 7);
    assert_int_equal(c.roles.local.count + c.roles.own_mx.count + c.roles.smart_hosts.count, 3);
}

static void reading_needs_no_command_with_r(void **state)
{
    (void)state;
    assert_int_equal(parse("stripwatch -r a -n -r b --json"), 0);
    assert_int_equal(c.command, CLI_READ);
    assert_int_equal(c.operand_count, 2);
    assert_string_equal(c.operand[1], "b");
    assert_int_equal(parse("stripwatch read -- --json"), 0);
    assert_string_equal(c.operand[0], "--json");
    assert_false(c.json);
}

static void an_interface_needs_no_command_either(void **state)
{
    static const char *const WATCHES[] = {"stripwatch -i eth0", "stripwatch -n -i eth0",
                                          "stripwatch -ni eth0", "stripwatch --interface=eth0",
                                          "stripwatch -c file -ieth0"};
    (void)state;
    for (size_t i = 0; i < sizeof(WATCHES) / sizeof(WATCHES[0]); i++) {
        assert_int_equal(parse(WATCHES[i]), 0);
        assert_int_equal(c.command, CLI_WATCH);
        assert_int_equal(c.setting_count, 1);
        assert_string_equal(c.setting[0].text, "eth0");
        assert_int_equal(c.setting[0].key, CONFIG_KEY_CAPTURE_INTERFACES);
    }
    assert_int_equal(parse("stripwatch -n -o -i -r a"), -1); /* as good as any other word */
    assert_int_equal(parse("stripwatch -oi -r a"), 0);
    assert_int_equal(c.command, CLI_READ);
    assert_int_equal(parse("stripwatch -i eth0 -r a"), -1);
}

static void options_of_watch_are_settings(void **state)
{
    (void)state;
    assert_int_equal(parse("stripwatch watch -i a -i b --set log.level=debug -ppppppppp --json "
                           "--ports 25,26 --policies x,y --set log.level=info"),
                     0);
    assert_int_equal(c.setting_count, 8);
    assert_false(c.setting[0].more);
    assert_true(c.setting[1].more && c.setting[1].item);
    assert_null(c.setting[2].option);
    assert_string_equal(c.setting[2].text, "log.level=debug");
    assert_false(c.setting[2].item);
    assert_string_equal(c.setting[3].text, "false");
    assert_string_equal(c.setting[4].text, "always");
    assert_string_equal(c.setting[5].option, "ports");
    assert_false(c.setting[5].item);
    assert_true(c.setting[6].item);
    assert_int_equal(c.port_count, 0);
    assert_int_equal(parse("stripwatch watch -i a --ports 25 --ports 26"), -1);
    assert_string_equal(cli_option_of(CONFIG_KEY_CAPTURE_PORTS), "ports");
    assert_null(cli_option_of(CONFIG_KEY_METRICS_LISTEN));
}

static void resolvers_to_believe(void **state)
{
    (void)state;
    assert_int_equal(parse("stripwatch read a"), 0);
    assert_int_equal(c.resolvers.count, 0); /* any */
    assert_int_equal(parse("stripwatch read a --resolvers 192.0.2.53,2001:db8::/64"), 0);
    assert_int_equal(c.resolvers.count, 2);
    assert_int_equal(parse("stripwatch read a --resolvers nobody"), -1);
}

static void authorities_to_trust(void **state)
{
    (void)state;
    assert_int_equal(parse("stripwatch read a"), 0);
    assert_null(c.ca_file); /* those of the system */
    assert_int_equal(parse("stripwatch read a --ca-file ca.pem"), 0);
    assert_string_equal(c.ca_file, "ca.pem");
    assert_int_equal(parse("stripwatch read --ca-file=dir/ a"), 0);
    assert_string_equal(c.ca_file, "dir/");
    assert_int_equal(parse("stripwatch read --ca-file one --ca-file two a"), -1);
    assert_int_equal(parse("stripwatch read a --ca-file"), -1);
    assert_int_equal(parse("stripwatch rules --ca-file ca.pem"), -1); /* it reads nothing */
}

static void a_report_says_which_and_of_what(void **state)
{
    (void)state;
    assert_int_equal(parse("stripwatch report --prevalence a.json - --by net --csv"), 0);
    assert_int_equal(c.command, CLI_REPORT);
    assert_int_equal(c.operand_count, 2);
    assert_int_equal(c.by, PREVALENCE_BY_NET);
    assert_true(c.prevalence && c.csv && !c.json);
    assert_int_equal(parse("stripwatch report --prevalence a --by as --mmdb x --mmdb y"), 0);
    assert_int_equal(c.mmdb_count, 2);
    assert_string_equal(c.mmdb[1], "y");
    assert_int_equal(parse("stripwatch report a.json"), -1); /* which report? */
    assert_int_equal(parse("stripwatch report --prevalence"), -1);
    assert_int_equal(parse("stripwatch report --prevalence - -"), -1);
    assert_int_equal(parse("stripwatch report --prevalence a --by moon"), -1);
    assert_int_equal(parse("stripwatch report --prevalence a --by day --by net"), -1);
    assert_int_equal(parse("stripwatch report --prevalence a --csv --json"), -1);
    assert_int_equal(parse("stripwatch report --tlsrpt --own-domain a.test --own-domain b.test "
                           "--own-mx 192.0.2.1 --out d a"),
                     0);
    assert_true(c.tlsrpt && c.own_domain_count == 2 && c.roles.own_mx.count == 1);
    assert_string_equal(c.out_dir, "d");
    assert_int_equal(parse("stripwatch report --tlsrpt-in r --tlsrpt-in s --json a"), 0);
    assert_int_equal(c.tlsrpt_in_count, 2);
    assert_string_equal(c.tlsrpt_in[1], "s");
    assert_int_equal(parse("stripwatch report --tlsrpt-in r"), -1);
    assert_int_equal(parse("stripwatch report --tlsrpt-in r --tlsrpt a"), -1);
    assert_int_equal(parse("stripwatch report --tlsrpt-in r --out d a"), -1);
    assert_int_equal(parse("stripwatch report --tlsrpt --json a"), -1);
    assert_int_equal(parse("stripwatch report --tlsrpt --by day a"), -1);
    assert_int_equal(parse("stripwatch report --prevalence --own-mx 192.0.2.1 a"), -1);
    assert_int_equal(parse("stripwatch read a --by net"), -1);
}

static void other_commands_have_their_words(void **state)
{
    (void)state;
    assert_int_equal(parse("stripwatch rules explain x"), 0);
    assert_int_equal(c.command, CLI_RULES);
    assert_int_equal(c.operand_count, 2);
    assert_int_equal(parse("stripwatch version"), 0);
    assert_int_equal(c.command, CLI_VERSION);
    assert_int_equal(parse("stripwatch --version"), 0);
    assert_int_equal(c.command, CLI_VERSION);
    assert_int_equal(parse("stripwatch -h"), 0);
    assert_int_equal(c.command, CLI_HELP);
    assert_int_equal(parse("stripwatch help read"), 0);
    assert_int_equal(c.command, CLI_HELP);
    assert_int_equal(parse("stripwatch read --help"), 0);
    assert_true(c.help);
}

static void wrong_lines_are_refused_with_a_hint(void **state)
{
    (void)state;
    static const char *const BAD[][2] = {
        {"stripwatch", "no command given"},
        {"stripwatch raed x", "unknown command 'raed' (did you mean read?)"},
        {"stripwatch /dev/null",
         "unknown command '/dev/null' (did you mean stripwatch read /dev/null?)"},
        {"stripwatch frobnicate", "unknown command 'frobnicate'"},
        {"stripwatch read", "read: no FILE given (- is standard input)"},
        {"stripwatch --json", "read: no FILE given (- is standard input)"},
        {"stripwatch read - -", "read: standard input (-) is given twice"},
        {"stripwatch read x --jsn", "read: unknown option --jsn (did you mean --json?)"},
        {"stripwatch read x --fail_on=low",
         "read: unknown option --fail_on=low (did you mean --fail-on?)"},
        {"stripwatch read x -Z", "read: unknown option -Z"},
        {"stripwatch rules --json", "rules: unknown option --json"},
        {"stripwatch read x --json=1", "--json takes no value"},
        {"stripwatch read x --ports", "--ports needs a value: PORT,..."},
        {"stripwatch read x -o", "--output needs a value: FILE"},
        {"stripwatch read x -o -", "--output: '-' is standard output: --json writes there"},
        {"stripwatch read x --ports 25 --ports 26", "--ports is given twice"},
        {"stripwatch read x -a", "--append needs a file to add to: -o FILE"},
        {"stripwatch read x --format ecs",
         "--format is of lines, and there are none: --json or -o FILE"},
        {"stripwatch read x --json --format leef",
         "--format: 'leef' is not eve, ecs, cef, ocsf or rfc5424"},
        {"stripwatch read x --exit-zero --fail-on low",
         "--fail-on and --exit-zero contradict each other"},
        {"stripwatch read x --json --color never",
         "--color is for the summary, and --json takes its place"},
        {"stripwatch read x -q --color never",
         "--color is for the summary, and --quiet leaves it out"},
        {"stripwatch read x --color blue", "--color: 'blue' is not auto, always or never"},
        {"stripwatch read x --fail-on hihg",
         "--fail-on: 'hihg' is not low, medium, high, critical or none"},
        {"stripwatch read x --local-nets 10.0.0.1/8",
         "--local-nets: '10.0.0.1/8' has bits beyond its length; did you mean 10.0.0.0/8?"},
        {"stripwatch read x --memory 63", "--memory: '63' is not a number from 64 to 1048576"},
        {"stripwatch read x --max-flows 0", "--max-flows: '0' is not a number from 1 to 67108864"},
        {"stripwatch read x --community-id-seed 65536",
         "--community-id-seed: '65536' is not a number from 0 to 65535"},
        {"stripwatch version x", "version: takes no arguments"},
        {"stripwatch help a b", "help: takes one command"},
        {"stripwatch \x1b[31m", "unknown command '\\x1B[31m'"},
    };
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        assert_int_equal(parse(BAD[i][0]), -1);
        assert_string_equal(c.error, BAD[i][1]);
    }
}

static void help_names_every_option_of_a_command(void **state)
{
    (void)state;
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    cli_help(f, CLI_READ);
    fclose(f);
    static const char *const OPTIONS[] = {
        "-r, --read FILE",    "--json",         "-o, --output FILE",
        "-a, --append",       "--ports",        "--local-nets",
        "--own-mx",           "--smart-hosts",  "--community-id-seed N",
        "--sensor-name NAME", "--fail-on",      "--min-severity",
        "--show-addresses",   "--exit-zero",    "--max-flows N",
        "--memory MIB",       "-n, --no-names", "--color WHEN",
        "-q, --quiet",        "-h, --help"};
    for (size_t i = 0; i < sizeof(OPTIONS) / sizeof(OPTIONS[0]); i++)
        assert_non_null(strstr(text, OPTIONS[i]));
    char *rest = text;
    for (char *line; (line = strsep(&rest, "\n"));)
        assert_true(strlen(line) <= 80);
    free(text);
}

static void help_is_in_columns(void **state)
{
    (void)state;
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    cli_help(f, CLI_HELP);
    fclose(f);
    char *rest = text;
    for (char *line; (line = strsep(&rest, "\n"));) {
        assert_true(strlen(line) <= 80);
        if (strncmp(line, "  stripwatch ", 13) != 0)
            continue;
        assert_memory_equal(line + 47, "  ", 2);
        assert_true(line[49] > ' ');
    }
    free(text);
}

static int release(void **state)
{
    (void)state;
    cli_fini(&c);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_as_documented),
        cmocka_unit_test(options_are_taken_anywhere),
        cmocka_unit_test(reading_needs_no_command_with_r),
        cmocka_unit_test(an_interface_needs_no_command_either),
        cmocka_unit_test(options_of_watch_are_settings),
        cmocka_unit_test(resolvers_to_believe),
        cmocka_unit_test(authorities_to_trust),
        cmocka_unit_test(a_report_says_which_and_of_what),
        cmocka_unit_test(other_commands_have_their_words),
        cmocka_unit_test(wrong_lines_are_refused_with_a_hint),
        cmocka_unit_test(help_names_every_option_of_a_command),
        cmocka_unit_test(help_is_in_columns),
    };
    return cmocka_run_group_tests(tests, NULL, release);
}
