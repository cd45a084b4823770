/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is to be read: the arguments of `read`, directories replaced by the files in them. Nothing
 * is opened here but the directories themselves.
 */
#ifndef SENSOR_INPUTS_H
#define SENSOR_INPUTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct input {
    char *name;         /* as given; DIRECTORY/ENTRY for what was found in a directory */
    uint32_t directory; /* 1 + index of that directory; 0: named by the user */
    bool again;         /* a regular file: can be closed and opened again */
    uint64_t size;      /* bytes; 0 when it is no regular file */
    dev_t device;       /* these two tell whether a file is the same */
    ino_t inode;
};

struct inputs {
    struct input *item;
    uint32_t count, room;
    char **directory; /* names of the directories, as given */
    uint32_t directory_count;
};

/*
 * Adds one argument: a file, a FIFO, "-" for standard input, or a directory, whose regular files
 * are added in the order of their names (bytes compared); what begins with a dot, subdirectories
 * and anything else in it are left out. Returns 0, or an errno value when the argument cannot be
 * looked at or memory is short.
 */
int inputs_add(struct inputs *in, const char *argument);

void inputs_fini(struct inputs *in);

#endif
