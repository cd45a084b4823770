/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/inputs.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Takes `name` over, in every case. */
static int append(struct inputs *in, char *name, uint32_t directory, const struct stat *st)
{
    if (!name)
        return ENOMEM;
    if (in->count == in->room) {
        uint32_t room = in->room ? in->room * 2 : 16;
        struct input *more = reallocarray(in->item, room, sizeof(*more));
        if (!more) {
            free(name);
            return ENOMEM;
        }
        in->item = more;
        in->room = room;
    }
    bool file = S_ISREG(st->st_mode);
    in->item[in->count++] = (struct input){
        .name = name,
        .directory = directory,
        .again = file && strcmp(name, "-") != 0,
        .size = file ? (uint64_t)st->st_size : 0,
        .device = st->st_dev,
        .inode = st->st_ino,
    };
    return 0;
}

static char *join(const char *directory, const char *entry)
{
    size_t n = strlen(directory);
    const char *slash = n > 0 && directory[n - 1] == '/' ? "" : "/";
    char *path;
    return asprintf(&path, "%s%s%s", directory, slash, entry) < 0 ? NULL : path;
}

static int not_hidden(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

/* Unlike alphasort(3) the same in every locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int append_entry(struct inputs *in, const char *entry)
{
    struct stat st;
    char *path = join(in->directory[in->directory_count - 1], entry);
    if (path && (stat(path, &st) || !S_ISREG(st.st_mode))) {
        free(path);
        return 0;
    }
    return append(in, path, in->directory_count, &st);
}

static int remember_directory(struct inputs *in, const char *name)
{
    char **more = reallocarray(in->directory, in->directory_count + 1, sizeof(*more));
    if (!more)
        return ENOMEM;
    in->directory = more;
    more[in->directory_count] = strdup(name);
    if (!more[in->directory_count])
        return ENOMEM;
    in->directory_count++;
    return 0;
}

static int add_directory(struct inputs *in, const char *name)
{
    struct dirent **entry;
    int n = scandir(name, &entry, not_hidden, by_name);
    if (n < 0)
        return errno;
    int error = remember_directory(in, name);
    for (int i = 0; i < n; i++) {
        if (!error)
            error = append_entry(in, entry[i]->d_name);
        free(entry[i]);
    }
    free(entry);
    return error;
}

int inputs_add(struct inputs *in, const char *argument)
{
    struct stat st;
    bool standard = strcmp(argument, "-") == 0;
    if (standard ? fstat(STDIN_FILENO, &st) : stat(argument, &st))
        return errno;
    if (S_ISDIR(st.st_mode) && !standard)
        return add_directory(in, argument);
    return append(in, strdup(argument), 0, &st);
}

void inputs_fini(struct inputs *in)
{
    for (uint32_t i = 0; i < in->count; i++)
        free(in->item[i].name);
    for (uint32_t i = 0; i < in->directory_count; i++)
        free(in->directory[i]);
    free(in->item);
    free(in->directory);
    *in = (struct inputs){0};
}
