/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/read.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "tests/unit/sensor/capfile.h"

static struct capfile file;

/* Runs over the paths, NULL at the end, without a word on standard output. */
static enum read_exit run(bool exit_zero, const char *first, const char *second)
{
    const char *operand[] = {first, second};
    static struct cli c;
    c = (struct cli){
        .operand = operand,
        .operand_count = second ? 2 : 1,
        .quiet = true,
        .exit_zero = exit_zero,
        .fail_on = SEVERITY_MEDIUM,
        .min_severity = SEVERITY_LOW,
        .max_flows = 16,
        .memory = CAP_MEMORY_MIB,
    };
    return read_cmd(&c);
}

static void the_exit_code_tells_how_reading_went(void **state)
{
    (void)state;
    struct capdir dir = capdir_make();
    const uint32_t seconds[] = {1, 2};
    cap_seconds(&file, seconds, 2, 'A');
    capdir_write(&dir, "good", file.b, file.n);
    capdir_write(&dir, "cut", file.b, file.n - 1);
    capdir_write(&dir, "header", file.b, 24);
    capdir_write(&dir, "text", "text", 4);
    capdir_write(&dir, "empty", "", 0);
    const char *good = capdir_path(&dir, "good"), *cut = capdir_path(&dir, "cut");
    const char *text = capdir_path(&dir, "text");
    assert_int_equal(run(false, good, NULL), READ_CLEAN);
    assert_int_equal(run(false, capdir_path(&dir, "header"), NULL), READ_CLEAN);
    assert_int_equal(run(false, cut, NULL), READ_PARTIAL);
    assert_int_equal(run(false, cut, good), READ_PARTIAL);
    assert_int_equal(run(false, good, text), READ_PARTIAL);
    assert_int_equal(run(false, good, "/nonexistent"), READ_PARTIAL);
    assert_int_equal(run(false, text, NULL), READ_USAGE);
    assert_int_equal(run(false, capdir_path(&dir, "empty"), NULL), READ_USAGE);
    assert_int_equal(run(false, "/nonexistent", text), READ_USAGE);
    assert_int_equal(run(true, cut, text), READ_CLEAN);
    assert_int_equal(run(true, text, NULL), READ_USAGE);
    capdir_remove(&dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_exit_code_tells_how_reading_went),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
