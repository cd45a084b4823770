/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration as a value. One table (sensor/config_keys.def) has every key with its type,
 * unit, range, default and help; the reader, the messages, the commented default file, the table of
 * docs/configuration.md and the comparison of two configurations are made from it.
 *
 * A configuration is read whole or not at all: config_read() begins with the defaults, reads the
 * file, then conf.d, then what the command line says, and what is wrong with any of it is told as
 * FILE:LINE: KEY: TEXT. A struct config is plain and owned by its caller: after config_init() there
 * follows config_fini(), and a struct config is never copied.
 */
#ifndef SENSOR_CONFIG_H
#define SENSOR_CONFIG_H

#include <stdio.h>

#include "base/caps.h"
#include "policy/role.h"
#include "rules/finding.h"

#define CONFIG_PATH      1024 /* bytes of a path, its NUL included */
#define CONFIG_SECRET    512  /* likewise of a password */
#define CONFIG_INTERFACE 64   /* likewise of an interface: libpcap's names are short */
#define CONFIG_WORDS     64   /* words of a list: sources of policies, domains */

/* The keys, as CONFIG_KEY_CAPTURE_SNAPLEN. */
enum config_key {
#define KEY(id, ...) CONFIG_KEY_##id,
#include "sensor/config_keys.def"
#undef KEY
    CONFIG_KEY_COUNT
};

/* Where a tap stands. */
enum config_vantage {
    CONFIG_VANTAGE_UNKNOWN,
    CONFIG_VANTAGE_CLIENT_SIDE, /* near those who send */
    CONFIG_VANTAGE_SERVER_SIDE, /* near the servers */
};
enum config_direction { CONFIG_DIRECTION_INOUT, CONFIG_DIRECTION_IN, CONFIG_DIRECTION_OUT };
enum config_sessions { CONFIG_SESSIONS_FINDINGS, CONFIG_SESSIONS_ALL, CONFIG_SESSIONS_NONE };
enum config_lookups { CONFIG_LOOKUPS_OFF, CONFIG_LOOKUPS_OWN, CONFIG_LOOKUPS_SEEN };
enum config_stdout { CONFIG_STDOUT_AUTO, CONFIG_STDOUT_ALWAYS, CONFIG_STDOUT_NEVER };
enum config_redis_mode {
    CONFIG_REDIS_LPUSH,
    CONFIG_REDIS_RPUSH,
    CONFIG_REDIS_PUBLISH,
    CONFIG_REDIS_XADD,
};
enum config_socket { CONFIG_SOCKET_STREAM, CONFIG_SOCKET_DATAGRAM };
enum config_transport { CONFIG_TRANSPORT_UDP, CONFIG_TRANSPORT_TCP, CONFIG_TRANSPORT_TLS };
enum config_kafka_key { CONFIG_KAFKA_COMMUNITY, CONFIG_KAFKA_INCIDENT };
enum config_log_level {
    CONFIG_LOG_ERROR,
    CONFIG_LOG_WARNING,
    CONFIG_LOG_INFO,
    CONFIG_LOG_DEBUG,
};
enum config_log_format { CONFIG_LOG_TEXT, CONFIG_LOG_JSON };

/* Kinds of lines, as bits of config_kinds. */
enum { CONFIG_KIND_SMTP = 1, CONFIG_KIND_TLS = 2, CONFIG_KIND_ALERT = 4, CONFIG_KIND_STATS = 8 };

struct config_interfaces {
    struct config_interface {
        char name[CONFIG_INTERFACE];
        bool placed;      /* a vantage is given for this one; else sensor.vantage counts */
        unsigned vantage; /* enum config_vantage */
    } one[CAP_INTERFACES];
    size_t count;
};

struct config_ports {
    uint16_t port[CAP_PORTS];
    uint8_t count;
};

/* Heap, as many as `count`. */
struct config_words {
    char *word[CONFIG_WORDS];
    size_t count;
};

/* A word that is read from a file, or from systemd's directory of credentials. */
struct config_secret {
    char *from;                /* path or credential:NAME; NULL: none */
    char value[CONFIG_SECRET]; /* its first line */
};

