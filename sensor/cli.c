/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/cli.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "report/typeset.h"
#include "sensor/cli_value.h"
#include "sensor/hint.h"

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

#define ON(command) (1u << (command))
#define EVERYWHERE  (ON(CLI_COMMAND_COUNT) - 1)
#define LIVE        (ON(CLI_WATCH) | ON(CLI_CHECK))
#define CONFIGURED  (LIVE | ON(CLI_READ) | ON(CLI_POLICY) | ON(CLI_REPORT)) /* -c, --set */
#define NETWORK     (LIVE | ON(CLI_READ) | ON(CLI_REPORT)) /* whose addresses are ours */

struct option_row {
    const char *name;
    char letter;       /* 0: none */
    const char *value; /* what the help calls it; NULL: takes none */
    uint16_t commands; /* ON(): those that know it */
    bool repeatable;
    const char *help;
};

static const struct option_row OPTION[] = {
    [OPTION_READ_FILE] = {"read", 'r', "FILE", ON(CLI_READ), true, "read FILE, as tcpdump has it"},
    [OPTION_JSON] =
        {"json", 0, NULL, ON(CLI_READ) | LIVE | ON(CLI_REPORT) | ON(CLI_STATUS) | ON(CLI_POLICY),
         true,
         "read: lines of JSON (EVE) instead of the summary; watch: the same to standard output; "
         "report, status, policy: one object"},
    [OPTION_OUTPUT] = {"output", 'o', "FILE", ON(CLI_READ) | LIVE, false,
                       "lines of JSON to FILE; standard output stays as it is"},
    [OPTION_APPEND] = {"append", 'a', NULL, ON(CLI_READ), true,
                       "add to the FILE of -o, do not truncate it"},
    [OPTION_FORMAT] = {"format", 0, "FORMAT", ON(CLI_READ), false,
                       "of the lines of --json and -o: " FORMAT_NAMES " (eve); cef and ocsf have "
                       "alerts alone"},
    [OPTION_PORTS] = {"ports", 0, "PORT,...", ON(CLI_READ) | LIVE, false,
                      "server ports that carry mail (25,465,587,2525; 465 begins with TLS)"},
    [OPTION_LOCAL_NETS] = {"local-nets", 0, "CIDR,...", NETWORK, false, "our networks"},
    [OPTION_OWN_MX] = {"own-mx", 0, "CIDR,...", NETWORK, false,
                       "our mail exchangers, where they are not in our networks"},
    [OPTION_SMART_HOSTS] = {"smart-hosts", 0, "CIDR,...", ON(CLI_READ) | LIVE, false,
                            "relays that our mail goes through"},
    [OPTION_POLICIES] = {"policies", 0, "WHERE", ON(CLI_READ) | LIVE | ON(CLI_POLICY), true,
                         "MTA-STS policies: a directory of DOMAIN.txt, a file that policy export "
                         "wrote, an SQLite file or redis://..."},
    [OPTION_STATE] = {"state", 0, "WHERE", ON(CLI_READ) | LIVE | ON(CLI_STATUS) | ON(CLI_POLICY),
                      false,
                      "what outlives a run, policies and what was learnt: an SQLite file, or "
                      "redis://..."},
    [OPTION_PRELOAD] = {"preload", 0, "FILE", ON(CLI_READ) | LIVE, false,
                        "a list in the format of STARTTLS Everywhere to judge by"},
    [OPTION_PARTNERS] = {"partners", 0, "FILE", ON(CLI_READ) | LIVE, false,
                         "domains and mail exchangers that must use TLS, one a line: NAME tls"},
    [OPTION_SUPPRESS] = {"suppress", 0, "FILE", ON(CLI_READ) | LIVE, false,
                         "findings to raise no alert, one a line: RULE WHOM LAST-DAY REASON"},
    [OPTION_CA_FILE] = {"ca-file", 0, "PATH", ON(CLI_READ) | LIVE, false,
                        "authorities to trust, a file or a directory (those of the system)"},
    [OPTION_RESOLVERS] = {"resolvers", 0, "CIDR,...", ON(CLI_READ) | LIVE, false,
                          "resolvers whose word counts that an answer is authentic (any)"},
    [OPTION_COMMUNITY_ID_SEED] = {"community-id-seed", 0, "N", ON(CLI_READ) | LIVE, false,
                                  "seed of the community_id, 0 to 65535 (0)"},
    [OPTION_SENSOR_NAME] = {"sensor-name", 0, "NAME", NETWORK, false, "`host` of every line"},
    [OPTION_FAIL_ON] = {"fail-on", 0, "SEVERITY", ON(CLI_READ), false,
                        "exit with 1 from it on: low, medium, high, critical, none (medium)"},
    [OPTION_MIN_SEVERITY] = {"min-severity", 0, "SEVERITY", ON(CLI_READ) | LIVE, false,
                             "leave out alerts below it (low)"},
    [OPTION_SHOW_ADDRESSES] = {"show-addresses", 0, NULL, ON(CLI_READ) | LIVE, true,
                               "do not mask the local parts of mail addresses"},
    [OPTION_EXIT_ZERO] = {"exit-zero", 0, NULL, ON(CLI_READ), true,
                          "exit with 0 where it would be 1 or 3"},
    [OPTION_MAX_FLOWS] = {"max-flows", 0, "N", ON(CLI_READ) | LIVE, false,
                          "connections followed at a time (1048576)"},
    [OPTION_MEMORY] = {"memory", 0, "MIB", ON(CLI_READ) | LIVE, false,
                       "memory to stay within; beyond it the least promising sessions go (256)"},
    [OPTION_NO_NAMES] = {"no-names", 'n', NULL, ON(CLI_READ) | LIVE, true,
                         "as in tcpdump; no name is ever looked up"},
    [OPTION_COLOUR] = {"color", 0, "WHEN", ON(CLI_READ), false, "auto, always or never (auto)"},
    [OPTION_QUIET] = {"quiet", 'q', NULL, ON(CLI_READ), true, "no summary and no progress"},
    [OPTION_PREVALENCE] = {"prevalence", 0, NULL, ON(CLI_REPORT), true,
                           "how many servers a day were offered, garbled, refused and so on"},
    [OPTION_BY] = {"by", 0, "WHAT", ON(CLI_REPORT), false,
                   "the same in parts: server, net (/24, /48), as, country or day"},
    [OPTION_MMDB] = {"mmdb", 0, "FILE", ON(CLI_REPORT), true,
                     "AS or countries of addresses, in MaxMind's format"},
    [OPTION_CSV] = {"csv", 0, NULL, ON(CLI_REPORT), true, "CSV instead of the table"},
    [OPTION_TLSRPT] =
        {"tlsrpt", 0, NULL, ON(CLI_REPORT), true,
         "reports by TLSRPT (RFC 8460) of what the border saw at our mail exchangers"},
    [OPTION_TLSRPT_IN] = {"tlsrpt-in", 0, "REPORT", ON(CLI_REPORT), true,
                          "hold what senders reported against what the border saw: a file, or a "
                          "directory of them"},
    [OPTION_OWN_DOMAIN] = {"own-domain", 0, "DOMAIN,...", ON(CLI_REPORT), true, "our mail domains"},
    [OPTION_OUT] = {"out", 0, "DIR", ON(CLI_REPORT), false,
                    "tlsrpt: a file for each report, instead of a line to standard output"},
    [OPTION_SERVER] = {"server", 0, "ADDR[:PORT]", ON(CLI_STATUS), false,
                       "what is remembered of this server (port 25)"},
    [OPTION_CONTROL] = {"control", 0, "PATH", ON(CLI_STATUS), false,
                        "how the sensor is that answers at this socket (control.socket)"},
    [OPTION_FORGET] = {"forget", 0, NULL, ON(CLI_STATUS), true,
                       "forget the server: it was set up anew"},
    [OPTION_INTERFACE] = {"interface", 'i', "IFACE", LIVE, true,
                          "watch IFACE; IFACE=client-side or =server-side says where its tap is"},
    [OPTION_CONFIG] =
        {"config", 'c', "FILE", CONFIGURED, false,
         "the configuration; conf.d/*.yaml beside it are read after it (read, policy: "
         "of it what resolver and fetch have; report: what is ours)"},
    [OPTION_SET] = {"set", 0, "KEY=VALUE", CONFIGURED, true,
                    "any key of the configuration, as capture.snaplen=96KiB"},
    [OPTION_FILTER] = {"filter", 'f', "BPF", LIVE, false, "further filter of packets"},
    [OPTION_SNAPLEN] = {"snaplen", 's', "BYTES", LIVE, false, "bytes kept of a packet (262144)"},
    [OPTION_RING] = {"ring", 0, "MIB", LIVE, false,
                     "buffer between kernel and sensor, for each worker (64)"},
    [OPTION_NO_PROMISCUOUS] = {"no-promiscuous-mode", 'p', NULL, LIVE, true,
                               "only packets that are for this machine"},
    [OPTION_DIRECTION] = {"direction", 'Q', "WAY", LIVE, false, "in, out or inout (inout)"},
    [OPTION_WORKERS] = {"workers", 0, "N", LIVE, false,
                        "processes that share the packets of an interface (1)"},
    [OPTION_VANTAGE] = {"vantage", 0, "WHERE", LIVE, false,
                        "where the tap is: client-side, server-side or unknown (unknown)"},
    [OPTION_USER] = {"user", 0, "USER", LIVE, false, "user to become when all is open"},
    [OPTION_GROUP] = {"group", 0, "GROUP", LIVE, false, "group to become (that of the user)"},
    [OPTION_LOG_LEVEL] = {"log-level", 0, "LEVEL", LIVE, false,
                          "error, warning, info or debug (info)"},
    [OPTION_DEFAULTS] = {"defaults", 0, NULL, ON(CLI_CHECK), true,
                         "print a file with every key, its default and what it is"},
    [OPTION_PRINT] = {"print", 0, NULL, ON(CLI_CHECK), true, "print all that is in force"},
    [OPTION_KEYS] = {"keys", 0, NULL, ON(CLI_CHECK), true, "print the table of keys (Markdown)"},
    [OPTION_ONLINE] = {"online", 0, NULL, ON(CLI_READ) | ON(CLI_POLICY), true,
                       "look domains up over the network: read: those that mail was taken for; "
                       "policy get: the DOMAIN"},
    [OPTION_FILE] = {"file", 0, "FILE", ON(CLI_POLICY), false,
                     "lint: the body of a policy (- is standard input)"},
    [OPTION_TXT] = {"txt", 0, NULL, ON(CLI_POLICY), true,
                    "lint: each RECORD that follows is a TXT record"},
    [OPTION_TXT_STRINGS] = {"txt-strings", 0, NULL, ON(CLI_POLICY), true,
                            "lint: each STRING that follows is a part of one TXT record"},
    [OPTION_HELP] = {"help", 'h', NULL, EVERYWHERE, true, "this text"},
};
_Static_assert(sizeof(OPTION) / sizeof(OPTION[0]) == OPTION_COUNT, "a row for each option");
_Static_assert(CLI_COMMAND_COUNT <= 16, "a bit for each command");

