/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/report_cmd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define SESSION                                                                                    \
    "{\"timestamp\":\"2026-11-21T10:00:00.000000+0000\",\"event_type\":\"smtp\","                  \
    "\"dest_ip\":\"192.0.2.1\",\"dest_port\":25,\"starttls\":{\"visibility\":\"both\","            \
    "\"ehlo\":\"complete\",\"offered\":\"yes\",\"findings\":[]}}\n"

static char path[] = "/tmp/test_report_cmd.XXXXXX";
static char *out;

static int begin(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int end(void **state)
{
    (void)state;
    free(out);
    return unlink(path);
}

/* `n` bytes `c` between two texts. */
static void write_file(const char *before, char c, size_t n, const char *after)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(before, f);
    for (size_t i = 0; i < n; i++)
        putc(c, f);
    fputs(after, f);
    assert_int_equal(fclose(f), 0);
}

/* The exit code of `report --prevalence --json` of the file; `out` has the document. */
static enum report_exit run(void)
{
    const char *operand[] = {path};
    struct cli c = {.command = CLI_REPORT, .operand = operand, .operand_count = 1, .json = true};
    size_t n;
    free(out);
    FILE *to = open_memstream(&out, &n);
    assert_non_null(to);
    enum report_exit code = report_cmd(&c, to);
    assert_int_equal(fclose(to), 0);
    return code;
}

static void lines_are_counted(void **state)
{
    (void)state;
    write_file(SESSION "{\"event_type\":\"stats\"}\n", '\n', 3, SESSION);
    assert_int_equal(run(), REPORT_DONE);
    assert_non_null(strstr(out, "\"lines\":3,\"other_events\":1,\"broken\":0"));
    assert_non_null(strstr(out, "\"counted\":2,"));
}

static void a_line_as_long_as_the_room_is_broken(void **state)
{
    (void)state;
    write_file(SESSION, ' ', CAP_EVENT_LINE - sizeof(SESSION), SESSION); /* one byte is left */
    assert_int_equal(run(), REPORT_DONE);
    assert_non_null(strstr(out, "\"lines\":2,"));
    write_file(SESSION, ' ', 3 * CAP_EVENT_LINE, "\n" SESSION);
    assert_int_equal(run(), REPORT_PARTLY);
    assert_non_null(strstr(out, "\"lines\":3,\"other_events\":0,\"broken\":1"));
    assert_non_null(strstr(out, "\"counted\":2,"));
    write_file(SESSION, 'x', CAP_EVENT_LINE, ""); /* and the last, without its end */
    assert_int_equal(run(), REPORT_PARTLY);
    assert_non_null(strstr(out, "\"lines\":2,\"other_events\":0,\"broken\":1"));
}

static void nothing_readable_is_trouble(void **state)
{
    (void)state;
    write_file("", 'x', 10, "\n");
    assert_int_equal(run(), REPORT_TROUBLE);
    assert_string_equal(out, "");
    write_file("", 'x', 0, "");
    assert_int_equal(run(), REPORT_TROUBLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_counted),
        cmocka_unit_test(a_line_as_long_as_the_room_is_broken),
        cmocka_unit_test(nothing_readable_is_trouble),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
