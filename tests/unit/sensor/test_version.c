/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/version.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void names_what_it_was_built_with(void **state)
{
    (void)state;
    static const char *const PARTS[] = {"stripwatch ", "pcapng",    "libpcap",    "zlib 1.",
                                        "libzstd 1.",  "liblz4 1.", "libyaml 0.", "network: "};
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    version_print(f);
    fclose(f);
    for (size_t i = 0; i < sizeof(PARTS) / sizeof(PARTS[0]); i++)
        assert_non_null(strstr(text, PARTS[i]));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_what_it_was_built_with),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