/* What the options of LIVE set. */
#define SETS(id) (CONFIG_KEY_##id + 1)
static const struct meaning {
    unsigned key;      /* SETS(); 0: none */
    const char *value; /* of an option that takes none */
} MEANING[OPTION_COUNT] = {
    [OPTION_INTERFACE] = {SETS(CAPTURE_INTERFACES), NULL},
    [OPTION_PORTS] = {SETS(CAPTURE_PORTS), NULL},
    [OPTION_FILTER] = {SETS(CAPTURE_FILTER), NULL},
    [OPTION_SNAPLEN] = {SETS(CAPTURE_SNAPLEN), NULL},
    [OPTION_RING] = {SETS(CAPTURE_RING), NULL},
    [OPTION_NO_PROMISCUOUS] = {SETS(CAPTURE_PROMISCUOUS), "false"},
    [OPTION_DIRECTION] = {SETS(CAPTURE_DIRECTION), NULL},
    [OPTION_WORKERS] = {SETS(CAPTURE_WORKERS), NULL},
    [OPTION_VANTAGE] = {SETS(SENSOR_VANTAGE), NULL},
    [OPTION_SENSOR_NAME] = {SETS(SENSOR_NAME), NULL},
    [OPTION_LOCAL_NETS] = {SETS(SENSOR_LOCAL_NETS), NULL},
    [OPTION_OWN_MX] = {SETS(SENSOR_OWN_MX), NULL},
    [OPTION_SMART_HOSTS] = {SETS(SENSOR_SMART_HOSTS), NULL},
    [OPTION_RESOLVERS] = {SETS(SENSOR_RESOLVERS), NULL},
    [OPTION_COMMUNITY_ID_SEED] = {SETS(SENSOR_COMMUNITY_ID_SEED), NULL},
    [OPTION_SHOW_ADDRESSES] = {SETS(SENSOR_SHOW_ADDRESSES), "true"},
    [OPTION_MEMORY] = {SETS(SENSOR_MEMORY), NULL},
    [OPTION_MAX_FLOWS] = {SETS(SENSOR_MAX_FLOWS), NULL},
    [OPTION_POLICIES] = {SETS(POLICY_POLICIES), NULL},
    [OPTION_STATE] = {SETS(POLICY_STATE), NULL},
    [OPTION_PRELOAD] = {SETS(POLICY_PRELOAD), NULL},
    [OPTION_PARTNERS] = {SETS(POLICY_PARTNERS), NULL},
    [OPTION_CA_FILE] = {SETS(POLICY_CA_FILE), NULL},
    [OPTION_SUPPRESS] = {SETS(POLICY_SUPPRESS), NULL},
    [OPTION_MIN_SEVERITY] = {SETS(OUTPUT_MIN_SEVERITY), NULL},
    [OPTION_JSON] = {SETS(OUTPUT_STDOUT), "always"},
    [OPTION_OUTPUT] = {SETS(OUTPUT_FILE_PATH), NULL},
    [OPTION_USER] = {SETS(PROCESS_USER), NULL},
    [OPTION_GROUP] = {SETS(PROCESS_GROUP), NULL},
    [OPTION_LOG_LEVEL] = {SETS(LOG_LEVEL), NULL},
};

