/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/config_value.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"
#include "policy/domain.h"
#include "rules/finding.h"
#include "sensor/config_address.h"
#include "sensor/config_list.h"
#include "sensor/config_number.h"
#include "sensor/config_secret.h"
#include "sensor/hint.h"

#define HIDDEN        "..." /* instead of what holds a password */
#define ACCOUNT_BYTES 32    /* what useradd takes */

/* A value on its way: NUL-terminated, all of it printable. */
struct incoming {
    char text[CAP_CONFIG_VALUE + 1];
    const struct config_row *row;
    const char *here; /* NULL: paths must be absolute */
    struct cli_why *why;
};

static int refuse(struct incoming *in, const char *reason)
{
    if (config_address_has_password(in->text))
        memcpy(in->text, HIDDEN, sizeof(HIDDEN));
    return cli_value_refuse(in->why, in->text, reason);
}

static int refuse_allowed(struct incoming *in, const char *hint)
{
    char allowed[128], reason[200];
    config_value_allowed(allowed, sizeof(allowed), in->row);
    snprintf(reason, sizeof(reason), "is not %s%s", allowed, hint);
    return refuse(in, reason);
}

static void *member(struct config *c, const struct config_row *row)
{
    return (char *)c + row->at;
}

/* --- scalars --- */

static int take_boolean(struct incoming *in, bool *to)
{
    static const char *const WORD[] = {"false", "true", "no", "yes", "off", "on"};
    for (size_t i = 0; i < sizeof(WORD) / sizeof(WORD[0]); i++) {
        if (strcmp(in->text, WORD[i]) == 0) {
            *to = i % 2;
            return 0;
        }
    }
    return refuse_allowed(in, "");
}

static int take_number(struct incoming *in, uint32_t *to)
{
    uint32_t value;
    if (!config_number_read(span_str(in->text), in->row, &value))
        return refuse_allowed(in, "");
    *to = value;
    return 0;
}

static int take_choice(struct incoming *in, unsigned *to)
{
    struct hint hint;
    char offer[64];
    hint_init(&hint, in->text);
    for (unsigned i = 0; in->row->words[i]; i++) {
        if (strcmp(in->text, in->row->words[i]) == 0) {
            *to = in->row->first + i;
            return 0;
        }
        hint_offer(&hint, in->row->words[i]);
    }
    hint_text(&hint, "", offer, sizeof(offer));
    return refuse_allowed(in, offer);
}

static int keep(struct incoming *in, char **to)
{
    char *copy = in->text[0] ? strdup(in->text) : NULL;
    if (in->text[0] && !copy)
        return refuse(in, "cannot be kept: out of memory");
    free(*to);
    *to = copy;
    return 0;
}

static int take_text(struct incoming *in, char **to)
{
    char reason[64];
    if (strlen(in->text) <= in->row->max)
        return keep(in, to);
    snprintf(reason, sizeof(reason), "is longer than %u bytes", in->row->max);
    return refuse(in, reason);
}

/* What is typed is completed; in a file they would depend on where the program was started. */
static int make_absolute(struct incoming *in)
{
    char whole[2 * CONFIG_PATH];
    if (strlen(in->text) >= CONFIG_PATH)
        return refuse(in, "is too long for a path");
    if (strcmp(in->text, "-") == 0)
        return refuse(in, "is no path (output.stdout is standard output)");
    if (in->text[0] == '/' || in->text[0] == '\0')
        return 0;
    if (!in->here)
        return refuse(in, "is not an absolute path (it does not begin with /)");
    int n = snprintf(whole, sizeof(whole), "%s/%s", in->here, in->text);
    if (n >= CONFIG_PATH)
        return refuse(in, "is too long for a path");
    memcpy(in->text, whole, (size_t)n + 1);
    return 0;
}

static int take_path(struct incoming *in, char **to)
{
    return make_absolute(in) ? -1 : keep(in, to);
}

static int take_input(struct incoming *in, char **to)
{
    char reason[96];
    if (make_absolute(in))
        return -1;
    if (in->text[0] && access(in->text, R_OK) != 0) {
        snprintf(reason, sizeof(reason), "cannot be read: %s", strerror(errno));
        return refuse(in, reason);
    }
    return keep(in, to);
}