/* Texts are on the heap; NULL is none. An enumeration is an unsigned of its kind. */
/* What an output is told, and how. */
struct config_told {
    unsigned min_severity; /* enum severity */
    unsigned kinds;        /* CONFIG_KIND_... */
    unsigned format;       /* enum format */
    bool daily;            /* low alerts in numbers, once a day */
    struct config_words without_rules;
};

/* Files of TLS. */
struct config_tls {
    char *ca_file, *certificate_file, *key_file;
};

struct config {
    struct {
        struct config_interfaces interfaces;
        uint32_t snaplen; /* bytes */
        uint32_t ring;    /* MiB, for each worker */
        bool promiscuous;
        char *filter; /* BPF, in the words of pcap-filter(7); not compiled here */
        struct config_ports ports;
        uint32_t workers;
        unsigned direction; /* enum config_direction */
        bool tunnels, fetches;
    } capture;
    struct {
        char *name;
        struct role_config roles;
        struct role_nets resolvers;
        unsigned vantage; /* enum config_vantage */
        uint32_t community_id_seed;
        bool show_addresses;
        uint32_t memory; /* MiB */
        uint32_t max_flows;
    } sensor;
    struct {
        struct config_words policies; /* as --policies takes them */
        uint32_t reread;              /* s */
        char *state;                  /* a store (store/where.h) */
        char *preload, *partners, *ca_file, *suppress;
        unsigned lookups; /* enum config_lookups */
        struct config_words own_domains, lookup_allow;
    } policy;
    struct {
        struct config_words forward; /* ADDRESS[@PORT][#NAME] */
        struct config_words stub;    /* ZONE=ADDRESS[@PORT] */
        char *trust_anchor, *ca_file;
    } resolver;
    struct {
        char *ca_file;
        struct role_nets allow_nets;
        uint32_t port;
    } fetch;
    struct {
        unsigned log_sessions; /* enum config_sessions */
        uint32_t pair_days;    /* days */
    } privacy;
    struct {
        unsigned min_severity; /* enum severity */
        uint32_t hourly;       /* incidents */
        unsigned to_stdout;    /* enum config_stdout */
        struct {
            char *path;
            struct config_told told;
        } file;
        struct {
            char *dir;
            uint32_t quota;   /* MiB */
            uint32_t segment; /* MiB */
        } spool;
        struct {
            char *address; /* HOST, HOST:PORT, [ADDRESS]:PORT or the path of a socket */
            char *key;
            unsigned mode; /* enum config_redis_mode */
            uint32_t maxlen;
            char *user;
            struct config_secret password;
            struct config_told told;
        } redis;
        struct {
            char *path;
            unsigned type; /* enum config_socket */
            struct config_told told;
        } local;
        struct {
            char *address;      /* HOST, HOST:PORT or [ADDRESS]:PORT */
            unsigned transport; /* enum config_transport */
            unsigned facility;  /* 16 to 23 */
            char *prefix;
            struct config_tls tls;
            struct config_told told;
        } syslog;
        struct config_http {
            char *url, *index, *sourcetype, *user, *proxy;
            struct config_secret token, password;
            bool acknowledged, compressed;
            struct config_tls tls;
            struct config_told told;
        } splunk, elastic, webhook;
        struct {
            char *brokers, *topic, *user;
            unsigned key;       /* enum config_kafka_key */
            unsigned mechanism; /* enum config_mechanism */
            bool encrypted;
            struct config_secret password;
            struct config_tls tls;
            struct config_told told;
        } kafka;
    } output;
    struct {
        char *listen; /* ADDRESS:PORT of this machine */
    } metrics;
    struct {
        char *socket;
    } control;
    struct {
        char *user, *group, *directory;
    } process;
    struct {
        unsigned level, format; /* enum config_log_level, enum config_log_format */
    } log;
    struct {
        uint32_t gap;   /* s */
        uint32_t drops; /* per cent */
    } coverage;

    const struct config_source *source; /* of config_read(), to reload from; borrowed */
    char *file[CAP_CONFIG_FILES];       /* that were read, in their order */
    size_t file_count;
    /* Where each value comes from. file: index + 1, or 0: the default or the command line. */
    struct config_origin {
        unsigned file, line;
    } origin[CONFIG_KEY_COUNT];
};

