/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes from the wire made fit to be seen. Every output (JSON, terminal, reasons of findings) shows
 * wire bytes through text_escape() and text_mask() and no other way. Beside them stand the few
 * renderings that every output shares: addresses, times and numbers.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/clock.h"
#include "base/span.h"

/*
 * Writes `wire` to dst as printable UTF-8: well-formed, assigned-looking characters stay; C0, DEL,
 * C1, U+2028/2029, bidirectional and other invisible controls, private use, noncharacters and every
 * byte that is not part of well-formed UTF-8 become \xHH (upper-case hex, one per byte); a
 * backslash becomes \\. The result is NUL-terminated and never longer than cap - 1 bytes; what does
 * not fit is left out at a whole character and replaced by "...". Returns the length without the
 * NUL.
 */
size_t text_escape(char *dst, size_t cap, struct span wire);

/*
 * The same with mail addresses masked: in every `local@domain` the local part becomes `*`
 * (a local part is any run of bytes before an @ that does not cross blank, tab, <, >, (, ), comma,
 * colon, semicolon or quote; a quoted local part counts whole, and what is glued to its front with
 * it). Of several @ in one run the last counts (RFC 5321 section 4.1.2). `<>` stays.
 */
size_t text_mask(char *dst, size_t cap, struct span wire);

/* An address as the output shows it: `local@domain` -> `*@domain`, empty -> `<>`, no @ -> `*`. */
size_t text_mask_address(char *dst, size_t cap, struct span address);

/* Bytes of the character at the start of `s` that text_escape() leaves as it is (a backslash
 * included), or 0 when the first byte has to be escaped or `s` is empty. */
size_t text_printable(struct span s);

/* Is all of it well-formed UTF-8 (RFC 3629 section 4)? Controls are, byte 0 among them. */
bool text_is_utf8(struct span s);

#define TEXT_IP   46 /* the longest IPv6 text and its NUL */
#define TEXT_UINT 21 /* 2^64 - 1 and its NUL */
#define TEXT_TIME 32 /* YYYY-MM-DDTHH:MM:SS.uuuuuu+0000 and its NUL */

/* The address (network order; family 4 or 6) as RFC 5952 writes it. Returns the length. */
size_t text_ip(char dst[TEXT_IP], uint8_t family, const uint8_t address[16]);

/* Decimal, NUL-terminated. Returns the length. */
size_t text_uint(char dst[TEXT_UINT], uint64_t value);

/* The 31 characters of OUTPUT.md, UTC, microseconds rounded down. Total over nstime. */
size_t text_time(char dst[TEXT_TIME], nstime t);

#define TEXT_SECONDS 20 /* YYYY-MM-DDTHH:MM:SS and its NUL */

/* Seconds since 1970-01-01 UTC, of the years 1 to 9999; false: of another. */
bool text_seconds(char dst[TEXT_SECONDS], int64_t seconds);

#endif
