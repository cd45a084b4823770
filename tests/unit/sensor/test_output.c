/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/output.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/sensor/capfile.h"

static const struct inputs NONE;

static void write_lines(const char *path, bool append, const char *text)
{
    struct output o = {0};
    assert_int_equal(output_open_file(&o, path, append, &NONE), 0);
    assert_int_equal(output_write(&o, span_str(text)), 0);
    assert_int_equal(output_close(&o), 0);
    assert_int_equal(output_close(&o), 0);
}

static void assert_file(const char *path, const char *text)
{
    char got[64] = "";
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t n = fread(got, 1, sizeof(got) - 1, f);
    fclose(f);
    assert_int_equal(n, strlen(text));
    assert_string_equal(got, text);
}

static void files_are_truncated_or_appended_to(void **state)
{
    (void)state;
    struct capdir dir = capdir_make();
    const char *path = capdir_path(&dir, "out");
    write_lines(path, false, "a long first line\n");
    write_lines(path, false, "second\n");
    assert_file(path, "second\n");
    write_lines(path, true, "third\n");
    assert_file(path, "second\nthird\n");
    capdir_remove(&dir);
}

/* CEF carries alerts alone; a line that is none of ours is an error, and the last one written. */
static void lines_are_rendered(void **state)
{
    static const char stats[] = "{\"timestamp\":\"2026-11-21T10:00:00.000000+0000\","
                                "\"event_type\":\"stats\"}\n";
    (void)state;
    struct capdir dir = capdir_make();
    struct output o = {0};
    assert_int_equal(output_render(&o, FORMAT_ECS), 0); /* not in use */
    assert_int_equal(output_open_file(&o, capdir_path(&dir, "out"), false, &NONE), 0);
    assert_int_equal(output_render(&o, FORMAT_CEF), 0);
    assert_int_equal(output_write(&o, span_str(stats)), 0);
    assert_int_equal(output_write(&o, span_str("{}\n")), -1);
    assert_int_equal(output_write(&o, span_str(stats)), -1);
    assert_true(output_close(&o) != 0);
    assert_file(capdir_path(&dir, "out"), "");
    capdir_remove(&dir);
}

/* By any name: a hard link is the same file. */
static void inputs_are_never_overwritten(void **state)
{
    (void)state;
    struct capdir dir = capdir_make();
    struct inputs in = {0};
    struct output o = {0};
    capdir_write(&dir, "in", "capture", 7);
    assert_int_equal(link(capdir_path(&dir, "in"), capdir_path(&dir, "same")), 0);
    inputs_add(&in, capdir_path(&dir, "in"));
    assert_int_equal(output_open_file(&o, capdir_path(&dir, "same"), false, &in), EEXIST);
    assert_int_equal(output_open_file(&o, capdir_path(&dir, "in"), true, &in), EEXIST);
    assert_file(capdir_path(&dir, "in"), "capture");
    assert_int_equal(output_open_file(&o, capdir_path(&dir, "other"), false, &in), 0);
    assert_int_equal(output_close(&o), 0);
    inputs_fini(&in);
    capdir_remove(&dir);
}

static void what_cannot_be_opened_is_told(void **state)
{
    (void)state;
    struct output o = {0};
    assert_int_equal(output_open_file(&o, "/nonexistent/out", false, &NONE), ENOENT);
    assert_int_equal(output_open_file(&o, "/", false, &NONE), EISDIR);
}

/* /dev/full takes the open and refuses the bytes; a buffer must not hide it. */
static void a_full_disk_is_told(void **state)
{
    (void)state;
    struct output o = {0};
    static char big[200000];
    assert_int_equal(output_open_file(&o, "/dev/full", false, &NONE), 0);
    assert_int_equal(output_write(&o, span_str("short")), 0);
    assert_int_equal(output_close(&o), ENOSPC);
    assert_int_equal(output_open_file(&o, "/dev/full", false, &NONE), 0);
    assert_int_equal(output_write(&o, span_of(big, sizeof(big))), -1);
    assert_int_equal(output_write(&o, span_str("more")), -1);
    assert_int_equal(output_close(&o), ENOSPC);
}

static void a_closed_pipe_is_told(void **state)
{
    (void)state;
    int fd[2];
    char path[64];
    struct output o = {0};
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(pipe(fd), 0);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd[1]);
    assert_int_equal(output_open_file(&o, path, false, &NONE), 0);
    close(fd[0]);
    close(fd[1]);
    assert_int_equal(output_write(&o, span_str("line\n")), 0);
    assert_int_equal(output_close(&o), EPIPE);
}

static void an_unused_output_takes_everything(void **state)
{
    (void)state;
    struct output o = {0};
    assert_int_equal(output_write(&o, span_str("line\n")), 0);
    assert_int_equal(output_close(&o), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_truncated_or_appended_to),
        cmocka_unit_test(lines_are_rendered),
        cmocka_unit_test(inputs_are_never_overwritten),
        cmocka_unit_test(what_cannot_be_opened_is_told),
        cmocka_unit_test(a_full_disk_is_told),
        cmocka_unit_test(a_closed_pipe_is_told),
        cmocka_unit_test(an_unused_output_takes_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
