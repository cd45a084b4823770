/* SPDX-License-Identifier: Apache-2.0 */
#include "base/tls_suite.h"

static const struct tls_suite TABLE[] = {
#define SUITE(number, keys, weak, name) {number, weak, TLS_KEYS_##keys, name},
#include "base/tls_suites.def"
#undef SUITE
};

const struct tls_suite *tls_suite_find(uint16_t number)
{
    size_t low = 0, high = sizeof(TABLE) / sizeof(TABLE[0]);

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (TABLE[middle].number == number)
            return &TABLE[middle];
        if (TABLE[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const char *tls_version_text(uint16_t version)
{
    static const char *const text[] = {"SSL 3.0", "TLS 1.0", "TLS 1.1", "TLS 1.2", "TLS 1.3"};

    if (version == 2)
        return "SSL 2.0";
    if (version < 0x0300 || version >= 0x0300 + sizeof(text) / sizeof(text[0]))
        return NULL;
    return text[version - 0x0300];
}
