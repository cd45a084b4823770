/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mutates inputs that are made of records, a record at a time, so that what libFuzzer makes stays a
 * connection: segments change places, come twice, come twice with other bytes, are cut in two, get
 * lost, move in sequence space. One input in four goes to libFuzzer's own mutations.
 */
#ifndef TESTS_FUZZ_MUTATE_H
#define TESTS_FUZZ_MUTATE_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MUTATE_RECORDS = 256 };

struct mutate_form {
    size_t header; /* bytes of a record before its payload */
    int length_at; /* the header's byte that has the length of the payload; -1: there is none */
    int step_at;   /* its byte that moves the record in sequence space, signed */
    size_t
        ends_within; /* step that goes back over the whole payload is 256 - length if below this */
};

struct mutate_record {
    const uint8_t *p;
    size_t n;
};

#ifdef STRIPWATCH_FUZZ
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);

static inline size_t mutate_split(const struct mutate_form *f, const uint8_t *data, size_t size,
                                  struct mutate_record *out)
{
    size_t count = 0;

    for (size_t at = 0; size - at >= f->header && count < MUTATE_RECORDS;) {
        size_t n = f->header + (f->length_at < 0 ? 0 : data[at + (size_t)f->length_at]);
        n = n < size - at ? n : size - at;
        out[count++] = (struct mutate_record){data + at, n};
        at += n;
    }
    return count;
}

/* The copy of a record right behind it, in the same place of the sequence space, perhaps with other
 * bytes. */
static inline size_t mutate_repeat(const struct mutate_form *f, const struct mutate_record *r,
                                   uint8_t *to, unsigned luck)
{
    size_t payload = r->n - f->header;

    memcpy(to, r->p, r->n);
    if (payload > 0 && payload < f->ends_within)
        to[f->step_at] = (uint8_t)(256 - payload);
    if (payload > 0 && luck % 2)
        to[f->header + luck / 2 % payload] ^= (uint8_t)(1 + luck % 255);
    return r->n;
}

/* A record in two. */
static inline size_t mutate_cut(const struct mutate_form *f, const struct mutate_record *r,
                                uint8_t *to, unsigned luck)
{
    size_t payload = r->n - f->header, first = 1 + luck % (payload - 1);
    uint8_t *second = to + f->header + first;

    memcpy(to, r->p, f->header + first);
    to[f->length_at] = (uint8_t)first;
    memcpy(second, r->p, f->header);
    second[f->step_at] = 0;
    second[f->length_at] = (uint8_t)(payload - first);
    memcpy(second + f->header, r->p + f->header + first, payload - first);
    return r->n + f->header;
}

static inline size_t mutate_records(const struct mutate_form *f, uint8_t *data, size_t size,
                                    size_t most, unsigned seed)
{
    struct mutate_record r[MUTATE_RECORDS];
    size_t count, at, other, n = 0;
    unsigned kind = seed % 8, luck = seed / 8 * 2654435761u >> 8;
    uint8_t *from = malloc(size + 1), *to = malloc(2 * size + 2 * f->header + 256);

    memcpy(from, data, size);
    count = mutate_split(f, from, size, r);
    if (kind < 2 || count == 0) {
        n = LLVMFuzzerMutate(data, size, most);
        free(from);
        free(to);
        return n;
    }
    at = luck % count;
    other = luck / 7 % count;
    for (size_t i = 0; i < count; i++) {
        const struct mutate_record *take = &r[i];
        if (kind == 2) /* two change places */
            take = i == at ? &r[other] : i == other ? &r[at] : take;
        if (kind == 3 && i == at && count > 1) /* one is lost */
            continue;
        if (kind == 4 && i == at && f->length_at >= 0 && take->n >= f->header + 2) {
            n += mutate_cut(f, take, to + n, luck / 11);
            continue;
        }
        memcpy(to + n, take->p, take->n);
        if (kind == 6 && i == at)
            to[n + (size_t)f->step_at] = (uint8_t)(luck / 13);
        if (kind == 7 && i == at)
            to[n + luck / 17 % f->header] ^= (uint8_t)(1u << luck / 19 % 8);
        n += take->n;
        if (kind == 5 && i == at) /* and comes once more */
            n += mutate_repeat(f, take, to + n, luck / 23);
    }
    n = n < most ? n : most;
    memcpy(data, to, n);
    free(from);
    free(to);
    return n;
}
#endif

#endif
