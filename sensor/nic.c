/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/nic.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const STATES[] = {"up", "no-carrier", "down", "gone", "unknown"};
_Static_assert(sizeof(STATES) / sizeof(STATES[0]) == NIC_STATE_COUNT, "a text for each");

static const char *const FILES[] = {"flags", "carrier", "statistics/rx_missed_errors",
                                    "statistics/rx_fifo_errors"};
_Static_assert(sizeof(FILES) / sizeof(FILES[0]) == NIC_FILE_COUNT, "a file for each");

const char *nic_state_text(enum nic_state s)
{
    return STATES[s];
}

static int open_file(const char *name, const char *file)
{
    char path[64 + IFNAMSIZ];
    if (strlen(name) >= IFNAMSIZ || strchr(name, '/'))
        return -1;
    snprintf(path, sizeof(path), "/sys/class/net/%s/%s", name, file);
    return open(path, O_RDONLY | O_CLOEXEC);
}

/* 0, or an errno. */
static int read_number(int fd, int base, uint64_t *out)
{
    char text[32];
    if (fd < 0)
        return EBADF;
    ssize_t n = lseek(fd, 0, SEEK_SET) < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    if (n < 0)
        return errno;
    text[n] = '\0';
    *out = strtoull(text, NULL, base);
    return 0;
}

/* The files may be those of another namespace, and of an interface that has the name there. */
static bool is_ours(const char *name)
{
    uint64_t index = 0;
    int fd = open_file(name, "ifindex");
    int error = read_number(fd, 10, &index);
    if (fd >= 0)
        close(fd);
    return error == 0 && index != 0 && index == if_nametoindex(name);
}

void nic_open(struct nic *n, const char *name)
{
    bool ours = is_ours(name);
    for (int i = 0; i < NIC_FILE_COUNT; i++)
        n->fd[i] = ours ? open_file(name, FILES[i]) : -1;
}

void nic_close(struct nic *n)
{
    for (int i = 0; i < NIC_FILE_COUNT; i++)
        if (n->fd[i] >= 0)
            close(n->fd[i]);
}

enum nic_state nic_state(const struct nic *n)
{
    uint64_t flags = 0, carrier = 1;
    int error = read_number(n->fd[NIC_FLAGS], 16, &flags);
    if (error == ENODEV)
        return NIC_GONE;
    if (error)
        return NIC_UNKNOWN;
    if (!(flags & IFF_UP))
        return NIC_DOWN;
    if (read_number(n->fd[NIC_CARRIER], 10, &carrier) == 0 && carrier == 0)
        return NIC_NO_CARRIER;
    return NIC_UP;
}

uint64_t nic_drops(const struct nic *n)
{
    uint64_t missed = 0, fifo = 0;
    (void)read_number(n->fd[NIC_MISSED], 10, &missed);
    (void)read_number(n->fd[NIC_FIFO], 10, &fifo);
    return missed + fifo;
}

bool nic_present(const char *name)
{
    struct nic n;
    nic_open(&n, name);
    enum nic_state s = nic_state(&n);
    nic_close(&n);
    return s == NIC_UP || s == NIC_NO_CARRIER || (s == NIC_UNKNOWN && if_nametoindex(name) != 0);
}
