/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration file of any bytes: taken, or refused with printable reasons; and what was taken
 * is written as a file that reads the same. */
#include <stdlib.h>

#include "sensor/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned told;

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void must_print(const char *text)
{
    must(text[0] != '\0');
    for (; *text; text++)
        must((uint8_t)*text >= ' ' && *text != 127);
}

static void on_problem(void *user, const struct config_problem *p)
{
    (void)user;
    must_print(p->key);
    must_print(p->text);
    told += !p->warning;
}

static void on_change(void *user, const struct config_change *change)
{
    (void)user;
    (void)change;
    abort();
}

static void read_again(const struct config *c)
{
    static struct config again;
    char *text = NULL;
    size_t n = 0;
    FILE *to = open_memstream(&text, &n);
    must(to != NULL);
    config_write(to, c);
    fclose(to);
    must(config_init(&again) == 0);
    must(config_parse(&again, "again", span_of(text, n), on_problem, NULL) == 0);
    must(config_diff(c, &again, on_change, NULL) == 0);
    config_fini(&again);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct config c;
    told = 0;
    must(config_init(&c) == 0);
    int rc = config_parse(&c, "file", span_of(data, size), on_problem, NULL);
    must((rc != 0) == (told > 0) && told <= CAP_CONFIG_PROBLEMS + 1);
    if (rc == 0)
        read_again(&c);
    config_fini(&c);
    return 0;
}
