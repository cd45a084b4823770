/* SPDX-License-Identifier: Apache-2.0 */
#include "dissect/dns.h"

#include <stddef.h>

#include "base/cursor.h"

enum { HEADER = 12, QUERY = 0, IPV4 = 4, IPV6 = 16, TLSA_HEAD = 3, SOA_NUMBERS = 20 };

_Static_assert(CAP_DNS_TEXT <= UINT16_MAX, "places in the pool are 16-bit numbers");
_Static_assert(CAP_DNS_TEXT > 2 * DNS_NAME_TEXT, "a question has room, and so has an answer");

struct reader {
    struct span message;
    size_t at; /* next octet */
    struct dns_message *out;
};

/* The head of a record on the wire, and where its data are. */
struct head {
    size_t owner_at;
    uint16_t type, class;
    uint32_t ttl;
    size_t data_at, data_end; /* within the message */
    uint8_t section;
};

/* --- the pool --- */

void dns_clear(struct dns_message *m)
{
    memset(m, 0, offsetof(struct dns_message, record));
    m->pool[0] = '\0';
    m->pool_used = 1;
}

static bool put(struct dns_message *m, const void *bytes, size_t n, uint16_t *at)
{
    if (n > sizeof(m->pool) - m->pool_used)
        return false;
    memcpy(m->pool + m->pool_used, bytes, n);
    *at = m->pool_used;
    m->pool_used = (uint16_t)(m->pool_used + n);
    return true;
}

static bool put_bytes(struct dns_message *m, struct span s, struct dns_bytes *to)
{
    to->n = (uint16_t)s.n;
    return put(m, s.p, s.n, &to->at);
}

/* Most owners are that of the question or of the record before. */
static bool put_name(struct dns_message *m, const char *name, uint16_t *at)
{
    uint16_t last = m->record_count ? m->record[m->record_count - 1].owner : 0;

    if (strcmp(name, m->pool + m->question.name) == 0)
        *at = m->question.name;
    else if (strcmp(name, m->pool + last) == 0)
        *at = last;
    else
        return put(m, name, strlen(name) + 1, at);
    return true;
}

uint16_t dns_put_name(struct dns_message *m, const char *name)
{
    uint16_t at;

    return put_name(m, name, &at) ? at : 0;
}

/* --- names --- */

/* A name in the data ends where they end, if it is the last of them. */
static enum dns_result name_at(const struct reader *r, size_t *at, size_t end,
                               char name[DNS_NAME_TEXT])
{
    enum dns_result rc = dns_name_read(r->message, at, name);

    /* The data are here: what runs out of them is no matter of the capture. */
    return rc == DNS_OK && *at <= end ? DNS_OK : DNS_MALFORMED;
}

static enum dns_result last_name(const struct reader *r, size_t at, size_t end,
                                 char name[DNS_NAME_TEXT])
{
    enum dns_result rc = name_at(r, &at, end, name);

    return rc == DNS_OK && at == end ? DNS_OK : DNS_MALFORMED;
}

/* --- data: DNS_OK, or DNS_MALFORMED; *fits is false when there was no room --- */

static enum dns_result read_mx(struct reader *r, const struct head *h, struct dns_record *to,
                               bool *fits)
{
    char name[DNS_NAME_TEXT];

    if (h->data_end - h->data_at < 2 || last_name(r, h->data_at + 2, h->data_end, name) != DNS_OK)
        return DNS_MALFORMED;
    to->mx.preference = (uint16_t)(r->message.p[h->data_at] << 8 | r->message.p[h->data_at + 1]);
    *fits = put_name(r->out, name, &to->mx.exchange);
    return DNS_OK;
}

static enum dns_result read_cname(struct reader *r, const struct head *h, struct dns_record *to,
                                  bool *fits)
{
    char name[DNS_NAME_TEXT];

    if (last_name(r, h->data_at, h->data_end, name) != DNS_OK)
        return DNS_MALFORMED;
    *fits = put_name(r->out, name, &to->target);
    return DNS_OK;
}

static enum dns_result read_address(struct span data, size_t size, struct dns_record *to)
{
    if (data.n != size)
        return DNS_MALFORMED;
    memset(to->address, 0, sizeof(to->address));
    memcpy(to->address, data.p, size);
    return DNS_OK;
}

/* RFC 1035 section 3.3.14: one or more character-strings. */
static enum dns_result read_txt(struct reader *r, struct span data, struct dns_record *to,
                                bool *fits)
{
    size_t at = 0;

    while (at < data.n)
        at += 1u + data.p[at];
    if (data.n == 0 || at != data.n)
        return DNS_MALFORMED;
    *fits = put_bytes(r->out, data, &to->text);
    return DNS_OK;
}

