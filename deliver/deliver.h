/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sinks that reach over the network or to another program (alert/sink.h says what a sink is, and
 * docs/feed.md what each of them promises). They are a layer of their own because they bring
 * libcurl, librdkafka and libssl into the process that links them.
 *
 * All that is read from files is read when a sink is made, and no thread of theirs lives before the
 * first turn: whoever puts up walls around the process does it between the two.
 * Afterwards none of them waits: names are looked up by threads, sockets never block. What a config
 * points to may go once the sink is made.
 */
#ifndef DELIVER_DELIVER_H
#define DELIVER_DELIVER_H

#include "alert/sink.h"

/* Verification cannot be switched off. */
struct deliver_tls {
    const char *ca_file;          /* PEM; NULL: the system's */
    const char *certificate_file; /* our own, PEM with its chain; NULL: none */
    const char *key_file;         /* and its key */
};

/* --- sockets of this machine --- */

struct sink_unix_config {
    const char *path;
    bool is_datagram; /* a line a datagram; else lines with LF */
};

struct sink *sink_unix_new(const struct sink_unix_config *c, const struct sink_filter *f,
                           char why[SINK_WHY]);

/* --- syslog --- */

enum sink_syslog_way { SINK_SYSLOG_UDP, SINK_SYSLOG_TCP, SINK_SYSLOG_TLS, SINK_SYSLOG_WAY_COUNT };

struct sink_syslog_config {
    enum sink_syslog_way way;
    const char *host;       /* name or address */
    const char *port;       /* NULL: 514, over TLS 6514 */
    const char *sensor;     /* HOSTNAME of lines that name no host; NULL: "-" */
    const char *prefix;     /* of the message, as "@cee: "; NULL: none */
    struct deliver_tls tls; /* SINK_SYSLOG_TLS */
    bool is_framed;         /* the filter's format is of all from PRI on; else of the message */
    uint8_t facility;       /* of what is not framed (RFC 5424 section 6.2.1) */
    size_t udp_bytes; /* of a datagram; 0: 2048; a longer message is cut (RFC 5426 section 3.2) */
};

/* TCP and TLS: octet counting (RFC 6587 section 3.4.1, RFC 5425 section 4.3). */
struct sink *sink_syslog_new(const struct sink_syslog_config *c, const struct sink_filter *f,
                             char why[SINK_WHY]);

/* --- HTTP --- */

enum sink_http_kind {
    SINK_HTTP_HEC,  /* Splunk's HTTP Event Collector: events, /services/collector/event */
    SINK_HTTP_BULK, /* Elasticsearch, OpenSearch: INDEX/_bulk with `create`, _id = alert_id */
    SINK_HTTP_HOOK, /* lines of JSON to whom it concerns */
    SINK_HTTP_KIND_COUNT
};

struct sink_http_config {
    enum sink_http_kind kind;
    const char *url;        /* http or https; of HEC and BULK what stands before the above */
    const char *index;      /* BULK: data stream or index; HEC: index, NULL: the token's own */
    const char *token;      /* HEC: the token; BULK: an API key; HOOK: a bearer; NULL: none */
    const char *user;       /* Basic authentication; NULL: none */
    const char *password;   /* its password */
    const char *sourcetype; /* HEC; NULL: "suricata", whose fields ours are */
    const char *sensor;     /* HEC: host of lines that name none; NULL: "stripwatch" */
    const char *proxy;      /* NULL: none, whatever the environment says */
    bool wants_ack;         /* HEC: arrived is what the indexer has acknowledged */
    bool without_gzip;      /* bodies go as they are */
    struct deliver_tls tls;
    nstime deadline; /* of one request; 0: 30 s */
};

/* One request at a time, 256 lines at most. A record has arrived when a 2xx says so, of BULK for
 * itself, of HEC on request for its indexer. */
struct sink *sink_http_new(const struct sink_http_config *c, const struct sink_filter *f,
                           char why[SINK_WHY]);

/* --- Kafka --- */

/* What decides on the partition, within which the order is kept. */
enum sink_kafka_key {
    SINK_KAFKA_COMMUNITY, /* community_id: beside what others tell of the same connection */
    SINK_KAFKA_INCIDENT,  /* the incident: its alerts stay in their order */
    SINK_KAFKA_KEY_COUNT
};

struct sink_kafka_config {
    const char *brokers; /* host:port,... */
    const char *topic;   /* NULL: "eve" */
    enum sink_kafka_key key;
    bool uses_tls;
    struct deliver_tls tls;
    const char *user;      /* SASL; NULL: none */
    const char *password;  /* its password */
    const char *mechanism; /* NULL: SCRAM-SHA-512 */
};

/* Idempotent, acks=all: a record has arrived when all replicas in step have it. */
struct sink *sink_kafka_new(const struct sink_kafka_config *c, const struct sink_filter *f,
                            char why[SINK_WHY]);

#endif
