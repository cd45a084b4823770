/* SPDX-License-Identifier: Apache-2.0 */
/* Outputs that reach over the network or to another program, as the configuration has them. */
#include <stdlib.h>
#include <unistd.h>

#include "alert/format.h"
#include "deliver/deliver.h"
#include "sensor/config_address.h"
#include "sensor/feed.h"

/* Later nothing can be read: so they are named in any case. */
#define AUTHORITIES "/etc/ssl/certs/ca-certificates.crt"

static struct deliver_tls tls_of(const struct config_tls *c)
{
    const char *usual = access(AUTHORITIES, R_OK) == 0 ? AUTHORITIES : NULL;
    return (struct deliver_tls){.ca_file = c->ca_file ? c->ca_file : usual,
                                .certificate_file = c->certificate_file,
                                .key_file = c->key_file};
}

static const char *word_of(const struct config_secret *s)
{
    return s->value[0] ? s->value : NULL;
}

static bool open_unix(struct outlets *o)
{
    const struct config *c = &o->child->config;
    const struct sink_unix_config local = {.path = c->output.local.path,
                                           .is_datagram =
                                               c->output.local.type == CONFIG_SOCKET_DATAGRAM};
    struct sink_filter filter;
    char why[SINK_WHY] = "";
    return !local.path || (outlets_filter(o, &c->output.local.told, FORMAT_FACILITY, &filter) &&
                           outlets_add(o, "unix", sink_unix_new(&local, &filter, why), why));
}

static bool open_syslog(struct outlets *o)
{
    static const enum sink_syslog_way WAY[] = {SINK_SYSLOG_UDP, SINK_SYSLOG_TCP, SINK_SYSLOG_TLS};
    const struct config *c = &o->child->config;
    char host[CONFIG_HOST_TEXT], port[6], why[SINK_WHY] = "";
    struct sink_filter filter;
    if (!c->output.syslog.address)
        return true;
    config_address_host(c->output.syslog.address, host, port);
    const struct sink_syslog_config syslog = {
        .way = WAY[c->output.syslog.transport],
        .host = host,
        .port = port[0] ? port : NULL,
        .sensor = c->sensor.name,
        .prefix = c->output.syslog.prefix,
        .tls = tls_of(&c->output.syslog.tls),
        .is_framed = c->output.syslog.told.format == FORMAT_RFC5424,
        .facility = (uint8_t)c->output.syslog.facility,
    };
    return outlets_filter(o, &c->output.syslog.told, c->output.syslog.facility, &filter) &&
           outlets_add(o, "syslog", sink_syslog_new(&syslog, &filter, why), why);
}

static bool open_http(struct outlets *o, const char *name, enum sink_http_kind kind,
                      const struct config_http *c)
{
    const struct sink_http_config http = {
        .kind = kind,
        .url = c->url,
        .index = c->index,
        .token = word_of(&c->token),
        .user = c->user,
        .password = word_of(&c->password),
        .sourcetype = c->sourcetype,
        .sensor = o->child->config.sensor.name,
        .proxy = c->proxy,
        .wants_ack = c->acknowledged,
        .without_gzip = !c->compressed,
        .tls = tls_of(&c->tls),
    };
    struct sink_filter filter;
    char why[SINK_WHY] = "";
    return !c->url || (outlets_filter(o, &c->told, FORMAT_FACILITY, &filter) &&
                       outlets_add(o, name, sink_http_new(&http, &filter, why), why));
}

static bool open_kafka(struct outlets *o)
{
    static const enum sink_kafka_key KEY[] = {SINK_KAFKA_COMMUNITY, SINK_KAFKA_INCIDENT};
    static const char *const MECHANISM[] = {"SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"};
    const struct config *c = &o->child->config;
    const struct sink_kafka_config kafka = {
        .brokers = c->output.kafka.brokers,
        .topic = c->output.kafka.topic,
        .key = KEY[c->output.kafka.key],
        .uses_tls = c->output.kafka.encrypted,
        .tls = tls_of(&c->output.kafka.tls),
        .user = c->output.kafka.user,
        .password = word_of(&c->output.kafka.password),
        .mechanism = MECHANISM[c->output.kafka.mechanism],
    };
    struct sink_filter filter;
    char why[SINK_WHY] = "";
    return !kafka.brokers || (outlets_filter(o, &c->output.kafka.told, FORMAT_FACILITY, &filter) &&
                              outlets_add(o, "kafka", sink_kafka_new(&kafka, &filter, why), why));
}

bool outlets_network(struct outlets *o)
{
    const struct config *c = &o->child->config;
    return open_unix(o) && open_syslog(o) &&
           open_http(o, "splunk", SINK_HTTP_HEC, &c->output.splunk) &&
           open_http(o, "elastic", SINK_HTTP_BULK, &c->output.elastic) &&
           open_http(o, "webhook", SINK_HTTP_HOOK, &c->output.webhook) && open_kafka(o);
}
