/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/config.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "sensor/config_load.h"
#include "sensor/config_value.h"

#define BESIDE "conf.d"

/* The defaults are texts like any other; tests/unit/sensor/test_config.c takes each. */
int config_init(struct config *c)
{
    struct cli_why why;
    memset(c, 0, sizeof(*c));
    for (enum config_key key = 0; key < CONFIG_KEY_COUNT; key++) {
        const struct config_row *row = config_key_row(key);
        if (row->standard && config_value_take_all(c, row, row->standard, NULL, &why) < 0) {
            config_fini(c);
            return -1;
        }
    }
    return 0;
}

void config_fini(struct config *c)
{
    for (enum config_key key = 0; key < CONFIG_KEY_COUNT; key++)
        config_value_clear(c, config_key_row(key));
    for (size_t i = 0; i < c->file_count; i++)
        free(c->file[i]);
    c->file_count = 0;
}

/* --- parts --- */

int config_parse(struct config *c, const char *name, struct span text, config_problem_fn problem,
                 void *user)
{
    struct config_faults f = {.fn = problem, .user = user};
    config_load_bytes(c, name, text, &f);
    return f.errors ? -1 : 0;
}

int config_load(struct config *c, const char *path, config_problem_fn problem, void *user)
{
    struct config_faults f = {.fn = problem, .user = user};
    config_load_file(c, path, &f);
    return f.errors ? -1 : 0;
}

int config_load_dir(struct config *c, const char *path, config_problem_fn problem, void *user)
{
    struct config_faults f = {.fn = problem, .user = user};
    config_load_files(c, path, false, &f);
    return f.errors ? -1 : 0;
}

int config_set(struct config *c, const char *text, const char *here, config_problem_fn problem,
               void *user)
{
    const struct config_setting setting = {.text = text};
    struct config_faults f = {.fn = problem, .user = user};
    config_load_setting(c, &setting, here, &f);
    return f.errors ? -1 : 0;
}

/* --- what must fit together --- */

static void complain(const struct config *c, struct config_faults *f, enum config_key key,
                     const char *text)
{
    const struct config_origin *at = &c->origin[key];
    config_load_fault(f, &(struct config_problem){
                             .file = at->file ? c->file[at->file - 1] : NULL,
                             .line = at->line,
                             .key = config_key_row(key)->path,
                             .text = text,
                         });
}

/* `key` says nothing without `other`. */
static void needs(const struct config *c, struct config_faults *f, enum config_key key,
                  enum config_key other)
{
    char text[80];
    if (!config_value_given(c, config_key_row(key)) || config_value_given(c, config_key_row(other)))
        return;
    snprintf(text, sizeof(text), "needs %s beside it", config_key_row(other)->path);
    complain(c, f, key, text);
}

/* An empty list would be a sensor that does nothing. */
static void needs_one(const struct config *c, struct config_faults *f, enum config_key key)
{
    if (!config_value_given(c, config_key_row(key)))
        complain(c, f, key, "is empty: it needs one at least");
}

/* Each worker of each interface is a process. */
static void check_workers(const struct config *c, struct config_faults *f)
{
    if (c->capture.interfaces.count * c->capture.workers > CAP_WATCHERS)
        complain(c, f, CONFIG_KEY_CAPTURE_WORKERS,
                 "with so many interfaces makes more than 16 processes");
}
_Static_assert(CAP_WATCHERS == 16, "the text above says so");

