/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Syslog as RFC 5424 has it:
 *
 *   <PRI>1 TIMESTAMP HOSTNAME stripwatch - MSGID [origin ...][stripwatch@PEN ...] MSG
 *
 * MSGID is the rule of an alert, else the kind of the line. The message is the line of EVE, without
 * the byte order mark of section 6.4, which those who read JSON would stumble over: to them it is
 * MSG-ANY. Framing (RFC 6587, RFC 5425) is for who sends it.
 */
#include "alert/format_flat.h"
#include "alert/format_inside.h"

#define SD_SPECIAL    "\"\\]" /* section 6.3.3 */
#define INFORMATIONAL 6       /* of lines that are no alerts */

/* Section 6. */
#define HOSTNAME_MAX 255
#define MSGID_MAX    32

#define SD_MAX                                                                                     \
    (CAP_FORMAT_LINE - CAP_JSON_LINE - 1024) /* header and data leave room for the line */

#define RFC5424 FORMAT_ROW
static const struct format_row ROW[] = {
#include "alert/format_map.def"
};

/* PRINTUSASCII (section 6); anything else becomes a dash. */
static void put_name(struct format_flat *f, struct span name, size_t most)
{
    if (name.n == 0)
        format_flat_word(f, "-");
    name = span_first(name, most);
    for (size_t i = 0; i < name.n; i++) {
        char c[2] = {name.p[i] > 32 && name.p[i] < 127 ? (char)name.p[i] : '-', '\0'};
        format_flat_word(f, c);
    }
}

static void put_header(struct format_flat *f, struct format_how *h, const struct format_options *o)
{
    const struct eve_view *v = h->view;
    struct span host = eve_view_get(v, "host").text, kind = span_str(eve_view_type_text(v->type));
    struct eve_value time = {.kind = EVE_VALUE_NONE};
    bool alert = v->type == EVE_VIEW_ALERT;
    int severity = alert ? format_severity(FORMAT_RFC5424, v->severity) : INFORMATIONAL;
    format_flat_word(f, "<");
    format_flat_number(f, (o->facility < 24 ? o->facility : FORMAT_FACILITY) * 8 + severity);
    format_flat_word(f, ">1 ");
    format_how_utc(h, "timestamp", &time);
    format_flat_value(f, time, "");
    format_flat_word(f, " ");
    if (host.n == 0 && o->hostname)
        host = span_str(o->hostname);
    put_name(f, host, HOSTNAME_MAX);
    format_flat_word(f, " stripwatch - ");
    put_name(f, alert ? v->rule : kind, MSGID_MAX);
    format_flat_word(f, " ");
}

static void put_param(struct format_flat *f, const char *name, struct eve_value v)
{
    format_flat_word(f, " ");
    format_flat_word(f, name);
    format_flat_word(f, "=\"");
    format_flat_value(f, v, SD_SPECIAL);
    format_flat_word(f, "\"");
}

static void put_data(struct format_flat *f, struct format_how *h)
{
    format_flat_word(f, "[origin software=\"stripwatch\" swVersion=\"" STRIPWATCH_VERSION
                        "\"][stripwatch@" FORMAT_PEN);
    for (size_t i = 0; i < sizeof(ROW) / sizeof(ROW[0]) && !f->full; i++) {
        struct eve_value value;
        size_t before = f->n;
        h->constant = ROW[i].constant;
        if (!ROW[i].how(h, ROW[i].from, &value))
            continue;
        put_param(f, ROW[i].to, value);
        if (f->full)
            format_flat_back(f, before);
    }
}

struct span format_rfc5424(const struct eve_view *v, struct span eve,
                           const struct format_options *o, struct format_out *out)
{
    struct format_flat f = {.p = out->text, .cap = SD_MAX};
    struct format_how h = {.view = v, .format = FORMAT_RFC5424};
    struct eve_value reason;
    put_header(&f, &h, o);
    put_data(&f, &h);
    f.cap = sizeof(out->text) - 1;
    f.full = false;
    format_flat_word(&f, "] ");
    if (o->reason_only && format_how_as_is(&h, "starttls.finding.reason", &reason))
        format_flat_value(&f, reason, "");
    else
        format_flat_text(&f, eve, "");
    if (f.full)
        return span_of(NULL, 0);
    out->text[f.n] = '\n';
    return span_of(out->text, f.n + 1);
}
