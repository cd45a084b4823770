/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/wire.h"

#include "dissect/tunnel.h"

static bool take(struct span *from, void *to, size_t n)
{
    if (n > from->n)
        return false;
    if (n > 0)
        memcpy(to, from->p, n);
    *from = span_from(*from, n);
    return true;
}

static bool take_span(struct span *from, struct span *to)
{
    uint32_t n;
    if (!take(from, &n, sizeof(n)) || n > from->n)
        return false;
    *to = span_first(*from, n);
    *from = span_from(*from, n);
    return true;
}

/* --- what every member of a record may be --- */

enum member_kind {
    MEMBER_FLAG,  /* a bool: 0 or 1, and nothing else may be read as one */
    MEMBER_BYTE,  /* below `limit` */
    MEMBER_ENUM,  /* likewise, of the size of an int */
    MEMBER_WORD,  /* likewise, of two bytes */
    MEMBER_CODE,  /* of a reply: three digits, or 0 */
    MEMBER_TIME,  /* within CLOCK_PACKET_S */
    MEMBER_LAPSE, /* between two of those */
    MEMBER_TEXT   /* within the pool, and at most `limit` bytes */
};

struct member {
    uint16_t at;
    uint16_t limit;
    uint8_t kind;
};

static bool time_good(nstime t, int times)
{
    const nstime most = times * CLOCK_PACKET_S * NS_PER_S;
    return t <= most && t >= -most;
}

/* Every check is made on the bytes, before anything is read as what it should be. */
static bool member_good(const struct member *m, const uint8_t *record, size_t pool)
{
    unsigned number;
    uint16_t word;
    nstime time;
    struct text text;
    const uint8_t *p = record + m->at;
    switch ((enum member_kind)m->kind) {
    case MEMBER_FLAG:
        return *p <= 1;
    case MEMBER_BYTE:
        return *p < m->limit;
    case MEMBER_ENUM:
        memcpy(&number, p, sizeof(number));
        return number < m->limit;
    case MEMBER_WORD:
        memcpy(&word, p, sizeof(word));
        return word < m->limit;
    case MEMBER_CODE: /* what is negative is a large number here */
        memcpy(&word, p, sizeof(word));
        return word <= 999;
    case MEMBER_TIME:
        memcpy(&time, p, sizeof(time));
        return time_good(time, 1);
    case MEMBER_LAPSE:
        memcpy(&time, p, sizeof(time));
        return time_good(time, 2);
    case MEMBER_TEXT:
        memcpy(&text, p, sizeof(text));
        return text.len <= m->limit && (size_t)text.off + text.len <= pool;
    }
    return false;
}

static bool members_good(const struct member *m, size_t count, const void *record, size_t pool)
{
    for (size_t i = 0; i < count; i++)
        if (!member_good(&m[i], record, pool))
            return false;
    return true;
}

#define AT(type, member, kind, limit)                                                              \
    {                                                                                              \
        offsetof(struct type, member), limit, kind                                                 \
    }
#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* --- sessions --- */

#define FLAG(member)        AT(session, member, MEMBER_FLAG, 0)
#define FLAGS(member)       FLAG(member[0]), FLAG(member[1])
#define BYTE(member, limit) AT(session, member, MEMBER_BYTE, limit)
#define ENUM(member, limit) AT(session, member, MEMBER_ENUM, limit)
#define WORD(member, limit) AT(session, member, MEMBER_WORD, limit)
#define CODE(member)        AT(session, member, MEMBER_CODE, 0)
#define TIME(member)        AT(session, member, MEMBER_TIME, 0)
#define LAPSE(member)       AT(session, member, MEMBER_LAPSE, 0)
#define TEXT(member, most)  AT(session, member, MEMBER_TEXT, most)

#define VLAN_IDS 4096 /* IEEE 802.1Q: twelve bits */
_Static_assert(CAP_VLAN_DEPTH == 4, "each is checked below");

