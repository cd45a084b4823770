/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/legend.h"

#include <string.h>

static const struct legend FAMILY[] = {
    {"strip", "the offer of TLS, or the EHLO that asks for it, is removed or overwritten"},
    {"refuse", "TLS is offered, and does not come about when asked for"},
    {"fallback", "what several sessions tell together: TLS prevented here, mail in clear there"},
    {"tls", "what the two sides of a handshake offer and select"},
    {"cert", "the certificates that the server presents"},
    {"inject", "bytes are slipped in around the change to TLS"},
    {"auth", "a login goes without protection"},
    {"promise", "TLS was promised or demanded, and the mail went without"},
    {"discovery", "DNS about where and how to deliver is suppressed or forged"},
    {"forge", "signs in the packets that somebody else speaks on the connection"},
    {"vantage", "two places on the path show different words of one connection"},
    {"sensor", "the sensor itself does not see, or cannot remember"},
    {NULL, NULL},
};

static const struct legend TECHNIQUE[] = {
    {"CAP-1", "the line STARTTLS is deleted from the reply to EHLO"},
    {"CAP-2", "STARTTLS is overwritten by a mask of its length (XXXXXXXX, XXXXXXXA)"},
    {"CAP-3", "STARTTLS is overwritten by another word of its length, real or random"},
    {"CAP-4", "EHLO is refused, so that the client falls back to HELO"},
    {"CAP-5", "the command EHLO is overwritten before it reaches the server"},
    {"CAP-6", "the greeting is masked with asterisks"},
    {"CAP-7", "the reply to EHLO is cut down to its first line"},
    {"CAP-8", "STARTTLS is added to the reply of a server that has none"},
    {"CAP-9", "STARTTLS stands on the first line of the reply, where clients do not look"},
    {"CAP-10", "another keyword is deleted from the reply to EHLO"},
    {"CMD-1", "the command STARTTLS is overwritten before it reaches the server"},
    {"RSP-1", "STARTTLS is answered by 454, TLS not available"},
    {"RSP-2", "STARTTLS is answered by a permanent error (5xx)"},
    {"RSP-3", "STARTTLS is answered by a 2xx or 3xx that is not 220"},
    {"RSP-4", "STARTTLS is answered by nothing or by 421, and the connection ends"},
    {"RSP-5", "STARTTLS is answered by 220, and the client goes on in clear"},
    {"RSP-6", "the ClientHello is answered in clear text"},
    {"RSP-7", "clear text is slipped in among TLS records"},
    {"RST-1", "the connection is reset or ended between STARTTLS and the end of the handshake"},
    {"RST-2", "the packets of the handshake are dropped"},
    {"XSN-1", "TLS is prevented until the client comes back in clear"},
    {"XSN-2", "the offer of TLS vanishes for a server"},
    {"XSN-3", "a sender is kept from seeing the offer"},
    {"XSN-4", "the offer of TLS is taken from some clients, networks or times alone"},
    {"XSN-5", "the offers of all servers are taken away on one path"},
    {"XSN-6", "a sender that insists on TLS is kept from delivering"},
    {"XSN-7", "mail is steered to a server without TLS by keeping the better ones out of reach"},
    {"TLS-1", "TLS 1.3 is taken out of the ClientHello; the server's random tells of it"},
    {"TLS-2", "an older version of TLS is selected than ever before"},
    {"TLS-3", "a client is made to come again with less"},
    {"TLS-4", "an obsolete version of TLS is selected"},
    {"TLS-5", "a weak cipher suite is selected"},
    {"TLS-6", "keys are exchanged weakly: for export, with a short prime, by FREAK or Logjam"},
    {"TLS-7", "compression is selected"},
    {"TLS-8", "the messages of the handshake are altered"},
    {"CRT-1", "another certificate is put in the place of the server's"},
    {"CRT-2", "the certificate is self-signed, or by an authority that nobody trusts"},
    {"CRT-3", "the certificate was not valid at that time"},
    {"CRT-4", "the certificate has other names"},
    {"CRT-5", "the certificate is weak"},
    {"CRT-7", "another TLS stack answers for the server"},
    {"INJ-1", "commands are slipped in between STARTTLS and the handshake"},
    {"INJ-2", "replies are slipped in between the 220 and the handshake"},
    {"INJ-3", "the server's side sends more replies than there were commands"},
    {"INJ-4", "a reply out of place talks the client out of STARTTLS"},
    {"AUTH-1", "a login is tried in clear"},
    {"AUTH-2", "AUTH is offered in clear, and STARTTLS is not"},
    {"AUTH-3", "a session on a submission port stays in clear (RFC 8314)"},
    {"AUTH-4", "a login follows in clear after the offer of TLS was tampered with"},
    {"POL-1", "mail for a domain with an MTA-STS policy goes in clear"},
    {"POL-2", "mail for such a domain goes to a host that its policy does not name"},
    {"POL-3", "the certificate is not what such a domain's policy demands"},
    {"POL-5", "a host with TLSA records (DANE, RFC 7672) offers no TLS"},
    {"POL-6", "a host that a preload list names offers no TLS"},
    {"POL-8", "mail with a partner that must use TLS goes without"},
    {"POL-7", "mail that requires TLS (RFC 8689) goes in clear"},
    {"DNS-1", "the MTA-STS record of a domain is suppressed"},
    {"DNS-2", "the MTA-STS record of a domain is made invalid"},
    {"DNS-3", "an id of an MTA-STS record that was over comes back"},
    {"DNS-4", "the mail exchangers of a domain are forged"},
    {"DNS-5", "the address of a mail exchanger is forged"},
    {"DNS-6", "TLSA records, or the proof that they are authentic, are taken away"},
    {"DNS-7", "the policy of a domain cannot be had from where it is published"},
    {"DNS-8", "a policy asks for less than before"},
    {"DNS-9", "a policy names other mail exchangers, to lose mail or to lead it astray"},
    {"TCP-1", "two segments carry different bytes for the same sequence numbers"},
    {"TCP-2", "a segment with another TTL than its direction has"},
    {"TCP-4", "a segment without the options that its direction has"},
    {"TCP-9", "a segment from another MAC address than its direction has"},
    {"TCP-7", "a proxy answers the connection in the name of the server"},
    {"TCP-8", "an answer arrives sooner than the path allows"},
    {"CMD-2", "the command STARTTLS is swallowed, and somebody else answers it"},
    {"TCP-5", "an RST is sent in the name of one side"},
    {"TCP-6", "a SYN is answered by somebody else as well"},
    {"E5", "one connection says different things at two places"},
    {"SEN-1", "the sensor is made blind, or is so by accident"},
    {"SEN-2", "the sensor cannot keep what it knows"},
    {NULL, NULL},
};