struct command_row {
    const char *name;
    const char *usage;
    const char *help;
};

static const struct command_row COMMAND[] = {
    [CLI_READ] = {"read", "read [options] FILE|DIR|- ...", "analyse captures (pcap, pcapng)"},
    [CLI_WATCH] = {"watch", "watch -i IFACE ... [options]", "watch interfaces"},
    [CLI_CHECK] = {"check", "check -c FILE [options]", "is the configuration right?"},
    [CLI_REPORT] = {"report", "report --prevalence|--tlsrpt FILE",
                    "what the lines of JSON of many runs say together"},
    [CLI_POLICY] = {"policy", "policy lint|get|refresh|audit|...",
                    "what a published policy or record says, and what is wrong with it"},
    [CLI_STATUS] = {"status", "status --state WHERE | --control P",
                    "what is remembered of servers from run to run"},
    [CLI_RULES] = {"rules", "rules [list|explain RULE|markdown]", "what is looked for"},
    [CLI_VERSION] = {"version", "version", "what was built, and with what"},
    [CLI_HELP] = {"help", "help [COMMAND]", "this text, or that of a command"},
};
_Static_assert(sizeof(COMMAND) / sizeof(COMMAND[0]) == CLI_COMMAND_COUNT, "a row for each command");

#define HELP_LINES 3   /* of an option, at most */
#define LONG_BASE  256 /* getopt_long() gives LONG_BASE + enum option_id: never a letter */

