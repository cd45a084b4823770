/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/sink.h"

size_t sink_render(const struct sink_format *f, struct span eve, char *to, size_t room)
{
    size_t n = f->render ? f->render(f->user, eve, to, room) : 0;

    if (n == 0 || n > room) {
        n = eve.n < room ? eve.n : room;
        memcpy(to, eve.p, n);
    }
    while (n > 0 && to[n - 1] == '\n')
        n--;
    for (char *lf = memchr(to, '\n', n); lf; lf = memchr(lf, '\n', n - (size_t)(lf - to)))
        *lf = ' ';
    return n;
}
