/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/progress.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const char *text_of(uint64_t done, uint64_t total, double seconds)
{
    static char text[60];
    progress_text(text, sizeof(text), done, total, seconds);
    return text;
}

static void tells_how_far_and_how_long(void **state)
{
    (void)state;
    assert_string_equal(text_of(1000000000, 4000000000, 10),
                        "1.0 GB of 4.0 GB, 100 MB/s, 0:30 left");
    assert_string_equal(text_of(12300000, 12300000, 1), "12 MB of 12 MB, 12 MB/s, 0:00 left");
    assert_string_equal(text_of(1, 7200000001, 1e-6), "0.0 kB of 7.2 GB, 1.0 MB/s, 120:00 left");
}

static void tells_less_when_the_end_is_unknown(void **state)
{
    (void)state;
    assert_string_equal(text_of(5000, 0, 2), "5.0 kB, 2.5 kB/s");
    assert_string_equal(text_of(5000, 4000, 2), "5.0 kB, 2.5 kB/s"); /* the file has grown */
    assert_string_equal(text_of(0, 4000, 0), "0.0 kB, 0.0 kB/s");
}

static void always_fits_its_line(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 64; i++)
        for (unsigned j = 0; j < 64; j++)
            assert_true(strlen(text_of(1ull << i, 1ull << j, 0.001)) < 59);
}

static void is_silent_when_off_and_in_the_first_second(void **state)
{
    (void)state;
    struct progress p;
    progress_init(&p, false);
    progress_update(&p, 1, 2);
    assert_false(p.shown);
    progress_init(&p, true);
    progress_update(&p, 1, 2);
    assert_false(p.shown);
    progress_clear(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_how_far_and_how_long),
        cmocka_unit_test(tells_less_when_the_end_is_unknown),
        cmocka_unit_test(always_fits_its_line),
        cmocka_unit_test(is_silent_when_off_and_in_the_first_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
