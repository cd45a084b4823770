/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of DNS answers: a byte, and so many bytes of a record, and again. Each is read as MX and
 * as a name, all together as TXT. A name that is read must be one, and texts never have more bytes
 * than their records.
 */
#include <stdlib.h>

#include "online/rdata.h"

enum { MOST = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
    if (!good)
        abort();
}

static size_t cut(const uint8_t *data, size_t size, struct span *rdata)
{
    size_t n = 0;

    while (size > 0 && n < MOST) {
        size_t length = data[0] < size - 1 ? data[0] : size - 1;
        rdata[n++] = span_of(data + 1, length);
        data += 1 + length;
        size -= 1 + length;
    }
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span rdata[MOST];
    size_t n = cut(data, size, rdata), bytes = 0, count, texts = 0;

    for (size_t i = 0; i < n; i++) {
        struct domain d;
        uint16_t preference;
        bytes += rdata[i].n;
        if (rdata_name(rdata[i], &d) && d.n > 0)
            check(domain_valid(domain_span(&d)) && d.text[d.n] == '\0');
        if (rdata_mx(rdata[i], &preference, &d) && d.n > 0)
            check(domain_valid(domain_span(&d)));
    }
    struct txt_record *record = rdata_txts(rdata, n, &count);
    check(record && count <= n);
    for (size_t i = 0; i < count; i++)
        texts += record[i].text.n;
    check(texts <= bytes);
    free(record);
    return 0;
}