static int take_socket(struct incoming *in, char **to)
{
    if (make_absolute(in))
        return -1;
    return strlen(in->text) > CONFIG_SOCKET_PATH
               ? refuse(in, "is longer than a socket's path can be (107)")
               : keep(in, to);
}

static int take_account(struct incoming *in, char **to)
{
    size_t n = strlen(in->text);
    bool ok = n <= ACCOUNT_BYTES && in->text[0] != '-' && in->text[0] != '.';
    for (size_t i = 0; i < n; i++)
        ok &= span_is_alpha((uint8_t)in->text[i]) || span_is_digit((uint8_t)in->text[i]) ||
              strchr("_.-", in->text[i]) != NULL;
    return ok ? keep(in, to) : refuse(in, "is not the name of a user or a group");
}

static int take_secret(struct incoming *in, struct config_secret *to)
{
    char value[CONFIG_SECRET] = "";
    int rc = 0;
    if (!config_secret_is_credential(in->text) && make_absolute(in))
        return -1;
    if (in->text[0])
        rc = config_secret_read(in->text, value, in->why);
    if (rc >= 0 && keep(in, &to->from) == 0)
        memcpy(to->value, value, sizeof(value));
    else
        rc = -1;
    explicit_bzero(value, sizeof(value));
    return rc;
}

/* --- addresses --- */

static int take_address(struct incoming *in, char **to,
                        bool is_one(const char *text, char reason[CONFIG_REASON]))
{
    char reason[CONFIG_REASON];
    return in->text[0] && !is_one(in->text, reason) ? refuse(in, reason) : keep(in, to);
}

/* Completes and checks the address of a store in in->text. */
static int check_store(struct incoming *in)
{
    char path[CONFIG_PATH], reason[CONFIG_REASON];
    if (in->text[0] == '\0')
        return 0;
    if (!config_address_is_store(in->text, path, reason))
        return refuse(in, reason);
    if (path[0] == '\0')
        return 0;
    memcpy(in->text, path, strlen(path) + 1);
    return make_absolute(in);
}

static int take_store(struct incoming *in, char **to)
{
    return check_store(in) ? -1 : keep(in, to);
}

static int add_word(struct incoming *in, struct config_words *to)
{
    char *copy;
    if (to->count == CONFIG_WORDS)
        return refuse(in, "is one too many (64)");
    if (!(copy = strdup(in->text)))
        return refuse(in, "cannot be kept: out of memory");
    to->word[to->count++] = copy;
    return 0;
}
_Static_assert(CONFIG_WORDS == 64, "the text above says so");

static int add_store(struct incoming *in, struct config_words *to)
{
    if (in->text[0] == '\0')
        return refuse(in, "is no source of policies");
    return check_store(in) ? -1 : add_word(in, to);
}

static int add_once(struct incoming *in, struct config_words *to)
{
    for (size_t i = 0; i < to->count; i++)
        if (strcmp(to->word[i], in->text) == 0)
            return refuse(in, "is there twice");
    return add_word(in, to);
}

static int add_domain(struct incoming *in, struct config_words *to)
{
    struct domain name;
    if (!domain_read(span_str(in->text), &name) || domain_numeric(domain_span(&name)))
        return refuse(in, "is not the name of a domain");
    memcpy(in->text, name.text, name.n + 1u);
    return add_once(in, to);
}

static int add_rule(struct incoming *in, struct config_words *to)
{
    struct hint hint;
    char offer[64], reason[100];
    if (rule_by_name(in->text) < RULE_COUNT)
        return add_once(in, to);
    hint_init(&hint, in->text);
    for (enum rule_id id = 0; id < RULE_COUNT; id++)
        hint_offer(&hint, rule_row(id)->name);
    hint_text(&hint, "", offer, sizeof(offer));
    snprintf(reason, sizeof(reason), "is not the name of a rule%s", offer);
    return refuse(in, reason);
}

static int add_address(struct incoming *in, struct config_words *to,
                       bool is_one(const char *text, char reason[CONFIG_REASON]))
{
    char reason[CONFIG_REASON];
    return is_one(in->text, reason) ? add_word(in, to) : refuse(in, reason);
}

