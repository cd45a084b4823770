/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/config_secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

#define CREDENTIAL "credential:"

bool config_secret_is_credential(const char *from)
{
    return strncmp(from, CREDENTIAL, strlen(CREDENTIAL)) == 0;
}

static bool is_name(const char *name)
{
    if (*name == '\0' || *name == '.')
        return false;
    for (; *name; name++)
        if (!span_is_alpha((uint8_t)*name) && !span_is_digit((uint8_t)*name) &&
            !strchr("._-", *name))
            return false;
    return true;
}

static int find(const char *from, char path[CONFIG_PATH], struct cli_why *why)
{
    const char *name = from, *dir = "";
    if (config_secret_is_credential(from)) {
        name = from + strlen(CREDENTIAL);
        dir = getenv("CREDENTIALS_DIRECTORY");
        if (!is_name(name))
            return cli_value_refuse(why, from, "is not credential:NAME of letters and digits");
        if (!dir || *dir != '/')
            return cli_value_refuse(why, from,
                                    "is not there: systemd gave no $CREDENTIALS_DIRECTORY");
    }
    int n = snprintf(path, CONFIG_PATH, "%s%s%s", dir, *dir ? "/" : "", name);
    return n < CONFIG_PATH ? 0 : cli_value_refuse(why, from, "is too long a path");
}

/* Up to the end of the first line. */
static int take_line(const char *from, char value[CONFIG_SECRET], size_t n, struct cli_why *why)
{
    size_t line = 0;
    while (line < n && value[line] != '\n' && value[line] != '\r')
        line++;
    if (line == 0)
        return cli_value_refuse(why, from, "has no password in its first line");
    if (line == CONFIG_SECRET - 1)
        return cli_value_refuse(why, from, "has a password that is too long");
    if (memchr(value, '\0', line))
        return cli_value_refuse(why, from, "has a NUL in the password");
    memset(value + line, 0, CONFIG_SECRET - line);
    return 0;
}

static int read_all(int fd, char value[CONFIG_SECRET], size_t *n)
{
    ssize_t got = 1;
    for (*n = 0; got > 0 && *n < CONFIG_SECRET - 1; *n += (size_t)got)
        if ((got = read(fd, value + *n, CONFIG_SECRET - 1 - *n)) < 0)
            return -1;
    return 0;
}

static int read_open(int fd, const char *from, char value[CONFIG_SECRET], struct cli_why *why)
{
    struct stat about;
    size_t n;
    int rc;
    if (fstat(fd, &about) || !S_ISREG(about.st_mode))
        return cli_value_refuse(why, from, "is not a file");
    if (read_all(fd, value, &n))
        return cli_value_refuse(why, from, "cannot be read");
    rc = take_line(from, value, n, why);
    if (rc == 0 && (about.st_mode & S_IROTH) && !config_secret_is_credential(from)) {
        cli_value_refuse(why, from, "can be read by everybody (chmod 640)");
        return 1;
    }
    return rc;
}

int config_secret_read(const char *from, char value[CONFIG_SECRET], struct cli_why *why)
{
    char path[CONFIG_PATH], reason[96];
    int fd, rc;
    memset(value, 0, CONFIG_SECRET);
    if (find(from, path, why))
        return -1;
    /* A pipe without a writer must not keep us waiting. */
    if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) < 0) {
        snprintf(reason, sizeof(reason), "cannot be read: %s", strerror(errno));
        return cli_value_refuse(why, from, reason);
    }
    rc = read_open(fd, from, value, why);
    close(fd);
    if (rc < 0)
        explicit_bzero(value, CONFIG_SECRET);
    return rc;
}