__attribute__((format(printf, 2, 3))) static int refuse(struct cli *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(c->error, sizeof(c->error), format, args);
    va_end(args);
    return -1;
}

/* What the user typed may hold anything; the terminal must not. */
struct shown {
    char text[160];
};

static const char *show(struct shown *to, const char *typed)
{
    text_escape(to->text, sizeof(to->text), span_str(typed));
    return to->text;
}

enum cli_command cli_command_by_name(const char *name)
{
    for (unsigned i = 0; i < CLI_COMMAND_COUNT; i++)
        if (strcmp(COMMAND[i].name, name) == 0)
            return (enum cli_command)i;
    return CLI_COMMAND_COUNT;
}

/* --- getopt's tables, made from ours --- */

static bool row_known(const struct option_row *row, enum cli_command command)
{
    return row->commands & ON(command);
}

struct getopt_tables {
    struct option longs[OPTION_COUNT + 1];
    char shorts[2 * OPTION_COUNT + 2];
};

static void make_tables(struct getopt_tables *t, enum cli_command command)
{
    size_t n = 0, s = 0;
    memset(t, 0, sizeof(*t));
    if (command == CLI_POLICY)
        t->shorts[s++] = '-'; /* operands come in their place: --txt says what those after it are */
    t->shorts[s++] = ':';     /* a missing value is told from an unknown option */
    for (int i = 0; i < OPTION_COUNT; i++) {
        const struct option_row *row = &OPTION[i];
        if (!row_known(row, command))
            continue;
        t->longs[n++] = (struct option){row->name, row->value ? required_argument : no_argument,
                                        NULL, LONG_BASE + i};
        if (row->letter)
            t->shorts[s++] = row->letter;
        if (row->letter && row->value)
            t->shorts[s++] = ':';
    }
}

static enum option_id option_of(int code)
{
    if (code >= LONG_BASE)
        return (enum option_id)(code - LONG_BASE);
    int i = 0;
    while (i < OPTION_COUNT && OPTION[i].letter != code)
        i++;
    return (enum option_id)i;
}

/* --- refusals --- */

static int refuse_unknown(struct cli *c, const char *token)
{
    struct hint hint;
    struct shown shown, word;
    char offer[64];
    show(&word, token + 2);
    word.text[strcspn(word.text, "=")] = '\0';
    hint_init(&hint, word.text);
    for (int i = 0; i < OPTION_COUNT; i++)
        if (row_known(&OPTION[i], c->command))
            hint_offer(&hint, OPTION[i].name);
    hint_text(&hint, "--", offer, sizeof(offer));
    return refuse(c, "%s: unknown option %s%s", COMMAND[c->command].name, show(&shown, token),
                  offer);
}

/* What getopt_long() returned '?' for: `optopt` tells which of three. */
static int refuse_option(struct cli *c, char **argv)
{
    struct shown shown;
    if (optopt >= LONG_BASE)
        return refuse(c, "--%s takes no value", OPTION[option_of(optopt)].name);
    if (optopt == 0)
        return refuse_unknown(c, argv[optind - 1]);
    return refuse(c, "%s: unknown option -%s", COMMAND[c->command].name,
                  show(&shown, (char[]){(char)optopt, '\0'}));
}

static int refuse_command(struct cli *c, const char *word)
{
    struct shown shown;
    struct hint hint;
    char offer[64];
    show(&shown, word);
    if (access(word, F_OK) == 0)
        return refuse(c, "unknown command '%s' (did you mean stripwatch read %s?)", shown.text,
                      shown.text);
    hint_init(&hint, word);
    for (int i = 0; i < CLI_COMMAND_COUNT; i++)
        hint_offer(&hint, COMMAND[i].name);
    hint_text(&hint, "", offer, sizeof(offer));
    return refuse(c, "unknown command '%s'%s", shown.text, offer);
}

/* --- setting --- */

static const char *const COLOUR[] = {
    [CLI_COLOUR_AUTO] = "auto",
    [CLI_COLOUR_ALWAYS] = "always",
    [CLI_COLOUR_NEVER] = "never",
};

