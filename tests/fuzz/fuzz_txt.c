/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TXT records of any bytes, one a line, through both readers. What they give must hold together; a
 * record that is strict stays so with another one beside it, and stops at a second of its kind.
 */
#include <stdlib.h>

#include "policy/sts_txt.h"
#include "policy/tlsrpt_txt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RECORDS = 8 };

static void must(bool ok)
{
    if (!ok)
        abort();
}

static size_t split(struct span in, struct txt_record *out)
{
    size_t count = 0;

    while (count < RECORDS - 1) {
        size_t end = span_find(in, '\n');
        out[count++] = (struct txt_record){span_first(in, end), false};
        if (end == in.n)
            break;
        in = span_from(in, end + 1);
    }
    return count;
}

static void check_sts(struct txt_record *record, size_t count)
{
    struct sts_txt one, more;

    sts_txt_read(record, count, &one);
    must(one.strict == (one.reason[0] == '\0') && (!one.strict || one.usable));
    must(one.usable == (one.id[0] != '\0') && (!one.usable || one.records == 1));
    record[count].text = span_str("v=spf1 -all");
    sts_txt_read(record, count + 1, &more);
    must(more.strict == one.strict && more.usable == one.usable);
    record[count].text = span_str("v=STSv1; id=a");
    sts_txt_read(record, count + 1, &more);
    must(one.records == 0 ? more.strict : !more.usable);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct txt_record record[RECORDS] = {0};
    size_t count = split(span_of(data, size), record);
    struct tlsrpt_txt t;

    tlsrpt_txt_read(record, count, &t);
    must(t.strict == (t.reason[0] == '\0') && t.rua_count <= CAP_TXT_RUA);
    must(!(t.strict || t.usable) || t.rua_count > 0);
    check_sts(record, count);
    return 0;
}