static enum dns_result read_tlsa(struct reader *r, struct span data, struct dns_record *to,
                                 bool *fits)
{
    if (data.n <= TLSA_HEAD) /* RFC 6698 section 2.1.4: there is something to compare with */
        return DNS_MALFORMED;
    to->tlsa.usage = data.p[0];
    to->tlsa.selector = data.p[1];
    to->tlsa.matching = data.p[2];
    *fits = put_bytes(r->out, span_from(data, TLSA_HEAD), &to->tlsa.association);
    return DNS_OK;
}

static enum dns_result read_data(struct reader *r, const struct head *h, struct dns_record *to,
                                 bool *fits)
{
    struct span data = span_of(r->message.p + h->data_at, h->data_end - h->data_at);

    *fits = true;
    switch (h->class == DNS_CLASS_IN ? h->type : 0) {
    case DNS_A:
        return read_address(data, IPV4, to);
    case DNS_AAAA:
        return read_address(data, IPV6, to);
    case DNS_CNAME:
        return read_cname(r, h, to, fits);
    case DNS_MX:
        return read_mx(r, h, to, fits);
    case DNS_TXT:
        return read_txt(r, data, to, fits);
    case DNS_TLSA:
        return read_tlsa(r, data, to, fits);
    default:
        return DNS_OK;
    }
}

/* --- records --- */

static enum dns_result keep(struct reader *r, const struct head *h)
{
    struct dns_message *m = r->out;
    struct dns_record *to = &m->record[m->record_count];
    uint16_t before = m->pool_used;
    size_t at = h->owner_at;
    char owner[DNS_NAME_TEXT];
    bool fits;

    if (m->record_count == CAP_DNS_RECORDS) {
        m->capped |= DNS_CAPPED_RECORDS;
        m->not_kept++;
        return DNS_OK;
    }
    if (dns_name_read(r->message, &at, owner) != DNS_OK || read_data(r, h, to, &fits) != DNS_OK) {
        m->pool_used = before;
        return DNS_MALFORMED;
    }
    if (!fits || !put_name(m, owner, &to->owner)) {
        m->pool_used = before;
        m->capped |= DNS_CAPPED_TEXT;
        m->not_kept++;
        return DNS_OK;
    }
    to->type = h->type;
    to->class = h->class;
    to->length = (uint16_t)(h->data_end - h->data_at);
    to->ttl = h->ttl;
    to->section = h->section;
    m->record_count++;
    return DNS_OK;
}

/* RFC 2308 section 5: the lesser of the TTL and the last number. */
static enum dns_result read_soa(struct reader *r, const struct head *h)
{
    struct dns_message *m = r->out;
    size_t owner_at = h->owner_at, at = h->data_at;
    char name[DNS_NAME_TEXT];
    struct cursor c;
    uint32_t minimum;

    if (name_at(r, &at, h->data_end, name) != DNS_OK ||
        name_at(r, &at, h->data_end, name) != DNS_OK || h->data_end - at != SOA_NUMBERS ||
        dns_name_read(r->message, &owner_at, name) != DNS_OK)
        return DNS_MALFORMED;
    if (m->has_soa)
        return DNS_OK;
    c = cursor_of(span_of(r->message.p + h->data_end - sizeof(minimum), sizeof(minimum)));
    minimum = cursor_u32(&c);
    m->has_soa = true;
    m->negative_ttl = h->ttl < minimum ? h->ttl : minimum;
    if (!put_name(m, name, &m->soa_owner))
        m->capped |= DNS_CAPPED_TEXT;
    return DNS_OK;
}

/* RFC 6891 section 6.1: the head's fields mean something else, and the root owns it. */
static enum dns_result read_opt(struct reader *r, const struct head *h, uint32_t flags)
{
    struct dns_message *m = r->out;

    if (r->message.p[h->owner_at] != 0 || m->has_edns)
        return DNS_MALFORMED;
    m->has_edns = true;
    m->udp_size = h->class;
    m->rcode = (uint16_t)(m->rcode | flags >> 24 << 4);
    m->edns_version = (uint8_t)(flags >> 16);
    m->dnssec_ok = flags & 0x8000;
    return DNS_OK;
}

static uint8_t proof_of(uint16_t type)
{
    switch (type) {
    case DNS_RRSIG:
        return DNS_PROOF_RRSIG;
    case DNS_DS:
        return DNS_PROOF_DS;
    case DNS_NSEC:
        return DNS_PROOF_NSEC;
    case DNS_NSEC3:
        return DNS_PROOF_NSEC3;
    default:
        return 0;
    }
}

static enum dns_result use(struct reader *r, const struct head *h, uint32_t flags)
{
    struct dns_message *m = r->out;
    bool internet = h->class == DNS_CLASS_IN;