static int set_colour(struct cli *c, const char *value, struct cli_why *why)
{
    for (int i = 0; i < CLI_COLOUR_COUNT; i++) {
        if (strcmp(value, COLOUR[i]) == 0) {
            c->colour = (enum cli_colour)i;
            return 0;
        }
    }
    return cli_value_refuse(why, value, "is not auto, always or never");
}

static int set_nets(struct role_nets *nets, const char *value, struct cli_why *why)
{
    return role_nets_parse(nets, value, why->text, sizeof(why->text));
}

static int set_path(const char **path, const char *value, struct cli_why *why)
{
    *path = value;
    if (strcmp(value, "-") == 0)
        return cli_value_refuse(why, value, "is standard output: --json writes there");
    return *value ? 0 : cli_value_refuse(why, value, "is no file name");
}

static int set_format(struct cli *c, const char *value, struct cli_why *why)
{
    c->format = format_by_name(value);
    return c->format < FORMAT_COUNT ? 0 : cli_value_refuse(why, value, "is not " FORMAT_NAMES);
}

static int set_by(struct cli *c, const char *value, struct cli_why *why)
{
    for (unsigned i = PREVALENCE_BY_NOTHING + 1; i < PREVALENCE_BY_COUNT; i++) {
        if (strcmp(value, prevalence_by_text((enum prevalence_by)i)) == 0) {
            c->by = (enum prevalence_by)i;
            return 0;
        }
    }
    return cli_value_refuse(why, value, "is not server, net, as, country or day");
}

static int set_value(struct cli *c, enum option_id id, const char *value, struct cli_why *why)
{
    uint32_t seed;
    switch (id) {
    case OPTION_READ_FILE:
        c->operand[c->operand_count++] = value;
        return 0;
    case OPTION_CONFIG:
        c->config_path = value;
        return 0;
    case OPTION_CONTROL:
        c->control = value;
        return 0;
    case OPTION_SERVER:
        c->server = value;
        return 0;
    case OPTION_FILE:
        c->policy_file = value;
        return 0;
    case OPTION_OUTPUT:
        return set_path(&c->out_path, value, why);
    case OPTION_FORMAT:
        return set_format(c, value, why);
    case OPTION_PORTS:
        return cli_value_ports(value, c->port, &c->port_count, why);
    case OPTION_LOCAL_NETS:
        return set_nets(&c->roles.local, value, why);
    case OPTION_OWN_MX:
        return set_nets(&c->roles.own_mx, value, why);
    case OPTION_SMART_HOSTS:
        return set_nets(&c->roles.smart_hosts, value, why);
    case OPTION_POLICIES:
        if (c->policies_count == CLI_POLICIES)
            return cli_value_refuse(why, value, "is one source too many");
        c->policies[c->policies_count++] = value;
        return 0;
    case OPTION_BY:
        return set_by(c, value, why);
    case OPTION_MMDB:
        if (c->mmdb_count == CAP_MMDB)
            return cli_value_refuse(why, value, "is one file too many");
        c->mmdb[c->mmdb_count++] = value;
        return 0;
    case OPTION_TLSRPT_IN:
        c->tlsrpt_in[c->tlsrpt_in_count++] = value;
        return 0;
    case OPTION_OWN_DOMAIN:
        c->own_domain[c->own_domain_count++] = value;
        return 0;
    case OPTION_OUT:
        return set_path(&c->out_dir, value, why);
    case OPTION_STATE:
        c->state = value;
        return 0;
    case OPTION_PRELOAD:
        c->preload = value;
        return 0;
    case OPTION_PARTNERS:
        c->partners = value;
        return 0;
    case OPTION_SUPPRESS:
        c->suppress = value;
        return 0;
    case OPTION_CA_FILE:
        c->ca_file = value;
        return 0;
    case OPTION_RESOLVERS:
        return set_nets(&c->resolvers, value, why);
    case OPTION_COMMUNITY_ID_SEED:
        if (cli_value_number(value, 0, UINT16_MAX, &seed, why))
            return -1;
        c->community_id_seed = (uint16_t)seed;
        return 0;
    case OPTION_SENSOR_NAME:
        c->sensor_name = value;
        return cli_value_name(value, why);
    case OPTION_FAIL_ON:
        return cli_value_severity(value, true, &c->fail_on, why);
    case OPTION_MIN_SEVERITY:
        return cli_value_severity(value, false, &c->min_severity, why);
    case OPTION_MAX_FLOWS:
        return cli_value_number(value, 1, CLI_MAX_FLOWS, &c->max_flows, why);
    case OPTION_MEMORY:
        return cli_value_number(value, CLI_MIN_MEMORY, CLI_MAX_MEMORY, &c->memory, why);
    default:
        return set_colour(c, value, why);
    }
}