static const struct member SESSION_MEMBERS[] = {
    WORD(vlan[0], VLAN_IDS),
    WORD(vlan[1], VLAN_IDS),
    WORD(vlan[2], VLAN_IDS),
    WORD(vlan[3], VLAN_IDS),
    BYTE(vlan_count, CAP_VLAN_DEPTH + 1),
    BYTE(tunnel_count, CAP_TUNNEL_DEPTH + 1),
    TIME(first),
    TIME(last),
    TIME(now),
    ENUM(closed, SESSION_CLOSE_COUNT),
    FLAG(syn_seen),
    FLAG(synack_seen),
    FLAG(midstream),
    FLAG(isn_known),
    FLAG(synack.known),
    FLAG(synack.df),
    BYTE(synack.option_count, CAP_SYN_OPTIONS + 1),
    FLAGS(seen),
    FLAGS(fin),
    FLAGS(rst),
    LAPSE(rtt_floor),
    LAPSE(answer_floor),
    FLAG(implicit_tls),
    BYTE(proxy_version, 3),
    CODE(banner_code),
    TEXT(banner, CAP_BANNER_TEXT),
    FLAG(early_talker),
    ENUM(hello, HELLO_VERB_COUNT),
    FLAG(helo_accepted),
    TEXT(helo, CAP_DOMAIN_TEXT),
    ENUM(reading.ehlo, EHLO_STATE_COUNT),
    CODE(reading.ehlo_code),
    BYTE(reading.line_count, CAP_REPLY_LINES + 1),
    FLAG(reading.lines_capped),
    CODE(reading.refused_code),
    TEXT(reading.refused_text, CAP_BANNER_TEXT),
    CODE(reading.upgrade_code),
    TEXT(reading.upgrade_text, CAP_BANNER_TEXT),
    TIME(reading.upgrade_time),
    ENUM(upgrade, UPGRADE_KIND_COUNT),
    TIME(upgrade_cmd_time),
    FLAG(upgrade_param),
    FLAG(upgrade_accepted),
    ENUM(early_client, BYTE_KIND_COUNT),
    TEXT(early_client_verb, CAP_BANNER_TEXT),
    ENUM(early_server, BYTE_KIND_COUNT),
    TEXT(early_server_text, CAP_BANNER_TEXT),
    ENUM(client_after, BYTE_KIND_COUNT),
    ENUM(server_after, BYTE_KIND_COUNT),
    TEXT(server_after_text, CAP_BANNER_TEXT),
    FLAG(ehlo_after),
    ENUM(tls_stage, TLS_STAGE_COUNT),
    BYTE(tls_sentinel, TLS_SENTINEL_11 + 1),
    BYTE(tls.certificates, TLS_CERTIFICATES_COUNT),
    BYTE(tls.exchange, TLS_EXCHANGE_COUNT),
    BYTE(tls.prime, TLS_PRIME_COUNT),
    BYTE(tls.altered, 2 * TLS_ALTERED_SECOND),
    FLAG(tls.resumed),
    FLAG(tls.retry),
    FLAG(tls.fallback),
    FLAG(tls.agreed),
    TIME(tls.begin),
    TIME(tls.end),
    TEXT(sni, CAP_DOMAIN_TEXT),
    FLAG(tls_complete),
    FLAGS(clear_in_tls),
    FLAGS(clear_in_tls_bye),
    TEXT(mail_from, CAP_ADDRESS_TEXT),
    FLAG(mail_from_null),
    BYTE(rcpt_count, CAP_RECIPIENTS + 1),
    BYTE(rcpt_domain_count, CAP_RECIPIENTS + 1),
    FLAG(requiretls),
    FLAG(requiretls_accepted),
    FLAG(smtputf8),
    CODE(demand_code),
    TEXT(demand_text, CAP_BANNER_TEXT),
    FLAG(quit),
    ENUM(auth, AUTH_STATE_COUNT),
    TEXT(auth_mechanism, CAP_BANNER_TEXT),
    CODE(auth_code),
    BYTE(odd_count, CAP_ODD_COMMANDS + 1),
    CODE(unsolicited_code),
    FLAG(code_421),
    FLAG(xclient),
    FLAG(xforward),
    FLAG(step_lost),
    FLAG(not_smtp),
    FLAG(ending),
    BYTE(tamper_count, CAP_TAMPER + 1),
    FLAG(either_taken),
    BYTE(breaks, 2 * BREAK_OPTIONS),
    FLAG(breaks_ended),
    FLAG(breaks_often),
    ENUM(break_dir, SESSION_DIR_COUNT),
    FLAG(evidence_evicted),
    FLAG(has_mac),
    FLAG(learnt),
    FLAG(known),
};

