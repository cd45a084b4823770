/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/format.h"

#include "alert/format_inside.h"

static const char *const NAME[] = {
    [FORMAT_EVE] = "eve",   [FORMAT_ECS] = "ecs",         [FORMAT_CEF] = "cef",
    [FORMAT_OCSF] = "ocsf", [FORMAT_RFC5424] = "rfc5424",
};
_Static_assert(sizeof(NAME) / sizeof(NAME[0]) == FORMAT_COUNT, "a name each");

/* info is never an alert. EVE: Suricata's; OCSF: severity_id; RFC 5424: section 6.2.1. */
static const int8_t SEVERITY[SEVERITY_COUNT][FORMAT_COUNT] = {
    /*                    EVE ECS CEF OCSF RFC 5424 */
    [SEVERITY_INFO] = {-1, -1, -1, -1, -1},  [SEVERITY_LOW] = {3, 21, 3, 2, 5},
    [SEVERITY_MEDIUM] = {2, 47, 6, 3, 4},    [SEVERITY_HIGH] = {1, 73, 8, 4, 3},
    [SEVERITY_CRITICAL] = {1, 99, 10, 5, 2},
};

const char *format_text(enum format format)
{
    return NAME[format];
}

enum format format_by_name(const char *name)
{
    int i = 0;
    while (i < FORMAT_COUNT && strcmp(NAME[i], name) != 0)
        i++;
    return (enum format)i;
}

int format_severity(enum format format, enum severity severity)
{
    return SEVERITY[severity][format];
}

struct format_options format_options_default(void)
{
    return (struct format_options){.facility = FORMAT_FACILITY};
}

static bool carries(enum format format, enum eve_view_type type)
{
    return type == EVE_VIEW_ALERT || (format != FORMAT_CEF && format != FORMAT_OCSF);
}

static struct span render(enum format format, const struct eve_view *v, struct span eve,
                          const struct format_options *o, struct format_out *out)
{
    switch (format) {
    case FORMAT_ECS:
        return format_ecs(v, o, out);
    case FORMAT_CEF:
        return format_cef(v, o, out);
    case FORMAT_OCSF:
        return format_ocsf(v, o, out);
    case FORMAT_RFC5424:
        return format_rfc5424(v, eve, o, out);
    default:
        return span_of(NULL, 0);
    }
}

/* EVE is what it is; only its end is ours. */
static struct span copy(struct span eve, struct format_out *out)
{
    memcpy(out->text, eve.p, eve.n);
    out->text[eve.n] = '\n';
    return span_of(out->text, eve.n + 1);
}

enum format_result format_line(enum format format, struct span eve, const struct format_options *o,
                               struct format_out *out)
{
    struct format_options usual = format_options_default();
    struct eve_view v;
    out->line = span_of(NULL, 0);
    if (eve.n > 0 && eve.p[eve.n - 1] == '\n')
        eve.n--;
    if (eve.n == 0 || eve.n >= CAP_JSON_LINE)
        return FORMAT_BROKEN;
    bool good = eve_view_open(&v, eve) == 0, carried = good && carries(format, v.type);
    if (carried && format == FORMAT_EVE)
        out->line = copy(eve, out);
    else if (carried)
        out->line = render(format, &v, eve, o ? o : &usual, out);
    eve_view_close(&v);
    if (good && !carried)
        return FORMAT_NOT_CARRIED;
    return out->line.n > 0 ? FORMAT_OK : FORMAT_BROKEN;
}