static void set_flag(struct cli *c, enum option_id id)
{
    bool *const flag[OPTION_COUNT] = {
        [OPTION_JSON] = &c->json,
        [OPTION_APPEND] = &c->append,
        [OPTION_SHOW_ADDRESSES] = &c->show_addresses,
        [OPTION_EXIT_ZERO] = &c->exit_zero,
        [OPTION_NO_NAMES] = &c->no_names,
        [OPTION_QUIET] = &c->quiet,
        [OPTION_PREVALENCE] = &c->prevalence,
        [OPTION_CSV] = &c->csv,
        [OPTION_TLSRPT] = &c->tlsrpt,
        [OPTION_FORGET] = &c->forget,
        [OPTION_TXT] = &c->txt,
        [OPTION_TXT_STRINGS] = &c->txt,
        [OPTION_DEFAULTS] = &c->defaults,
        [OPTION_PRINT] = &c->print,
        [OPTION_KEYS] = &c->keys,
        [OPTION_ONLINE] = &c->online,
        [OPTION_HELP] = &c->help,
    };
    *flag[id] = true;
}

/* For watch and check an option is a word about a key: its value is read with the configuration. */
static bool add_setting(struct cli *c, enum option_id id, const char *value, bool again)
{
    const struct meaning *m = &MEANING[id];
    bool set = id == OPTION_SET;
    if (!set && (!(ON(c->command) & LIVE) || m->key == 0))
        return false;
    if (again && !value)
        return true;
    c->setting[c->setting_count++] = (struct config_setting){
        .option = set ? NULL : OPTION[id].name,
        .text = value ? value : m->value,
        .key = set ? CONFIG_KEY_COUNT : (enum config_key)(m->key - 1),
        .more = again,
        .item = !set && OPTION[id].repeatable,
    };
    return true;
}

static int set_option(struct cli *c, enum option_id id, const char *value, bool *seen)
{
    const struct option_row *row = &OPTION[id];
    struct cli_why why;
    bool again = seen[id];
    if (again && !row->repeatable)
        return refuse(c, "--%s is given twice", row->name);
    if (add_setting(c, id, value, again)) {
        seen[id] = true;
        return 0;
    }
    if (!row->value) {
        set_flag(c, id);
        if (id == OPTION_TXT || id == OPTION_TXT_STRINGS) {
            c->joining = id == OPTION_TXT_STRINGS;
            c->record++;
        }
        seen[id] = true;
        return 0;
    }
    seen[id] = true;
    return set_value(c, id, value, &why) ? refuse(c, "--%s: %s", row->name, why.text) : 0;
}

/* --- the whole line --- */

/* A TXT record or a part of one once --txt was given, else an operand like any other. */
static void add_operand(struct cli *c, const char *text)
{
    if (!c->txt) {
        c->operand[c->operand_count++] = text;
        return;
    }
    c->string[c->string_count++] = (struct cli_string){text, c->record};
    if (!c->joining)
        c->record++;
}

/* One report at a time, and of each what it knows. */
static int check_report(struct cli *c, const bool *seen)
{
    static const enum option_id of_prevalence[] = {OPTION_BY, OPTION_MMDB, OPTION_CSV};
    static const enum option_id of_tlsrpt[] = {OPTION_OWN_DOMAIN, OPTION_OWN_MX,
                                               OPTION_LOCAL_NETS, OPTION_CONFIG,
                                               OPTION_SET,        OPTION_SENSOR_NAME};
    bool in = c->tlsrpt_in_count > 0;
    if (c->prevalence + c->tlsrpt + in == 0)
        return refuse(c, "report: which one? --prevalence, --tlsrpt or --tlsrpt-in REPORT");
    if (c->prevalence + c->tlsrpt + in > 1)
        return refuse(c, "report: --prevalence, --tlsrpt and --tlsrpt-in are different reports: "
                         "give one of them");
    for (size_t i = 0; !c->prevalence && i < sizeof(of_prevalence) / sizeof(*of_prevalence); i++)
        if (seen[of_prevalence[i]])
            return refuse(c, "report: --%s is for --prevalence", OPTION[of_prevalence[i]].name);
    for (size_t i = 0; c->prevalence && i < sizeof(of_tlsrpt) / sizeof(*of_tlsrpt); i++)
        if (seen[of_tlsrpt[i]])
            return refuse(c, "report: --%s is for --tlsrpt and --tlsrpt-in",
                          OPTION[of_tlsrpt[i]].name);
    if (c->out_dir && !c->tlsrpt)
        return refuse(c, "report: --out is for --tlsrpt");
    if (c->json && c->tlsrpt)
        return refuse(c, "report: --tlsrpt writes JSON as it is");
    return 0;
}

/* Options that cannot be meant together. */
static int check_together(struct cli *c, const bool *seen)
{
    if (c->config_path && !c->online && c->command == CLI_READ)
        return refuse(c, "read: --config is for --online, and that is not given");
    if (c->append && !c->out_path)
        return refuse(c, "--append needs a file to add to: -o FILE");
    if (seen[OPTION_FORMAT] && !c->json && !c->out_path)
        return refuse(c, "--format is of lines, and there are none: --json or -o FILE");
    if (c->exit_zero && seen[OPTION_FAIL_ON])
        return refuse(c, "--fail-on and --exit-zero contradict each other");
    if (c->quiet && seen[OPTION_COLOUR])
        return refuse(c, "--color is for the summary, and --quiet leaves it out");
    if (c->defaults + c->print + c->keys > 1)
        return refuse(c, "--defaults, --print and --keys are different texts: give one of them");
    if (c->command == CLI_CHECK && !c->config_path && c->setting_count == 0 &&
        !(c->defaults || c->print || c->keys))
        return refuse(c, "check: nothing to check: -c FILE");
    if (c->json && c->csv)
        return refuse(c, "--json and --csv are two forms of one report: give one of them");
    if (c->command == CLI_REPORT && check_report(c, seen))
        return -1;
    if (c->json && seen[OPTION_COLOUR])
        return refuse(c, "--color is for the summary, and --json takes its place");
    return 0;
}

