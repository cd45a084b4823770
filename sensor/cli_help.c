/* SPDX-License-Identifier: Apache-2.0 */
#include "report/typeset.h"
#include "sensor/cli_option.h"

#define HELP_LINES 3 /* of an option, at most */

static void help_option(FILE *to, const struct cli_option *row)
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
    for (unsigned i = 0; i < CLI_COMMAND_COUNT; i++)
        help_command(to, cli_option_usage(i)->usage, cli_option_usage(i)->help);
    help_command(to, "-r FILE", "read FILE, as tcpdump has it");
    help_command(to, "-i IFACE", "watch IFACE, likewise");
    fputs("\nstripwatch COMMAND --help shows the options of a command.\n", to);
}

void cli_help(FILE *to, enum cli_command command)
{
    if (command == CLI_HELP) {
        help_program(to);
        return;
    }
    const struct cli_usage *u = cli_option_usage(command);
    fprintf(to, "stripwatch %s\n\n%s\n\n", u->usage, u->help);
    for (unsigned i = 0; i < OPTION_COUNT; i++)
        if (cli_option_known(i, command))
            help_option(to, cli_option(i));
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
