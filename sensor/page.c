/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/page.h"

#include <stdarg.h>
#include <stdio.h>

void page_put(struct page *p, const char *format, ...)
{
    size_t room = p->room - p->n;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(p->text + p->n, room, format, args);
    va_end(args);
    if (n > 0 && (size_t)n < room)
        p->n += (size_t)n;
}
