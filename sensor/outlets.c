/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/outlets.h"

#include <stdlib.h>

#include "alert/format.h"
#include "sensor/config_output.h"

struct outlet_format {
    enum format format;
    struct format_options options;
    struct format_out out;
};

/* --- which there are --- */

_Static_assert(OUTLETS == CONFIG_OUTPUTS + 2, "beside them standard output and a day's numbers");

void outlets_forget_others(const struct config *c, const char *dir)
{
    struct config_output one[CONFIG_OUTPUTS];
    const char *name[OUTLETS];
    size_t names = config_outputs(c, one);
    for (size_t i = 0; i < names; i++)
        name[i] = one[i].name;
    if (config_to_stdout(c))
        name[names++] = "stdout";
    if (config_wants_daily(c))
        name[names++] = "daily";
    (void)spool_reader_keep_only(dir, name, names);
}

/* --- what they are told --- */

static size_t render(void *user, struct span eve, char *to, size_t room)
{
    struct outlet_format *f = user;
    if (format_line(f->format, eve, &f->options, &f->out) != FORMAT_OK || f->out.line.n > room)
        return 0;
    memcpy(to, f->out.line.p, f->out.line.n);
    return f->out.line.n;
}

static bool set_format(struct outlets *o, unsigned format, unsigned facility,
                       struct sink_format *to)
{
    struct outlet_format *f;
    if (format == FORMAT_EVE)
        return true;
    f = calloc(1, sizeof(*f));
    if (!f)
        return outlets_fail(o, "format", "out of memory");
    o->format[o->formats++] = f;
    f->format = (enum format)format;
    f->options = format_options_default();
    f->options.facility = (uint8_t)facility;
    f->options.hostname = o->child->config.sensor.name;
    *to = (struct sink_format){render, f};
    return true;
}

static unsigned without(const struct config_told *told)
{
    bool alerts_alone = told->format == FORMAT_CEF || told->format == FORMAT_OCSF;
    unsigned not = 0;
    if (!(told->kinds & CONFIG_KIND_ALERT))
        not |= 1u << SPOOL_ALERT;
    if (!(told->kinds & CONFIG_KIND_STATS) || alerts_alone)
        not |= 1u << SPOOL_STATS;
    if (!(told->kinds & (CONFIG_KIND_SMTP | CONFIG_KIND_TLS)) || alerts_alone)
        not |= 1u << SPOOL_SESSION;
    if (alerts_alone) /* they have no lines for these */
        not |= 1u << SPOOL_GAP | 1u << SPOOL_LOSS | 1u << SPOOL_DAILY;
    return not ;
}

_Static_assert((int)CAP_SINK_RULES >= (int)CONFIG_WORDS, "all rules of a list have a place");

bool outlets_filter(struct outlets *o, const struct config_told *told, unsigned facility,
                    struct sink_filter *filter)
{
    *filter = (struct sink_filter){.without_kinds = without(told),
                                   .min_severity = (uint8_t)told->min_severity,
                                   .daily = told->daily};
    for (size_t i = 0; i < told->without_rules.count; i++)
        filter->rules[filter->rule_count++] =
            rule_row(rule_by_name(told->without_rules.word[i]))->sid;
    return set_format(o, told->format, facility, &filter->format);
}

/* --- life --- */

bool outlets_fail(const struct outlets *o, const char *what, const char *why)
{
    child_say(o->child, CONFIG_LOG_ERROR, "%s: %s", what, why);
    return false;
}

bool outlets_add(struct outlets *o, const char *name, struct sink *sink, const char *why)
{
    char text[SPOOL_WHY];
    struct outlet *one = &o->one[o->count];
    if (!sink)
        return outlets_fail(o, name, why);
    one->name = name;
    one->sink = sink;
    memcpy(one->fresh, sink->why, sizeof(one->fresh));
    o->count++;
    if (spool_reader_open(&one->reader, o->dir, name, o->spool, NULL, text) == 0)
        return true;
    return outlets_fail(o, name, text);
}

/* Receivers that are away from the beginning on never change their state. */
static bool is_first_word(const struct outlet *one)
{
    return one->fresh[0] && strcmp(one->fresh, one->sink->why) != 0;
}

static void say_state(const struct outlets *o, struct outlet *one)
{
    const struct sink *s = one->sink;
    one->fresh[0] = '\0';
    child_say(o->child, s->state == SINK_OK ? CONFIG_LOG_INFO : CONFIG_LOG_WARNING,
              "output: %s: %s%s%s", one->name, sink_state_text(s->state), s->why[0] ? ": " : "",
              s->why);
}

bool outlets_serve(struct outlets *o)
{
    bool more = false;
    for (size_t i = 0; i < o->count; i++) {
        struct outlet *one = &o->one[i];
        enum sink_state before = one->sink->state;
        more = sink_turn(one->sink, one->reader, child_clock()) > 0 || more;
        if (one->sink->state != before || is_first_word(one))
            say_state(o, one);
    }
    return more;
}

bool outlets_are_busy(const struct outlets *o)
{
    for (size_t i = 0; i < o->count; i++) {
        const struct sink *s = o->one[i].sink;
        if (s->unarrived > 0 && !s->is_sent)
            return true;
    }
    return false;
}

size_t outlets_poll(const struct outlets *o, struct pollfd *to)
{
    size_t n = 0;
    for (size_t i = 0; i < o->count; i++)
        n += sink_poll(o->one[i].sink, &to[n]);
    return n;
}

void outlets_reopen(struct outlets *o)
{
    for (size_t i = 0; i < o->count; i++)
        sink_reopen(o->one[i].sink);
}

void outlets_close(struct outlets *o)
{
    for (size_t i = 0; i < o->count; i++) {
        spool_reader_close(o->one[i].reader);
        sink_close(o->one[i].sink);
    }
    for (size_t i = 0; i < o->formats; i++)
        free(o->format[i]);
    o->count = o->formats = 0;
}