static const struct member ODD_MEMBERS[] = {
    AT(odd_command, text, MEMBER_TEXT, CAP_KEYWORD_TEXT),
    AT(odd_command, reply_code, MEMBER_CODE, 0),
    AT(odd_command, before_hello, MEMBER_FLAG, 0),
    AT(odd_command, follows_ehlo, MEMBER_FLAG, 0),
};

static const struct member TAMPER_MEMBERS[] = {
    AT(tamper, kind, MEMBER_ENUM, TAMPER_KIND_COUNT),
    AT(tamper, dir, MEMBER_ENUM, SESSION_DIR_COUNT),
    AT(tamper, urgent, MEMBER_FLAG, 0),
    AT(tamper, first, MEMBER_TEXT, CAP_KEYWORD_TEXT),
    AT(tamper, second, MEMBER_TEXT, CAP_KEYWORD_TEXT),
};

/* What is behind an IPv4 address would make two keys of one. */
static bool address_good(uint8_t family, const uint8_t address[16])
{
    static const uint8_t none[12];
    return family == 6 || (family == 4 && memcmp(address + 4, none, sizeof(none)) == 0);
}

static bool key_good(const struct flow_key *k)
{
    return address_good(k->family, k->client) && address_good(k->family, k->server) && k->view <= 1;
}

static const struct member TUNNEL_MEMBERS[] = {
    AT(frame_tunnel, kind, MEMBER_BYTE, TUNNEL_KIND_COUNT),
};

static bool record_good(const uint8_t *record, size_t pool)
{
    const uint8_t *odd = record + offsetof(struct session, odd);
    const uint8_t *tamper = record + offsetof(struct session, tamper);
    if (!members_good(SESSION_MEMBERS, COUNT(SESSION_MEMBERS), record, pool))
        return false;
    const uint8_t *tunnel = record + offsetof(struct session, tunnel);
    for (size_t i = 0; i < CAP_TUNNEL_DEPTH; i++)
        if (!members_good(TUNNEL_MEMBERS, COUNT(TUNNEL_MEMBERS),
                          tunnel + i * sizeof(struct frame_tunnel), pool))
            return false;
    for (size_t i = 0; i < CAP_ODD_COMMANDS; i++)
        if (!members_good(ODD_MEMBERS, COUNT(ODD_MEMBERS), odd + i * sizeof(struct odd_command),
                          pool))
            return false;
    for (size_t i = 0; i < CAP_TAMPER; i++)
        if (!members_good(TAMPER_MEMBERS, COUNT(TAMPER_MEMBERS), tamper + i * sizeof(struct tamper),
                          pool))
            return false;
    return true;
}

static bool lines_good(const struct smtp_reading *r, size_t pool)
{
    for (uint8_t i = 0; i < r->line_count; i++) {
        const struct ehlo_line *l = &r->line[i];
        if (l->text.len > CAP_KEYWORD_TEXT || (size_t)l->text.off + l->text.len > pool ||
            l->word_len > l->text.len)
            return false;
    }
    return true;
}

static bool texts_good(const struct text *t, size_t count, size_t most, size_t pool)
{
    for (size_t i = 0; i < count; i++)
        if (t[i].len > most || (size_t)t[i].off + t[i].len > pool)
            return false;
    return true;
}

/* The record without what it points to; its length of text is checked against what there is. */
static bool take_bare(struct span *from, struct session *s)
{
    uint16_t pool;
    if (from->n < sizeof(*s))
        return false;
    memcpy(&pool, from->p + offsetof(struct session, pool_used), sizeof(pool));
    if (pool > CAP_TEXT_POOL || !record_good(from->p, pool) || !take(from, s, sizeof(*s)) ||
        !key_good(&s->key))
        return false;
    s->pool = NULL;
    s->pool_size = s->pool_used;
    s->handshake = NULL;
    s->peer = s->memo = NULL;
    s->other = s->twin = NULL;
    s->learnt = s->known = false;
    return true;
}

