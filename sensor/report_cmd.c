/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/report_cmd.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/random.h>

#include "report/prevalence_render.h"
#include "sensor/event_lines.h"

struct report {
    struct prevalence *prevalence;
    struct mmdb *mmdb;
    struct prevalence_run run;
    struct event_lines lines;
    uint64_t unread; /* data bases that are damaged */
};

static bool take_line(void *user, struct span line, char why[EVENT_WHY])
{
    struct report *r = user;
    struct event e;
    enum event_kind kind = event_read(line, &e, why);
    if (kind == EVENT_SESSION)
        prevalence_add(r->prevalence, &e);
    r->run.other += kind == EVENT_OTHER;
    return kind != EVENT_BROKEN;
}

/* --- the report --- */

static int render(struct report *r, const struct cli *c, FILE *to)
{
    if (c->json)
        return prevalence_json(r->prevalence, &r->run, to);
    if (c->csv)
        return prevalence_csv(r->prevalence, &r->run, to);
    return prevalence_print(r->prevalence, &r->run, to);
}

static enum report_exit conclude(struct report *r, FILE *to)
{
    event_lines_close(&r->lines);
    if (mmdb_damaged(r->mmdb)) {
        fprintf(stderr, "stripwatch: --mmdb: %" PRIu64 " look-ups met damaged data\n",
                mmdb_damaged(r->mmdb));
        r->unread++;
    }
    if (fflush(to) || ferror(to)) {
        fprintf(stderr, "stripwatch: standard output: %s\n", strerror(errno));
        return REPORT_TROUBLE;
    }
    return r->unread || r->lines.unread || r->lines.broken ? REPORT_PARTLY : REPORT_DONE;
}

static enum report_exit out_of_memory(void)
{
    fprintf(stderr, "stripwatch: report: out of memory\n");
    return REPORT_TROUBLE;
}

static enum report_exit measure(struct report *r, const struct cli *c, FILE *to)
{
    r->lines = (struct event_lines){.take = take_line, .user = r};
    for (size_t i = 0; i < c->operand_count; i++)
        event_lines_read(&r->lines, c->operand[i]);
    r->run.files = r->lines.files;
    r->run.lines = r->lines.lines;
    r->run.broken = r->lines.broken;
    if (r->run.lines == r->run.broken) {
        fprintf(stderr, "stripwatch: report: there is no line of EVE in what was given\n");
        return REPORT_TROUBLE;
    }
    if (prevalence_close(r->prevalence, c->by, r->mmdb) || render(r, c, to))
        return out_of_memory();
    return conclude(r, to);
}

/* 0, or -1 when what is needed is not there: told. */
static int open_mmdb(struct report *r, const struct cli *c)
{
    char why[MMDB_WHY];
    for (uint32_t i = 0; i < c->mmdb_count; i++) {
        if (mmdb_add(r->mmdb, c->mmdb[i], why)) {
            fprintf(stderr, "stripwatch: --mmdb: %s\n", why);
            return -1;
        }
    }
    bool system = c->by == PREVALENCE_BY_AS, country = c->by == PREVALENCE_BY_COUNTRY;
    if ((!system && !country) || mmdb_has(r->mmdb, system ? MMDB_AS : MMDB_COUNTRY))
        return 0;
    fprintf(stderr, "stripwatch: report: --by %s needs --mmdb FILE, a file that tells the %s\n",
            prevalence_by_text(c->by), system ? "AS (GeoLite2-ASN)" : "country (GeoLite2-Country)");
    return -1;
}

enum report_exit report_cmd(struct cli *c, FILE *to)
{
    struct siphash_key key;
    struct report r = {.mmdb = mmdb_new(), .run.by = c->by};
    enum report_exit code = REPORT_TROUBLE;
    if (getrandom(&key, sizeof(key), 0) == (ssize_t)sizeof(key))
        r.prevalence = prevalence_new(&key);
    if (!r.mmdb || !r.prevalence)
        code = out_of_memory();
    else if (open_mmdb(&r, c) == 0)
        code = measure(&r, c, to);
    prevalence_free(r.prevalence);
    mmdb_free(r.mmdb);
    return code;
}
