/* SPDX-License-Identifier: Apache-2.0 */
/* TLSA data of any bytes: what is usable has the length of its digest, and its text fits. */
#include <stdlib.h>

#include "policy/tlsa.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tlsa t;
    char text[64];

    if (tlsa_read(span_of(data, size), &t) != (size >= 3))
        abort();
    if (t.usable && t.matching != TLSA_FULL && t.data.n != (t.matching == TLSA_SHA256 ? 32 : 64))
        abort();
    size_t n = tlsa_text(text, sizeof(text), &t);
    if (n >= sizeof(text) || strlen(text) != n)
        abort();
    return 0;
}