/* Something is wrong, or odd. All texts are printable and valid during the call. */
struct config_problem {
    const char *file; /* path, or "--snaplen", "--set" of the command line */
    unsigned line;    /* from 1; 0: not of a line */
    const char *key;  /* "capture.snaplen"; "syntax" or "file" where it is about none */
    const char *text;
    bool warning; /* it is only odd: the configuration counts */
};

/* A difference of two configurations. Values are as config_write() shows them; of a secret, and of
 * what holds one, no more than "(changed)". */
struct config_change {
    enum config_key key;
    const char *name; /* "log.level" */
    const char *old, *new;
    bool reloadable;
};

typedef void (*config_problem_fn)(void *user, const struct config_problem *problem);
typedef void (*config_change_fn)(void *user, const struct config_change *change);

/* What the command line says of a key. */
struct config_setting {
    const char *option;  /* without its dashes; NULL: --set */
    const char *text;    /* of an option: the value; of --set: KEY=VALUE. Items parted by commas */
    enum config_key key; /* of an option */
    bool more;           /* add to a list that the command line began */
    bool item;           /* one item of a list, commas and all */
};

/* Where a configuration is read from: kept by the caller, because a reload reads it again. */
struct config_source {
    const char *path; /* a file, with the directory conf.d beside it; or a directory; NULL: none */
    const char *here; /* what relative paths of the command line begin at */
    const struct config_setting *setting;
    size_t setting_count;
};

/* The defaults. -1: no memory. */
int config_init(struct config *c);
/* Passwords are overwritten. */
void config_fini(struct config *c);

/*
 * Reads a file over what is there. 0, or -1 when anything was wrong, of which the first
 * CAP_CONFIG_PROBLEMS were told; then `c` is fit for config_fini() alone.
 */
int config_load(struct config *c, const char *path, config_problem_fn problem, void *user);

/* Likewise each file *.yaml of a directory, in the order of their bytes. A key in a later file
 * takes the place of the same key in an earlier one, lists whole. */
int config_load_dir(struct config *c, const char *path, config_problem_fn problem, void *user);

/* Likewise the bytes of a file, which messages call `name`. */
int config_parse(struct config *c, const char *name, struct span text, config_problem_fn problem,
                 void *user);

/* Likewise "capture.snaplen=96KiB". `here`: as in struct config_source. */
int config_set(struct config *c, const char *text, const char *here, config_problem_fn problem,
               void *user);

/* All of it: defaults, file, conf.d, settings, and what must fit together. `c` is not initialised
 * before. 0, or -1 with nothing to be finished. */
int config_read(struct config *c, const struct config_source *from, config_problem_fn problem,
                void *user);

/*
 * What takes the place of `c` when it is reloaded: 0 when all is right and nothing differs but what
 * is reloadable. Otherwise -1 with nothing to be finished, and the problems are told.
 */
int config_reread(struct config *next, const struct config *c, const struct config_source *from,
                  config_problem_fn problem, void *user);

/* `next` takes the place of `c`, and is finished. Each difference is told, and the number of them
 * returned. */
int config_replace(struct config *c, struct config *next, config_change_fn change, void *user);

/* The number of keys that differ, each told. Without memory for a text it is "(changed)". */
int config_diff(const struct config *old, const struct config *new, config_change_fn change,
                void *user);

/* May lines go to standard output: always, or because there is no other output. */
bool config_to_stdout(const struct config *c);

/* Is there an output that another program passes lines on to (sensor/program.h)? */
bool config_reaches_out(const struct config *c);

/* Does one of the outputs take low alerts once a day? */
bool config_wants_daily(const struct config *c);

/* The vantage that counts for an interface: its own, or that of the sensor. */
enum config_vantage config_vantage_of(const struct config *c, const struct config_interface *i);

/* The default file with a comment on every key; the table of docs/configuration.md; and what is in
 * force, as a file that reads the same. */
void config_write_default(FILE *to);
void config_write_table(FILE *to);
void config_write(FILE *to, const struct config *c);

/* "FILE:LINE: KEY: TEXT", what is not known left out. */
void config_problem_print(FILE *to, const struct config_problem *problem);

#endif
