/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cuts one direction of the dialogue into lines. A line that lies whole in the given bytes is read
 * in place; only a line that straddles segments is copied, up to its cap. A longer line is given
 * out cut to the cap and discarded to its LF, so the dialogue never loses step. Only LF ends a line
 * (RFC 5321 section 2.3.8 wants CRLF; that a CR is missing or stands alone is a fact, no error).
 */
#ifndef DISSECT_SMTP_LINE_H
#define DISSECT_SMTP_LINE_H

#include "base/span.h"

struct smtp_line {
    struct span text;  /* without the line end, first `cap` bytes */
    uint32_t offset;   /* stream offset of its first byte */
    uint32_t full_len; /* without the line end, all of it */
    bool bare_lf;      /* ended by LF alone */
    bool cut;          /* longer than the cap */
};

struct smtp_line_buffer {
    uint8_t *p; /* the part of the line seen so far; heap, NULL when unused */
    uint32_t n, size;
    uint32_t full_len; /* bytes of the line seen so far, discarded ones included */
    uint32_t offset;   /* of the line's first byte */
    bool open;         /* a line has begun */
    bool last_cr;      /* the newest byte was CR */
};

/*
 * Reads `in`, which begins at stream offset `offset`. Returns the bytes used. When a line became
 * complete, *done is set and *out is valid until the next call; otherwise all of `in` was used.
 * `cap` > 0 bounds what is kept of the line.
 */
size_t smtp_line_push(struct smtp_line_buffer *b, struct span in, uint32_t offset, uint32_t cap,
                      struct smtp_line *out, bool *done);

/* Keeps bytes that are no line, at most `cap` of them together: the buffer has no line open. */
void smtp_line_hold(struct smtp_line_buffer *b, struct span in, uint32_t cap);

/* Forgets a half line (after a gap) but keeps the memory. */
void smtp_line_reset(struct smtp_line_buffer *b);
void smtp_line_fini(struct smtp_line_buffer *b);

#endif
