/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "report/prevalence_render.h"

#define END "\r\n" /* RFC 4180 section 2 */

/* Text that others chose: quoted, and no formula to a spreadsheet. */
static void put_text(FILE *out, const char *text)
{
    putc('"', out);
    if (*text && strchr("=+-@\t\r", *text))
        putc('\'', out);
    for (; *text; text++) {
        if (*text == '"')
            putc('"', out);
        putc(*text, out);
    }
    putc('"', out);
}

static void put_count(FILE *out, const char *what, uint64_t count)
{
    fprintf(out, "input,,,%s,,,,%" PRIu64 ",,,,,," END, what, count);
}

static void put_input(const struct prevalence_run *run, const struct prevalence_counts *c,
                      FILE *out)
{
    put_count(out, "files", run->files);
    put_count(out, "lines", run->lines);
    put_count(out, "other-events", run->other);
    put_count(out, "broken", run->broken);
    for (int i = 0; i < PREVALENCE_FATE_COUNT; i++)
        put_count(out, prevalence_fate_text((enum prevalence_fate)i), c->fate[i]);
    for (int i = EVENT_REPLY_WHOLE + 1; i < EVENT_REPLY_COUNT; i++)
        put_count(out, prevalence_reply_text((enum event_reply)i), c->unknown[i]);
    put_count(out, "unknown-server-days", c->unknown_days);
    put_count(out, "garble-strings-left-out", c->texts_left_out);
    put_count(out, "vantages", c->vantages);
}

static void put_millionths(FILE *out, uint32_t share)
{
    fprintf(out, ",%" PRIu32 ".%06" PRIu32, share / INTERVAL_WHOLE, share % INTERVAL_WHOLE);
}

static void put_share(FILE *out, const struct prevalence_sum *sum, int state)
{
    const struct interval *i = &sum->share[state];
    fprintf(out, "%" PRIu64 ",%" PRIu32 ",%" PRIu32, i->count, sum->days, sum->servers);
    if (i->method == INTERVAL_NONE) {
        fputs(",,,," END, out);
        return;
    }
    put_millionths(out, i->share);
    put_millionths(out, i->low);
    put_millionths(out, i->high);
    fprintf(out, ",%s" END, interval_method_text(i->method));
}

static void put_group(FILE *out, const char *table, enum prevalence_place place,
                      enum prevalence_by by, const struct prevalence_group *g)
{
    for (int b = 0; b < PREVALENCE_BASE_COUNT; b++) {
        for (int s = 0; s < PREVALENCE_STATE_COUNT; s++) {
            fprintf(out, "%s,%s,%s,%s,", table, prevalence_place_text(place),
                    prevalence_by_text(by), g->label);
            if (g->name[0])
                put_text(out, g->name);
            fprintf(out, ",%s,%s,", prevalence_state_text((enum prevalence_state)s),
                    prevalence_base_text((enum prevalence_base)b));
            put_share(out, &g->sum[b], s);
        }
    }
}

static int put_groups(struct prevalence *p, enum prevalence_by by, FILE *out)
{
    struct prevalence_group g;
    for (int i = 0; i < PREVALENCE_PLACE_COUNT; i++) {
        enum prevalence_place place = (enum prevalence_place)i;
        for (uint32_t n = 0; n < prevalence_groups(p, place); n++) {
            if (prevalence_group(p, place, n, &g))
                return -1;
            put_group(out, "group", place, by, &g);
        }
    }
    return 0;
}

static void put_near(const struct prevalence *p, FILE *out)
{
    char day[PREVALENCE_DAY], name[sizeof(struct event_vantage) + 1];
    for (uint32_t i = 0; i < prevalence_boxes(p); i++) {
        struct prevalence_box box = prevalence_box(p, i);
        prevalence_day_text(day, box.day);
        snprintf(name, sizeof(name), "%s %s", box.vantage->host, box.vantage->interface);
        fprintf(out, "near,near,day,%s,", day);
        put_text(out, name);
        fprintf(out, ",affected,all,%" PRIu32 ",%" PRIu32 ",%" PRIu32 ",,,," END, box.affected,
                box.servers, box.servers);
    }
}

static void put_garbles(const struct prevalence *p, FILE *out)
{
    for (uint32_t i = 0; i < prevalence_garbles(p); i++) {
        struct prevalence_garble g = prevalence_garble(p, i);
        fprintf(out, "garbled,%s,text,", prevalence_place_text(g.place));
        put_text(out, g.text);
        fprintf(out, ",%s,,,%" PRIu32 ",,%" PRIu32 ",,,," END, cause_text(g.cause), g.days,
                g.servers);
    }
}

int prevalence_csv(struct prevalence *p, const struct prevalence_run *run, FILE *out)
{
    int rc = 0;
    fputs("table,place,by,group,name,state,base,count,of,servers,share,low,high,interval" END, out);
    put_input(run, prevalence_counts(p), out);
    for (int i = 0; i < PREVALENCE_PLACE_COUNT; i++) {
        enum prevalence_place place = (enum prevalence_place)i;
        put_group(out, "place", place, PREVALENCE_BY_NOTHING, prevalence_total(p, place));
    }
    if (run->by != PREVALENCE_BY_NOTHING)
        rc = put_groups(p, run->by, out);
    put_near(p, out);
    put_garbles(p, out);
    return rc;
}
