/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/config_key.h"

#include <stdio.h>

#include "history/keep.h"
#include "sensor/cli.h"
#include "sensor/hint.h"

const char *const CONFIG_KEY_KINDS[] = {"smtp", "tls", "alert", "stats", NULL};
const char *const CONFIG_KEY_VANTAGES[] = {"unknown", "client-side", "server-side", NULL};
static const char *const DIRECTIONS[] = {"inout", "in", "out", NULL};
static const char *const SESSIONS[] = {"findings", "all", "none", NULL};
static const char *const SEVERITIES[] = {"low", "medium", "high", "critical", NULL};
static const char *const LOOKUPS[] = {"off", "own", "seen", NULL};
static const char *const WHENS[] = {"auto", "always", "never", NULL};
static const char *const MODES[] = {"lpush", "rpush", "publish", "xadd", NULL};
static const char *const SOCKETS[] = {"stream", "datagram", NULL};
static const char *const TRANSPORTS[] = {"udp", "tcp", "tls", NULL};
static const char *const FACILITIES[] = {"local0", "local1", "local2", "local3", "local4",
                                         "local5", "local6", "local7", NULL};
static const char *const PARTITIONS[] = {"community-id", "incident", NULL};
static const char *const MECHANISMS[] = {"SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN", NULL};
static const char *const LINES[] = {"eve", "ecs", "cef", "ocsf", "rfc5424", NULL};
static const char *const LEVELS[] = {"error", "warning", "info", "debug", NULL};
static const char *const FORMATS[] = {"text", "json", NULL};
_Static_assert(SEVERITY_COUNT - SEVERITY_LOW == 4, "a word for each severity of an alert");
#define VANTAGES CONFIG_KEY_VANTAGES

#define LIVE                  true
#define FIXED                 false
#define OF(member)            .at = offsetof(struct config, member)
#define BOOLEAN(m)            .type = CONFIG_BOOLEAN, OF(m)
#define INTERFACES(m)         .type = CONFIG_INTERFACES, OF(m)
#define PORTS(m)              .type = CONFIG_PORTS, OF(m)
#define NETS(m)               .type = CONFIG_NETS, OF(m)
#define STORES(m)             .type = CONFIG_STORES, OF(m)
#define DOMAINS(m)            .type = CONFIG_DOMAINS, OF(m)
#define RULES(m)              .type = CONFIG_RULES, OF(m)
#define HOST(m)               .type = CONFIG_HOST, OF(m)
#define URL(m)                .type = CONFIG_URL, OF(m)
#define FORWARDS(m)           .type = CONFIG_FORWARDS, OF(m)
#define STUBS(m)              .type = CONFIG_STUBS, OF(m)
#define STORE(m)              .type = CONFIG_STORE, OF(m)
#define INPUT(m)              .type = CONFIG_INPUT, OF(m)
#define PATH(m)               .type = CONFIG_PATH_, OF(m)
#define KINDS(m)              .type = CONFIG_KINDS, .words = CONFIG_KEY_KINDS, OF(m)
#define REDIS(m)              .type = CONFIG_REDIS, OF(m)
#define SECRET(m)             .type = CONFIG_SECRET_, OF(m)
#define LISTEN(m)             .type = CONFIG_LISTEN, OF(m)
#define SOCKET(m)             .type = CONFIG_SOCKET, OF(m)
#define ACCOUNT(m)            .type = CONFIG_ACCOUNT, OF(m)
#define TEXT(m, most)         .type = CONFIG_TEXT, .max = (most), OF(m)
#define CHOICE(m, list, base) .type = CONFIG_CHOICE, .words = (list), .first = (base), OF(m)
#define NUMBER(m, measure, least, most)                                                            \
    .type = CONFIG_NUMBER, .unit = CONFIG_UNIT_##measure, .min = (least), .max = (most), OF(m)

static const struct config_row ROW[] = {
#define KEY(id, name, kind, value, when, text)                                                     \
    [CONFIG_KEY_##                                                                                 \
        id] = {.path = (name), kind, .standard = (value), .reloadable = (when), .help = (text)},
#include "sensor/config_keys.def"
#undef KEY
};
_Static_assert(sizeof(ROW) / sizeof(ROW[0]) == CONFIG_KEY_COUNT, "a row for each key");

