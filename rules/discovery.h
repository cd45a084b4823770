/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What DNS on the tap said about where and how mail for a domain goes: one exchange, with what was
 * promised or seen before. No session is needed to see that somebody meddles with it, and none may
 * follow: a sender that is led astray, or that finds no policy, shows nothing odd in its SMTP.
 */
#ifndef RULES_DISCOVERY_H
#define RULES_DISCOVERY_H

#include "rules/finding.h"

enum discovery_kind {
    DISCOVERY_MX,      /* an answer names the mail exchangers of `domain` */
    DISCOVERY_ADDRESS, /* one names the addresses of `host`, an exchanger */
    DISCOVERY_STS,     /* the _mta-sts record of `domain` */
    DISCOVERY_TLSA,    /* the TLSA records of `host` */
    DISCOVERY_FETCH,   /* the policy of `domain`, over HTTPS */
    DISCOVERY_POLICY,  /* what that policy says, `own` */
    DISCOVERY_ID,      /* the id in the _mta-sts record of `domain`, `own` */
    DISCOVERY_REPORT,  /* a sender reports what he met at an exchanger of `domain`, `own` */
    DISCOVERY_KIND_COUNT
};

/* How the question was answered. */
enum discovery_answer {
    DISCOVERY_RECORDS,    /* with what was asked for */
    DISCOVERY_NONE,       /* there is no such record, or no such name */
    DISCOVERY_FAILED,     /* SERVFAIL, REFUSED and the like; FETCH: reset */
    DISCOVERY_UNANSWERED, /* not at all, though the server answered others; FETCH: not at all */
    DISCOVERY_ANSWER_COUNT
};

/* In what a policy is weaker than the one before it. Bits. */
enum discovery_weaker {
    DISCOVERY_WEAKER_MODE = 1, /* enforce to testing or none, testing to none */
    DISCOVERY_WEAKER_AGE = 2,  /* max_age below a day now, or less than a tenth */
    DISCOVERY_WEAKER_MX = 4,   /* a wildcard beyond the domain itself that was not there */
    DISCOVERY_OTHER_MX = 8     /* none of the patterns is one of those before */
};

/* POLICY: how it differs from `promise`, which was in force before. FETCH: what is wrong. */
struct discovery_policy {
    unsigned weaker; /* enum discovery_weaker */
    enum sts_mode mode;
    uint32_t max_age, max_age_before;
    bool issuer_changed; /* of the policy host's certificate */
    bool mx_changed;     /* none of the domain's mail exchangers is one of those before */
    int status;          /* FETCH: of HTTP; 0: it did not come so far */
    const char *tlsrpt;  /* FETCH: RFC 8460 section 4.3 */
    const char *why;     /* FETCH: in words */
};

/* REPORT: how it differs from what the border saw. */
enum discovery_differs {
    DISCOVERY_ELSEWHERE,  /* they were led to an address that is not ours */
    DISCOVERY_NEVER_HERE, /* they spoke with somebody, and did not reach us */
    DISCOVERY_OFFERED,    /* no STARTTLS came to them, and we had offered it */
    DISCOVERY_DIFFERS_COUNT
};

/* An address; family 4, 6, or 0: it is not told. */
struct discovery_host {
    uint8_t family;
    uint8_t address[16];
};

/* Texts are borrowed and printable; empty: not told. */
struct discovery_report {
    enum discovery_differs differs;
    const char *organization, *id; /* whose report it is, and which */
    nstime begin, end;             /* that it is about; both 0: not told */
    const char *result;            /* as it stands there */
    const char *tlsrpt;            /* the same, where RFC 8460 section 4.3 has it; or NULL */
    const char *mx;                /* the name of the exchanger */
    struct discovery_host sender, receiver;
    uint64_t sessions; /* that failed; 0: not told */
    uint64_t came;     /* sessions of that sender at the border */
    uint64_t offered;  /* of those: with STARTTLS in the reply */
    uint64_t unasked;  /* of those: and not asked for */
    uint64_t clear;    /* of those: and mail went in clear */
};

struct discovery {
    enum discovery_kind kind;
    enum discovery_answer answer;
    bool own; /* of a look-up of ours: of the exchange nothing is known but `time` and `now` */

    /* the exchange; the client is who asked */
    struct flow_key key;
    bool tcp;         /* else UDP */
    uint64_t flow_id; /* as of a session */
    uint32_t source;  /* index of the input */
    uint16_t id;      /* of the DNS message */
    nstime time;      /* of the answer, or when it was given up */
    nstime now;       /* newest packet time */
    nstime asked;     /* of the query; 0: it was not seen */
    const char *type; /* "MX", "A", "AAAA", "TXT", "TLSA"; of FETCH "" */

    struct domain domain; /* whose mail it is about; MX, STS. Else that of the promise, or none */
    struct domain host;   /* ADDRESS, TLSA. MX: the best exchanger */
    bool another_named;   /* MX: another of the best exchangers is one that the policy names */
    bool contradicted;    /* another answer to the very same query said otherwise */
    bool promised;        /* a policy of `domain` was in force: */
    struct expectation promise; /* `match` is the best exchangers' best */
    uint32_t unanswered;        /* UNANSWERED, FETCH: in a row */
    nstime before;              /* STS, TLSA: when the record was last seen here; 0: never. ID: when
                                   it was replaced by another */
    nstime elsewhere;           /* STS, TLSA: when our own resolver had it; 0: it had not */
    bool elsewhere_long;        /* STS: and a day before that already */
    bool authentic;             /* `own`: DNSSEC proves the answer */
    const char *sts_id;         /* ID: which */
    struct discovery_policy policy;
    const char *invalid; /* STS, RECORDS: what is wrong with them; NULL: nothing */
    const struct discovery_report *report; /* REPORT; borrowed */
};

/* False: there is nothing to say. Else `out` is the finding, and may be of severity info. */
bool discovery_judge(const struct discovery *d, struct finding *out);

#endif
