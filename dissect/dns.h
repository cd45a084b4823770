/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One DNS message (RFC 1035), read for what decides how mail is delivered: MX (RFC 1035, 7505),
 * A and AAAA (RFC 3596), CNAME, TXT, TLSA (RFC 6698) and what EDNS (RFC 6891) and DNSSEC (RFC 4035)
 * say about them. Facts of one message and no more: nothing is believed here, nothing remembered.
 *
 * The record is the caller's and holds all it says: it points nowhere, may be copied, and needs no
 * clean-up. Names and bytes lie in its pool.
 */
#ifndef DISSECT_DNS_H
#define DISSECT_DNS_H

#include "base/caps.h"
#include "dissect/dns_name.h"

enum dns_type { /* IANA, Resource Record TYPEs: those that mean something here */
                DNS_A = 1,
                DNS_CNAME = 5,
                DNS_SOA = 6,
                DNS_MX = 15,
                DNS_TXT = 16,
                DNS_AAAA = 28,
                DNS_OPT = 41,
                DNS_DS = 43,
                DNS_RRSIG = 46,
                DNS_NSEC = 47,
                DNS_NSEC3 = 50,
                DNS_TLSA = 52
};

enum dns_rcode { DNS_NOERROR = 0, DNS_SERVFAIL = 2, DNS_NXDOMAIN = 3, DNS_REFUSED = 5 };

enum dns_section { DNS_QUESTION, DNS_ANSWER, DNS_AUTHORITY, DNS_ADDITIONAL, DNS_SECTION_COUNT };

enum { DNS_CLASS_IN = 1 };

/* Bits: what DNSSEC sent along. */
enum dns_proof { DNS_PROOF_RRSIG = 1, DNS_PROOF_DS = 2, DNS_PROOF_NSEC = 4, DNS_PROOF_NSEC3 = 8 };

/* Bits: which cap was hit. */
enum dns_capped {
    DNS_CAPPED_RECORDS = 1, /* CAP_DNS_RECORDS */
    DNS_CAPPED_TEXT = 2     /* CAP_DNS_TEXT */
};

/* A run of bytes in the pool. */
struct dns_bytes {
    uint16_t at, n;
};

/* One record of the answers, or an address of the additional section. Which member of the union
 * counts is told by the type, if the class is IN; of other types and classes there is the head. */
struct dns_record {
    uint16_t owner;  /* name, for dns_text() */
    uint16_t type;   /* as on the wire */
    uint16_t class;  /* as on the wire */
    uint16_t length; /* octets of its data on the wire */
    uint32_t ttl;    /* seconds; 0 for what has the top bit set (RFC 2181 section 8) */
    uint8_t section; /* DNS_ANSWER or DNS_ADDITIONAL */
    union {
        struct {
            uint16_t preference; /* the lower the better */
            uint16_t exchange;   /* name; "." is a null MX (RFC 7505) */
        } mx;
        struct {
            uint8_t usage, selector, matching; /* RFC 7218 names the values */
            struct dns_bytes association;
        } tlsa;
        uint8_t address[16];   /* network order; A in the first four bytes, the rest zero */
        uint16_t target;       /* name, of CNAME */
        struct dns_bytes text; /* TXT: strings, each behind its length; dns_txt_next() */
    };
};

struct dns_message {
    enum dns_result result; /* what dns_read() returned */
    uint16_t id;
    bool response;       /* QR */
    uint8_t opcode;      /* 0: a query, or the response to one; of others only this is read */
    bool aa, tc, rd, ra; /* authoritative, cut by its sender, recursion desired, available */
    bool ad, cd;         /* RFC 4035 section 3.2: found authentic; not to be checked */
    uint16_t rcode;      /* 12 bits, with those of EDNS */
    uint16_t count[DNS_SECTION_COUNT]; /* as the header claims */
    bool has_question;
    struct {
        uint16_t name; /* for dns_text() */
        uint16_t type, class;
    } question;               /* the first one; nobody asks more (RFC 9619) */
    bool has_edns, dnssec_ok; /* an OPT record; its DO bit */
    uint8_t edns_version;
    uint16_t udp_size;                /* that the sender takes, by EDNS */
    uint8_t proof[DNS_SECTION_COUNT]; /* enum dns_proof, of the answers and the authority */
    bool has_soa;                     /* in the authority section: RFC 2308 */
    uint16_t soa_owner;               /* name: the zone that says so */
    uint32_t negative_ttl;            /* seconds that "no such" holds: RFC 2308 section 5 */
    uint16_t trailing;                /* octets behind the last record */
    uint8_t capped;                   /* enum dns_capped */
    uint16_t not_kept;                /* records that would be here if there were room */
    uint16_t record_count;
    uint16_t pool_used;
    struct dns_record record[CAP_DNS_RECORDS]; /* in the order of the message */
    char pool[CAP_DNS_TEXT];                   /* names, each with its NUL; bytes */
};

/*
 * Reads a message without the length that TCP puts before it. DNS_OK: it is whole. Else what was
 * read before stays and the rest is as if it were not there; DNS_CUT cannot tell a message that the
 * capture cut from one that lies about its numbers. Names are checked where they are kept; pointers
 * of others are not followed.
 */
enum dns_result dns_read(struct span message, struct dns_message *out);

/* A name, by what the record says of its place: see dissect/dns_name.h. 0 is "". */
static inline const char *dns_text(const struct dns_message *m, uint16_t name)
{
    return m->pool + name;
}

static inline struct span dns_data(const struct dns_message *m, struct dns_bytes b)
{
    return span_of(m->pool + b.at, b.n);
}

/* The character-strings of a TXT record one by one, *at being 0 for the first. False: no more. */
bool dns_txt_next(const struct dns_message *m, const struct dns_record *r, size_t *at,
                  struct span *string);

/* All of them joined, without a space (RFC 8461 section 3.1 joins them so, as RFC 7208 does). No
 * NUL is put behind. The length, or SIZE_MAX when there is no room. */
size_t dns_txt_join(const struct dns_message *m, const struct dns_record *r, uint8_t *to,
                    size_t room);

/* For who makes a message: empty, with a pool that has "" at 0. */
void dns_clear(struct dns_message *m);
/* Puts a name into the pool; 0 when there is no room. */
uint16_t dns_put_name(struct dns_message *m, const char *name);

#endif
