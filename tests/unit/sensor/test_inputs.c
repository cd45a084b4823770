/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/inputs.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "tests/unit/sensor/capfile.h"

static void directories_give_their_files_by_name(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"b.pcap", "B.pcap", "a10", "a9", ".hidden", "\xFF"};
    struct capdir dir = capdir_make();
    struct inputs in = {0};
    for (size_t i = 0; i < 6; i++)
        capdir_write(&dir, NAMES[i], "12345", i);
    mkdir(capdir_path(&dir, "sub"), 0700);
    mkfifo(capdir_path(&dir, "fifo"), 0600);
    assert_int_equal(symlink("b.pcap", capdir_path(&dir, "c-link")), 0);
    assert_int_equal(symlink("loop", capdir_path(&dir, "loop")), 0);
    assert_int_equal(inputs_add(&in, dir.path), 0);
    static const char *const SORTED[] = {"B.pcap", "a10", "a9", "b.pcap", "c-link", "\xFF"};
    assert_int_equal(in.count, 6);
    for (uint32_t i = 0; i < 6; i++) {
        assert_string_equal(in.item[i].name, capdir_path(&dir, SORTED[i]));
        assert_int_equal(in.item[i].directory, 1);
        assert_true(in.item[i].again);
    }
    assert_int_equal(in.item[0].size, 1);
    assert_int_equal(in.item[2].size, 3);
    assert_int_equal(in.item[3].inode, in.item[4].inode);
    inputs_fini(&in);
    capdir_remove(&dir);
}

static void named_files_come_as_given(void **state)
{
    (void)state;
    struct capdir dir = capdir_make();
    struct inputs in = {0};
    capdir_write(&dir, "x", "12345", 5);
    mkfifo(capdir_path(&dir, "fifo"), 0600);
    assert_int_equal(symlink("loop", capdir_path(&dir, "loop")), 0);
    assert_int_equal(inputs_add(&in, capdir_path(&dir, "fifo")), 0);
    assert_int_equal(inputs_add(&in, capdir_path(&dir, "x")), 0);
    assert_int_equal(inputs_add(&in, capdir_path(&dir, "x")), 0); /* twice is twice */
    assert_int_equal(inputs_add(&in, "-"), 0);
    assert_int_equal(inputs_add(&in, capdir_path(&dir, "missing")), ENOENT);
    assert_int_equal(inputs_add(&in, capdir_path(&dir, "loop")), ELOOP);
    assert_int_equal(in.count, 4);
    assert_int_equal(in.directory_count, 0);
    assert_false(in.item[0].again);
    assert_int_equal(in.item[0].size, 0);
    assert_int_equal(in.item[1].size, 5);
    assert_int_equal(in.item[1].directory, 0);
    assert_false(in.item[3].again);
    inputs_fini(&in);
    capdir_remove(&dir);
}

static void a_trailing_slash_is_not_doubled(void **state)
{
    (void)state;
    struct capdir dir = capdir_make();
    struct inputs in = {0};
    capdir_write(&dir, "x", "", 0);
    assert_int_equal(inputs_add(&in, capdir_path(&dir, "")), 0); /* DIR/ */
    assert_string_equal(in.item[0].name, capdir_path(&dir, "x"));
    inputs_fini(&in);
    capdir_remove(&dir);
}

static void many_files_are_all_kept(void **state)
{
    (void)state;
    struct capdir dir = capdir_make();
    struct inputs in = {0};
    for (unsigned i = 0; i < 300; i++) {
        char name[16];
        snprintf(name, sizeof(name), "%03u", i);
        capdir_write(&dir, name, "", 0);
    }
    assert_int_equal(inputs_add(&in, dir.path), 0);
    assert_int_equal(in.count, 300);
    assert_string_equal(in.item[299].name, capdir_path(&dir, "299"));
    inputs_fini(&in);
    capdir_remove(&dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(directories_give_their_files_by_name),
        cmocka_unit_test(named_files_come_as_given),
        cmocka_unit_test(a_trailing_slash_is_not_doubled),
        cmocka_unit_test(many_files_are_all_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