/* The first says nothing without the second. */
static const struct {
    enum config_key key, other;
} PAIR[] = {
#define NEEDS(a, b)                                                                                \
    {                                                                                              \
        CONFIG_KEY_##a, CONFIG_KEY_##b                                                             \
    }
#define BOTH(a, b) NEEDS(a, b), NEEDS(b, a)
    NEEDS(PROCESS_GROUP, PROCESS_USER),
    NEEDS(OUTPUT_REDIS_USER, OUTPUT_REDIS_ADDRESS),
    NEEDS(OUTPUT_REDIS_PASSWORD_FILE, OUTPUT_REDIS_ADDRESS),
    NEEDS(OUTPUT_SYSLOG_PREFIX, OUTPUT_SYSLOG_ADDRESS),
    NEEDS(OUTPUT_SYSLOG_CA_FILE, OUTPUT_SYSLOG_ADDRESS),
    BOTH(OUTPUT_SYSLOG_CERTIFICATE_FILE, OUTPUT_SYSLOG_KEY_FILE),
    BOTH(OUTPUT_SPLUNK_URL, OUTPUT_SPLUNK_TOKEN_FILE),
    NEEDS(OUTPUT_SPLUNK_INDEX, OUTPUT_SPLUNK_URL),
    NEEDS(OUTPUT_SPLUNK_PROXY, OUTPUT_SPLUNK_URL),
    NEEDS(OUTPUT_SPLUNK_CA_FILE, OUTPUT_SPLUNK_URL),
    BOTH(OUTPUT_SPLUNK_CERTIFICATE_FILE, OUTPUT_SPLUNK_KEY_FILE),
    NEEDS(OUTPUT_ELASTIC_TOKEN_FILE, OUTPUT_ELASTIC_URL),
    NEEDS(OUTPUT_ELASTIC_USER, OUTPUT_ELASTIC_URL),
    BOTH(OUTPUT_ELASTIC_USER, OUTPUT_ELASTIC_PASSWORD_FILE),
    NEEDS(OUTPUT_ELASTIC_PROXY, OUTPUT_ELASTIC_URL),
    NEEDS(OUTPUT_ELASTIC_CA_FILE, OUTPUT_ELASTIC_URL),
    BOTH(OUTPUT_ELASTIC_CERTIFICATE_FILE, OUTPUT_ELASTIC_KEY_FILE),
    NEEDS(OUTPUT_WEBHOOK_TOKEN_FILE, OUTPUT_WEBHOOK_URL),
    NEEDS(OUTPUT_WEBHOOK_USER, OUTPUT_WEBHOOK_URL),
    BOTH(OUTPUT_WEBHOOK_USER, OUTPUT_WEBHOOK_PASSWORD_FILE),
    NEEDS(OUTPUT_WEBHOOK_PROXY, OUTPUT_WEBHOOK_URL),
    NEEDS(OUTPUT_WEBHOOK_CA_FILE, OUTPUT_WEBHOOK_URL),
    BOTH(OUTPUT_WEBHOOK_CERTIFICATE_FILE, OUTPUT_WEBHOOK_KEY_FILE),
    NEEDS(OUTPUT_KAFKA_USER, OUTPUT_KAFKA_BROKERS),
    BOTH(OUTPUT_KAFKA_USER, OUTPUT_KAFKA_PASSWORD_FILE),
    NEEDS(OUTPUT_KAFKA_CA_FILE, OUTPUT_KAFKA_BROKERS),
    BOTH(OUTPUT_KAFKA_CERTIFICATE_FILE, OUTPUT_KAFKA_KEY_FILE),
#undef BOTH
#undef NEEDS
};

static const enum config_key NEVER_EMPTY[] = {
    CONFIG_KEY_CAPTURE_PORTS,        CONFIG_KEY_OUTPUT_FILE_KINDS,
    CONFIG_KEY_OUTPUT_REDIS_KINDS,   CONFIG_KEY_OUTPUT_REDIS_KEY,
    CONFIG_KEY_OUTPUT_UNIX_KINDS,    CONFIG_KEY_OUTPUT_SYSLOG_KINDS,
    CONFIG_KEY_OUTPUT_SPLUNK_KINDS,  CONFIG_KEY_OUTPUT_SPLUNK_SOURCETYPE,
    CONFIG_KEY_OUTPUT_ELASTIC_KINDS, CONFIG_KEY_OUTPUT_ELASTIC_INDEX,
    CONFIG_KEY_OUTPUT_WEBHOOK_KINDS, CONFIG_KEY_OUTPUT_KAFKA_KINDS,
    CONFIG_KEY_OUTPUT_KAFKA_TOPIC,
};

