/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How an interface is, from the kernel's files of it (sysfs), opened while that is allowed and read
 * again and again later: read(2) and lseek(2) are all it takes. Where there are none (no sysfs, or
 * that of another network namespace) little is known, and it says so.
 */
#ifndef SENSOR_NIC_H
#define SENSOR_NIC_H

#include <stdbool.h>
#include <stdint.h>

enum nic_state {
    NIC_UP,
    NIC_NO_CARRIER, /* up, but nothing is plugged in */
    NIC_DOWN,
    NIC_GONE, /* it was removed; another one of this name is another one */
    NIC_UNKNOWN,
    NIC_STATE_COUNT
};

const char *nic_state_text(enum nic_state s); /* "up", "no-carrier", "down", "gone", "unknown" */

enum nic_file { NIC_FLAGS, NIC_CARRIER, NIC_MISSED, NIC_FIFO, NIC_FILE_COUNT };

struct nic {
    int fd[NIC_FILE_COUNT]; /* -1: not there */
};

void nic_open(struct nic *n, const char *name);
void nic_close(struct nic *n);

enum nic_state nic_state(const struct nic *n);

/* Packets that it lost before the kernel could look at them (rx_missed_errors, rx_fifo_errors),
 * since it exists. */
uint64_t nic_drops(const struct nic *n);

/* Is there such an interface, and is it up? Opens files: for who is allowed to. */
bool nic_present(const char *name);

#endif
