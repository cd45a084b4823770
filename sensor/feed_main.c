/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "sensor/feed.h"

static int feed(struct child *c)
{
    return feed_run(c, outlets_network);
}

int main(int argc, char **argv)
{
    static const child_fn WORK[PROCESS_COUNT] = {[PROCESS_FEED] = feed};
    if (argc == 2 && strcmp(argv[1], "--version") == 0)
        return printf("stripwatch-feed %s (libcurl, librdkafka, OpenSSL)\n", STRIPWATCH_VERSION) <
               0;
    return child_main(argc, argv, WORK);
}
