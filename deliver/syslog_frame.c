/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/syslog_frame.h"

#include <stdio.h>

enum { HOST = 255, MSGID = 32 };

bool syslog_frame_time(const char *eve, char to[33])
{
    static const char FORM[] = "dddd-dd-ddTdd:dd:dd.dddddd+dddd";
    bool good = strlen(eve) == sizeof(FORM) - 1;

    for (size_t i = 0; good && i < sizeof(FORM) - 1; i++)
        good = FORM[i] == 'd' ? span_is_digit((uint8_t)eve[i])
                              : eve[i] == FORM[i] || (FORM[i] == '+' && eve[i] == '-');
    if (good)
        snprintf(to, 33, "%.29s:%.2s", eve, eve + 29);
    else
        snprintf(to, 33, "-");
    return good;
}

static unsigned severity(const char *level)
{
    static const char *const LEVEL[] = {"critical", "high", "medium", "low"};

    for (unsigned i = 0; i < 4; i++)
        if (strcmp(level, LEVEL[i]) == 0)
            return 2 + i;
    return 6;
}

/* Printable ASCII without blanks (RFC 5424 section 6); "-" when nothing is there. */
static void put_word(char *to, size_t room, const char *text)
{
    size_t n = 0;

    for (; text[n] && n + 1 < room; n++)
        to[n] = text[n] > ' ' && text[n] < 0x7f ? text[n] : '_';
    if (n == 0)
        to[n++] = '-';
    to[n] = '\0';
}

size_t syslog_frame_header(const struct line *l, uint8_t facility, const char *sensor, char *to,
                           size_t room)
{
    char host[HOST + 1], id[MSGID + 1], stamp[33];
    int n;

    put_word(host, sizeof(host), l->host[0] ? l->host : sensor);
    put_word(id, sizeof(id), l->rule[0] ? l->rule : l->type);
    (void)syslog_frame_time(l->timestamp, stamp);
    n = snprintf(to, room, "<%u>1 %s %s stripwatch - %s - ", facility * 8u + severity(l->level),
                 stamp, host, id);
    return n > 0 && (size_t)n < room ? (size_t)n : 0;
}
