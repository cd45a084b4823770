/* SPDX-License-Identifier: Apache-2.0 */
#include "dissect/smtp_line.h"

#include "base/heap.h"

#define FIRST_SIZE 256

/* Keeps as much of `in` as the cap allows; without memory the line just looks cut. */
static void keep(struct smtp_line_buffer *b, struct span in, uint32_t cap)
{
    size_t room = b->n < cap ? cap - b->n : 0;
    size_t n = in.n < room ? in.n : room;

    if (n == 0)
        return;
    if (b->n + n > b->size) {
        uint32_t size = b->size ? b->size : FIRST_SIZE;
        uint8_t *p;

        while (size < b->n + n)
            size *= 2;
        p = heap_resize(b->p, size);
        if (!p)
            return;
        b->p = p;
        b->size = size;
    }
    memcpy(b->p + b->n, in.p, n);
    b->n += (uint32_t)n;
}

static void finish(struct smtp_line *out, struct span text, uint32_t full, bool cr, uint32_t cap)
{
    if (cr) {
        if (text.n == full) /* the CR is among the kept bytes */
            text.n--;
        full--;
    }
    out->text = span_first(text, cap);
    out->full_len = full;
    out->bare_lf = !cr;
    out->cut = out->text.n < full;
}

size_t smtp_line_push(struct smtp_line_buffer *b, struct span in, uint32_t offset, uint32_t cap,
                      struct smtp_line *out, bool *done)
{
    size_t at = span_find(in, '\n');
    bool ends = at < in.n;

    *done = ends;
    if (!b->open && ends) { /* the whole line lies here */
        out->offset = offset;
        finish(out, span_first(in, at), (uint32_t)at, at > 0 && in.p[at - 1] == '\r', cap);
        return at + 1;
    }
    if (!b->open && in.n) {
        b->open = true;
        b->n = 0;
        b->full_len = 0;
        b->last_cr = false;
        b->offset = offset;
    }
    keep(b, span_first(in, at), cap + 1); /* one more: the CR of a line of exactly the cap */
    if (at > 0)
        b->last_cr = in.p[at - 1] == '\r';
    b->full_len = b->full_len > UINT32_MAX - (uint32_t)at ? UINT32_MAX : b->full_len + (uint32_t)at;
    if (!ends)
        return in.n;
    out->offset = b->offset;
    finish(out, span_of(b->p, b->n), b->full_len, b->last_cr && b->full_len > 0, cap);
    b->open = false;
    return at + 1;
}

void smtp_line_hold(struct smtp_line_buffer *b, struct span in, uint32_t cap)
{
    keep(b, in, cap);
}

void smtp_line_reset(struct smtp_line_buffer *b)
{
    b->open = false;
    b->n = 0;
}

void smtp_line_fini(struct smtp_line_buffer *b)
{
    heap_free(b->p);
    *b = (struct smtp_line_buffer){0};
}
