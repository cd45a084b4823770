/* SPDX-License-Identifier: Apache-2.0 */
/* Elastic Common Schema: its fields, and what it has none for under `stripwatch`. */
#include "alert/format_inside.h"
#include "alert/format_nest.h"

#define ECS      FORMAT_ROW
#define ECS_WITH FORMAT_ROW_WITH
static const struct format_row ROW[] = {
#include "alert/format_map.def"
};

static bool put_text(struct eve_value *out, enum eve_value_kind kind, const char *text)
{
    *out = (struct eve_value){.kind = kind, .text = span_str(text)};
    return out->text.n > 0;
}

static bool is_alert(const struct format_how *h)
{
    return h->view->type == EVE_VIEW_ALERT;
}

bool format_how_ecs_kind(struct format_how *h, const char *from, struct eve_value *out)
{
    (void)from;
    if (is_alert(h))
        return put_text(out, EVE_VALUE_TEXT, "alert");
    return put_text(out, EVE_VALUE_TEXT, h->view->type == EVE_VIEW_STATS ? "metric" : "event");
}

/* A sensor that is blind has detected nothing. */
bool format_how_ecs_category(struct format_how *h, const char *from, struct eve_value *out)
{
    (void)from;
    if (h->view->type == EVE_VIEW_STATS)
        return false;
    bool detection = is_alert(h) && eve_view_get(h->view, "sensor").kind == EVE_VALUE_NONE;
    return put_text(out, EVE_VALUE_WORDS, detection ? "network,intrusion_detection" : "network");
}

bool format_how_ecs_type(struct format_how *h, const char *from, struct eve_value *out)
{
    static const char *const type[] = {
        [EVE_VIEW_ALERT] = "info",
        [EVE_VIEW_SMTP] = "connection,end",
        [EVE_VIEW_TLS] = "protocol,info",
        [EVE_VIEW_STATS] = "info",
    };
    _Static_assert(sizeof(type) / sizeof(type[0]) == EVE_VIEW_TYPE_COUNT, "one each");
    (void)from;
    return put_text(out, EVE_VALUE_WORDS, type[h->view->type]);
}

bool format_how_ecs_direction(struct format_how *h, const char *from, struct eve_value *out)
{
    static const char *const direction[][2] = {
        {"mx-in", "inbound"}, {"mx-out", "outbound"}, {"internal", "internal"}};
    struct span role = eve_view_get(h->view, from).text;
    for (size_t i = 0; i < sizeof(direction) / sizeof(direction[0]); i++)
        if (span_eq(role, span_str(direction[i][0])))
            return put_text(out, EVE_VALUE_TEXT, direction[i][1]);
    return false;
}

bool format_how_ecs_established(struct format_how *h, const char *from, struct eve_value *out)
{
    bool smtp = h->view->type == EVE_VIEW_SMTP;
    if (!smtp && h->view->type != EVE_VIEW_TLS)
        return false;
    struct span is = eve_view_get(h->view, smtp ? "starttls.handshake" : from).text;
    *out = (struct eve_value){.kind = EVE_VALUE_TRUTH,
                              .truth = span_eq(is, span_str(smtp ? "complete" : "finished"))};
    return true;
}

bool format_how_ecs_hash(struct format_how *h, const char *from, struct eve_value *out)
{
    struct span text = eve_view_get(h->view, from).text;
    size_t n = 0;
    for (size_t i = 0; i < text.n && n < sizeof(h->scratch); i++)
        if (text.p[i] != ':')
            h->scratch[n++] = (char)span_upper(text.p[i]);
    *out = (struct eve_value){.kind = EVE_VALUE_TEXT, .text = span_of(h->scratch, n)};
    return n > 0;
}

static bool as_list(bool good, struct eve_value *out)
{
    out->kind = EVE_VALUE_ONE;
    return good;
}

bool format_how_ecs_technique(struct format_how *h, const char *from, struct eve_value *out)
{
    return as_list(format_how_attack_technique(h, from, out), out);
}

bool format_how_ecs_subtechnique(struct format_how *h, const char *from, struct eve_value *out)
{
    return as_list(format_how_attack_subtechnique(h, from, out), out);
}

struct span format_ecs(const struct eve_view *v, const struct format_options *o,
                       struct format_out *out)
{
    (void)o;
    return format_nest_line(&out->json, v, FORMAT_ECS, ROW, sizeof(ROW) / sizeof(ROW[0]));
}
