/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/json.h"
#include "report/prevalence_render.h"

/* The document is written in pieces, each an object on a line of its own: it may be larger than the
 * room of one writer (base/json.h). */
static void put_line(struct json *j, const char *before, const char *after, FILE *out)
{
    struct span text = json_end(j);
    fputs(before, out);
    fwrite(text.p, 1, text.n - 1, out); /* without its LF */
    fputs(after, out);
}

static void put_input(struct json *j, const struct prevalence_run *run, FILE *out)
{
    json_begin(j);
    json_uint(j, "files", run->files);
    json_uint(j, "lines", run->lines);
    json_uint(j, "other_events", run->other);
    json_uint(j, "broken", run->broken);
    put_line(j, "{\"format\":\"stripwatch-prevalence\",\"version\":1,\n\"input\":", ",\n", out);
}

static void put_counts(struct json *j, const struct prevalence_counts *c, FILE *out)
{
    json_begin(j);
    for (int i = 0; i < PREVALENCE_FATE_COUNT; i++)
        json_uint(j, prevalence_fate_text((enum prevalence_fate)i), c->fate[i]);
    json_object(j, "unknown_why");
    for (int i = EVENT_REPLY_WHOLE + 1; i < EVENT_REPLY_COUNT; i++)
        json_uint(j, prevalence_reply_text((enum event_reply)i), c->unknown[i]);
    json_close(j);
    put_line(j, "\"sessions\":", ",\n", out);
    json_begin(j);
    json_uint(j, "unknown_server_days", c->unknown_days);
    json_uint(j, "garble_strings_left_out", c->texts_left_out);
    json_uint(j, "vantages", c->vantages);
    put_line(j, "\"beside\":", ",\n", out);
}

static void put_method(struct json *j, FILE *out)
{
    json_begin(j);
    json_millionths(j, "level", 950000);
    json_uint(j, "resamples", INTERVAL_RESAMPLES);
    json_word(j, "generator", "splitmix64");
    json_uint(j, "seed", INTERVAL_SEED);
    put_line(j, "\"interval\":", ",\n", out);
}

static void put_share(struct json *j, const char *key, const struct interval *i)
{
    json_object(j, key);
    json_uint(j, "count", i->count);
    if (i->method != INTERVAL_NONE) {
        json_millionths(j, "share", i->share);
        json_millionths(j, "low", i->low);
        json_millionths(j, "high", i->high);
        json_word(j, "interval", interval_method_text(i->method));
    }
    json_close(j);
}

static void put_sum(struct json *j, const char *key, const struct prevalence_sum *sum)
{
    json_object(j, key);
    json_uint(j, "server_days", sum->days);
    json_uint(j, "servers", sum->servers);
    for (int s = 0; s < PREVALENCE_STATE_COUNT; s++)
        put_share(j, prevalence_state_text((enum prevalence_state)s), &sum->share[s]);
    json_close(j);
}

static void put_group(struct json *j, enum prevalence_place place, const struct prevalence_group *g)
{
    json_begin(j);
    json_word(j, "place", prevalence_place_text(place));
    if (g->label[0])
        json_str(j, "group", g->label);
    if (g->name[0])
        json_str(j, "name", g->name);
    json_uint(j, "sessions", g->sessions);
    for (int b = 0; b < PREVALENCE_BASE_COUNT; b++)
        put_sum(j, prevalence_base_text((enum prevalence_base)b), &g->sum[b]);
}

static void put_places(struct json *j, const struct prevalence *p, FILE *out)
{
    fputs("\"places\":[", out);
    for (int i = 0; i < PREVALENCE_PLACE_COUNT; i++) {
        enum prevalence_place place = (enum prevalence_place)i;
        put_group(j, place, prevalence_total(p, place));
        put_line(j, i > 0 ? ",\n" : "\n", "", out);
    }
    fputs("]", out);
}

static int put_groups(struct json *j, struct prevalence *p, enum prevalence_by by, FILE *out)
{
    struct prevalence_group g;
    const char *between = "\n";
    fprintf(out, ",\n\"by\":\"%s\",\n\"groups\":[", prevalence_by_text(by));
    for (int i = 0; i < PREVALENCE_PLACE_COUNT; i++) {
        enum prevalence_place place = (enum prevalence_place)i;
        for (uint32_t n = 0; n < prevalence_groups(p, place); n++) {
            if (prevalence_group(p, place, n, &g))
                return -1;
            put_group(j, place, &g);
            put_line(j, between, "", out);
            between = ",\n";
        }
    }
    fputs("]", out);
    return 0;
}

static void put_near(struct json *j, const struct prevalence *p, FILE *out)
{
    char day[PREVALENCE_DAY];
    fputs(",\n\"near\":[", out);
    for (uint32_t i = 0; i < prevalence_boxes(p); i++) {
        struct prevalence_box box = prevalence_box(p, i);
        prevalence_day_text(day, box.day);
        json_begin(j);
        json_str(j, "host", box.vantage->host);
        json_str(j, "in_iface", box.vantage->interface);
        json_word(j, "day", day);
        json_uint(j, "servers", box.servers);
        json_uint(j, "affected", box.affected);
        put_line(j, i > 0 ? ",\n" : "\n", "", out);
    }
    fputs("]", out);
}

static void put_garbles(struct json *j, const struct prevalence *p, FILE *out)
{
    fputs(",\n\"garbled\":[", out);
    for (uint32_t i = 0; i < prevalence_garbles(p); i++) {
        struct prevalence_garble g = prevalence_garble(p, i);
        json_begin(j);
        json_word(j, "place", prevalence_place_text(g.place));
        json_str(j, "text", g.text);
        json_word(j, "cause", cause_text(g.cause));
        json_uint(j, "server_days", g.days);
        json_uint(j, "servers", g.servers);
        put_line(j, i > 0 ? ",\n" : "\n", "", out);
    }
    fputs("]", out);
}

int prevalence_json(struct prevalence *p, const struct prevalence_run *run, FILE *out)
{
    struct json *j = malloc(sizeof(*j));
    int rc = j ? 0 : -1;
    if (!j)
        return rc;
    put_input(j, run, out);
    put_counts(j, prevalence_counts(p), out);
    put_method(j, out);
    put_places(j, p, out);
    if (run->by != PREVALENCE_BY_NOTHING)
        rc = put_groups(j, p, run->by, out);
    put_near(j, p, out);
    put_garbles(j, p, out);
    fputs("}\n", out);
    free(j);
    return rc;
}
