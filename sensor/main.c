/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sensor/check_cmd.h"
#include "sensor/child.h"
#include "sensor/cli.h"
#include "sensor/config_cli.h"
#include "sensor/policy_cmd.h"
#include "sensor/read.h"
#include "sensor/report_cmd.h"
#include "sensor/rules_cmd.h"
#include "sensor/status_cmd.h"
#include "sensor/tlsrpt_cmd.h"
#include "sensor/tlsrpt_in_cmd.h"
#include "sensor/version.h"
#include "sensor/watch.h"

/* Without the three standard descriptors the next file opened would take their place, and messages
 * would go into it. What stands in for them fails when used: read from for writing, and so on. */
static void fill_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 &&
            open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
            _exit(READ_USAGE);
}

static int refuse(const struct cli *c)
{
    fprintf(stderr, "stripwatch: %s\n", c->error);
    fprintf(stderr, "Try 'stripwatch --help'.\n");
    return READ_USAGE;
}

static int flush_standard(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return READ_CLEAN;
    fprintf(stderr, "stripwatch: standard output: %s\n", strerror(errno));
    return READ_USAGE;
}

static int help(struct cli *c)
{
    enum cli_command about = c->command;
    if (!c->help && c->operand_count > 0)
        about = cli_command_by_name(c->operand[0]);
    if (about == CLI_COMMAND_COUNT) {
        snprintf(c->error, sizeof(c->error), "help: there is no such command");
        return refuse(c);
    }
    cli_help(stdout, about);
    return flush_standard();
}

/* Nothing is opened before the configuration is known to be right. */
static int watch(const struct cli *c)
{
    static struct config config;
    static struct config_cli from;
    if (config_cli_read(&config, &from, c))
        return READ_USAGE;
    int code = watch_cmd(&config, &from.source);
    config_fini(&config);
    return code;
}

static enum report_exit report(struct cli *c)
{
    if (c->tlsrpt)
        return tlsrpt_cmd(c, stdout);
    return c->tlsrpt_in_count > 0 ? tlsrpt_in_cmd(c, stdout) : report_cmd(c, stdout);
}

static int run(struct cli *c)
{
    if (c->help)
        return help(c);
    switch (c->command) {
    case CLI_POLICY:
        return policy_cmd(c, stdout);
    case CLI_WATCH:
        return watch(c);
    case CLI_CHECK:
        return check_cmd(c, stdout) ? READ_USAGE : flush_standard();
    case CLI_REPORT:
        return (int)report(c);
    case CLI_STATUS:
        return status_cmd(c, stdout);
    case CLI_RULES:
        return rules_cmd(c, stdout) ? refuse(c) : flush_standard();
    case CLI_VERSION:
        version_print(stdout);
        return flush_standard();
    case CLI_HELP:
        return help(c);
    default:
        return (int)read_cmd(c);
    }
}

int main(int argc, char **argv)
{
    static const child_fn WORK[PROCESS_COUNT] = {
        [PROCESS_WATCH] = child_watch,
        [PROCESS_JUDGE] = child_judge,
        [PROCESS_FEED] = child_feed,
        [PROCESS_LISTS] = child_lists,
    };
    struct cli c;
    fill_standard_descriptors();
    if (argc > 1 && strcmp(argv[1], CHILD_ARGUMENT) == 0)
        return child_main(argc, argv, WORK);
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error of writing, told like any other */
    int code = cli_parse(&c, argc, argv) ? refuse(&c) : run(&c);
    cli_fini(&c);
    return code;
}
