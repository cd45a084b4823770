/* SPDX-License-Identifier: Apache-2.0 */
/* What there is without a file to look into; tests/system/test_report.py has those. */
#include "report/mmdb.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void without_files_nothing_is_known(void **state)
{
    static const uint8_t address[16] = {192, 0, 2, 1};
    struct mmdb *m = mmdb_new();
    char name[MMDB_NAME], code[3];
    uint32_t number;
    (void)state;
    assert_non_null(m);
    assert_false(mmdb_has(m, MMDB_AS) || mmdb_has(m, MMDB_COUNTRY));
    assert_false(mmdb_as(m, 4, address, &number, name));
    assert_string_equal(name, "");
    assert_false(mmdb_country(m, 6, address, code));
    assert_true(mmdb_damaged(m) == 0);
    mmdb_free(m);
    mmdb_free(NULL);
}

static void what_is_no_such_file_is_refused_by_name(void **state)
{
    struct mmdb *m = mmdb_new();
    char path[] = "/tmp/test_mmdb.XXXXXX", why[MMDB_WHY];
    int fd = mkstemp(path);
    (void)state;
    assert_true(fd >= 0 && write(fd, "no database", 11) == 11);
    close(fd);
    assert_int_equal(mmdb_add(m, path, why), -1);
    assert_non_null(strstr(why, path));
    unlink(path);
    assert_int_equal(mmdb_add(m, path, why), -1);
    assert_non_null(strstr(why, "No such file"));
    assert_int_equal(mmdb_add(m, "a\x1b[m", why), -1);
    assert_non_null(strstr(why, "a\\x1B[m"));
    assert_false(mmdb_has(m, MMDB_AS));
    mmdb_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_files_nothing_is_known),
        cmocka_unit_test(what_is_no_such_file_is_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
