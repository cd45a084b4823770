/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "sensor/child.h"

int main(int argc, char **argv)
{
    static const child_fn WORK[PROCESS_COUNT] = {[PROCESS_FETCH] = child_fetch};
    if (argc == 2 && strcmp(argv[1], "--version") == 0)
        return printf("stripwatch-fetch %s (libunbound, libcurl)\n", STRIPWATCH_VERSION) < 0;
    return child_main(argc, argv, WORK);
}
