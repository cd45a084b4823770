/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/cli_value.h"

#include <stdio.h>

#include "base/text.h"

#define NAME_MAX_BYTES 255 /* what a host name may have (RFC 1035) */

int cli_value_refuse(struct cli_why *why, const char *value, const char *reason)
{
    char shown[120];
    text_escape(shown, sizeof(shown), span_str(value));
    snprintf(why->text, sizeof(why->text), "'%s' %s", shown, reason);
    return -1;
}

static bool parse_number(struct span digits, uint32_t *out)
{
    uint64_t value = 0;
    if (digits.n == 0 || digits.n > 10)
        return false;
    for (size_t i = 0; i < digits.n; i++) {
        if (!span_is_digit(digits.p[i]))
            return false;
        value = value * 10 + (uint64_t)(digits.p[i] - '0');
    }
    *out = (uint32_t)value;
    return value <= UINT32_MAX;
}

int cli_value_number(const char *value, uint32_t min, uint32_t max, uint32_t *out,
                     struct cli_why *why)
{
    char reason[64];
    if (parse_number(span_str(value), out) && *out >= min && *out <= max)
        return 0;
    snprintf(reason, sizeof(reason), "is not a number from %u to %u", min, max);
    return cli_value_refuse(why, value, reason);
}

static bool has_port(const uint16_t *port, uint8_t count, uint32_t wanted)
{
    for (uint8_t i = 0; i < count; i++)
        if (port[i] == wanted)
            return true;
    return false;
}

int cli_value_ports(const char *value, uint16_t port[CAP_PORTS], uint8_t *count,
                    struct cli_why *why)
{
    *count = 0;
    for (struct span rest = span_str(value);;) {
        struct span item = span_first(rest, span_find(rest, ','));
        uint32_t number;
        if (!parse_number(item, &number) || number == 0 || number > UINT16_MAX)
            return cli_value_refuse(why, value, "is not a list of ports from 1 to 65535");
        if (!has_port(port, *count, number)) {
            if (*count == CAP_PORTS)
                return cli_value_refuse(why, value, "has more than 16 ports");
            port[(*count)++] = (uint16_t)number;
        }
        if (item.n == rest.n)
            return 0;
        rest = span_from(rest, item.n + 1);
    }
}
_Static_assert(CAP_PORTS == 16, "the text above says so");

int cli_value_severity(const char *value, bool or_none, enum severity *out, struct cli_why *why)
{
    for (int i = SEVERITY_LOW; i < SEVERITY_COUNT; i++) {
        if (strcmp(value, severity_text((enum severity)i)) == 0) {
            *out = (enum severity)i;
            return 0;
        }
    }
    if (or_none && strcmp(value, "none") == 0) {
        *out = SEVERITY_COUNT;
        return 0;
    }
    return cli_value_refuse(why, value,
                            or_none ? "is not low, medium, high, critical or none"
                                    : "is not low, medium, high or critical");
}

int cli_value_name(const char *value, struct cli_why *why)
{
    size_t n = strlen(value);
    if (n >= 1 && n <= NAME_MAX_BYTES)
        return 0;
    return cli_value_refuse(why, value, n ? "is longer than 255 bytes" : "is empty");
}
