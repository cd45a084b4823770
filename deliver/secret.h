/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are read once, when a sink is made: later the walls of the process hide them. */
#ifndef DELIVER_SECRET_H
#define DELIVER_SECRET_H

#include "alert/sink.h"

/* All of a file, CAP_DELIVER_FILE bytes at most, with a NUL behind them; heap_free(). */
char *secret_file(const char *path, size_t *n, char why[SINK_WHY]);

/* Overwritten, then freed; NULL is allowed. */
void secret_free(char *bytes, size_t n);

#endif
