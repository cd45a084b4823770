/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/check_cmd.h"

#include "base/text.h"
#include "sensor/config_cli.h"
#include "sensor/config_output.h"

static void print_files(FILE *to, const struct config *c)
{
    char name[2 * CONFIG_PATH];
    for (size_t i = 0; i < c->file_count; i++) {
        text_escape(name, sizeof(name), span_str(c->file[i]));
        fprintf(to, "%s %s\n", i == 0 ? "read:      " : "           ", name);
    }
}

static void print_interfaces(FILE *to, const struct config *c)
{
    static const char *const VANTAGE[] = {"vantage unknown", "client-side", "server-side"};
    const struct config_interfaces *list = &c->capture.interfaces;
    fputs("interfaces:", to);
    for (size_t i = 0; i < list->count; i++)
        fprintf(to, "%s %s (%s)", i > 0 ? "," : "", list->one[i].name,
                VANTAGE[config_vantage_of(c, &list->one[i])]);
    fputs(list->count ? "\n" : " none: watch needs one, -i IFACE\n", to);
}

static void print_outputs(FILE *to, const struct config *c)
{
    struct config_output one[CONFIG_OUTPUTS];
    size_t n = config_outputs(c, one);
    const char *comma = "";
    fputs("output:    ", to);
    if (config_to_stdout(c)) {
        fputs(" standard output", to);
        comma = ",";
    }
    if (c->output.spool.dir) {
        fprintf(to, "%s spool %s", comma, c->output.spool.dir);
        comma = ",";
    }
    for (size_t i = 0; i < n; i++, comma = ",")
        fprintf(to, "%s %s %s", comma, one[i].kind, one[i].where);
    fputs(*comma ? "\n" : " none\n", to);
}

static void print_change(void *user, const struct config_change *change)
{
    fprintf(user, "  %s: %s\n", change->name, change->new);
}

static int print_summary(FILE *to, const struct config *c)
{
    static struct config standard;
    if (config_init(&standard)) {
        fputs("stripwatch: out of memory\n", stderr);
        return -1;
    }
    fputs("ok\n", to);
    print_files(to, c);
    print_interfaces(to, c);
    print_outputs(to, c);
    fputs("not as by default:\n", to);
    if (config_diff(&standard, c, print_change, to) == 0)
        fputs("  nothing\n", to);
    config_fini(&standard);
    return 0;
}

int check_cmd(const struct cli *cli, FILE *to)
{
    static struct config c;
    static struct config_cli from;
    int rc = 0;
    if (cli->defaults)
        config_write_default(to);
    if (cli->keys)
        config_write_table(to);
    if (cli->defaults || cli->keys)
        return 0;
    if (config_cli_read(&c, &from, cli))
        return -1;
    if (cli->print)
        config_write(to, &c);
    else
        rc = print_summary(to, &c);
    config_fini(&c);
    return rc;
}