static bool take_record(struct span *from, struct session *s, struct wire_session *to, size_t i)
{
    if (!take_bare(from, s))
        return false;
    s->reading.line = to->line[i];
    s->rcpt = to->rcpt[i];
    s->rcpt_domain = to->rcpt_domain[i];
    if (!take(from, s->reading.line, s->reading.line_count * sizeof(*s->reading.line)) ||
        !take(from, s->rcpt, s->rcpt_count * sizeof(*s->rcpt)) ||
        !take(from, s->rcpt_domain, s->rcpt_domain_count * sizeof(*s->rcpt_domain)) ||
        s->pool_used > from->n)
        return false;
    s->pool = (uint8_t *)(uintptr_t)from->p; /* nobody writes into the pool of what was handed on */
    *from = span_from(*from, s->pool_used);
    return lines_good(&s->reading, s->pool_used) &&
           texts_good(s->rcpt, s->rcpt_count, CAP_ADDRESS_TEXT, s->pool_used) &&
           texts_good(s->rcpt_domain, s->rcpt_domain_count, CAP_DOMAIN_TEXT, s->pool_used);
}

#define FLOW_ID_BITS 53 /* of a number in JSON; another reading is nobody's line, and has more */

bool wire_get_session(struct span *from, struct wire_session *to)
{
    uint8_t more[2];
    if (!take(from, more, sizeof(more)) || more[0] > 1 || more[1] > 1 ||
        !take_record(from, &to->own, to, 0) || to->own.flow_id >> FLOW_ID_BITS != 0)
        return false;
    if (more[0]) {
        if (!take_record(from, &to->other, to, 1))
            return false;
        to->own.other = &to->other;
    }
    if (more[1]) {
        if (!take_record(from, &to->twin, to, 2))
            return false;
        to->own.twin = &to->twin;
    }
    return true;
}

/* --- handshakes --- */

#define RANDOM     32 /* RFC 8446 section 4.1.2 */
#define SESSION_ID 32 /* at most */

/* A hello of SSLv2 has a list of suites and no more. */
static bool take_client(struct span *from, bool sslv2, struct tls_client_hello *h)
{
    return take(from, &h->version, sizeof(h->version)) && take_span(from, &h->random) &&
           take_span(from, &h->session_id) && take_span(from, &h->suites) &&
           take_span(from, &h->compression) && take_span(from, &h->extensions) &&
           h->random.n == (sslv2 ? 0 : RANDOM) && h->session_id.n <= SESSION_ID &&
           h->suites.n % 2 == 0 && h->compression.n > 0 && h->compression.n <= UINT8_MAX &&
           h->suites.n <= CAP_TLS_HELLO && h->extensions.n <= CAP_TLS_HELLO - h->suites.n;
}

static bool take_server(struct span *from, struct tls_server_hello *h)
{
    uint8_t small[3];
    if (!take(from, &h->version, sizeof(h->version)) ||
        !take(from, &h->legacy, sizeof(h->legacy)) || !take(from, &h->suite, sizeof(h->suite)) ||
        !take(from, small, sizeof(small)) || !take_span(from, &h->session_id) ||
        !take_span(from, &h->extensions))
        return false;
    h->compression = small[0];
    h->sentinel = (enum tls_sentinel)small[1];
    h->retry = small[2] == 1;
    return small[1] <= TLS_SENTINEL_11 && small[2] <= 1 && h->session_id.n <= SESSION_ID &&
           h->extensions.n <= CAP_TLS_HELLO;
}

static bool take_said(struct span *from, struct tls_said *said)
{
    uint8_t small[2];
    if (!take(from, &said->version, sizeof(said->version)) || !take(from, small, sizeof(small)) ||
        small[0] > TLS_ALPN_NAMES || small[1] > 1 || !take_span(from, &said->extensions))
        return false;
    said->alpn_count = small[0];
    said->alpn_cut = small[1] == 1;
    for (uint8_t i = 0; i < said->alpn_count; i++)
        if (!take_span(from, &said->alpn[i]) || said->alpn[i].n > UINT8_MAX)
            return false;
    return said->extensions.n <= CAP_TLS_HELLO;
}