    m->proof[h->section] |= internet ? proof_of(h->type) : 0;
    if (h->section == DNS_ADDITIONAL && h->type == DNS_OPT)
        return read_opt(r, h, flags);
    if (h->section == DNS_AUTHORITY && h->type == DNS_SOA && internet)
        return m->has_soa ? DNS_OK : read_soa(r, h);
    if (h->section == DNS_ANSWER ||
        (h->section == DNS_ADDITIONAL && internet && (h->type == DNS_A || h->type == DNS_AAAA)))
        return keep(r, h);
    return DNS_OK;
}

static enum dns_result read_record(struct reader *r, uint8_t section)
{
    struct head h = {.section = section, .owner_at = r->at};
    enum dns_result rc = dns_name_skip(r->message, &r->at);
    struct cursor c = cursor_of(span_from(r->message, r->at));
    uint32_t ttl;
    uint16_t length;

    if (rc != DNS_OK)
        return rc;
    h.type = cursor_u16(&c);
    h.class = cursor_u16(&c);
    ttl = cursor_u32(&c);
    length = cursor_u16(&c);
    h.ttl = ttl > INT32_MAX ? 0 : ttl;
    h.data_at = r->message.n - c.left;
    cursor_skip(&c, length);
    if (c.bad)
        return DNS_CUT;
    h.data_end = r->at = r->message.n - c.left;
    return use(r, &h, ttl);
}

/* --- the message --- */

static enum dns_result read_question(struct reader *r, bool first)
{
    struct dns_message *m = r->out;
    char name[DNS_NAME_TEXT];
    enum dns_result rc =
        first ? dns_name_read(r->message, &r->at, name) : dns_name_skip(r->message, &r->at);
    struct cursor c = cursor_of(span_from(r->message, r->at));
    uint16_t type = cursor_u16(&c), class = cursor_u16(&c);

    if (rc != DNS_OK)
        return rc;
    if (c.bad)
        return DNS_CUT;
    r->at = r->message.n - c.left;
    if (!first)
        return DNS_OK;
    m->has_question = true;
    m->question.type = type;
    m->question.class = class;
    (void)put(m, name, strlen(name) + 1, &m->question.name); /* the first name has room */
    return DNS_OK;
}

static void read_flags(uint16_t flags, struct dns_message *m)
{
    m->response = flags & 0x8000;
    m->opcode = flags >> 11 & 15;
    m->aa = flags & 0x0400;
    m->tc = flags & 0x0200;
    m->rd = flags & 0x0100;
    m->ra = flags & 0x0080;
    m->ad = flags & 0x0020;
    m->cd = flags & 0x0010;
    m->rcode = flags & 15;
}

static bool read_header(struct reader *r)
{
    struct cursor c = cursor_of(r->message);
    struct dns_message *m = r->out;

    if (c.left < HEADER)
        return false;
    m->id = cursor_u16(&c);
    read_flags(cursor_u16(&c), m);
    for (int i = 0; i < DNS_SECTION_COUNT; i++)
        m->count[i] = cursor_u16(&c);
    r->at = HEADER;
    return true;
}

static enum dns_result read_sections(struct reader *r)
{
    enum dns_result rc = DNS_OK;

    for (uint16_t i = 0; i < r->out->count[DNS_QUESTION] && rc == DNS_OK; i++)
        rc = read_question(r, i == 0);
    for (uint8_t section = DNS_ANSWER; section < DNS_SECTION_COUNT; section++)
        for (uint16_t i = 0; i < r->out->count[section] && rc == DNS_OK; i++)
            rc = read_record(r, section);
    return rc;
}

enum dns_result dns_read(struct span message, struct dns_message *out)
{
    struct reader r = {.message = message, .out = out};

    dns_clear(out);
    if (!read_header(&r))
        return out->result = DNS_CUT;
    if (out->opcode != QUERY) /* other sections, or others in their place (RFC 2136, RFC 8490) */
        return out->result = DNS_OK;
    out->result = read_sections(&r);
    if (out->result == DNS_OK)
        out->trailing = (uint16_t)(message.n - r.at > UINT16_MAX ? UINT16_MAX : message.n - r.at);
    return out->result;
}

/* --- text --- */

bool dns_txt_next(const struct dns_message *m, const struct dns_record *r, size_t *at,
                  struct span *string)
{
    struct span rest = span_from(dns_data(m, r->text), *at);

    if (rest.n == 0)
        return false;
    *string = span_of(rest.p + 1, rest.p[0]);
    *at += 1u + rest.p[0];
    return true;
}

size_t dns_txt_join(const struct dns_message *m, const struct dns_record *r, uint8_t *to,
                    size_t room)
{
    struct span string;
    size_t at = 0, n = 0;

    while (dns_txt_next(m, r, &at, &string)) {
        if (string.n > room - n)
            return SIZE_MAX;
        memcpy(to + n, string.p, string.n);
        n += string.n;
    }
    return n;
}
