/* SPDX-License-Identifier: Apache-2.0 */
#include "report/event.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <stdio.h>

#include "base/text.h"
#include "rules/middlebox.h"

static enum event_kind broken(char why[EVENT_WHY], const char *what, struct span bytes)
{
    char shown[64];
    text_escape(shown, sizeof(shown), bytes);
    snprintf(why, EVENT_WHY, bytes.n ? "%s: '%s'" : "%s%s", what, shown);
    return EVENT_BROKEN;
}

static struct span text_of(const json_t *value)
{
    return json_is_string(value) ? span_of(json_string_value(value), json_string_length(value))
                                 : span_of(NULL, 0);
}

static struct span member(const json_t *object, const char *key)
{
    return text_of(json_object_get(object, key));
}

static bool says(struct span value, const char *word)
{
    return span_eq(value, span_str(word));
}

/* --- texts --- */

/* Room for one more and for the NUL; else the text ends in dots. */
static bool append(char *dst, size_t cap, size_t *n, const char *part, size_t len)
{
    if (*n + len + sizeof("...") > cap) {
        memcpy(dst + *n, "...", sizeof("..."));
        return false;
    }
    memcpy(dst + *n, part, len);
    dst[ *n += len] = '\0';
    return true;
}

/* Our own lines are escaped already (base/text.h), and stay as they are: unlike text_escape() this
 * leaves a backslash alone. */
static void tame(char *dst, size_t cap, struct span text)
{
    size_t n = 0;
    dst[0] = '\0';
    for (size_t step; text.n > 0; text = span_from(text, step)) {
        char hex[8];
        step = text_printable(text);
        bool odd = step == 0;
        if (odd)
            snprintf(hex, sizeof(hex), "\\x%02X", text.p[step++]);
        if (!append(dst, cap, &n, odd ? hex : (const char *)text.p, odd ? 4 : step))
            return;
    }
}

/* --- time --- */

static bool digits(struct span *at, size_t n, int *out)
{
    *out = 0;
    for (size_t i = 0; i < n; i++) {
        if (i >= at->n || !span_is_digit(at->p[i]))
            return false;
        *out = *out * 10 + (at->p[i] - '0');
    }
    *at = span_from(*at, n);
    return true;
}

static bool letter(struct span *at, char c)
{
    if (at->n == 0 || at->p[0] != (uint8_t)c)
        return false;
    *at = span_from(*at, 1);
    return true;
}

struct moment {
    int year, month, day, hour, minute, second, offset; /* the last in seconds east of UTC */
};

static bool read_offset(struct span *at, int *seconds)
{
    int hours, minutes, sign = letter(at, '-') ? -1 : 1;
    if (letter(at, 'Z') && at->n == 0) {
        *seconds = 0;
        return true;
    }
    if (sign > 0 && !letter(at, '+'))
        return false;
    if (!digits(at, 2, &hours))
        return false;
    (void)letter(at, ':');
    if (!digits(at, 2, &minutes))
        return false;
    *seconds = sign * (hours * 3600 + minutes * 60);
    return at->n == 0 && hours < 24 && minutes < 60;
}

/* YYYY-MM-DDTHH:MM:SS.uuuuuu+0000; Suricata writes the offset of its place. */
static bool read_moment(struct span at, struct moment *m)
{
    bool ok = digits(&at, 4, &m->year) && letter(&at, '-') && digits(&at, 2, &m->month) &&
              letter(&at, '-') && digits(&at, 2, &m->day) && letter(&at, 'T') &&
              digits(&at, 2, &m->hour) && letter(&at, ':') && digits(&at, 2, &m->minute) &&
              letter(&at, ':') && digits(&at, 2, &m->second);
    if (ok && letter(&at, '.'))
        while (at.n > 0 && span_is_digit(at.p[0]))
            at = span_from(at, 1);
    return ok && read_offset(&at, &m->offset) && m->year > 0 && m->month >= 1 && m->month <= 12 &&
           m->day >= 1 && m->day <= 31 && m->hour < 24 && m->minute < 60 && m->second < 61;
}

/* Days since 1970-01-01; years count from March, so that the leap day is the last of its year. */
static int32_t day_number(int year, int month, int day)
{
    int y = month > 2 ? year : year - 1, m = month > 2 ? month - 3 : month + 9;
    return y * 365 + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

static bool read_day(struct span text, int32_t *day)
{
    struct moment m;
    if (!read_moment(text, &m))
        return false;
    int64_t seconds = day_number(m.year, m.month, m.day) * 86400LL;
    seconds += m.hour * 3600LL + m.minute * 60LL + m.second - m.offset;
    *day = (int32_t)(seconds / 86400 - (seconds % 86400 < 0));
    return true;
}

/* --- the server --- */

static bool read_address(struct span text, struct event *out)
{
    char copy[TEXT_IP];
    if (text.n == 0 || text.n >= sizeof(copy))
        return false;
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    if (inet_pton(AF_INET, copy, out->server) == 1)
        out->family = 4;
    else if (inet_pton(AF_INET6, copy, out->server) == 1)
        out->family = 6;
    return out->family != 0;
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
        struct span rule = member(f, "rule"), severity = member(f, "severity");
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
    struct span offered = member(t, "offered"), role = member(t, "role");
    struct span token = member(t, "token");
    bool refused = false;
    if (offered.n == 0 ||
        !read_findings(json_object_get(t, "findings"), says(offered, "no"), &out->states, &refused))
        return false;
    out->implicit = json_is_true(json_object_get(t, "implicit"));
    out->handed_in = says(role, "submission") || says(role, "internal");
    out->reply = reply_of(member(t, "ehlo"), offered, member(t, "visibility"), refused);
    out->states |= offer_states(offered);
    if (says(member(t, "verdict"), "encrypted"))
        out->states |= EVENT_ENCRYPTED;
    if (out->reply != EVENT_REPLY_WHOLE)
        out->states = 0;
    tame(out->token, sizeof(out->token), token);
    out->cause = cause_of(token, member(t, "banner"));
    return true;
}

/* --- the line --- */

static void read_name(const json_t *root, const char *key, char dst[CAP_EVENT_NAME])
{
    struct span name = member(root, key);
    tame(dst, CAP_EVENT_NAME, name.n > 0 ? name : span_str("-"));
}

static enum event_kind read_root(const json_t *root, struct event *out, char why[EVENT_WHY])
{
    struct span type = member(root, "event_type");
    const json_t *starttls = json_object_get(root, "starttls");
    if (!json_is_object(root) || type.n == 0)
        return broken(why, "no object with an event_type", span_of(NULL, 0));
    if (!says(type, "smtp") || !starttls)
        return EVENT_OTHER;
    *out = (struct event){0};
    if (!read_day(member(root, "timestamp"), &out->day))
        return broken(why, "no timestamp of EVE", member(root, "timestamp"));
    if (!read_address(member(root, "dest_ip"), out))
        return broken(why, "dest_ip is no address", member(root, "dest_ip"));
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
