/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Domain names as DNS messages carry them (RFC 1035 sections 3.1 and 4.1.4), and as text that can
 * be compared: ASCII letters in lower case and no other bytes changed (RFC 4343), labels joined by
 * dots, none at the end, "." for the root. A byte that is no letter, digit, hyphen or underscore is
 * written \DDD, so a dot within a label never looks like one between labels.
 */
#ifndef DISSECT_DNS_NAME_H
#define DISSECT_DNS_NAME_H

#include "base/span.h"

#define DNS_NAME_TEXT 1024 /* 255 octets, each of them four characters at worst, and a NUL */

enum dns_result {
    DNS_OK = 0,
    DNS_CUT = -1,      /* ends before what it promises: cut by the capture, or its numbers lie */
    DNS_MALFORMED = -2 /* says what no message may say */
};

/*
 * Reads the name at *at into `to`; *at is then behind it, where the pointer ends if there was one.
 * A pointer leads to before the place where what it belongs to began, and never into the header:
 * each leads further back, so there is no loop. `to` means something only for DNS_OK.
 */
enum dns_result dns_name_read(struct span message, size_t *at, char to[DNS_NAME_TEXT]);

/* The same without following a pointer, for a name that nobody asks for. */
enum dns_result dns_name_skip(struct span message, size_t *at);

#endif
