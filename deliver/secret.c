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

bool secret_line(const char *path, char to[SECRET_TEXT], char why[SINK_WHY])
{
    size_t all, n;
    char *bytes = secret_file(path, &all, why);
    bool good;

    if (!bytes)
        return false;
    n = strcspn(bytes, "\r\n");
    good = n > 0 && n < SECRET_TEXT;
    for (size_t i = 0; good && i < n; i++)
        good = bytes[i] >= 0x20 && bytes[i] < 0x7f;
    if (good)
        snprintf(to, SECRET_TEXT, "%.*s", (int)n, bytes);
    else
        snprintf(why, SINK_WHY, "the first line of %s is no secret: 1 to %d printable characters",
                 path, SECRET_TEXT - 1);
    secret_free(bytes, all);
    return good;
}

void secret_free(char *bytes, size_t n)
{
    if (bytes)
        explicit_bzero(bytes, n);
    heap_free(bytes);
}