/* All of them came in one handshake. */
static bool take_certificates(struct span *from, struct tls_sighting *t)
{
    size_t sum = 0;
    for (uint8_t i = 0; i < t->certificate_count; i++) {
        if (!take_span(from, &t->certificate[i]))
            return false;
        sum += t->certificate[i].n;
    }
    return sum <= CAP_TLS_HANDSHAKE;
}

bool wire_get_handshake(struct span *from, struct wire_handshake *to)
{
    uint8_t small[5];
    struct tls_sighting *t = &to->sighting;
    if (!take(from, &t->time, sizeof(t->time)) || !take(from, &t->source, sizeof(t->source)) ||
        !take(from, small, sizeof(small)) || small[0] > 1 || small[1] > 1 || small[2] > 1 ||
        small[3] > CAP_CERT_CHAIN || small[4] > 1 || !time_good(t->time, 1))
        return false;
    t->client = small[0] ? &to->client : NULL;
    t->server = small[1] ? &to->server : NULL;
    t->sslv2 = small[2] == 1;
    t->certificate_count = small[3];
    t->certificates_cut = small[4] == 1;
    return (!small[0] || take_client(from, t->sslv2, &to->client)) &&
           (!small[1] || take_server(from, &to->server)) &&
           take_said(from, &t->said[SESSION_TO_SERVER]) &&
           take_said(from, &t->said[SESSION_TO_CLIENT]) && take_span(from, &t->suites) &&
           take_span(from, &t->groups) && take_span(from, &t->signatures) &&
           t->suites.n <= CAP_TLS_HELLO && t->groups.n <= CAP_TLS_HELLO &&
           t->signatures.n <= CAP_TLS_HELLO && take_certificates(from, t);
}

/* --- DNS --- */

static const struct member SIGHTING_MEMBERS[] = {
    AT(dns_sighting, kind, MEMBER_ENUM, DNS_SIGHTING_UNANSWERED + 1),
    AT(dns_sighting, time, MEMBER_TIME, 0),
    AT(dns_sighting, now, MEMBER_TIME, 0),
    AT(dns_sighting, tcp, MEMBER_FLAG, 0),
    AT(dns_sighting, bad_checksum, MEMBER_FLAG, 0),
    AT(dns_sighting, query_seen, MEMBER_FLAG, 0),
    AT(dns_sighting, query_time, MEMBER_TIME, 0),
    AT(dns_sighting, again, MEMBER_FLAG, 0),
};

static const struct member MESSAGE_MEMBERS[] = {
    AT(dns_message, response, MEMBER_FLAG, 0), AT(dns_message, aa, MEMBER_FLAG, 0),
    AT(dns_message, tc, MEMBER_FLAG, 0),       AT(dns_message, rd, MEMBER_FLAG, 0),
    AT(dns_message, ra, MEMBER_FLAG, 0),       AT(dns_message, ad, MEMBER_FLAG, 0),
    AT(dns_message, cd, MEMBER_FLAG, 0),       AT(dns_message, has_question, MEMBER_FLAG, 0),
    AT(dns_message, has_edns, MEMBER_FLAG, 0), AT(dns_message, dnssec_ok, MEMBER_FLAG, 0),
    AT(dns_message, has_soa, MEMBER_FLAG, 0),  AT(dns_message, opcode, MEMBER_BYTE, 16),
    AT(dns_message, rcode, MEMBER_WORD, 4096), AT(dns_message, capped, MEMBER_BYTE, 4),
};

/* A name of the pool ends in it, and is no longer than names are. */
static bool name_good(const struct dns_message *m, uint16_t at)
{
    if (at >= m->pool_used)
        return false;
    size_t room = (size_t)m->pool_used - at;
    size_t most = room < DNS_NAME_TEXT ? room : DNS_NAME_TEXT;
    return strnlen(m->pool + at, most) < most;
}

static bool bytes_good(const struct dns_message *m, struct dns_bytes b)
{
    return (size_t)b.at + b.n <= m->pool_used;
}

