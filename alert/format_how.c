/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/format_how.h"

#include <stdio.h>

#include "base/text.h"

static struct eve_value get(const struct format_how *h, const char *from)
{
    return eve_view_get(h->view, from);
}

static bool put_span(struct eve_value *out, struct span text)
{
    *out = (struct eve_value){.kind = EVE_VALUE_TEXT, .text = text};
    return text.n > 0;
}

static bool put_number(struct eve_value *out, int64_t number)
{
    *out = (struct eve_value){.kind = EVE_VALUE_INTEGER, .number = number};
    return true;
}

/* A text made in `scratch`; one that is too long is none of ours. */
static bool put_scratch(struct format_how *h, struct eve_value *out, int n)
{
    return n > 0 && (size_t)n < sizeof(h->scratch) && put_span(out, span_of(h->scratch, (size_t)n));
}

/* Of a text that is no longer than what is usual there. */
static bool get_short(const struct format_how *h, const char *from, struct span *text)
{
    *text = get(h, from).text;
    return text->n > 0 && text->n <= sizeof(h->scratch) - 16;
}

bool format_how_as_is(struct format_how *h, const char *from, struct eve_value *out)
{
    *out = get(h, from);
    if (out->kind == EVE_VALUE_TEXT)
        return out->text.n > 0;
    if (out->kind == EVE_VALUE_LIST)
        return eve_view_count(*out) > 0;
    return out->kind != EVE_VALUE_NONE;
}

bool format_how_first(struct format_how *h, const char *from, struct eve_value *out)
{
    *out = eve_view_item(get(h, from), 0);
    return out->kind == EVE_VALUE_TEXT && out->text.n > 0;
}

bool format_how_as_text(struct format_how *h, const char *from, struct eve_value *out)
{
    struct eve_value v = get(h, from);
    if (v.kind != EVE_VALUE_INTEGER)
        return false;
    return put_scratch(h, out,
                       snprintf(h->scratch, sizeof(h->scratch), "%lld", (long long)v.number));
}

bool format_how_as_list(struct format_how *h, const char *from, struct eve_value *out)
{
    *out = get(h, from);
    if (out->kind != EVE_VALUE_TEXT)
        return false;
    out->kind = EVE_VALUE_ONE;
    return out->text.n > 0;
}

bool format_how_text(struct format_how *h, const char *from, struct eve_value *out)
{
    struct eve_value there;
    return format_how_as_is(h, from, &there) && put_span(out, span_str(h->constant));
}

bool format_how_number(struct format_how *h, const char *from, struct eve_value *out)
{
    struct eve_value there;
    int64_t number = 0;
    for (const char *c = h->constant; *c; c++)
        number = number * 10 + (*c - '0');
    return format_how_as_is(h, from, &there) && put_number(out, number);
}

bool format_how_yes(struct format_how *h, const char *from, struct eve_value *out)
{
    (void)h;
    (void)from;
    *out = (struct eve_value){.kind = EVE_VALUE_TRUTH, .truth = true};
    return true;
}

bool format_how_program_version(struct format_how *h, const char *from, struct eve_value *out)
{
    (void)h;
    (void)from;
    return put_span(out, span_str(STRIPWATCH_VERSION));
}

/* --- times --- */

bool format_how_utc(struct format_how *h, const char *from, struct eve_value *out)
{
    int64_t ms;
    struct span time = get(h, from).text;
    if (!eve_view_ms(time, &ms))
        return false;
    return put_scratch(h, out,
                       snprintf(h->scratch, sizeof(h->scratch), "%.26sZ", (const char *)time.p));
}

bool format_how_utc_second(struct format_how *h, const char *from, struct eve_value *out)
{
    struct span time = get(h, from).text;
    if (time.n != TEXT_SECONDS - 1)
        return false;
    return put_scratch(h, out,
                       snprintf(h->scratch, sizeof(h->scratch), "%.19sZ", (const char *)time.p));
}

bool format_how_epoch_ms(struct format_how *h, const char *from, struct eve_value *out)
{
    int64_t ms;
    return eve_view_ms(get(h, from).text, &ms) && put_number(out, ms);
}

/* --- words --- */

bool format_how_lower(struct format_how *h, const char *from, struct eve_value *out)
{
    struct span text;
    if (!get_short(h, from, &text))
        return false;
    for (size_t i = 0; i < text.n; i++) {
        bool upper = text.p[i] >= 'A' && text.p[i] <= 'Z';
        h->scratch[i] = (char)(upper ? text.p[i] + ('a' - 'A') : text.p[i]);
    }
    return put_scratch(h, out, (int)text.n);
}

bool format_how_severity(struct format_how *h, const char *from, struct eve_value *out)
{
    (void)from;
    int number = format_severity(h->format, h->view->severity);
    return number >= 0 && put_number(out, number);
}

