/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/gate_listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/text.h"

#define BACKLOG 16

static int refuse(const char *name, const char *what, char why[GATE_WHY])
{
    char shown[120];
    text_escape(shown, sizeof(shown), span_str(name));
    snprintf(why, GATE_WHY, "%s: %s", shown, what);
    return -1;
}

static int refuse_errno(int fd, const char *name, char why[GATE_WHY])
{
    int error = errno;
    if (fd >= 0)
        close(fd);
    return refuse(name, strerror(error), why);
}

/* --- TCP --- */

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static bool read_port(const char *text, in_port_t *port)
{
    unsigned long value = 0;
    size_t n = strlen(text);
    if (n == 0 || n > 5)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!span_is_digit((uint8_t)text[i]))
            return false;
        value = value * 10 + (unsigned long)(text[i] - '0');
    }
    *port = htons((uint16_t)value);
    return value <= UINT16_MAX;
}

/* Bytes of the address in `a`; 0: it is none of loopback. */
static socklen_t read_address(const char *text, union address *a)
{
    bool six = text[0] == '[';
    const char *end = six ? strchr(text, ']') : strchr(text, ':');
    char host[INET6_ADDRSTRLEN];
    memset(a, 0, sizeof(*a));
    if (!end || (six && end[1] != ':'))
        return 0;
    size_t n = (size_t)(end - text) - six;
    if (n >= sizeof(host))
        return 0;
    memcpy(host, text + six, n);
    host[n] = '\0';
    in_port_t port;
    if (!read_port(end + six + 1, &port))
        return 0;
    if (six) {
        a->v6.sin6_family = AF_INET6;
        a->v6.sin6_port = port;
        return inet_pton(AF_INET6, host, &a->v6.sin6_addr) == 1 &&
                       IN6_IS_ADDR_LOOPBACK(&a->v6.sin6_addr)
                   ? sizeof(a->v6)
                   : 0;
    }
    a->v4.sin_family = AF_INET;
    a->v4.sin_port = port;
    return inet_pton(AF_INET, host, &a->v4.sin_addr) == 1 &&
                   ntohl(a->v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET
               ? sizeof(a->v4)
               : 0;
}

int gate_listen_tcp(const char *address, char why[GATE_WHY])
{
    union address a;
    socklen_t n = read_address(address, &a);
    int on = 1;
    if (n == 0)
        return refuse(address, "is not ADDRESS:PORT of a loopback address", why);
    int fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
        bind(fd, &a.any, n) || listen(fd, BACKLOG))
        return refuse_errno(fd, address, why);
    return fd;
}

/* --- a socket of the file system --- */

/* Is there a socket at which nobody listens any more? */
static bool is_left_behind(const struct sockaddr_un *a)
{
    struct stat st;
    if (lstat(a->sun_path, &st) || !S_ISSOCK(st.st_mode))
        return false;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    bool nobody = connect(fd, (const struct sockaddr *)a, sizeof(*a)) != 0 && errno == ECONNREFUSED;
    close(fd);
    return nobody;
}

/* The mode that the socket has when it is bound is no wider for a moment either. */
static int bind_here(int fd, const struct sockaddr_un *a)
{
    if (fchmod(fd, 0660) || bind(fd, (const struct sockaddr *)a, sizeof(*a)))
        return -1;
    return chmod(a->sun_path, 0660);
}

int gate_listen_unix(const char *path, char why[GATE_WHY])
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(a.sun_path))
        return refuse(path, "is too long for a socket", why);
    memcpy(a.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return refuse_errno(fd, path, why);
    if (bind_here(fd, &a)) {
        if (errno != EADDRINUSE)
            return refuse_errno(fd, path, why);
        if (!is_left_behind(&a)) {
            close(fd);
            return refuse(path, "is in use: somebody answers there, or it is no socket", why);
        }
        if (unlink(path) || bind_here(fd, &a))
            return refuse_errno(fd, path, why);
    }
    if (listen(fd, BACKLOG))
        return refuse_errno(fd, path, why);
    return fd;
}
