/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints of hellos: short names of how a client or a server speaks TLS, made of what it offers and
 * in which order, and not of its randoms, names and keys. Three of them, as others make them too:
 *
 * JA3, of a ClientHello (Salesforce; github.com/salesforce/ja3, README.md): MD5 of the text
 * "version,suites,extensions,groups,point formats", of decimal numbers with '-' between. The
 * version is the legacy_version of the message.
 *
 * JA3S, of a ServerHello (the same place): MD5 of "version,suite,extensions"; the version is the
 * legacy_version here too.
 *
 * JA4, of a ClientHello (FoxIO; github.com/FoxIO-LLC/ja4, technical_details/JA4.md; of that family
 * this one alone is free for all): "t", the version, "d" or "i", numbers of suites and extensions,
 * two characters of ALPN; "_" and the suites' SHA-256, sorted; "_" and that of the extensions,
 * sorted, with the signature algorithms in the client's order.
 *
 * Where those leave room, it is filled so:
 * - GREASE (RFC 8701) is dropped from every list of two-byte numbers, the signature algorithms and
 *   the extensions of a server among them. An ALPN value of GREASE is a value like others.
 * - Of several extensions of one type all are listed, and the body of the first is read.
 * - The list in an extension's body counts where its length field stays within the body and holds
 *   whole numbers; what stands behind it is ignored. Otherwise the list is empty.
 * - The extensions are those before the place where their list ends early.
 * - JA4's version is the highest of supported_versions, or the legacy_version where that list is
 *   missing or empty; "00" for drafts and everything else that is not in the table for TLS over
 *   TCP (DTLS is not).
 * - JA4's ALPN is "00" too when the first value is empty or longer than the list.
 */
#ifndef DISSECT_TLS_PRINT_H
#define DISSECT_TLS_PRINT_H

#include "base/siphash.h"
#include "dissect/tls_hello.h"

enum { TLS_PRINT_MD5 = 33, TLS_PRINT_JA4 = 37 }; /* characters, the NUL with them */

struct tls_client_print {
    struct span ja3_text;    /* what `ja3` is the digest of; digits, '-' and ','; NUL behind it */
    char ja3[TLS_PRINT_MD5]; /* lower-case hex */
    char ja4[TLS_PRINT_JA4];
    uint64_t ja4_number; /* of its characters, as below */
};

struct tls_server_print {
    struct span ja3s_text; /* what `ja3s` is the digest of, as above */
    char ja3s[TLS_PRINT_MD5];
    uint64_t ja3s_number; /* SipHash of its characters by a fixed key: the same in every run and on
                             every machine; never 0 */
};

/*
 * Makes the prints, and remembers the latest, since most senders say the same hello again with
 * other randoms: what is remembered is all that enters a print, and is compared byte by byte, so
 * that the answer is the same with and without it. Some 800 KiB, of which those pages are used that
 * something is remembered in.
 */
struct tls_prints;

struct tls_prints *tls_prints_new(const struct siphash_key *key); /* NULL: no memory */
void tls_prints_free(struct tls_prints *t);                       /* NULL is allowed */

/* Of a hello that was read. Valid until the next call with the same object. NULL: its suites and
 * extensions have more than CAP_TLS_HELLO bytes, or the library refuses the digests. */
const struct tls_client_print *tls_prints_client(struct tls_prints *t,
                                                 const struct tls_client_hello *h);
const struct tls_server_print *tls_prints_server(struct tls_prints *t,
                                                 const struct tls_server_hello *h);

#endif
