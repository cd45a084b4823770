/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/progress.h"

#include <stdio.h>

#define LINE_WIDTH 60 /* the longest text, and still one line of a terminal */

void progress_init(struct progress *p, bool on)
{
    *p = (struct progress){.on = on};
    if (!on)
        return;
    clock_gettime(CLOCK_MONOTONIC, &p->start);
    p->last = p->start;
}

static double since(const struct timespec *then, const struct timespec *now)
{
    return (double)(now->tv_sec - then->tv_sec) + (double)(now->tv_nsec - then->tv_nsec) / 1e9;
}

struct size_text {
    char text[16];
};

static struct size_text size_of(uint64_t bytes)
{
    static const char *const UNIT[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
    double value = (double)bytes / 1000;
    unsigned unit = 0;
    struct size_text out;
    for (; value >= 1000 && unit < 5; unit++)
        value /= 1000;
    snprintf(out.text, sizeof(out.text), value < 10 ? "%.1f %s" : "%.0f %s", value, UNIT[unit]);
    return out;
}

void progress_text(char *dst, size_t cap, uint64_t done, uint64_t total, double seconds)
{
    double rate = seconds > 0 ? (double)done / seconds : 0;
    uint64_t shown = rate < 1e18 ? (uint64_t)rate : UINT64_MAX;
    struct size_text sum = size_of(done), all = size_of(total), each = size_of(shown);
    if (total < done || total == 0 || rate <= 0) {
        snprintf(dst, cap, "%s, %s/s", sum.text, each.text);
        return;
    }
    double left = (double)(total - done) / rate;
    unsigned long wait = left < 360000 ? (unsigned long)left : 360000;
    snprintf(dst, cap, "%s of %s, %s/s, %lu:%02lu left", sum.text, all.text, each.text, wait / 60,
             wait % 60);
}

void progress_update(struct progress *p, uint64_t done, uint64_t total)
{
    char text[LINE_WIDTH];
    struct timespec now;
    if (!p->on)
        return;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (since(&p->last, &now) < 1)
        return;
    p->last = now;
    p->shown = true;
    progress_text(text, sizeof(text), done, total, since(&p->start, &now));
    fprintf(stderr, "\r%-*s", LINE_WIDTH, text);
    fflush(stderr);
}

void progress_clear(struct progress *p)
{
    if (!p->shown)
        return;
    p->shown = false;
    fprintf(stderr, "\r%*s\r", LINE_WIDTH, "");
    fflush(stderr);
}
