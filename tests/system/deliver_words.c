/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver_words.h"

#include <stdio.h>
#include <stdlib.h>

static char **words;
static size_t count;

/* NULL: it is not there. */
static const char *value(const char *key)
{
    size_t n = strlen(key);
    for (size_t i = 0; i < count; i++)
        if (strncmp(words[i], key, n) == 0 && words[i][n] == '=')
            return words[i] + n + 1;
    return NULL;
}

static struct deliver_tls tls(void)
{
    return (struct deliver_tls){value("ca"), value("certificate"), value("key")};
}

/* The first line of a file; NULL: it is not asked for. */
static const char *first_line(const char *key, char to[256])
{
    FILE *f = value(key) ? fopen(value(key), "r") : NULL;
    bool good = f && fgets(to, 256, f);
    if (f)
        fclose(f);
    to[good ? strcspn(to, "\n") : 0] = '\0';
    return value(key) ? to : NULL;
}

static struct sink *local(bool is_datagram, char why[SINK_WHY])
{
    const struct sink_unix_config c = {.path = value("path"), .is_datagram = is_datagram};
    return sink_unix_new(&c, NULL, why);
}

static struct sink *syslog(enum sink_syslog_way way, char why[SINK_WHY])
{
    const struct sink_syslog_config c = {.way = way,
                                         .host = value("host"),
                                         .port = value("port"),
                                         .sensor = value("sensor"),
                                         .prefix = value("prefix"),
                                         .facility = 21, /* local5 */
                                         .tls = tls()};
    return sink_syslog_new(&c, NULL, why);
}

static struct sink *http(enum sink_http_kind kind, char why[SINK_WHY])
{
    const char *deadline = value("deadline");
    char token[256], password[256];
    const struct sink_http_config c = {.kind = kind,
                                       .url = value("url"),
                                       .index = value("index"),
                                       .token = first_line("token", token),
                                       .user = value("user"),
                                       .password = first_line("password", password),
                                       .proxy = value("proxy"),
                                       .wants_ack = value("ack") != NULL,
                                       .without_gzip = value("plain") != NULL,
                                       .tls = tls(),
                                       .deadline =
                                           deadline ? atoi(deadline) * NS_PER_MS : NS_PER_S};
    return sink_http_new(&c, NULL, why);
}

struct sink *deliver_words(const char *kind, char **given, size_t n, char why[SINK_WHY])
{
    words = given;
    count = n;
    if (strcmp(kind, "stream") == 0 || strcmp(kind, "datagram") == 0)
        return local(kind[0] == 'd', why);
    if (strcmp(kind, "udp") == 0)
        return syslog(SINK_SYSLOG_UDP, why);
    if (strcmp(kind, "tcp") == 0)
        return syslog(SINK_SYSLOG_TCP, why);
    if (strcmp(kind, "tls") == 0)
        return syslog(SINK_SYSLOG_TLS, why);
    if (strcmp(kind, "hec") == 0)
        return http(SINK_HTTP_HEC, why);
    if (strcmp(kind, "bulk") == 0)
        return http(SINK_HTTP_BULK, why);
    if (strcmp(kind, "hook") == 0)
        return http(SINK_HTTP_HOOK, why);
    snprintf(why, SINK_WHY, "no such kind");
    return NULL;
}
