/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/config_cli.h"

#include <unistd.h>

static void on_problem(void *user, const struct config_problem *p)
{
    (void)user;
    config_problem_print(stderr, p);
}

static int refuse(const char *what)
{
    fprintf(stderr, "stripwatch: %s\n", what);
    return -1;
}

/* Which file, and from where. */
static int find(struct config_cli *from, const struct cli *cli)
{
    const char *path = cli->config_path;
    bool join = path && path[0] != '/' && cli->command == CLI_WATCH;
    if (!getcwd(from->here, sizeof(from->here)))
        return refuse("the working directory is not known");
    int n = snprintf(from->path, sizeof(from->path), "%s%s%s", join ? from->here : "",
                     join ? "/" : "", path ? path : "");
    if (n >= (int)sizeof(from->path))
        return refuse("--config: the path is too long");
    from->source = (struct config_source){
        .path = path ? from->path : NULL,
        .here = from->here,
        .setting = cli->setting,
        .setting_count = cli->setting_count,
    };
    return 0;
}

int config_cli_read(struct config *c, struct config_cli *from, const struct cli *cli)
{
    if (find(from, cli))
        return -1;
    if (config_read(c, &from->source, on_problem, NULL))
        return refuse("the configuration is wrong, and nothing was started");
    if (cli->command == CLI_WATCH && c->capture.interfaces.count == 0) {
        config_fini(c);
        return refuse("watch: no interface given: -i IFACE, or capture.interfaces");
    }
    return 0;
}
