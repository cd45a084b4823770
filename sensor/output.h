/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where lines go: a file or standard output, through a large buffer. The first error sticks,
 * nothing is written after it, and the caller learns of it at the latest from output_close().
 *
 * Lines come as EVE. output_render() has them written in another format.
 */
#ifndef SENSOR_OUTPUT_H
#define SENSOR_OUTPUT_H

#include <stdio.h>

#include "alert/format.h"
#include "base/span.h"
#include "sensor/inputs.h"

struct output {
    FILE *file;       /* NULL: this output is not in use */
    char *buffer;     /* of `file`; NULL: its own */
    const char *name; /* for messages; borrowed */
    int error;        /* errno of the first failure; 0: none */
    enum format format;
    struct format_out *rendered; /* NULL: lines are written as they come */
};

/* Lines to standard output. */
void output_open_standard(struct output *o);

/* Creates or truncates the file, or adds to it. Refuses with EEXIST to overwrite one of `inputs`.
 * Returns 0 or an errno value. */
int output_open_file(struct output *o, const char *path, bool append, const struct inputs *inputs);

/* What is written from now on is in that format; lines that it does not carry are left out. Returns
 * 0 or an errno value. */
int output_render(struct output *o, enum format format);

/* One line. 0, or -1 when this or an earlier write failed. Does nothing when not in use. */
int output_write(struct output *o, struct span line);

/* Writes what is buffered and closes the file. Returns 0, or the errno value of the first failure;
 * may be called again. */
int output_close(struct output *o);

#endif
