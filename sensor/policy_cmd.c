/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/policy_cmd.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/text.h"
#include "sensor/audit_cmd.h"
#include "sensor/hint.h"
#include "sensor/import_cmd.h"
#include "sensor/lint_cmd.h"
#include "sensor/refresh_cmd.h"

static const struct {
    const char *name;
    enum policy_exit (*run)(struct cli *c, FILE *to);
} ACTION[] = {
    {"lint", lint_cmd},   {"get", get_cmd},       {"refresh", refresh_cmd},
    {"audit", audit_cmd}, {"import", import_cmd}, {"export", export_cmd},
};

static int refuse(const char *text, const char *word, const char *offer)
{
    char shown[120];
    text_escape(shown, sizeof(shown), span_str(word));
    fprintf(stderr, "stripwatch: policy: %s%s%s\nTry 'stripwatch policy --help'.\n", text, shown,
            offer);
    return POLICY_TROUBLE;
}

int policy_cmd(struct cli *c, FILE *to)
{
    const char *word = c->operand_count > 0 ? c->operand[0] : "";
    const size_t count = sizeof(ACTION) / sizeof(ACTION[0]);
    struct hint hint;
    char offer[64];
    if (!*word)
        return refuse("what to do? ", "lint, get, refresh, audit, import or export", "");
    hint_init(&hint, word);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(word, ACTION[i].name) == 0) {
            enum policy_exit code = ACTION[i].run(c, to);
            if (fflush(to) == 0 && !ferror(to))
                return (int)code;
            fprintf(stderr, "stripwatch: standard output: %s\n", strerror(errno));
            return POLICY_TROUBLE;
        }
        hint_offer(&hint, ACTION[i].name);
    }
    hint_text(&hint, "", offer, sizeof(offer));
    return refuse("unknown action ", word, offer);
}