/* Strings, each behind its length, up to the end. */
static bool strings_good(const struct dns_message *m, struct dns_bytes b)
{
    size_t at = 0;
    if (b.n == 0 || !bytes_good(m, b))
        return false;
    while (at < b.n)
        at += 1u + (uint8_t)m->pool[b.at + at];
    return at == b.n;
}

static bool answer_good(const struct dns_message *m, const struct dns_record *r)
{
    if (!name_good(m, r->owner) || (r->section != DNS_ANSWER && r->section != DNS_ADDITIONAL))
        return false;
    if (r->class != DNS_CLASS_IN)
        return true;
    switch (r->type) {
    case DNS_MX:
        return name_good(m, r->mx.exchange);
    case DNS_CNAME:
        return name_good(m, r->target);
    case DNS_TLSA:
        return r->tlsa.association.n > 0 && bytes_good(m, r->tlsa.association);
    case DNS_TXT:
        return strings_good(m, r->text);
    default:
        return true;
    }
}

static bool take_message(struct span *from, struct dns_message *m)
{
    size_t head = offsetof(struct dns_message, record);
    if (from->n < head || !members_good(MESSAGE_MEMBERS, COUNT(MESSAGE_MEMBERS), from->p, 0) ||
        !take(from, m, head) || m->result > DNS_OK || m->result < DNS_MALFORMED ||
        m->record_count > CAP_DNS_RECORDS || m->pool_used < 1 || m->pool_used > CAP_DNS_TEXT ||
        !take(from, m->record, m->record_count * sizeof(*m->record)) ||
        !take(from, m->pool, m->pool_used) || m->pool[0] != '\0')
        return false;
    for (uint16_t i = 0; i < m->record_count; i++)
        if (!answer_good(m, &m->record[i]))
            return false;
    return name_good(m, m->question.name) && name_good(m, m->soa_owner);
}

bool wire_get_dns(struct span *from, struct wire_dns *to)
{
    struct dns_sighting *s = &to->sighting;
    if (from->n < sizeof(*s) ||
        !members_good(SIGHTING_MEMBERS, COUNT(SIGHTING_MEMBERS), from->p, 0) ||
        !take(from, s, sizeof(*s)) || !address_good(s->family, s->client) ||
        !address_good(s->family, s->server) || !take_message(from, &to->message))
        return false;
    s->message = &to->message;
    return true;
}

/* --- fetches of policies, counters --- */

static const struct member FETCH_MEMBERS[] = {
    AT(fetch_sighting, outcome, MEMBER_ENUM, FETCH_UNANSWERED + 1),
    AT(fetch_sighting, time, MEMBER_TIME, 0),
    AT(fetch_sighting, now, MEMBER_TIME, 0),
    AT(fetch_sighting, asked, MEMBER_TIME, 0),
};

static bool host_good(struct span host)
{
    static const char label[] = "mta-sts.";
    for (size_t i = 0; i < host.n; i++)
        if (host.p[i] <= ' ' || host.p[i] >= 0x7f || (host.p[i] >= 'A' && host.p[i] <= 'Z'))
            return false;
    return host.n <= CAP_DOMAIN_TEXT &&
           span_eq(span_first(host, sizeof(label) - 1), span_str(label));
}

bool wire_get_fetch(struct span *from, struct wire_fetch *to)
{
    struct span host;
    struct fetch_sighting *s = &to->sighting;
    if (from->n < sizeof(*s) || !members_good(FETCH_MEMBERS, COUNT(FETCH_MEMBERS), from->p, 0) ||
        !take(from, s, sizeof(*s)) || !key_good(&s->key) || !take_span(from, &host) ||
        !host_good(host))
        return false;
    memcpy(to->host, host.p, host.n);
    to->host[host.n] = '\0';
    s->host = to->host;
    return true;
}

static const struct member ATTEMPT_MEMBERS[] = {
    AT(dissect_attempt, time, MEMBER_TIME, 0),
    AT(dissect_attempt, refused, MEMBER_FLAG, 0),
};

bool wire_get_attempt(struct span *from, struct dissect_attempt *to)
{
    return from->n >= sizeof(*to) &&
           members_good(ATTEMPT_MEMBERS, COUNT(ATTEMPT_MEMBERS), from->p, 0) &&
           take(from, to, sizeof(*to)) && key_good(&to->key);
}
