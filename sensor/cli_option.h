/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options and the commands, a row for each: what the command line is read by, what the help and
 * the man pages say, and which key of the configuration an option of watch sets.
 */
#ifndef SENSOR_CLI_OPTION_H
#define SENSOR_CLI_OPTION_H

#include "sensor/cli.h"

enum option_id {
    OPTION_READ_FILE,
    OPTION_JSON,
    OPTION_OUTPUT,
    OPTION_APPEND,
    OPTION_FORMAT,
    OPTION_PORTS,
    OPTION_LOCAL_NETS,
    OPTION_OWN_MX,
    OPTION_SMART_HOSTS,
    OPTION_POLICIES,
    OPTION_STATE,
    OPTION_PRELOAD,
    OPTION_PARTNERS,
    OPTION_SUPPRESS,
    OPTION_CA_FILE,
    OPTION_RESOLVERS,
    OPTION_COMMUNITY_ID_SEED,
    OPTION_SENSOR_NAME,
    OPTION_FAIL_ON,
    OPTION_MIN_SEVERITY,
    OPTION_SHOW_ADDRESSES,
    OPTION_EXIT_ZERO,
    OPTION_MAX_FLOWS,
    OPTION_MEMORY,
    OPTION_NO_NAMES,
    OPTION_COLOUR,
    OPTION_QUIET,
    OPTION_PREVALENCE,
    OPTION_BY,
    OPTION_MMDB,
    OPTION_CSV,
    OPTION_TLSRPT,
    OPTION_TLSRPT_IN,
    OPTION_OWN_DOMAIN,
    OPTION_OUT,
    OPTION_SERVER,
    OPTION_CONTROL,
    OPTION_FORGET,
    OPTION_INTERFACE,
    OPTION_CONFIG,
    OPTION_SET,
    OPTION_FILTER,
    OPTION_SNAPLEN,
    OPTION_RING,
    OPTION_NO_PROMISCUOUS,
    OPTION_DIRECTION,
    OPTION_WORKERS,
    OPTION_VANTAGE,
    OPTION_USER,
    OPTION_GROUP,
    OPTION_LOG_LEVEL,
    OPTION_DEFAULTS,
    OPTION_PRINT,
    OPTION_KEYS,
    OPTION_ONLINE,
    OPTION_FILE,
    OPTION_TXT,
    OPTION_TXT_STRINGS,
    OPTION_HELP,
    OPTION_COUNT
};

/* Commands as bits: one, and those that watch or say how they would. */
#define CLI_OPTION_ON(command) (1u << (command))
#define CLI_OPTION_LIVE        (CLI_OPTION_ON(CLI_WATCH) | CLI_OPTION_ON(CLI_CHECK))

struct cli_option {
    const char *name;  /* without its dashes */
    char letter;       /* 0: none */
    const char *value; /* what the help calls it; NULL: takes none */
    uint16_t commands; /* CLI_OPTION_ON(): those that know it */
    bool repeatable;   /* may be given more than once */
    const char *help;  /* one sentence */
};

/* What an option of watch sets. */
struct cli_meaning {
    unsigned key;      /* 1 + the key of the configuration; 0: none */
    const char *value; /* of an option that takes none */
};

/* Of a command. */
struct cli_usage {
    const char *name;
    const char *usage; /* what follows the program's name */
    const char *help;  /* one sentence */
};

/* The rows live as long as the program. `id` may be any below OPTION_COUNT, `command` any below
 * CLI_COMMAND_COUNT. */
const struct cli_option *cli_option(unsigned id);
const struct cli_meaning *cli_option_meaning(unsigned id);
const struct cli_usage *cli_option_usage(unsigned command);

bool cli_option_known(unsigned id, enum cli_command command);

#endif