static const struct legend NEED[] = {
    {"S", "session: what was seen of the session itself"},
    {"H", "history: what this server or this client did before"},
    {"P", "promise: a policy of the domain or of a partner (MTA-STS, DANE, a list)"},
    {"N", "network: sequence numbers, TTLs and times of single packets"},
    {"D", "DNS: the domain's records (MX, TLSA, MTA-STS)"},
    {"2", "two points: the same session seen at another place as well"},
    {"W", "watch: the sensor's own counters, while it looks at a wire"},
    {NULL, NULL},
};

static const struct legend EVIDENCE[] = {
    {"E1", "the bytes look wrong; who made them so is open"},
    {"E2", "they differ from what is usual for this server or client"},
    {"E3", "a promise was broken"},
    {"E4", "two versions of the same bytes, or timing that the path does not allow"},
    {"E5", "two points of observation saw different things"},
    {"-", "none: a fact about the sensor itself"},
    {NULL, NULL},
};

static const struct legend ATTACK[] = {
    {"T1562.010", "Impair Defenses: Downgrade Attack"},
    {"T1557", "Adversary-in-the-Middle"},
    {"T1040", "Network Sniffing"},
    {"T1562", "Impair Defenses"},
    {NULL, NULL},
};

static const struct legend *const TABLE[] = {
    [LEGEND_FAMILY] = FAMILY,     [LEGEND_TECHNIQUE] = TECHNIQUE, [LEGEND_NEED] = NEED,
    [LEGEND_EVIDENCE] = EVIDENCE, [LEGEND_ATTACK] = ATTACK,
};
_Static_assert(sizeof(TABLE) / sizeof(TABLE[0]) == LEGEND_KIND_COUNT, "a table for each kind");

const struct legend *legend_row(enum legend_kind kind, size_t i)
{
    const struct legend *row = &TABLE[kind][i];
    return row->sign ? row : NULL;
}

const char *legend_column(enum legend_kind kind, const struct rule *r)
{
    switch (kind) {
    case LEGEND_FAMILY:
        return r->family;
    case LEGEND_TECHNIQUE:
        return r->technique;
    case LEGEND_NEED:
        return r->needs;
    case LEGEND_EVIDENCE:
        return r->evidence;
    default:
        return r->mitre;
    }
}

bool legend_has(enum legend_kind kind, const struct rule *r, const char *sign)
{
    size_t n = strlen(sign);
    for (const char *at = legend_column(kind, r); *at; at += strspn(at, ", ")) {
        size_t word = strcspn(at, ",");
        if (word == n && memcmp(at, sign, n) == 0)
            return true;
        at += word;
    }
    return false;
}
