/* SPDX-License-Identifier: Apache-2.0 */
/* The words of the dialogue: command verbs by table, reply codes, first words. */
#ifndef DISSECT_SMTP_WORD_H
#define DISSECT_SMTP_WORD_H

#include "base/span.h"

enum smtp_verb {
    VERB_UNKNOWN,
    VERB_EHLO,
    VERB_HELO,
    VERB_LHLO,
    VERB_MAIL,
    VERB_RCPT,
    VERB_DATA,
    VERB_BDAT,
    VERB_RSET,
    VERB_NOOP,
    VERB_QUIT,
    VERB_STARTTLS,
    VERB_ANONYMOUSTLS, /* X-ANONYMOUSTLS, Exchange's own upgrade */
    VERB_AUTH,         /* and X-EXPS, Exchange's old name for it */
    VERB_XCLIENT,
    VERB_XFORWARD,
    VERB_OTHER,       /* known, nothing to do: VRFY, EXPN, HELP, ETRN ... */
    VERB_AUTH_ANSWER, /* not a word: the client's answer to a 334 challenge */
    VERB_CONTENT_END, /* not a word: the final dot of DATA */
    VERB_COUNT
};

/* The bytes before the first blank or tab. */
struct span smtp_word_first(struct span line);

/* By table, case ignored (RFC 5321 section 2.4). MAIL and RCPT also match "MAIL FROM:". */
enum smtp_verb smtp_word_verb(struct span line);

struct smtp_reply_line {
    int16_t code;     /* 0: no reply line at all */
    bool last;        /* blank (or nothing) after the code, not '-' */
    struct span text; /* after code and separator */
};

/* RFC 5321 section 4.2: three digits, then `-`, blank or the end. */
struct smtp_reply_line smtp_word_reply(struct span line);

/* Whether a MAIL or RCPT line has a parameter such as REQUIRETLS or SIZE=; they follow the path. */
bool smtp_word_has_param(struct span line, const char *name);

/* The path of MAIL FROM:<...> or RCPT TO:<...>, without angle brackets and source route. */
struct span smtp_word_path(struct span line);

/* BDAT's size and LAST (RFC 3030). False for anything that is no number below 2^64. */
bool smtp_word_bdat(struct span line, uint64_t *size, bool *last);

#endif
