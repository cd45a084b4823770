/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs every file of the files and directories given through a fuzz target, without libFuzzer: the
 * corpora are regression tests for every compiler. Directories are read one level deep.
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_file(const char *path, size_t size)
{
    FILE *f = fopen(path, "rb");
    /* Exactly as long as the file, so a sanitizer sees a read behind it. */
    uint8_t *data = malloc(size > 0 ? size : 1);
    int rc = -1;

    if (f && data && fread(data, 1, size, f) == size) {
        LLVMFuzzerTestOneInput(data, size);
        rc = 0;
    } else {
        fprintf(stderr, "replay: cannot read %s\n", path);
    }
    free(data);
    if (f)
        fclose(f);
    return rc;
}

/* The number of inputs run, or -1. */
static long run_path(const char *path, bool inside_directory);

static long run_directory(const char *path)
{
    struct dirent **entry;
    int n = scandir(path, &entry, NULL, alphasort);
    long runs = n < 0 ? -1 : 0;

    for (int i = 0; i < n; i++) {
        char file[4096];
        int len = snprintf(file, sizeof(file), "%s/%s", path, entry[i]->d_name);
        bool usable = entry[i]->d_name[0] != '.' && len > 0 && (size_t)len < sizeof(file);
        long one = usable && runs >= 0 ? run_path(file, true) : 0;
        runs = one < 0 || runs < 0 ? -1 : runs + one;
        free(entry[i]);
    }
    if (n >= 0)
        free(entry);
    return runs;
}

static long run_path(const char *path, bool inside_directory)
{
    struct stat st;

    if (stat(path, &st) != 0) {
        fprintf(stderr, "replay: no %s\n", path);
        return -1;
    }
    if (S_ISDIR(st.st_mode))
        return inside_directory ? 0 : run_directory(path);
    if (!S_ISREG(st.st_mode))
        return 0;
    return run_file(path, (size_t)st.st_size) == 0 ? 1 : -1;
}

int main(int argc, char **argv)
{
    long total = 0;

    for (int i = 1; i < argc; i++) {
        long runs = run_path(argv[i], false);
        if (runs < 0)
            return 1;
        total += runs;
    }
    printf("%ld inputs\n", total);
    return total > 0 ? 0 : 1;
}
