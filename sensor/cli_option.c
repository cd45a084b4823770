/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/cli_option.h"

#include <string.h>

#define ON(command) CLI_OPTION_ON(command)
#define EVERYWHERE  (ON(CLI_COMMAND_COUNT) - 1)
#define LIVE        CLI_OPTION_LIVE
#define CONFIGURED  (LIVE | ON(CLI_READ) | ON(CLI_POLICY) | ON(CLI_REPORT)) /* -c, --set */
#define NETWORK     (LIVE | ON(CLI_READ) | ON(CLI_REPORT)) /* whose addresses are ours */

static const struct cli_option OPTION[] = {
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
static const struct cli_meaning MEANING[OPTION_COUNT] = {
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

static const struct cli_usage COMMAND[] = {
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

const struct cli_option *cli_option(unsigned id)
{
    return &OPTION[id];
}

const struct cli_meaning *cli_option_meaning(unsigned id)
{
    return &MEANING[id];
}

const struct cli_usage *cli_option_usage(unsigned command)
{
    return &COMMAND[command];
}

bool cli_option_known(unsigned id, enum cli_command command)
{
    return OPTION[id].commands & ON(command);
}

enum cli_command cli_command_by_name(const char *name)
{
    for (unsigned i = 0; i < CLI_COMMAND_COUNT; i++)
        if (strcmp(COMMAND[i].name, name) == 0)
            return (enum cli_command)i;
    return CLI_COMMAND_COUNT;
}

const char *cli_option_of(enum config_key key)
{
    for (unsigned i = 0; i < OPTION_COUNT; i++)
        if (MEANING[i].key == (unsigned)key + 1)
            return OPTION[i].name;
    return NULL;
}
