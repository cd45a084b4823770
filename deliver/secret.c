/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/secret.h"

#include <errno.h>
#include <stdio.h>

#include "base/heap.h"

char *secret_file(const char *path, size_t *n, char why[SINK_WHY])
{
    FILE *f = fopen(path, "rbe");
    char *bytes = f ? heap_alloc(CAP_DELIVER_FILE + 1) : NULL;

    if (!bytes) {
        snprintf(why, SINK_WHY, "cannot read %s: %s", path, strerror(f ? ENOMEM : errno));
        goto out;
    }
    setvbuf(f, NULL, _IONBF, 0); /* no copy stays behind */
    *n = fread(bytes, 1, CAP_DELIVER_FILE, f);
    bytes[*n] = '\0';
    if (ferror(f) || *n == 0 || *n == CAP_DELIVER_FILE) {
        snprintf(why, SINK_WHY, "cannot read %s: %s", path,
                 ferror(f) ? strerror(errno) : (*n ? "it is too long" : "it is empty"));
        secret_free(bytes, *n);
        bytes = NULL;
    }
out:
    if (f)
        fclose(f);
    return bytes;
}

void secret_free(char *bytes, size_t n)
{
    if (bytes)
        explicit_bzero(bytes, n);
    heap_free(bytes);
}
