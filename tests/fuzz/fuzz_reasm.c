/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reassembly against an oracle that keeps each byte by itself. Records of four bytes: what to do, a
 * step from the newest byte in order, a length, the kind of bytes. As long as no cap is hit, no
 * byte of a clean copy may be lost or passed over, and nothing may come out that was not put in. A
 * suspect copy may give way to a clean one.
 */
#include <stdlib.h>

#include "dissect/reasm.h"
#include "tests/fuzz/mutate.h"

enum { SPACE = 2048, BEFORE = 512, RECORD = 4 };

static struct {
    bool clean[SPACE];
    bool any[SPACE];
} oracle;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t byte_at(uint32_t seq, uint8_t kind)
{
    return (uint8_t)(seq * 31u + kind * 7u);
}

static void check(bool condition)
{
    if (!condition)
        abort();
}

/* What comes first must be there, begin as early as anything that is there, and be its own bytes.
 */
static void read_first(struct reasm *r, struct reasm_pool *pool, uint32_t base, uint32_t *done)
{
    struct reasm_segment s;
    uint32_t at = *done;

    while (at < SPACE && !oracle.clean[at])
        at++;
    if (!reasm_first(r, pool, &s)) {
        check(at == SPACE);
        return;
    }
    check(s.seq - base <= at && s.seq - base >= *done && s.bytes.n > 0);
    for (size_t i = 0; i < s.bytes.n; i++) {
        uint32_t place = s.seq - base + (uint32_t)i;
        check(oracle.any[place]);
        check(s.bytes.p[i] == byte_at(s.seq + (uint32_t)i, 0) ||
              s.bytes.p[i] == byte_at(s.seq + (uint32_t)i, 1));
    }
    *done = s.seq - base + (uint32_t)s.bytes.n;
    reasm_advance(r, s.seq + (uint32_t)s.bytes.n);
}

static void hold(struct reasm *r, struct reasm_pool *pool, uint32_t base, uint32_t done,
                 const uint8_t *record)
{
    uint8_t bytes[256];
    int32_t from = (int32_t)done + (int8_t)record[1] * (record[0] & 2 ? 8 : 1);
    uint32_t n = record[2];
    struct reasm_segment s = {.wire_len = n, .suspect = record[3] & 1};

    if (from < -BEFORE || from + (int32_t)n > SPACE || n == 0)
        return;
    s.seq = base + (uint32_t)from;
    for (uint32_t i = 0; i < n; i++)
        bytes[i] = byte_at(s.seq + i, record[3] & 1);
    s.bytes = span_of(bytes, n);
    if (reasm_hold(r, pool, &s) != REASM_HELD)
        return;
    for (uint32_t i = 0; i < n; i++) {
        if (from + (int32_t)i < (int32_t)done)
            continue;
        oracle.any[from + (int32_t)i] = true;
        oracle.clean[from + (int32_t)i] |= !s.suspect;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reasm_pool pool = {.limit = 1 << 20};
    struct reasm r = {0};
    uint32_t base = size ? data[0] * 0x01010101u : 0, done = 0; /* wraps for 255 */

    memset(&oracle, 0, sizeof(oracle));
    reasm_start(&r, base);
    for (size_t at = 0; size - at >= RECORD && at < RECORD * 200; at += RECORD) {
        if (data[at] & 1)
            read_first(&r, &pool, base, &done);
        else
            hold(&r, &pool, base, done, data + at);
    }
    while (done < SPACE && r.held)
        read_first(&r, &pool, base, &done);
    reasm_release(&r, &pool);
    check(pool.bytes == 0 && r.held_count == 0 && r.held_bytes == 0);
    return 0;
}

#ifdef STRIPWATCH_FUZZ
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed)
{
    static const struct mutate_form form = {.header = RECORD, .length_at = -1, .step_at = 1};

    return mutate_records(&form, data, size, most, seed);
}
#endif
