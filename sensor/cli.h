/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line as a value: which command, with what settings. One table holds every option with
 * its help; the parser, the hints and the help texts are made from it.
 */
#ifndef SENSOR_CLI_H
#define SENSOR_CLI_H

#include <stdio.h>

#include "alert/format.h"
#include "policy/role.h"
#include "report/prevalence.h"
#include "rules/finding.h"
#include "sensor/config.h"

#define CLI_ERROR_TEXT 512
#define CLI_POLICIES   16       /* sources of policies */
#define CLI_MIN_MEMORY 64       /* MiB: less is no room for a flood */
#define CLI_MAX_MEMORY 1048576  /* MiB */
#define CLI_MAX_FLOWS  67108864 /* 64 Mi: more would not fit any machine that taps a wire */

enum cli_command {
    CLI_READ,
    CLI_WATCH,
    CLI_CHECK,
    CLI_REPORT,
    CLI_POLICY,
    CLI_STATUS,
    CLI_RULES,
    CLI_VERSION,
    CLI_HELP,
    CLI_COMMAND_COUNT
};
enum cli_colour { CLI_COLOUR_AUTO, CLI_COLOUR_ALWAYS, CLI_COLOUR_NEVER, CLI_COLOUR_COUNT };

/* A character-string of a TXT record on the command line. */
struct cli_string {
    const char *text;
    uint32_t record; /* those of one record have the same number */
};

struct cli {
    enum cli_command command;
    bool help; /* --help: print the help of `command` */

    /* The operands: files, or what follows `policy`, `rules` and `help`. They point into argv. */
    const char **operand;
    size_t operand_count;

    /* read */
    bool json;
    const char *out_path; /* NULL: none */
    bool append;
    enum format format; /* of the lines */
    uint16_t port[CAP_PORTS];
    uint8_t port_count; /* 0: the usual ones */
    struct role_config roles;
    uint16_t community_id_seed;
    const char *sensor_name;            /* NULL: none */
    enum severity fail_on;              /* SEVERITY_COUNT: never */
    enum severity min_severity;         /* of alerts that are printed */
    const char *policies[CLI_POLICIES]; /* files and directories, in their order */
    uint32_t policies_count;
    const char *state;          /* a store; NULL: none */
    const char *preload;        /* NULL: none */
    const char *partners;       /* NULL: none */
    const char *suppress;       /* NULL: none */
    const char *ca_file;        /* NULL: those of the system */
    struct role_nets resolvers; /* whose AD bit is believed; none: anybody's */
    bool show_addresses;
    bool exit_zero;
    uint32_t max_flows;
    uint32_t memory; /* MiB */
    bool no_names;   /* -n: no name is ever looked up; taken for the hands that type it */
    enum cli_colour colour;
    bool quiet; /* no summary, no progress */

    bool online; /* read, policy: look domains up */

    /* watch, check: what they are told is a setting of the configuration; what looks up takes these
     * as well */
    const char *config_path; /* a file or a directory; NULL: none */
    struct config_setting *setting;
    size_t setting_count;
    bool defaults; /* check: print the default file */
    bool print;    /* check: print what is in force */
    bool keys;     /* check: print the table of keys */

    /* report */
    bool prevalence;
    bool csv;
    enum prevalence_by by;
    const char *mmdb[CAP_MMDB]; /* files of AS and countries, in their order */
    uint32_t mmdb_count;
    bool tlsrpt;             /* write reports by TLSRPT */
    const char *out_dir;     /* into that directory; NULL: to standard output */
    const char **tlsrpt_in;  /* received reports, files and directories, in their order */
    size_t tlsrpt_in_count;  /* 0: none is to be read */
    const char **own_domain; /* lists of domains, likewise */
    size_t own_domain_count;

    /* status */
    const char *server;  /* ADDR[:PORT]; NULL: all */
    const char *control; /* socket of a sensor; NULL: none is asked */
    bool forget;

    /* policy */
    const char *policy_file; /* NULL: none */
    bool txt;                /* records are given, though perhaps none follows */
    struct cli_string *string;
    size_t string_count;
    bool joining;    /* of parsing: the next string belongs to the record before it */
    uint32_t record; /* of parsing: the number of the next one */

    char error[CLI_ERROR_TEXT]; /* one line without its end; printable */
};

/* 0, or -1 with c->error filled: the program should print it and exit with 2. In both cases
 * cli_fini() follows. */
int cli_parse(struct cli *c, int argc, char **argv);
void cli_fini(struct cli *c);

/* The help of one command, or of the program (CLI_HELP). */
void cli_help(FILE *to, enum cli_command command);

/* The option of watch that sets a key, without its dashes; NULL: there is none but --set. */
const char *cli_option_of(enum config_key key);

/* CLI_COMMAND_COUNT when there is none of that name. */
enum cli_command cli_command_by_name(const char *name);

#endif