static int check_operands(struct cli *c)
{
    size_t standard = 0;
    for (size_t i = 0; i < c->operand_count; i++)
        standard += strcmp(c->operand[i], "-") == 0;
    bool reads = c->command == CLI_READ || c->command == CLI_REPORT;
    if (reads && c->operand_count == 0)
        return refuse(c, "%s: no FILE given (- is standard input)", COMMAND[c->command].name);
    if (reads && standard > 1)
        return refuse(c, "%s: standard input (-) is given twice", COMMAND[c->command].name);
    if (c->command == CLI_WATCH && c->operand_count > 0)
        return refuse(c, "watch: takes no arguments: -i IFACE, and -f 'FILTER'");
    if (((ON(CLI_CHECK) | ON(CLI_VERSION) | ON(CLI_STATUS)) & ON(c->command)) &&
        c->operand_count > 0)
        return refuse(c, "%s: takes no arguments", COMMAND[c->command].name);
    if (c->command == CLI_HELP && c->operand_count > 1)
        return refuse(c, "help: takes one command");
    return 0;
}

static int parse_options(struct cli *c, int argc, char **argv)
{
    struct getopt_tables tables;
    bool seen[OPTION_COUNT] = {false};
    make_tables(&tables, c->command);
    opterr = 0;
    optind = 0; /* glibc: start afresh */
    for (int code; (code = getopt_long(argc, argv, tables.shorts, tables.longs, NULL)) != -1;) {
        if (code == '?')
            return refuse_option(c, argv);
        if (code == 1) { /* as make_tables() asks for */
            add_operand(c, optarg);
            continue;
        }
        if (code == ':')
            return refuse(c, "--%s needs a value: %s", OPTION[option_of(optopt)].name,
                          OPTION[option_of(optopt)].value);
        if (set_option(c, option_of(code), optarg, seen))
            return -1;
    }
    for (int i = optind; i < argc; i++)
        add_operand(c, argv[i]);
    if (c->help)
        return 0;
    return check_operands(c) ? -1 : check_together(c, seen);
}

/* Does a command line without a command ask for an interface: -i, -ni, --interface? */
static bool asks_for_interface(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        const char *word = argv[i];
        size_t n = strcspn(word, "=");
        if (n == strlen("--interface") && strncmp(word, "--interface", n) == 0)
            return true;
        if (word[0] != '-' || word[1] == '-')
            continue;
        for (word++; *word && *word != 'i'; word++) {
            enum option_id id = option_of(*word);
            if (id == OPTION_COUNT || OPTION[id].value)
                break; /* the rest is its value */
        }
        if (*word == 'i')
            return true;
    }
    return false;
}

/* `stripwatch -r FILE` reads and `stripwatch -i IFACE` watches; a lone --help or --version is a
 * command in option's clothes. */
static int choose_command(struct cli *c, int argc, char **argv, bool *named)
{
    const char *word = argc > 1 ? argv[1] : "";
    *named = word[0] != '-' || word[1] == '\0';
    if (argc < 2)
        return refuse(c, "no command given");
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0)
        c->command = CLI_VERSION;
    else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        c->command = CLI_HELP;
    else if (!*named) {
        c->command = asks_for_interface(argc, argv) ? CLI_WATCH : CLI_READ;
        return 0;
    } else if ((c->command = cli_command_by_name(word)) == CLI_COMMAND_COUNT)
        return refuse_command(c, word);
    *named = true;
    return 0;
}

int cli_parse(struct cli *c, int argc, char **argv)
{
    bool named;
    *c = (struct cli){
        .command = CLI_READ,
        .fail_on = SEVERITY_MEDIUM,
        .min_severity = SEVERITY_LOW,
        .max_flows = CAP_FLOWS,
        .memory = CAP_MEMORY_MIB,
    };
    if (choose_command(c, argc, argv, &named))
        return -1;
    c->operand = calloc((size_t)argc, sizeof(*c->operand));
    c->string = calloc((size_t)argc, sizeof(*c->string));
    c->setting = calloc((size_t)argc + OPTION_COUNT, sizeof(*c->setting)); /* and each flag once */
    c->tlsrpt_in = calloc((size_t)argc, sizeof(*c->tlsrpt_in));
    c->own_domain = calloc((size_t)argc, sizeof(*c->own_domain));
    if (!c->operand || !c->string || !c->setting || !c->tlsrpt_in || !c->own_domain)
        return refuse(c, "out of memory");
    return parse_options(c, argc - named, argv + named);
}

