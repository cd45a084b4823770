/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/version.h"

#include "sensor/capture.h"
#include "sensor/config_yaml.h"
#include "sensor/fetch_program.h"
#include "sensor/inflate.h"

void version_print(FILE *to)
{
    char path[FETCH_PROGRAM_PATH];
    fprintf(to, "stripwatch %s\n", STRIPWATCH_VERSION);
    fprintf(to, "captures: pcap, pcapng (%s)\n", capture_library());
    fprintf(to, "compressed: gzip (zlib %s), zstd (libzstd %s), lz4 (liblz4 %s)\n",
            inflate_library(INFLATE_GZIP), inflate_library(INFLATE_ZSTD),
            inflate_library(INFLATE_LZ4));
    fprintf(to, "configuration: YAML (libyaml %s)\n", config_yaml_library());
    if (fetch_program(path))
        fprintf(to, "network: %s\n", path);
    else
        fprintf(to, "network: none: %s is not there, and with it %s\n", FETCH_PROGRAM,
                FETCH_PROGRAM_LOST);
}
