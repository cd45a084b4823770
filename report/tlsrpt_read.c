/* SPDX-License-Identifier: Apache-2.0 */
#include "report/tlsrpt_read.h"

#include <jansson.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/text.h"
#include "report/event_field.h"

#define COUNT_MOST 9007199254740992.0 /* 2^53: above it JSON's numbers have gaps */
#define DAY        86400

/* Where in the document one is: the path down to an object. */
struct place {
    const struct tlsrpt_reader *to;
    char path[64];
};

static void tell(const struct place *p, const char *key, const char *why, struct span bytes)
{
    char where[128], said[160], shown[64];
    text_mask(shown, sizeof(shown), bytes);
    snprintf(where, sizeof(where), "%s%s%s", p->path, *p->path && *key ? "." : "", key);
    snprintf(said, sizeof(said), bytes.n ? "%s: '%s'" : "%s%s", why, shown);
    p->to->problem(p->to->user, where, said);
}

static struct place inside(const struct place *p, const char *key, size_t index)
{
    struct place in = {.to = p->to};
    snprintf(in.path, sizeof(in.path), "%.40s%s%s[%zu]", p->path, *p->path ? "." : "", key, index);
    return in;
}

/* --- members --- */

/* A text that may be missing, but is nothing else. */
static struct span text_in(const struct place *p, const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (value && !json_is_string(value))
        tell(p, key, "is no text", span_of(NULL, 0));
    return event_text(value);
}

static void keep(const struct place *p, const json_t *object, const char *key, char *dst,
                 size_t cap)
{
    event_tame(dst, cap, text_in(p, object, key));
}

static void host_in(const struct place *p, const json_t *object, const char *key,
                    struct tlsrpt_host *out)
{
    struct span text = text_in(p, object, key);
    if (text.n > 0 && !tlsrpt_host_read(text, out))
        tell(p, key, "is no address", text);
}

static bool count_in(const struct place *p, const json_t *object, const char *key, uint64_t *out)
{
    const json_t *value = json_object_get(object, key);
    double n = json_number_value(value);
    *out = 0;
    if (!value)
        return false;
    if (!json_is_number(value) || !(n >= 0 && n <= COUNT_MOST) || (double)(uint64_t)n != n) {
        char number[40] = "";
        if (json_is_number(value))
            snprintf(number, sizeof(number), "%.17g", n);
        tell(p, key, "is no count", span_str(number));
        return false;
    }
    *out = (uint64_t)n;
    return true;
}

/* NULL: it is not there, or something else: told. */
static const json_t *list_in(const struct place *p, const json_t *object, const char *key,
                             bool needed)
{
    const json_t *value = json_object_get(object, key);
    if (json_is_array(value))
        return value;
    if (value)
        tell(p, key, "is no list", span_of(NULL, 0));
    else if (needed)
        tell(p, key, "is missing", span_of(NULL, 0));
    return NULL;
}

/* --- failures --- */

/* False: nothing can be made of it. */
static bool read_failure(const struct place *p, const json_t *object, struct tlsrpt_failure *out)
{
    *out = (struct tlsrpt_failure){.result = TLSRPT_RESULT_COUNT};
    if (!json_is_object(object)) {
        tell(p, "", "is no object", span_of(NULL, 0));
        return false;
    }
    struct span word = text_in(p, object, "result-type");
    if (word.n == 0) {
        tell(p, "result-type", "is missing", word);
        return false;
    }
    out->result = tlsrpt_result_of(word);
    text_mask(out->word, sizeof(out->word), word);
    if (out->result == TLSRPT_RESULT_COUNT)
        tell(p, "result-type", "is none of RFC 8460", word);
    host_in(p, object, "sending-mta-ip", &out->sender);
    host_in(p, object, "receiving-ip", &out->receiver);
    text_mask(out->mx, sizeof(out->mx), text_in(p, object, "receiving-mx-hostname"));
    if (!json_object_get(object, "failed-session-count"))
        tell(p, "failed-session-count", "is missing", span_of(NULL, 0));
    out->counted = count_in(p, object, "failed-session-count", &out->sessions);
    return true;
}

static void read_failures(const struct place *p, const json_t *policy)
{
    size_t i;
    json_t *object;
    const json_t *list = list_in(p, policy, "failure-details", false);
    json_array_foreach(list, i, object)
    {
        struct tlsrpt_failure f;
        struct place at = inside(p, "failure-details", i);
        if (i == CAP_TLSRPT_FAILURES) {
            tell(&at, "", "this and what follows is beyond what is looked at", span_of(NULL, 0));
            return;
        }
        if (read_failure(&at, object, &f))
            p->to->failure(p->to->user, &f);
    }
}

/* --- policies --- */

static void read_summary(const struct place *p, const json_t *object, struct tlsrpt_policy *out)
{
    const json_t *summary = json_object_get(object, "summary");
    struct place at = {.to = p->to};
    snprintf(at.path, sizeof(at.path), "%.40s.summary", p->path);
    if (!json_is_object(summary)) {
        tell(&at, "", summary ? "is no object" : "is missing", span_of(NULL, 0));
        return;
    }
    count_in(&at, summary, "total-successful-session-count", &out->successes);
    count_in(&at, summary, "total-failure-session-count", &out->failures);
}

