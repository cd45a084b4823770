/* SPDX-License-Identifier: Apache-2.0 */
/* Nine sessions of ten are in good order when they are first looked at: told without the rules. */
#include "rules/finding.h"

static bool offers_starttls(const struct session *s)
{
    for (uint8_t i = 1; i < s->reading.line_count; i++)
        if (span_eq(session_text(s, s->reading.line[i].text), span_str("STARTTLS")))
            return true;
    return false;
}

static bool clear_where_tls_belongs(const struct session *s)
{
    return s->early_client || s->early_server || s->client_after == BYTES_CLEAR ||
           s->server_after == BYTES_CLEAR || s->ehlo_after || s->clear_in_tls[SESSION_TO_SERVER] ||
           s->clear_in_tls[SESSION_TO_CLIENT];
}

static bool odd(const struct session *s)
{
    return s->odd_count || s->unsolicited || s->code_421 || s->requiretls || s->demand_code ||
           s->tamper_count || s->conflicts || s->odd_resets || s->breaks || s->other || s->twin ||
           s->upgrade_param || s->tls_sentinel || s->tls.altered;
}

bool judge_calm(const struct session *s)
{
    const struct smtp_reading *r = &s->reading;

    return r->ehlo == EHLO_COMPLETE && !r->lines_capped && r->refused_code == 0 &&
           (r->upgrade_code == 0 || r->upgrade_code == 220) && s->hello == HELLO_EHLO &&
           s->mail_commands == 0 && s->auth_tries == 0 && s->auth < AUTH_TRIED &&
           !clear_where_tls_belongs(s) && !odd(s) && offers_starttls(s);
}
