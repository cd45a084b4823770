/* SPDX-License-Identifier: Apache-2.0 */
#include <curl/curl.h>
#include <stdio.h>

#include "base/heap.h"
#include "base/text.h"
#include "online/https_get.h"

#define OK    200
#define WHOLE (60 * NS_PER_S)

void https_end(struct https_get *g, enum lookup_sts sts, const char *why)
{
    if (g->over)
        return;
    g->over = true;
    g->sts = sts;
    text_escape(g->why, sizeof(g->why), span_str(why));
}

static long status_of(const struct https_get *g)
{
    long status = 0;

    if (g->easy)
        (void)curl_easy_getinfo(g->easy, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

/* From now on it is the whole that must come in time. */
static void hear(struct https_get *g)
{
    if (!g->heard)
        g->due = clock_add(g->begun, g->config->whole ? g->config->whole : WHOLE);
    g->heard = true;
}

/* --- headers --- */

/* The value of a header field without the blanks round it (RFC 9110 section 5.5); NULL `p`: the
 * line is of another field. */
static struct span field(struct span line, const char *name)
{
    size_t colon = span_find(line, ':');
    struct span value = span_from(line, colon + 1);

    if (!span_eq_nocase(span_first(line, colon), span_str(name)))
        return span_of(NULL, 0);
    while (value.n > 0 && strchr(" \t\r\n", value.p[value.n - 1]))
        value.n--;
    while (value.n > 0 && strchr(" \t", value.p[0]))
        value = span_from(value, 1);
    return value;
}

static void read_header(struct https_get *g, struct span line)
{
    struct span type = field(line, "Content-Type");
    struct span coding = field(line, "Transfer-Encoding");
    struct span length = field(line, "Content-Length");

    if (type.p)
        text_escape(g->type, sizeof(g->type), type);
    /* libcurl would unpack what nobody has asked for (RFC 9112 section 6.1). */
    if (coding.p && !span_eq_nocase(coding, span_str("chunked")))
        https_end(g, LOOKUP_STS_FETCH, "its answer has a transfer coding that was not asked for");
    if (length.p && g->has_length)
        https_end(g, LOOKUP_STS_FETCH, "its answer has two lengths");
    g->chunked = g->chunked || coding.p;
    g->has_length = g->has_length || length.p;
}

size_t https_header(char *p, size_t size, size_t n, void *user)
{
    struct https_get *g = user;

    hear(g);
    n *= size;
    g->headers++;
    g->header_bytes += n;
    if (g->headers > CAP_HTTPS_HEADERS || g->header_bytes > CAP_HTTPS_HEADER)
        https_end(g, LOOKUP_STS_FETCH, "its answer has too many headers");
    else
        read_header(g, span_of(p, n));
    return g->over ? 0 : n;
}

/* --- body --- */

static bool make_room(struct https_get *g, size_t n)
{
    size_t room = g->body_room ? g->body_room : 4096;
    uint8_t *grown;

    while (room < n)
        room *= 2;
    if (room == g->body_room)
        return true;
    grown = heap_resize(g->body, room);
    if (!grown)
        return false;
    g->body = grown;
    g->body_room = room;
    return true;
}

size_t https_body(char *p, size_t size, size_t n, void *user)
{
    struct https_get *g = user;
    size_t left = CAP_STS_BODY - g->body_n, take;

    hear(g);
    n *= size;
    if (status_of(g) != OK)
        return 0; /* https_finish() says so */
    take = n < left ? n : left;
    if (!make_room(g, g->body_n + take)) {
        https_end(g, LOOKUP_STS_FETCH, "no memory");
        return 0;
    }
    memcpy(g->body + g->body_n, p, take);
    g->body_n += take;
    if (take < n)
        https_end(g, LOOKUP_STS_INVALID, "its policy is longer than 65536 bytes");
    return take;
}

/* --- what is made of it --- */

static void end_by_status(struct https_get *g, long status)
{
    char why[64];

    snprintf(why, sizeof(why), "status %ld%s", status,
             status / 100 == 3 ? ", and redirects are not followed" : "");
    https_end(g, LOOKUP_STS_FETCH, why);
}

static void end_by_code(struct https_get *g, CURLcode code)
{
    if (g->verified != 0)
        https_end(g, LOOKUP_STS_WEBPKI, https_tls_text(g->verified));
    else if (code == CURLE_PEER_FAILED_VERIFICATION)
        https_end(g, LOOKUP_STS_WEBPKI, g->error);
    else if (code == CURLE_FILESIZE_EXCEEDED)
        https_end(g, LOOKUP_STS_INVALID, "its policy is longer than 65536 bytes");
    else
        https_end(g, LOOKUP_STS_FETCH, g->error[0] ? g->error : curl_easy_strerror(code));
}

bool https_missed(const struct https_get *g)
{
    return !g->over && !g->heard && g->verified == 0;
}

void https_finish(struct https_get *g, int code)
{
    long status = status_of(g);

    if (status >= 200 && status != OK)
        end_by_status(g, status);
    if (code != CURLE_OK)
        end_by_code(g, (CURLcode)code);
    if (status != OK)
        end_by_status(g, status);
    /* Anybody on the way can end a connection; what is missing would not be missed. */
    if (!g->has_length && !g->chunked && !g->closed)
        https_end(g, LOOKUP_STS_FETCH,
                  "its answer may be cut short: it has no length, and the "
                  "connection ended without close_notify");
    if (!text_is_utf8(span_of(g->body, g->body_n)))
        https_end(g, LOOKUP_STS_INVALID, "its policy is not UTF-8");
    https_end(g, LOOKUP_STS_POLICY, "");
}

/* RFC 9110 section 8.3.1: type, subtype, and whatever parameters. */
static bool is_plain(struct span type)
{
    struct span media = span_first(type, span_find(type, ';'));

    while (media.n > 0 && strchr(" \t", media.p[media.n - 1]))
        media.n--;
    return span_eq_nocase(media, span_str("text/plain"));
}

void https_tell(const struct https_get *g)
{
    const struct https_result r = {
        .sts = g->sts,
        .status = (int)status_of(g),
        .body = span_of(g->body, g->sts == LOOKUP_STS_POLICY ? g->body_n : 0),
        .plain = is_plain(span_str(g->type)),
        .type = g->type,
        .issuer = g->issuer,
        .why = g->why,
    };

    g->fn(g->user, &r);
}
