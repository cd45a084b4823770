/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes through every writer, in the order that the input itself chooses: the line must be
 * valid JSON in valid UTF-8, the text printable, and the bytes must come back out of it.
 */
#include <stdlib.h>

#include "base/json.h"
#include "base/text.h"
#include "tests/unit/json_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void check_text(struct span wire)
{
    static uint8_t back[4096];
    char text[4 * 1024 + 1], cut[64];
    struct span head = span_first(wire, 1024);
    size_t n = text_escape(text, sizeof text, head);
    for (size_t i = 0; i < n; i++)
        must((uint8_t)text[i] >= 0x20 && text[i] != 0x7F);
    must(json_check_wire(back, text, n) == head.n);
    must(head.n == 0 || memcmp(back, head.p, head.n) == 0);
    must(text_mask(text, sizeof text, head) <= 4 * head.n);
    must(text_mask_address(cut, sizeof cut, head) < sizeof cut);
    must(text_escape(cut, 1 + wire.n % sizeof cut, wire) <= wire.n % sizeof cut);
}

/* A field: one byte for the writer, one for the length, then its bytes. `serial` names it. */
static size_t write_field(struct json *j, struct span in, uint64_t serial)
{
    static char str[256];
    struct span value = span_first(span_from(in, 2), in.p[1]);
    uint64_t number = value.n ? value.p[0] * 0x9E3779B97F4A7C15ULL : 0;
    char name[TEXT_UINT];
    bool in_array = j->closers >> (j->depth - 1) & 1;
    const char *key = in_array ? NULL : name;
    text_uint(name, serial);
    switch (in.p[0] % 9) {
    case 0:
        json_object(j, key);
        break;
    case 1:
        json_array(j, key);
        break;
    case 2:
        json_close(j);
        break;
    case 3:
        memcpy(str, value.p, value.n);
        str[value.n] = '\0';
        json_str(j, key, str);
        break;
    case 4:
        json_wire(j, key, value);
        break;
    case 5:
        json_masked(j, key, value);
        break;
    case 6:
        json_int(j, key, (int64_t)number);
        break;
    case 7:
        json_tenths(j, key, (int64_t)number);
        break;
    default:
        json_time(j, key, (nstime)number);
        break;
    }
    return 2 + value.n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct json j;
    struct span in = span_of(data, size);
    check_text(in);
    json_begin(&j);
    for (uint64_t serial = 0; in.n >= 2; serial++)
        in = span_from(in, write_field(&j, in, serial));
    struct span line = json_end(&j);
    must(json_check(line.p, line.n));
    return 0;
}
