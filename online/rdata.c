/* SPDX-License-Identifier: Apache-2.0 */
#include "online/rdata.h"

#include <stdlib.h>

#include "base/cursor.h"

#define LABEL_MOST 63

bool rdata_name(struct span s, struct domain *out)
{
    struct cursor c = cursor_of(s);
    char text[CAP_DOMAIN_TEXT + 1];
    size_t n = 0;

    *out = (struct domain){0};
    for (;;) {
        uint8_t length = cursor_u8(&c);
        struct span label = cursor_span(&c, length);
        if (c.bad || length > LABEL_MOST)
            return false;
        if (length == 0)
            break;
        if (n + label.n + 1 > sizeof(text) || span_find(label, '.') < label.n)
            return false; /* a dot within a label is no dot between two */
        memcpy(text + n, label.p, label.n);
        n += label.n;
        text[n++] = '.';
    }
    if (c.left > 0)
        return false;
    return n == 0 || domain_read(span_of(text, n), out);
}

bool rdata_mx(struct span rdata, uint16_t *preference, struct domain *host)
{
    struct cursor c = cursor_of(rdata);

    *preference = cursor_u16(&c);
    *host = (struct domain){0};
    return !c.bad && rdata_name(cursor_rest(&c), host);
}

bool rdata_txt(struct span rdata, uint8_t *to, size_t *n, bool *split)
{
    struct cursor c = cursor_of(rdata);
    size_t strings = 0;

    *n = 0;
    for (; c.left > 0; strings++) {
        struct span s = cursor_span(&c, cursor_u8(&c));
        if (c.bad)
            return false;
        if (s.n > 0)
            memcpy(to + *n, s.p, s.n);
        *n += s.n;
    }
    *split = strings > 1;
    return strings > 0;
}

struct txt_record *rdata_txts(const struct span *rdata, size_t n, size_t *count)
{
    size_t bytes = 0, used = 0;

    *count = 0;
    for (size_t i = 0; i < n; i++)
        bytes += rdata[i].n;
    struct txt_record *list = malloc((n + 1) * sizeof(*list) + bytes);
    if (!list)
        return NULL;
    uint8_t *text = (uint8_t *)(list + n + 1);
    for (size_t i = 0; i < n; i++) {
        struct txt_record *to = &list[*count];
        size_t length;
        if (!rdata_txt(rdata[i], text + used, &length, &to->split))
            continue;
        to->text = span_of(text + used, length);
        used += length;
        ++*count;
    }
    return list;
}
