/* SPDX-License-Identifier: Apache-2.0 */
#include "layouts.h"

enum { PRINTED = 16, CHOICES = 6 };

/* ?: only some installations print it; @: STARTTLS; #: SIZE with a value of the installation. */
static const struct {
    const char *banner, *greeting, *line[PRINTED];
} program[SOFTWARE_COUNT] = {
    [S_POSTFIX] = {" ESMTP Postfix",
                   "",
                   {"PIPELINING", "#", "?VRFY", "ETRN", "@", "?AUTH PLAIN LOGIN",
                    "ENHANCEDSTATUSCODES", "8BITMIME", "DSN", "?SMTPUTF8", "?CHUNKING"}},
    [S_EXIM] = {" ESMTP Exim 4.96 Sat, 21 Nov 2026 10:00:00 +0000",
                " Hello",
                {"#", "?LIMITS MAILMAX=1000 RCPTMAX=50000", "8BITMIME", "PIPELINING",
                 "?PIPECONNECT", "?AUTH PLAIN LOGIN", "CHUNKING", "@", "?PRDR", "?SMTPUTF8",
                 "HELP"}},
    [S_SENDMAIL] = {" ESMTP Sendmail 8.17.1/8.17.1; Sat, 21 Nov 2026 10:00:00 GMT",
                    " Hello, pleased to meet you",
                    {"ENHANCEDSTATUSCODES", "PIPELINING", "?EXPN", "?VERB", "8BITMIME", "#", "DSN",
                     "ETRN", "?AUTH DIGEST-MD5 CRAM-MD5", "@", "DELIVERBY", "HELP"}},
    [S_OPENSMTPD] = {" ESMTP OpenSMTPD",
                     " Hello, pleased to meet you",
                     {"8BITMIME", "ENHANCEDSTATUSCODES", "#", "DSN", "@", "?AUTH PLAIN LOGIN",
                      "HELP"}},
    [S_EXCHANGE] = {" Microsoft ESMTP MAIL Service ready at Sat, 21 Nov 2026 10:00:00 +0000",
                    " Hello",
                    {"#", "PIPELINING", "DSN", "ENHANCEDSTATUSCODES", "@", "?X-ANONYMOUSTLS",
                     "?AUTH NTLM", "?X-EXPS GSSAPI NTLM", "8BITMIME", "BINARYMIME", "CHUNKING",
                     "?SMTPUTF8", "?XRDST"}},
    [S_QMAIL] = {" ESMTP", "", {"@", "PIPELINING", "8BITMIME", "?SIZE 0", "?AUTH LOGIN PLAIN"}},
};

static const char *const size_line[CHOICES] = {"SIZE 10240000", "SIZE 20971520", "SIZE 26214400",
                                               "SIZE 37748736", "SIZE 52428800", "SIZE 157286400"};

void layout_insert(struct layout *l, int at, const char *line)
{
    if (l->count == LINES)
        return;
    memmove(l->line + at + 1, l->line + at, (size_t)(l->count - at) * sizeof *l->line);
    l->line[at] = line;
    l->count++;
    if (l->slot >= at)
        l->slot++;
}

void layout_remove(struct layout *l, int at)
{
    memmove(l->line + at, l->line + at + 1, (size_t)(l->count - at - 1) * sizeof *l->line);
    l->count--;
    if (l->slot == at)
        l->slot = 0;
    else if (l->slot > at)
        l->slot--;
}

void layout_make(struct layout *l, enum software software, struct rng *rng)
{
    *l = (struct layout){.banner = program[software].banner};
    l->line[l->count++] = program[software].greeting;
    for (int i = 0; i < PRINTED && program[software].line[i]; i++) {
        const char *line = program[software].line[i];
        if (*line == '?' && rng_below(rng, 2))
            continue;
        if (*line == '@')
            l->slot = l->count;
        l->line[l->count++] = *line == '@'   ? "STARTTLS"
                              : *line == '#' ? size_line[rng_below(rng, CHOICES)]
                                             : line + (*line == '?');
    }
}

static int place_of(const struct layout *l, const char *word)
{
    for (int i = 1; i < l->count; i++)
        if (!strncmp(l->line[i], word, strlen(word)))
            return i;
    return 0;
}

void layout_shuffle(struct layout *l, struct rng *rng)
{
    for (int i = l->count - 1; i > 1; i--) {
        int other = 1 + (int)rng_below(rng, (uint32_t)i);
        const char *line = l->line[i];
        l->line[i] = l->line[other];
        l->line[other] = line;
    }
    l->slot = place_of(l, "STARTTLS");
}

void layout_no_offer(struct layout *l)
{
    if (l->slot)
        layout_remove(l, l->slot);
}

void layout_lengthen(struct layout *l)
{
    static const char *const extra[] = {"XVERP",
                                        "X-RCPTLIMIT 500",
                                        "XSHADOW",
                                        "XUSR",
                                        "XQUE",
                                        "X-DRCP",
                                        "XLOOP 4F2A9",
                                        "XORIGFROM",
                                        "XSYSPROBE",
                                        "XPROXY",
                                        "XPROXYTO",
                                        "XREMOTEQUEUE",
                                        "XATTRDIRECT",
                                        "XLICENSE",
                                        "XMESSAGECONTEXT",
                                        "XOORG",
                                        "XTRN",
                                        "BURL imap",
                                        "FUTURERELEASE 864000 2026-12-31T00:00:00Z",
                                        "MT-PRIORITY MIXER",
                                        "NO-SOLICITING",
                                        "DELIVERBY 300"};

    for (size_t i = 0; i < sizeof extra / sizeof extra[0]; i++)
        if (!place_of(l, extra[i]))
            layout_insert(l, l->count, extra[i]);
}

void layout_vendor(struct layout *l, struct rng *rng)
{
    static const char *const word[] = {"XMAILHUB", "XARCHIVE", "XSPOOLID",
                                       "VENDOREX", "QUARANTE", "POSTFILT"};

    for (int i = 0; i < 2; i++) {
        int at = 2 + (int)rng_below(rng, (uint32_t)l->count - 2);
        layout_insert(l, at, word[i * 3 + (int)rng_below(rng, 3)]);
    }
}

void layout_misplace(struct layout *l)
{
    layout_no_offer(l);
    l->line[0] = " STARTTLS";
}

void layout_resize(struct layout *l, struct rng *rng)
{
    int at = place_of(l, "SIZE");

    if (at)
        l->line[at] = size_line[rng_below(rng, CHOICES)];
}

void layout_no_esmtp(struct layout *l)
{
    l->banner = " SMTP service ready";
}

void layout_other_auth(struct layout *l)
{
    int at = place_of(l, "AUTH");

    if (at)
        layout_remove(l, at);
    else
        layout_insert(l, l->slot + 1, "AUTH CRAM-MD5 SCRAM-SHA-256");
}