static const struct section {
    const char *path, *help;
} SECTION[] = {
    {"capture", "What is watched."},
    {"sensor", "Who watches, where, and with how much memory."},
    {"policy", "What was promised, and what is known."},
    {"resolver", "Who is asked about names."},
    {"fetch", "How policies are fetched."},
    {"privacy", "What is told and remembered of those who did no harm."},
    {"output", "Where the lines go."},
    {"output.file", "A file."},
    {"output.spool", "A spool on disk."},
    {"output.redis", "A Redis."},
    {"output.unix", "A socket of this machine."},
    {"output.syslog", "A syslog elsewhere."},
    {"output.splunk", "Splunk, by its HTTP Event Collector."},
    {"output.elastic", "Elasticsearch or OpenSearch, by _bulk."},
    {"output.webhook", "Anything that takes lines of JSON by HTTP."},
    {"output.kafka", "Kafka."},
    {"metrics", "Figures for a monitoring system."},
    {"control", "Questions to the running sensor."},
    {"process", "What the processes become."},
    {"log", "What is said on standard error."},
    {"coverage", "When the sensor says that it was blind."},
};
_Static_assert(sizeof(SECTION) / sizeof(SECTION[0]) == CONFIG_SECTIONS, "all are counted");

const struct config_row *config_key_row(enum config_key key)
{
    return &ROW[key];
}

static const char *leaf(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot ? dot + 1 : path;
}

const char *config_key_leaf(const struct config_row *row)
{
    return leaf(row->path);
}

bool config_key_is_list(const struct config_row *row)
{
    return row->type >= CONFIG_STORES;
}

bool config_key_has_words(enum config_type type)
{
    return type >= CONFIG_STORES && type <= CONFIG_STUBS;
}

enum config_key config_key_find(const char *path)
{
    enum config_key key = 0;
    while (key < CONFIG_KEY_COUNT && strcmp(ROW[key].path, path) != 0)
        key++;
    return key;
}

int config_key_section(const char *path)
{
    for (int i = 0; i < CONFIG_SECTIONS; i++)
        if (strcmp(SECTION[i].path, path) == 0)
            return i;
    return -1;
}

const char *config_key_section_help(const char *path)
{
    int i = config_key_section(path);
    return i < 0 ? "" : SECTION[i].help;
}

/* --- what may have been meant --- */

/* Is it right below the section that `path` is in? */
static bool is_beside(const char *path, const char *other)
{
    size_t n = (size_t)(leaf(path) - path);
    return (size_t)(leaf(other) - other) == n && strncmp(path, other, n) == 0;
}

/* A word beside it that is spelt nearly so: the section is right. */
static const char *near_beside(const char *path)
{
    struct hint hint;
    hint_init(&hint, leaf(path));
    for (int i = 0; i < CONFIG_SECTIONS; i++)
        if (is_beside(path, SECTION[i].path))
            hint_offer(&hint, leaf(SECTION[i].path));
    for (enum config_key key = 0; key < CONFIG_KEY_COUNT; key++)
        if (is_beside(path, ROW[key].path))
            hint_offer(&hint, leaf(ROW[key].path));
    return hint.best;
}

/* The same word in another section, or nearly the same path. */
static const char *near_elsewhere(const char *path)
{
    struct hint hint;
    for (enum config_key key = 0; key < CONFIG_KEY_COUNT; key++)
        if (strcmp(leaf(path), leaf(ROW[key].path)) == 0)
            return ROW[key].path;
    hint_init(&hint, path);
    for (enum config_key key = 0; key < CONFIG_KEY_COUNT; key++)
        hint_offer(&hint, ROW[key].path);
    return hint.best;
}

void config_key_hint(const char *path, char *dst, size_t cap)
{
    int before = (int)(leaf(path) - path);
    const char *word = near_beside(path);
    dst[0] = '\0';
    if (word)
        snprintf(dst, cap, " (did you mean '%.*s%s'?)", before, path, word);
    else if ((word = near_elsewhere(path)))
        snprintf(dst, cap, " (did you mean '%s'?)", word);
}
