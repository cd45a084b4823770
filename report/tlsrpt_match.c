/* SPDX-License-Identifier: Apache-2.0 */
#include "report/tlsrpt_match.h"

static struct tlsrpt_match say(enum tlsrpt_word word)
{
    return (struct tlsrpt_match){.word = word, .why = ""};
}

static struct tlsrpt_match untold(const char *why)
{
    return (struct tlsrpt_match){.word = TLSRPT_UNTOLD, .why = why};
}

static const char *why_not_seen(enum border_sight sight)
{
    switch (sight) {
    case BORDER_NOTHING:
        return "there is a day of it on which the border saw no session at all";
    case BORDER_BLIND:
        return "the sensor did not see all of that time (coverage-lost)";
    case BORDER_SHORT:
        return "not all who came could be kept";
    default:
        return NULL;
    }
}

/* Of what it would take to say that somebody did not come. */
static struct tlsrpt_match did_not_come(const struct border *b, const struct tlsrpt_report *r,
                                        const struct tlsrpt_failure *f, bool whole)
{
    const char *why = why_not_seen(border_sight(b, r->begin, r->end));
    if (why)
        return untold(why);
    if (!whole)
        return untold("the lines do not have all that the border saw");
    if (tlsrpt_host_is_inner(&f->sender))
        return untold("sending-mta-ip is an address inside of their network");
    return say(TLSRPT_NEVER_HERE);
}

/* Sessions in which nothing was offered, or in which it is not known, may be those that they mean.
 */
static struct tlsrpt_match not_supported(const struct border_came *came,
                                         const struct tlsrpt_failure *f)
{
    uint64_t claimed = f->counted ? f->sessions : 1;
    struct tlsrpt_match m = say(TLSRPT_OFFERED);
    if (came->withheld >= claimed || (came->withheld > 0 && came->offered == 0))
        m = say(TLSRPT_AGREES);
    else if (came->offered == 0 || came->withheld + came->unknown >= claimed)
        m = untold("what the border saw of their sessions does not show what was offered");
    m.came = *came;
    return m;
}

static struct tlsrpt_match at_the_border(const struct border *b, const struct tlsrpt_report *r,
                                         const struct tlsrpt_failure *f, bool whole)
{
    static const struct tlsrpt_host any;
    struct border_came came = border_came(b, &f->sender, &f->receiver, r->begin, r->end);
    struct tlsrpt_match m = say(TLSRPT_CAME);
    if (!came.at_all) {
        if (border_came(b, &f->sender, &any, r->begin, r->end).at_all)
            return untold("they came to another exchanger of ours");
        return did_not_come(b, r, f, whole);
    }
    if (f->result == TLSRPT_STARTTLS_NOT_SUPPORTED)
        return not_supported(&came, f);
    m.came = came;
    return m;
}

struct tlsrpt_match tlsrpt_match(const struct border *b, const struct tlsrpt_report *r,
                                 const struct tlsrpt_failure *f, bool ours, bool whole)
{
    if (f->counted && f->sessions == 0)
        return say(TLSRPT_NOTHING);
    if (!r->dated)
        return untold("it does not say of which days it is");
    if (f->receiver.family != 0 && !ours)
        return tlsrpt_host_is_inner(&f->receiver)
                   ? untold("receiving-ip is an address inside of some network")
                   : say(TLSRPT_ELSEWHERE);
    if (f->result == TLSRPT_RESULT_COUNT)
        return untold("result-type is none of RFC 8460");
    if (!tlsrpt_is_connected(f->result))
        return say(TLSRPT_BEFORE);
    if (f->sender.family == 0)
        return untold("it does not say who sent (sending-mta-ip)");
    return at_the_border(b, r, f, whole);
}
