/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/program.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* As it was when we were started: an upgrade may have replaced it. */
static bool own_folder(char folder[PROGRAM_PATH])
{
    ssize_t n = readlink("/proc/self/exe", folder, PROGRAM_PATH - 1);
    if (n <= 0)
        return false;
    folder[n] = '\0';
    char *slash = strrchr(folder, '/');
    if (!slash)
        return false;
    *slash = '\0';
    return true;
}

bool program_path(const char *name, char path[PROGRAM_PATH])
{
    static const char *const BELOW[] = {"", STRIPWATCH_FOLDER "/"};
    char folder[PROGRAM_PATH];
    if (!own_folder(folder))
        return false;
    for (size_t i = 0; i < sizeof(BELOW) / sizeof(BELOW[0]); i++) {
        int n = snprintf(path, PROGRAM_PATH, "%s/%s%s", folder, BELOW[i], name);
        if (n < PROGRAM_PATH && access(path, X_OK) == 0)
            return true;
    }
    return false;
}
