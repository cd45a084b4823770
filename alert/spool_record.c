/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/spool_record.h"

#include "base/crc32c.h"
#include "base/cursor.h"

#define MAGIC 0xFF535731u /* FF, "SW1": the version of the format is in it */

enum { MAGIC_FIRST = 0xFF, CRC_AT = SPOOL_HEADER - 4 };

const char *spool_kind_text(enum spool_kind kind)
{
    static const char *const TEXT[] = {"stats", "session", "alert", "gap", "loss", "daily"};
    _Static_assert(sizeof(TEXT) / sizeof(TEXT[0]) == SPOOL_KIND_COUNT, "a text for each kind");

    return (unsigned)kind < SPOOL_KIND_COUNT ? TEXT[kind] : "?";
}

unsigned spool_rank(enum spool_kind kind, uint8_t severity)
{
    enum { RANK_STATS, RANK_SESSION, RANK_INFO, RANK_MEDIUM = RANK_INFO + 2 };

    switch (kind) {
    case SPOOL_STATS:
        return RANK_STATS;
    case SPOOL_SESSION:
        return RANK_SESSION;
    case SPOOL_ALERT:
        return RANK_INFO + (severity < SPOOL_SEVERITIES ? severity : SPOOL_SEVERITIES - 1u);
    case SPOOL_GAP:
    case SPOOL_DAILY:
        return RANK_MEDIUM;
    case SPOOL_LOSS:
    case SPOOL_KIND_COUNT:
    default:
        return SPOOL_RANKS - 1;
    }
}

static bool is_body(struct span s)
{
    return s.n > 0 && s.n <= CAP_SPOOL_BODY && !memchr(s.p, MAGIC_FIRST, s.n) &&
           !memchr(s.p, '\n', s.n);
}

bool spool_record_is_sound(const struct spool_record *r)
{
    return (unsigned)r->kind < SPOOL_KIND_COUNT && r->severity < SPOOL_SEVERITIES && r->seq > 0 &&
           is_body(r->body);
}

size_t spool_record_size(const struct spool_record *r)
{
    return SPOOL_HEADER + r->body.n;
}

static uint8_t *put(uint8_t *p, uint64_t value, unsigned bytes)
{
    while (bytes-- > 0)
        *p++ = (uint8_t)(value >> 8 * bytes);
    return p;
}

static uint32_t sum(const uint8_t *header, struct span body)
{
    return crc32c(crc32c(0, span_of(header, CRC_AT)), body);
}

void spool_record_write(uint8_t *dst, const struct spool_record *r)
{
    uint8_t *p = put(dst, MAGIC, 4);

    p = put(p, r->body.n, 4);
    p = put(p, r->seq, 8);
    p = put(p, (uint64_t)r->time, 8);
    p = put(p, r->rule, 4);
    p = put(p, (uint64_t)r->kind, 1);
    p = put(p, r->severity, 1);
    p = put(p, 0, 2); /* not used yet */
    p = put(p, sum(dst, r->body), 4);
    memcpy(p, r->body.p, r->body.n);
}

static uint64_t take_u64(struct cursor *c)
{
    uint64_t high = cursor_u32(c);
    return high << 32 | cursor_u32(c);
}

bool spool_record_read(struct span bytes, struct spool_record *record)
{
    struct cursor c = cursor_of(bytes);
    struct spool_record r = {0};
    uint32_t length, crc;
    uint8_t kind;
    uint16_t unused;

    if (cursor_u32(&c) != MAGIC)
        return false;
    length = cursor_u32(&c);
    r.seq = take_u64(&c);
    r.time = (nstime)take_u64(&c);
    r.rule = cursor_u32(&c);
    kind = cursor_u8(&c);
    r.severity = cursor_u8(&c);
    unused = cursor_u16(&c);
    crc = cursor_u32(&c);
    r.body = cursor_span(&c, length);
    if (c.bad || unused != 0 || kind >= SPOOL_KIND_COUNT)
        return false;
    r.kind = (enum spool_kind)kind;
    if (!spool_record_is_sound(&r) || crc != sum(bytes.p, r.body))
        return false;
    *record = r;
    return true;
}

/* A try that fails has looked no further than the next FF, or has summed up bytes that hold none
 * and so are not tried again: that is what makes it linear. */
bool spool_scan_next(struct spool_scan *s, struct spool_record *record)
{
    struct span at = s->rest;
    struct span behind = s->rest; /* the last record that did not count */

    s->skipped = 0;
    while (at.n > 0) {
        if (!spool_record_read(at, record)) {
            size_t next = 1 + span_find(span_from(at, 1), MAGIC_FIRST);
            s->skipped += next;
            at = span_from(at, next);
            continue;
        }
        at = span_from(at, spool_record_size(record));
        if (record->seq > s->last) {
            s->rest = at;
            s->last = record->seq;
            return true;
        }
        s->repeated++;
        behind = at;
    }
    s->rest = behind;
    return false;
}