/* --- all of them --- */

static int take(struct config *c, struct incoming *in)
{
    void *to = member(c, in->row);
    switch (in->row->type) {
    case CONFIG_BOOLEAN:
        return take_boolean(in, to);
    case CONFIG_NUMBER:
        return take_number(in, to);
    case CONFIG_CHOICE:
        return take_choice(in, to);
    case CONFIG_TEXT:
        return take_text(in, to);
    case CONFIG_PATH_:
        return take_path(in, to);
    case CONFIG_INPUT:
        return take_input(in, to);
    case CONFIG_STORE:
        return take_store(in, to);
    case CONFIG_REDIS:
        return take_address(in, to, config_address_is_redis);
    case CONFIG_HOST:
        return take_address(in, to, config_address_is_host);
    case CONFIG_URL:
        return take_address(in, to, config_address_is_url);
    case CONFIG_LISTEN:
        return take_address(in, to, config_address_is_listen);
    case CONFIG_SOCKET:
        return take_socket(in, to);
    case CONFIG_ACCOUNT:
        return take_account(in, to);
    case CONFIG_SECRET_:
        return take_secret(in, to);
    case CONFIG_STORES:
        return add_store(in, to);
    case CONFIG_DOMAINS:
        return add_domain(in, to);
    case CONFIG_RULES:
        return add_rule(in, to);
    case CONFIG_FORWARDS:
        return add_address(in, to, config_address_is_forward);
    case CONFIG_STUBS:
        return add_address(in, to, config_address_is_stub);
    default:
        return config_list_add(in->text, in->row->type, to, in->why);
    }
}

static bool is_printable(struct span text)
{
    for (size_t n; text.n > 0; text = span_from(text, n))
        if ((n = text_printable(text)) == 0)
            return false;
    return true;
}

int config_value_take(struct config *c, const struct config_row *row, struct span text,
                      const char *here, struct cli_why *why)
{
    struct incoming in = {.row = row, .here = here, .why = why};
    if (text.n > CAP_CONFIG_VALUE) {
        snprintf(why->text, sizeof(why->text), "the value is longer than %d bytes",
                 CAP_CONFIG_VALUE);
        return -1;
    }
    if (!is_printable(text)) {
        snprintf(why->text, sizeof(why->text), "the value has a byte that cannot be printed");
        return -1;
    }
    if (text.n > 0)
        memcpy(in.text, text.p, text.n);
    return take(c, &in);
}

int config_value_take_all(struct config *c, const struct config_row *row, const char *text,
                          const char *here, struct cli_why *why)
{
    struct span rest = span_str(text);
    int worst = 0;
    if (!config_key_is_list(row))
        return config_value_take(c, row, rest, here, why);
    while (rest.n > 0) {
        struct span item = span_first(rest, span_find(rest, ','));
        int rc = config_value_take(c, row, item, here, why);
        if (rc < 0)
            return rc;
        worst = rc > worst ? rc : worst;
        rest = span_from(rest, item.n + 1);
    }
    return worst;
}

static void clear_words(struct config_words *words)
{
    for (size_t i = 0; i < words->count; i++)
        free(words->word[i]);
    words->count = 0;
}

void config_value_clear(struct config *c, const struct config_row *row)
{
    void *at = member(c, row);
    struct config_secret *secret = at;
    switch (row->type) {
    case CONFIG_BOOLEAN:
        *(bool *)at = false;
        break;
    case CONFIG_NUMBER:
    case CONFIG_CHOICE:
        *(uint32_t *)at = 0;
        break;
    case CONFIG_STORES:
    case CONFIG_DOMAINS:
    case CONFIG_RULES:
    case CONFIG_FORWARDS:
    case CONFIG_STUBS:
        clear_words(at);
        break;
    case CONFIG_SECRET_:
        explicit_bzero(secret->value, sizeof(secret->value));
        free(secret->from);
        secret->from = NULL;
        break;
    default:
        if (config_key_is_list(row)) {
            config_list_clear(row->type, at);
            break;
        }
        free(*(char **)at);
        *(char **)at = NULL;
    }
}