void cli_fini(struct cli *c)
{
    free(c->operand);
    free(c->string);
    free(c->setting);
    free(c->tlsrpt_in);
    free(c->own_domain);
    c->operand = NULL;
    c->string = NULL;
    c->setting = NULL;
    c->tlsrpt_in = NULL;
    c->own_domain = NULL;
}

/* --- help --- */

static void help_option(FILE *to, const struct option_row *row)
{
    char left[40], lead[48];
    char letter[] = {'-', row->letter, ',', ' ', '\0'};
    snprintf(left, sizeof(left), "%s--%s%s%s", row->letter ? letter : "    ", row->name,
             row->value ? " " : "", row->value ? row->value : "");
    snprintf(lead, sizeof(lead), "  %-30s", left);
    typeset_wrap(to, lead, row->help, HELP_LINES);
}

static void help_command(FILE *to, const char *usage, const char *help)
{
    char lead[64];
    snprintf(lead, sizeof(lead), "  stripwatch %-36s", usage);
    typeset_wrap(to, lead, help, HELP_LINES);
}

static void help_program(FILE *to)
{
    fputs("stripwatch: finds STARTTLS stripping in mail traffic, and never sends a byte\n\n", to);
    for (int i = 0; i < CLI_COMMAND_COUNT; i++)
        help_command(to, COMMAND[i].usage, COMMAND[i].help);
    help_command(to, "-r FILE", "read FILE, as tcpdump has it");
    help_command(to, "-i IFACE", "watch IFACE, likewise");
    fputs("\nstripwatch COMMAND --help shows the options of a command.\n", to);
}

const char *cli_option_of(enum config_key key)
{
    for (int i = 0; i < OPTION_COUNT; i++)
        if (MEANING[i].key == (unsigned)key + 1)
            return OPTION[i].name;
    return NULL;
}

void cli_help(FILE *to, enum cli_command command)
{
    if (command == CLI_HELP) {
        help_program(to);
        return;
    }
    fprintf(to, "stripwatch %s\n\n%s\n\n", COMMAND[command].usage, COMMAND[command].help);
    for (int i = 0; i < OPTION_COUNT; i++)
        if (row_known(&OPTION[i], command))
            help_option(to, &OPTION[i]);
    if (command == CLI_READ)
        fputs("\nCaptures may be compressed with gzip, zstd or lz4. All are read as one timeline.\n"
              "\nExit: 0 nothing found; 1 an alert of the severity of --fail-on; 2 wrong usage or\n"
              "nothing readable; 3 some input was cut or unreadable.\n",
              to);
    if (command == CLI_WATCH)
        fputs(
            "\nEvery option but -c and -n is a key of the configuration, and wins over the file.\n",
            to);
    if (command == CLI_CHECK)
        fputs("\nTakes what watch takes, and says what is wrong with it as FILE:LINE: KEY: TEXT.\n"
              "docs/configuration.md has the keys.\n"
              "\nExit: 0 right; 2 wrong.\n",
              to);
    if (command == CLI_REPORT)
        fputs("\nFILE holds lines that `stripwatch read --json` wrote, of one sensor or of\n"
              "many; it may be compressed with gzip, zstd or lz4. - is standard input.\n"
              "\nstripwatch report --prevalence FILE ...\n"
              "stripwatch report --tlsrpt --own-domain D --own-mx CIDR [--out DIR] FILE ...\n"
              "stripwatch report --tlsrpt-in REPORT --own-mx CIDR [--json] FILE ...\n"
              "docs/prevalence.md and docs/tlsrpt.md say what they mean.\n"
              "\nExit: 0 all was read; 1 --tlsrpt-in found something; 2 wrong usage or nothing\n"
              "readable; 3 some input was cut or unreadable; the rest was used.\n",
              to);
    if (command == CLI_STATUS)
        fputs("\nWithout --server it says how much is remembered. docs/history.md says what.\n"
              "--control asks a sensor that runs: its processes, interfaces, gaps of coverage,\n"
              "spool, outputs and look-ups, each second anew. docs/deploy.md reads one.\n"
              "\nExit: 0 done; 1 nothing is remembered of that server; 2 wrong usage, or a\n"
              "store that cannot be read.\n",
              to);
    if (command == CLI_POLICY)
        fputs(
            "\nstripwatch policy lint --file F | --txt RECORD ... | --txt-strings PART ...\n"
            "stripwatch policy get DOMAIN --policies WHERE | --online\n"
            "stripwatch policy refresh DOMAIN ... | --state WHERE   (looks up; kept in WHERE)\n"
            "stripwatch policy audit DOMAIN              (what is wrong with its set-up)\n"
            "stripwatch policy import --state WHERE SOURCE ...   (SOURCE as for --policies)\n"
            "stripwatch policy export --policies WHERE\n"
            "\nExit: 0 right to the letter of RFC 8461, or done; 1 not so, or not known; 2 wrong\n"
            "usage or unreadable.\n",
            to);
}