static void read_policy(const struct place *p, const json_t *object)
{
    struct tlsrpt_policy out = {.type = TLSRPT_TYPE_COUNT};
    const json_t *policy = json_object_get(object, "policy");
    struct place at = {.to = p->to};
    snprintf(at.path, sizeof(at.path), "%.40s.policy", p->path);
    if (json_is_object(policy)) {
        struct span word = text_in(&at, policy, "policy-type");
        out.type = tlsrpt_type_of(word);
        if (out.type == TLSRPT_TYPE_COUNT)
            tell(&at, "policy-type", word.n ? "is none of RFC 8460" : "is missing", word);
        keep(&at, policy, "policy-domain", out.domain, sizeof(out.domain));
    } else {
        tell(&at, "", policy ? "is no object" : "is missing", span_of(NULL, 0));
    }
    read_summary(p, object, &out);
    p->to->policy(p->to->user, &out);
    read_failures(p, object);
}

static void read_policies(const struct place *p, const json_t *root)
{
    size_t i;
    json_t *object;
    const json_t *list = list_in(p, root, "policies", true);
    json_array_foreach(list, i, object)
    {
        struct place at = inside(p, "policies", i);
        if (i == CAP_TLSRPT_POLICIES) {
            tell(&at, "", "this and what follows is beyond what is looked at", span_of(NULL, 0));
            return;
        }
        if (json_is_object(object))
            read_policy(&at, object);
        else
            tell(&at, "", "is no object", span_of(NULL, 0));
    }
}

/* --- the report --- */

static bool read_time(const struct place *p, const json_t *range, const char *key, int64_t *second)
{
    bool zoned;
    struct span text = text_in(p, range, key);
    if (event_time(text, second, &zoned)) /* without a zone it is taken for UTC */
        return true;
    tell(p, key, text.n ? "is no time of RFC 3339" : "is missing", text);
    return false;
}

static void read_range(const struct place *p, const json_t *root, struct tlsrpt_report *out)
{
    const json_t *range = json_object_get(root, "date-range");
    struct place at = {.to = p->to, .path = "date-range"};
    if (!json_is_object(range)) {
        tell(&at, "", range ? "is no object" : "is missing", span_of(NULL, 0));
        return;
    }
    bool begins = read_time(&at, range, "start-datetime", &out->begin);
    bool ends = read_time(&at, range, "end-datetime", &out->end);
    const char *why = NULL;
    if (!begins || !ends)
        return;
    if (out->begin < 0 || out->end > CLOCK_PACKET_S)
        why = "is of no time in which there are reports";
    else if (out->end < out->begin)
        why = "ends before it begins";
    else if (out->end - out->begin > CAP_TLSRPT_DAYS * DAY)
        why = "is longer than a month";
    out->dated = !why;
    if (why)
        tell(&at, "", why, span_of(NULL, 0));
}

/* Brackets outside of texts: what comes may make a parser climb for long. */
static bool is_deep(struct span text)
{
    int depth = 0;
    bool inside_text = false;
    for (size_t i = 0; i < text.n && depth <= CAP_TLSRPT_DEPTH; i++) {
        uint8_t c = text.p[i];
        if (inside_text && c == '\\')
            i++;
        else if (c == '"')
            inside_text = !inside_text;
        else if (!inside_text)
            depth += (c == '{' || c == '[') - (c == '}' || c == ']');
    }
    return depth > CAP_TLSRPT_DEPTH;
}

static json_t *parse(const struct place *p, struct span text)
{
    json_error_t error;
    char where[32];
    if (is_deep(text)) {
        tell(p, "", "is nested deeper than any report", span_of(NULL, 0));
        return NULL;
    }
    json_t *root =
        json_loadb((const char *)text.p, text.n, JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL, &error);
    if (!root) {
        snprintf(where, sizeof(where), "%d:%d", error.line, error.column);
        tell(p, where, "no JSON", span_str(error.text));
    }
    return root;
}

static bool is_report(const struct place *p, const json_t *root)
{
    bool is = json_is_object(root) && json_object_get(root, "policies");
    if (!is)
        tell(p, "1:1", "no report of RFC 8460: there is no object with policies", span_of(NULL, 0));
    return is;
}

int tlsrpt_read(struct span text, const struct tlsrpt_reader *to)
{
    static const uint8_t mark[] = {0xEF, 0xBB, 0xBF};
    struct place top = {.to = to};
    struct tlsrpt_report r = {.dated = false};
    if (span_eq(span_first(text, sizeof(mark)), span_of(mark, sizeof(mark))))
        text = span_from(text, sizeof(mark)); /* RFC 8259 section 8.1 */
    json_t *root = parse(&top, text);
    if (!root)
        return -1;
    bool is = is_report(&top, root);
    if (is) {
        text_mask(r.organization, sizeof(r.organization), text_in(&top, root, "organization-name"));
        keep(&top, root, "report-id", r.id, sizeof(r.id));
        read_range(&top, root, &r);
        to->report(to->user, &r);
        read_policies(&top, root);
    }
    json_decref(root);
    return is ? 0 : -1;
}
