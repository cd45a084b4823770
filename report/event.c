/* SPDX-License-Identifier: Apache-2.0 */
#include "report/event.h"

#include <jansson.h>
#include <stdio.h>

#include "base/text.h"
#include "report/event_field.h"
#include "rules/middlebox.h"

static enum event_kind broken(char why[EVENT_WHY], const char *what, struct span bytes)
{
    char shown[64];
    text_escape(shown, sizeof(shown), bytes);
    snprintf(why, EVENT_WHY, bytes.n ? "%s: '%s'" : "%s%s", what, shown);
    return EVENT_BROKEN;
}

static bool says(struct span value, const char *word)
{
    return span_eq(value, span_str(word));
}

/* --- the server --- */

static bool read_day(struct span text, int32_t *day)
{
    int64_t second;
    bool zoned;
    if (!event_time(text, &second, &zoned) || !zoned)
        return false;
    *day = event_day(second);
    return true;
}

static bool read_port(const json_t *value, uint16_t *port)
{
    json_int_t n = json_integer_value(value);
    *port = (uint16_t)n;
    return json_is_integer(value) && n >= 0 && n <= UINT16_MAX;
}

/* --- what the session says --- */

/* Of the findings above info, by the state that they stand for. A rule that is judged for sessions
 * without an offer as well as for others stands for the removal only of an offer that is missing.
 */
static const struct {
    const char *rule;
    uint8_t state;
    bool without_offer;
} SIGN[] = {
    {"starttls-removed", EVENT_REMOVED, false}, {"starttls-vanished", EVENT_REMOVED, false},
    {"path-stripped", EVENT_REMOVED, false},    {"sts-offer-missing", EVENT_REMOVED, true},
    {"dane-violated", EVENT_REMOVED, true},     {"preload-violated", EVENT_REMOVED, true},
    {"partner-violated", EVENT_REMOVED, true},  {"starttls-refused", EVENT_REFUSED, false},
    {"ehlo-refused", EVENT_REFUSED, false},
};

static uint8_t state_of(struct span rule, bool no_offer)
{
    for (size_t i = 0; i < sizeof(SIGN) / sizeof(SIGN[0]); i++)
        if (says(rule, SIGN[i].rule) && (no_offer || !SIGN[i].without_offer))
            return SIGN[i].state;
    return 0;
}

/* False: the list is not what the schema says. *refused: EHLO was. */
static bool read_findings(const json_t *list, bool no_offer, uint8_t *states, bool *refused)
{
    size_t i;
    json_t *f;
    if (!json_is_array(list))
        return false;
    json_array_foreach(list, i, f)
    {
        struct span rule = event_member(f, "rule"), severity = event_member(f, "severity");
        if (rule.n == 0 || severity.n == 0)
            return false;
        if (says(severity, "info"))
            continue;
        *states |= state_of(rule, no_offer);
        *refused |= says(rule, "ehlo-refused");
    }
    return true;
}

static enum event_reply reply_of(struct span ehlo, struct span offered, struct span visibility,
                                 bool refused)
{
    if (refused)
        return EVENT_REPLY_WHOLE;
    if (says(visibility, "client"))
        return EVENT_REPLY_ONE_SIDED;
    if (says(ehlo, "gap"))
        return EVENT_REPLY_GAP;
    if (says(ehlo, "cut"))
        return EVENT_REPLY_CUT;
    if (!says(ehlo, "complete"))
        return EVENT_REPLY_NONE;
    bool known = says(offered, "yes") || says(offered, "no") || says(offered, "garbled") ||
                 says(offered, "conflicting");
    return known ? EVENT_REPLY_WHOLE : EVENT_REPLY_UNDECIDED;
}

/* As rules/ has it (finding.cause), worked out again: the record of a session does not tell the
 * causes of its findings, and not every finding has an alert, which does. */
static enum cause cause_of(struct span token, struct span banner)
{
    enum middlebox_mask mask = middlebox_mask(token);
    struct span greeting = span_from(banner, 4); /* the code and what stands behind it */
    bool masked = middlebox_match("banner", greeting) != NULL;
    if (mask == MIDDLEBOX_MASK_LETTERED || (mask == MIDDLEBOX_MASK_RUN && masked))
        return CAUSE_CISCO_ESMTP_INSPECTION;
    return CAUSE_ON_PATH_REWRITE;
}

/* When two copies of the reply differ in the offer, one of them had it taken out. */
static uint8_t offer_states(struct span offered)
{
    if (says(offered, "yes"))
        return EVENT_OFFERED;
    if (says(offered, "garbled"))
        return EVENT_GARBLED;
    return says(offered, "conflicting") ? EVENT_REMOVED : 0;
}

static bool read_starttls(const json_t *t, struct event *out)
{
    struct span offered = event_member(t, "offered"), role = event_member(t, "role");
    struct span token = event_member(t, "token");
    bool refused = false;
    if (offered.n == 0 ||
        !read_findings(json_object_get(t, "findings"), says(offered, "no"), &out->states, &refused))
        return false;
    out->implicit = json_is_true(json_object_get(t, "implicit"));
    out->handed_in = says(role, "submission") || says(role, "internal");
    out->reply = reply_of(event_member(t, "ehlo"), offered, event_member(t, "visibility"), refused);
    out->states |= offer_states(offered);
    if (says(event_member(t, "verdict"), "encrypted"))
        out->states |= EVENT_ENCRYPTED;
    if (out->reply != EVENT_REPLY_WHOLE)
        out->states = 0;
    event_tame(out->token, sizeof(out->token), token);
    out->cause = cause_of(token, event_member(t, "banner"));
    return true;
}

/* --- the line --- */

static void read_name(const json_t *root, const char *key, char dst[CAP_EVENT_NAME])
{
    struct span name = event_member(root, key);
    event_tame(dst, CAP_EVENT_NAME, name.n > 0 ? name : span_str("-"));
}

static enum event_kind read_root(const json_t *root, struct event *out, char why[EVENT_WHY])
{
    struct span type = event_member(root, "event_type");
    const json_t *starttls = json_object_get(root, "starttls");
    if (!json_is_object(root) || type.n == 0)
        return broken(why, "no object with an event_type", span_of(NULL, 0));
    if (!says(type, "smtp") || !starttls)
        return EVENT_OTHER;
    *out = (struct event){0};
    if (!read_day(event_member(root, "timestamp"), &out->day))
        return broken(why, "no timestamp of EVE", event_member(root, "timestamp"));
    if (!event_address(event_member(root, "dest_ip"), &out->family, out->server))
        return broken(why, "dest_ip is no address", event_member(root, "dest_ip"));
    if (!read_port(json_object_get(root, "dest_port"), &out->port))
        return broken(why, "dest_port is no port", span_of(NULL, 0));
    if (!read_starttls(starttls, out))
        return broken(why, "starttls is not as its schema says", span_of(NULL, 0));
    read_name(root, "host", out->vantage.host);
    read_name(root, "in_iface", out->vantage.interface);
    return EVENT_SESSION;
}

enum event_kind event_read(struct span line, struct event *out, char why[EVENT_WHY])
{
    json_error_t error;
    json_t *root = json_loadb((const char *)line.p, line.n, 0, &error);
    if (!root)
        return broken(why, "no JSON", span_str(error.text));
    enum event_kind kind = read_root(root, out, why);
    json_decref(root);
    return kind;
}