static bool is_about(const char *text, size_t n, const char *bytes)
{
    for (size_t i = 0; i < n; i++)
        if (!span_is_alpha((uint8_t)text[i]) && !span_is_digit((uint8_t)text[i]) &&
            !strchr(bytes, text[i]))
            return false;
    return n > 0;
}

/* What goes into the path of a request, and between commas. */
static void check_words(const struct config *c, struct config_faults *f)
{
    const char *index = c->output.elastic.index, *brokers = c->output.kafka.brokers;
    if (index && !is_about(index, strlen(index), "._-"))
        complain(c, f, CONFIG_KEY_OUTPUT_ELASTIC_INDEX,
                 "is no index: it has letters, digits, dots and dashes");
    if (c->output.kafka.topic &&
        !is_about(c->output.kafka.topic, strlen(c->output.kafka.topic), "._-"))
        complain(c, f, CONFIG_KEY_OUTPUT_KAFKA_TOPIC,
                 "is no topic: it has letters, digits, dots and dashes");
    if (brokers && !is_about(brokers, strlen(brokers), ".-_:,[]"))
        complain(c, f, CONFIG_KEY_OUTPUT_KAFKA_BROKERS, "is not HOST:PORT, parted by commas");
    if (c->output.syslog.address && c->output.syslog.tls.ca_file &&
        c->output.syslog.transport != CONFIG_TRANSPORT_TLS)
        complain(c, f, CONFIG_KEY_OUTPUT_SYSLOG_CA_FILE, "needs output.syslog.transport to be tls");
}

static void check_together(const struct config *c, struct config_faults *f)
{
    check_workers(c, f);
    for (size_t i = 0; i < sizeof(NEVER_EMPTY) / sizeof(NEVER_EMPTY[0]); i++)
        needs_one(c, f, NEVER_EMPTY[i]);
    for (size_t i = 0; i < sizeof(PAIR) / sizeof(PAIR[0]); i++)
        needs(c, f, PAIR[i].key, PAIR[i].other);
    check_words(c, f);
    if (c->output.spool.segment > c->output.spool.quota)
        complain(c, f, CONFIG_KEY_OUTPUT_SPOOL_SEGMENT, "is more than output.spool.quota");
}

/* --- the whole --- */

static bool is_directory(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

/* The file, and after it those of conf.d in the same directory. */
static void load_with_beside(struct config *c, const char *path, struct config_faults *f)
{
    char dir[CONFIG_PATH];
    const char *slash = strrchr(path, '/');
    int n = snprintf(dir, sizeof(dir), "%.*s%s", slash ? (int)(slash - path) + 1 : 0, path, BESIDE);
    config_load_file(c, path, f);
    if (n < CONFIG_PATH)
        config_load_files(c, dir, true, f);
}

static void read_all(struct config *c, const struct config_source *from, struct config_faults *f)
{
    if (from->path && is_directory(from->path))
        config_load_files(c, from->path, false, f);
    else if (from->path)
        load_with_beside(c, from->path, f);
    for (size_t i = 0; i < from->setting_count; i++)
        config_load_setting(c, &from->setting[i], from->here, f);
    if (f->errors == 0)
        check_together(c, f);
}

int config_read(struct config *c, const struct config_source *from, config_problem_fn problem,
                void *user)
{
    struct config_faults f = {.fn = problem, .user = user};
    if (config_init(c)) {
        problem(user, &(struct config_problem){.key = "file", .text = "out of memory"});
        return -1;
    }
    c->source = from;
    read_all(c, from, &f);
    if (f.errors == 0)
        return 0;
    config_fini(c);
    return -1;
}

enum config_vantage config_vantage_of(const struct config *c, const struct config_interface *i)
{
    return (enum config_vantage)(i->placed ? i->vantage : c->sensor.vantage);
}
