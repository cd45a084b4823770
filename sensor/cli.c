/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/cli.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "sensor/cli_option.h"
#include "sensor/cli_value.h"
#include "sensor/hint.h"

#define LONG_BASE 256 /* getopt_long() gives LONG_BASE + enum option_id: never a letter */

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

/* --- getopt's tables, made from ours --- */

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
    for (unsigned i = 0; i < OPTION_COUNT; i++) {
        const struct cli_option *row = cli_option(i);
        if (!cli_option_known(i, command))
            continue;
        t->longs[n++] = (struct option){row->name, row->value ? required_argument : no_argument,
                                        NULL, LONG_BASE + (int)i};
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
    unsigned i = 0;
    while (i < OPTION_COUNT && cli_option(i)->letter != code)
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
    for (unsigned i = 0; i < OPTION_COUNT; i++)
        if (cli_option_known(i, c->command))
            hint_offer(&hint, cli_option(i)->name);
    hint_text(&hint, "--", offer, sizeof(offer));
    return refuse(c, "%s: unknown option %s%s", cli_option_usage(c->command)->name,
                  show(&shown, token), offer);
}

/* What getopt_long() returned '?' for: `optopt` tells which of three. */
static int refuse_option(struct cli *c, char **argv)
{
    struct shown shown;
    if (optopt >= LONG_BASE)
        return refuse(c, "--%s takes no value", cli_option(option_of(optopt))->name);
    if (optopt == 0)
        return refuse_unknown(c, argv[optind - 1]);
    return refuse(c, "%s: unknown option -%s", cli_option_usage(c->command)->name,
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
    for (unsigned i = 0; i < CLI_COMMAND_COUNT; i++)
        hint_offer(&hint, cli_option_usage(i)->name);
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
    const struct cli_meaning *m = cli_option_meaning(id);
    bool set = id == OPTION_SET;
    if (!set && (!(CLI_OPTION_ON(c->command) & CLI_OPTION_LIVE) || m->key == 0))
        return false;
    if (again && !value)
        return true;
    c->setting[c->setting_count++] = (struct config_setting){
        .option = set ? NULL : cli_option(id)->name,
        .text = value ? value : m->value,
        .key = set ? CONFIG_KEY_COUNT : (enum config_key)(m->key - 1),
        .more = again,
        .item = !set && cli_option(id)->repeatable,
    };
    return true;
}

static int set_option(struct cli *c, enum option_id id, const char *value, bool *seen)
{
    const struct cli_option *row = cli_option(id);
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
            return refuse(c, "report: --%s is for --prevalence",
                          cli_option(of_prevalence[i])->name);
    for (size_t i = 0; c->prevalence && i < sizeof(of_tlsrpt) / sizeof(*of_tlsrpt); i++)
        if (seen[of_tlsrpt[i]])
            return refuse(c, "report: --%s is for --tlsrpt and --tlsrpt-in",
                          cli_option(of_tlsrpt[i])->name);
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
        return refuse(c, "%s: no FILE given (- is standard input)",
                      cli_option_usage(c->command)->name);
    if (reads && standard > 1)
        return refuse(c, "%s: standard input (-) is given twice",
                      cli_option_usage(c->command)->name);
    if (c->command == CLI_WATCH && c->operand_count > 0)
        return refuse(c, "watch: takes no arguments: -i IFACE, and -f 'FILTER'");
    if (((CLI_OPTION_ON(CLI_CHECK) | CLI_OPTION_ON(CLI_VERSION) | CLI_OPTION_ON(CLI_STATUS)) &
         CLI_OPTION_ON(c->command)) &&
        c->operand_count > 0)
        return refuse(c, "%s: takes no arguments", cli_option_usage(c->command)->name);
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
            return refuse(c, "--%s needs a value: %s", cli_option(option_of(optopt))->name,
                          cli_option(option_of(optopt))->value);
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
            if (id == OPTION_COUNT || cli_option(id)->value)
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
