/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was found out about one domain over the network, at one time: its MTA-STS record and policy
 * (RFC 8461), its mail exchangers and their TLSA records (RFC 7672). A value that knows no network:
 * online/ makes it, policy/lookup_json.h carries it between processes and into files, and the judge
 * compares it with what was promised before.
 */
#ifndef POLICY_LOOKUP_H
#define POLICY_LOOKUP_H

#include "base/clock.h"
#include "policy/domain.h"
#include "policy/routes.h"

/* What DNSSEC makes of an answer (RFC 4035 section 4.3). */
enum lookup_security {
    LOOKUP_INSECURE, /* proven to be unsigned, or there is no trust anchor above it */
    LOOKUP_SECURE,
    LOOKUP_BOGUS,  /* it should be signed, and is not, or wrongly */
    LOOKUP_FAILED, /* SERVFAIL, REFUSED, no answer in time */
    LOOKUP_SECURITY_COUNT
};

enum lookup_sts {
    LOOKUP_STS_UNASKED,
    LOOKUP_STS_NONE,    /* no such record, or no such name: the domain has no MTA-STS */
    LOOKUP_STS_POLICY,  /* `body` is its policy, and usable */
    LOOKUP_STS_SAME,    /* the record has the id that was known already: nothing was fetched */
    LOOKUP_STS_DNS,     /* the record could not be looked up */
    LOOKUP_STS_RECORD,  /* there are several records, or one that breaks the grammar */
    LOOKUP_STS_FETCH,   /* no connection, no answer in time, a status that is not 200, ... */
    LOOKUP_STS_WEBPKI,  /* the certificate of the policy host: chain, dates, name */
    LOOKUP_STS_INVALID, /* it came, and is no usable policy */
    LOOKUP_STS_REFUSED, /* we did not connect: its addresses are none of the public Internet */
    LOOKUP_STS_COUNT
};

/* One address of a mail exchanger. */
struct lookup_address {
    uint8_t family; /* 4, 6 */
    uint8_t bytes[16];
};

/* One mail exchanger. */
struct lookup_mx {
    struct domain host;
    uint16_t preference;
    enum lookup_security address; /* of its A and AAAA, CNAMEs included */
    bool alias; /* its name is a CNAME, and that is secure; asked where `address` is INSECURE */
    enum lookup_security tlsa;                 /* of the answer at `base`; FAILED, BOGUS: defer */
    bool has_tlsa;                             /* there are records; usable ones or not */
    struct domain base;                        /* TLSA base domain (RFC 7672 section 2.2.2) */
    struct route_tlsa record[CAP_ROUTES_TLSA]; /* the usable ones */
    uint8_t records;
    uint16_t records_left_out; /* usable as well, for want of room */
    uint32_t ttl;
    struct lookup_address at[CAP_LOOKUP_ADDRESSES]; /* by which sessions are known to be with it */
    uint8_t addresses;                              /* 0: unknown; its names alone tell then */
    uint16_t addresses_left_out;                    /* for want of room */
};

struct lookup {
    struct domain domain;
    nstime time;
    enum lookup_sts sts;
    enum lookup_security record;  /* of the _mta-sts record */
    char id[CAP_STS_ID + 1];      /* of the record; "": none */
    int status;                   /* of HTTP; 0: it did not come so far */
    char issuer[CAP_LOOKUP_TEXT]; /* who issued the policy host's certificate; "": unknown */
    char why[CAP_LOOKUP_TEXT];    /* what is wrong, in words, printable; "": nothing */
    char *body;                   /* of POLICY and INVALID, heap; NULL: none. UTF-8 */
    size_t body_n;
    bool plain;                           /* its Content-Type is text/plain */
    char type[CAP_HTTPS_TYPE];            /* the whole of it, printable; "": none came */
    bool asked_reports;                   /* the next three were asked for */
    enum lookup_security reports;         /* of the TXT records at _smtp._tls.DOMAIN (RFC 8460) */
    uint8_t report_records;               /* of them that begin with v=TLSRPTv1; 255: or more */
    char report[CAP_LOOKUP_REPORT + 1];   /* the first of them, its strings joined; "": none */
    bool asked_mx;                        /* what follows was asked for */
    enum lookup_security mx;              /* of the MX records */
    struct domain expansion;              /* what the domain's CNAME leads to; n 0: it has none */
    struct lookup_mx item[CAP_LOOKUP_MX]; /* the best first; n 0 and mx SECURE or INSECURE: none */
    uint8_t items;
    uint16_t items_left_out; /* exchangers that come after them, for want of room */
};

void lookup_fini(struct lookup *l); /* frees the body */

/* Is all validated that stands above the TLSA records of that exchanger? The MX records, and its
 * addresses; or, where these are not signed, the CNAME that leads there (RFC 7672 section 2.2.2).
 */
bool lookup_leads_to(const struct lookup *l, const struct lookup_mx *m);

/* "none", "policy", "same", "dns", "record", "fetch", "webpki", "invalid", "refused". */
const char *lookup_sts_text(enum lookup_sts s);

/* "insecure", "secure", "bogus", "failed". */
const char *lookup_security_text(enum lookup_security s);

/* What a sender would report (RFC 8460 section 4.3.2.2): "sts-policy-fetch-error",
 * "sts-policy-invalid", "sts-webpki-invalid"; NULL: nothing. */
const char *lookup_tlsrpt(const struct lookup *l);

#endif
