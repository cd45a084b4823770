/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/config_output.h"

size_t config_outputs(const struct config *c, struct config_output to[CONFIG_OUTPUTS])
{
    const struct config_output all[CONFIG_OUTPUTS] = {
        {"file", "file", c->output.file.path, &c->output.file.told, false},
        {"redis", "Redis", c->output.redis.address, &c->output.redis.told, false},
        {"unix", "socket", c->output.local.path, &c->output.local.told, true},
        {"syslog", "syslog", c->output.syslog.address, &c->output.syslog.told, true},
        {"splunk", "Splunk", c->output.splunk.url, &c->output.splunk.told, true},
        {"elastic", "_bulk of", c->output.elastic.url, &c->output.elastic.told, true},
        {"webhook", "webhook", c->output.webhook.url, &c->output.webhook.told, true},
        {"kafka", "Kafka", c->output.kafka.brokers, &c->output.kafka.told, true},
    };
    size_t n = 0;
    for (size_t i = 0; i < CONFIG_OUTPUTS; i++)
        if (all[i].where)
            to[n++] = all[i];
    return n;
}

bool config_reaches_out(const struct config *c)
{
    struct config_output one[CONFIG_OUTPUTS];
    bool any = false;
    for (size_t i = 0, n = config_outputs(c, one); i < n; i++)
        any |= one[i].reaches_out;
    return any;
}

bool config_wants_daily(const struct config *c)
{
    struct config_output one[CONFIG_OUTPUTS];
    bool any = false;
    for (size_t i = 0, n = config_outputs(c, one); i < n; i++)
        any |= one[i].told->daily;
    return any;
}

bool config_to_stdout(const struct config *c)
{
    struct config_output one[CONFIG_OUTPUTS];
    bool elsewhere = config_outputs(c, one) > 0 || c->output.spool.dir;
    return c->output.to_stdout == CONFIG_STDOUT_ALWAYS ||
           (c->output.to_stdout == CONFIG_STDOUT_AUTO && !elsewhere);
}
