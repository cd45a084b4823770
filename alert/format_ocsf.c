/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OCSF, class 2004, Detection Finding. An incident is a finding: it is created, updated and closed,
 * and `finding_info.uid` joins the lines of it. Neither address has a role.
 */
#include "alert/format_inside.h"
#include "alert/format_nest.h"

#define OCSF      FORMAT_ROW
#define OCSF_WITH FORMAT_ROW_WITH
static const struct format_row ROW[] = {
#include "alert/format_map.def"
};

#define TYPE_UID 200400 /* of the class; the activity is added */

static bool put_number(struct eve_value *out, int64_t number)
{
    *out = (struct eve_value){.kind = EVE_VALUE_INTEGER, .number = number};
    return true;
}

static bool put_text(struct eve_value *out, const char *text)
{
    *out = (struct eve_value){.kind = EVE_VALUE_TEXT, .text = span_str(text)};
    return true;
}

static bool is(const struct format_how *h, const char *from, const char *word)
{
    return span_eq(eve_view_get(h->view, from).text, span_str(word));
}

static int activity_of(const struct format_how *h, const char *from)
{
    if (is(h, from, "closed"))
        return 3;
    return is(h, from, "ongoing") ? 2 : 1;
}

bool format_how_ocsf_activity(struct format_how *h, const char *from, struct eve_value *out)
{
    return put_number(out, activity_of(h, from));
}

bool format_how_ocsf_activity_name(struct format_how *h, const char *from, struct eve_value *out)
{
    static const char *const name[] = {NULL, "Create", "Update", "Close"};
    return put_text(out, name[activity_of(h, from)]);
}

bool format_how_ocsf_type(struct format_how *h, const char *from, struct eve_value *out)
{
    return put_number(out, TYPE_UID + activity_of(h, from));
}

bool format_how_ocsf_status(struct format_how *h, const char *from, struct eve_value *out)
{
    return put_number(out, is(h, from, "closed") ? 4 : 1);
}

bool format_how_ocsf_severity_name(struct format_how *h, const char *from, struct eve_value *out)
{
    static const char *const name[] = {[SEVERITY_INFO] = "Informational",
                                       [SEVERITY_LOW] = "Low",
                                       [SEVERITY_MEDIUM] = "Medium",
                                       [SEVERITY_HIGH] = "High",
                                       [SEVERITY_CRITICAL] = "Critical"};
    _Static_assert(sizeof(name) / sizeof(name[0]) == SEVERITY_COUNT, "a name each");
    (void)from;
    return put_text(out, name[h->view->severity]);
}

bool format_how_ocsf_confidence(struct format_how *h, const char *from, struct eve_value *out)
{
    static const char *const word[] = {"low", "medium", "high"};
    struct eve_value v;
    if (!format_how_first(h, from, &v))
        return false;
    for (int i = 0; i < 3; i++)
        if (span_eq(v.text, span_str(word[i])))
            return put_number(out, i + 1);
    return span_eq(v.text, span_str("proof")) && put_number(out, 3);
}

bool format_how_ocsf_labels(struct format_how *h, const char *from, struct eve_value *out)
{
    struct eve_value v;
    if (!format_how_first(h, from, &v) || !span_eq(v.text, span_str("true")))
        return false;
    *out = (struct eve_value){.kind = EVE_VALUE_WORDS, .text = span_str("do_not_block")};
    return true;
}

bool format_how_ocsf_protocol(struct format_how *h, const char *from, struct eve_value *out)
{
    if (is(h, from, "UDP"))
        return put_number(out, 17);
    return is(h, from, "TCP") && put_number(out, 6);
}

struct span format_ocsf(const struct eve_view *v, const struct format_options *o,
                        struct format_out *out)
{
    (void)o;
    return format_nest_line(&out->json, v, FORMAT_OCSF, ROW, sizeof(ROW) / sizeof(ROW[0]));
}
