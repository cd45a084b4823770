/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/version.h"

#include "sensor/capture.h"
#include "sensor/config_yaml.h"
#include "sensor/inflate.h"
#include "sensor/program.h"

static void print_program(FILE *to, const char *what, const char *name, const char *lost)
{
    char path[PROGRAM_PATH];
    if (program_path(name, path))
        fprintf(to, "%s: %s\n", what, path);
    else
        fprintf(to, "%s: none: %s is not there, and with it %s\n", what, name, lost);
}

void version_print(FILE *to)
{
    fprintf(to, "stripwatch %s\n", STRIPWATCH_VERSION);
    fprintf(to, "captures: pcap, pcapng (%s)\n", capture_library());
    fprintf(to, "compressed: gzip (zlib %s), zstd (libzstd %s), lz4 (liblz4 %s)\n",
            inflate_library(INFLATE_GZIP), inflate_library(INFLATE_ZSTD),
            inflate_library(INFLATE_LZ4));
    fprintf(to, "configuration: YAML (libyaml %s)\n", config_yaml_library());
    print_program(to, "network", PROGRAM_FETCH, PROGRAM_FETCH_LOST);
    print_program(to, "outputs", PROGRAM_FEED, PROGRAM_FEED_LOST);
}