bool format_how_dataset(struct format_how *h, const char *from, struct eve_value *out)
{
    (void)from;
    return put_scratch(h, out,
                       snprintf(h->scratch, sizeof(h->scratch), "stripwatch.%s",
                                eve_view_type_text(h->view->type)));
}

/* --- addresses --- */

static bool is_ip6(struct span text)
{
    return span_find(text, ':') < text.n;
}

bool format_how_ip4(struct format_how *h, const char *from, struct eve_value *out)
{
    return format_how_as_is(h, from, out) && out->kind == EVE_VALUE_TEXT && !is_ip6(out->text);
}

bool format_how_ip6(struct format_how *h, const char *from, struct eve_value *out)
{
    return format_how_as_is(h, from, out) && out->kind == EVE_VALUE_TEXT && is_ip6(out->text);
}

bool format_how_ip_type(struct format_how *h, const char *from, struct eve_value *out)
{
    struct span ip = get(h, from).text;
    return ip.n > 0 && put_span(out, span_str(is_ip6(ip) ? "ipv6" : "ipv4"));
}

bool format_how_ip_version(struct format_how *h, const char *from, struct eve_value *out)
{
    struct span ip = get(h, from).text;
    return ip.n > 0 && put_number(out, is_ip6(ip) ? 6 : 4);
}

/* In an alert the source is who sent the evidence; `flow` has the client as its source. */
bool format_how_client_side(struct format_how *h, const char *from, struct eve_value *out)
{
    snprintf(h->scratch, sizeof(h->scratch), "flow.%s", from);
    if (format_how_as_is(h, h->scratch, out))
        return true;
    return h->view->type != EVE_VIEW_ALERT && format_how_as_is(h, from, out);
}

bool format_how_both_addresses(struct format_how *h, const char *from, struct eve_value *out)
{
    struct span one, other;
    if (!get_short(h, from, &one) || !get_short(h, "dest_ip", &other))
        return false;
    bool good = put_scratch(h, out,
                            snprintf(h->scratch, sizeof(h->scratch), "%.*s,%.*s", (int)one.n,
                                     (const char *)one.p, (int)other.n, (const char *)other.p));
    out->kind = EVE_VALUE_WORDS;
    return good;
}

static bool put_tag(struct format_how *h, const char *from, size_t i, struct eve_value *out)
{
    struct eve_value tag = eve_view_item(get(h, from), i);
    if (tag.kind != EVE_VALUE_INTEGER)
        return false;
    return put_scratch(h, out,
                       snprintf(h->scratch, sizeof(h->scratch), "%lld", (long long)tag.number));
}

bool format_how_outer_tag(struct format_how *h, const char *from, struct eve_value *out)
{
    return put_tag(h, from, 0, out);
}

bool format_how_inner_tag(struct format_how *h, const char *from, struct eve_value *out)
{
    return put_tag(h, from, 1, out);
}

/* --- protocols --- */

/* What an alert is about: `dns` or `tls` stand in those that belong to no session. */
static const char *protocol_of(const struct format_how *h)
{
    bool alert = h->view->type == EVE_VIEW_ALERT;
    if (alert && get(h, "dns").kind == EVE_VALUE_OBJECT)
        return "dns";
    return alert && get(h, "tls").kind == EVE_VALUE_OBJECT ? "tls" : "smtp";
}

bool format_how_protocol(struct format_how *h, const char *from, struct eve_value *out)
{
    (void)from;
    return get(h, "src_ip").kind == EVE_VALUE_TEXT && put_span(out, span_str(protocol_of(h)));
}

bool format_how_cef_application(struct format_how *h, const char *from, struct eve_value *out)
{
    if (!format_how_protocol(h, from, out))
        return false;
    size_t n = out->text.n;
    for (size_t i = 0; i < n; i++)
        h->scratch[i] = (char)span_upper(out->text.p[i]);
    return put_scratch(h, out, (int)n);
}

/* "TLS 1.2": name and number. */
static bool split_version(const struct format_how *h, const char *from, struct span *number)
{
    struct span text = get(h, from).text;
    *number = span_from(text, span_find(text, ' ') + 1);
    return number->n > 0;
}

bool format_how_tls_number(struct format_how *h, const char *from, struct eve_value *out)
{
    struct span number;
    return split_version(h, from, &number) && put_span(out, number);
}

bool format_how_tls_protocol(struct format_how *h, const char *from, struct eve_value *out)
{
    struct span number;
    if (!split_version(h, from, &number))
        return false;
    return put_span(out, span_str(get(h, from).text.p[0] == 'S' ? "ssl" : "tls"));
}

/* --- ATT&CK --- */

bool format_how_attack_technique(struct format_how *h, const char *from, struct eve_value *out)
{
    if (!format_how_first(h, from, out))
        return false;
    return put_span(out, span_first(out->text, span_find(out->text, '.')));
}

bool format_how_attack_subtechnique(struct format_how *h, const char *from, struct eve_value *out)
{
    return format_how_first(h, from, out) && span_find(out->text, '.') < out->text.n;
}
