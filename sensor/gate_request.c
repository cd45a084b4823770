/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/gate_request.h"

#include "base/caps.h"

static const char *const PAGES[] = {"/metrics", "/healthz", "/readyz"};
_Static_assert(sizeof(PAGES) / sizeof(PAGES[0]) == GATE_PAGE_COUNT, "a path each");

/* RFC 9110 section 5.6.2 */
static bool is_token(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!span_is_alpha(s.p[i]) && !span_is_digit(s.p[i]) &&
            (s.p[i] == '\0' || !strchr("!#$%&'*+-.^_`|~", s.p[i])))
            return false;
    return s.n > 0;
}

/* RFC 9110 section 5.5: visible characters, blanks, and bytes that nobody defines. */
static bool is_value(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((s.p[i] < ' ' && s.p[i] != '\t') || s.p[i] == 127)
            return false;
    return true;
}

/* Takes a line without its end, CRLF or LF. There is one. */
static struct span take_line(struct span *from)
{
    size_t end = span_find(*from, '\n');
    struct span line = span_first(*from, end);
    *from = span_from(*from, end + 1);
    if (line.n > 0 && line.p[line.n - 1] == '\r')
        line.n--;
    return line;
}

/* Bytes to the end of the empty line that ends the head; 0: it has not come. One empty line may
 * come first (RFC 9112 section 2.2). */
static size_t head_length(struct span s)
{
    struct span rest = s;
    unsigned before = 0;
    bool begun = false;
    while (span_find(rest, '\n') < rest.n) {
        if (take_line(&rest).n > 0)
            begun = true;
        else if (begun || before++ > 0)
            return s.n - rest.n;
    }
    return 0;
}

/* 0, or the status that says what is wrong. */
static unsigned read_version(struct span s, bool *host_needed)
{
    if (s.n != 8 || memcmp(s.p, "HTTP/", 5) != 0 || !span_is_digit(s.p[5]) || s.p[6] != '.' ||
        !span_is_digit(s.p[7]))
        return 400;
    *host_needed = s.p[7] != '0';
    return s.p[5] == '1' ? 0 : 505;
}

static unsigned read_fields(struct span rest, bool host_needed)
{
    unsigned hosts = 0;
    for (struct span line; (line = take_line(&rest)).n > 0;) {
        size_t colon = span_find(line, ':');
        if (colon == line.n || !is_token(span_first(line, colon)) ||
            !is_value(span_from(line, colon + 1)))
            return 400;
        hosts += span_eq_nocase(span_first(line, colon), span_str("host"));
    }
    return hosts > 1 || (host_needed && hosts == 0) ? 400 : 0;
}

/* The path of a target in origin or absolute form, without its query; empty: another form. */
static struct span path_of(struct span target)
{
    struct span scheme = span_str("http://");
    if (span_starts_nocase(target, scheme)) {
        target = span_from(target, scheme.n);
        target = span_from(target, span_find(target, '/'));
    }
    return target.n > 0 && target.p[0] == '/' ? span_first(target, span_find(target, '?'))
                                              : span_of(NULL, 0);
}

static unsigned choose(struct span method, struct span target, struct gate_request *out)
{
    struct span path = path_of(target);
    enum gate_page page = 0;
    out->head = span_eq(method, span_str("HEAD"));
    while (page < GATE_PAGE_COUNT && !span_eq(path, span_str(PAGES[page])))
        page++;
    if (page == GATE_PAGE_COUNT)
        return 404;
    out->page = page;
    return out->head || span_eq(method, span_str("GET")) ? 200 : 405;
}

static unsigned read_head(struct span head, struct gate_request *out)
{
    bool host_needed = true;
    struct span line = take_line(&head);
    if (line.n == 0)
        line = take_line(&head);
    struct span method = span_first(line, span_find(line, ' '));
    struct span rest = span_from(line, method.n + 1);
    struct span target = span_first(rest, span_find(rest, ' '));
    unsigned wrong = read_version(span_from(rest, target.n + 1), &host_needed);
    if (wrong)
        return wrong;
    if (!is_token(method) || target.n == 0 || !is_value(target))
        return 400;
    wrong = read_fields(head, host_needed);
    return wrong ? wrong : choose(method, target, out);
}

bool gate_request_parse(struct span bytes, struct gate_request *out)
{
    size_t n = head_length(span_first(bytes, CAP_GATE_REQUEST));
    if (n == 0 && bytes.n < CAP_GATE_REQUEST)
        return false;
    *out = (struct gate_request){.status = 431, .page = GATE_PAGE_COUNT};
    if (n > 0)
        out->status = read_head(span_first(bytes, n), out);
    return true;
}
