/* SPDX-License-Identifier: Apache-2.0 */
/* Over all captures: flows that are packed after every packet tell the same as flows that never
 * are, and a session that is called calm has no findings. */
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "alert/eve.h"
#include "dissect/dissect.h"
#include "rules/garble.h"
#include "sensor/capture.h"

struct run {
    struct json *line;
    struct judgement *judgement;
    struct incidents *incidents;
    struct eve_options eve;
    FILE *out;
};

/* incident_fn */
static void on_alert(void *user, const struct session *s, enum incident_outcome outcome,
                     const struct incident_alert *a)
{
    struct run *r = user;

    (void)s;
    fprintf(r->out, "%d %s %s ", (int)outcome, a->incident, a->id);
}

/* All that is known of a session at each milestone. */
static void on_session(void *user, struct session *s, enum session_milestone m)
{
    struct run *r = user;

    judge(s, m, NULL, r->judgement);
    if (m != SESSION_CLOSED && judge_calm(s)) /* what the program passes over */
        for (uint8_t i = 0; i < r->judgement->finding_count; i++)
            assert_int_equal(r->judgement->finding[i].severity, SEVERITY_INFO);
    incident_judge(r->incidents, s, m, r->judgement);
    fprintf(r->out, "%d %llu %llu %d ", (int)m, (unsigned long long)s->serial,
            (unsigned long long)s->flow_id, (int)s->closed);
    for (int d = 0; d < SESSION_DIR_COUNT; d++)
        fprintf(r->out, "%llu %llu %llu %u %u %u ", (unsigned long long)s->packets[d],
                (unsigned long long)s->wire_bytes[d], (unsigned long long)s->bytes[d],
                s->duplicates[d], s->retransmits[d], s->tls_records[d]);
    fprintf(r->out, "%u %u %llu %u %u %u %u\n", s->conflicts, s->evidence_evicted,
            (unsigned long long)s->mail_bytes, syn_print_hash(&s->synack), s->synack.mss,
            s->synack.window, s->tls.flight);
    eve_session(r->line, s, r->judgement, NULL, &r->eve);
    struct span text = json_end(r->line);
    fwrite(text.p, text.n, 1, r->out);
}

static struct dissect_counters read_capture(const char *path, size_t unpacked, struct run *r)
{
    struct capture_error error;
    struct dissect_counters counters;
    struct dissect_config c;
    struct capture *capture;
    struct dissect *d;
    struct packet p;

    dissect_config_default(&c);
    c.unpacked = unpacked;
    r->incidents = incident_new(&c.key, NULL, on_alert, r);
    d = dissect_new(&c, on_session, r);
    assert_int_equal(capture_open(path, CAPTURE_BUFFER, &capture, &error), CAPTURE_OK);
    while (capture_next(capture, &p) == 1)
        dissect_packet(d, &p);
    dissect_finish(d);
    counters = dissect_counters(d);
    dissect_free(d);
    capture_close(capture);
    incident_free(r->incidents);
    return counters;
}

/* A copy inside of a tunnel is not held against a connection that is packed, and so is told of as
 * well (docs/threat-model.md): the same finding with the same id, in a line of its own. */
static bool only_told_twice(const char *path, const char *whole, const char *packed)
{
    static const char id[] = "\"finding_id\":\"";
    const char *at = strstr(whole, id);
    if (!strstr(path, "/tunnel-beside-vxlan/") || !at)
        return false;
    for (; at; at = strstr(at + 1, id)) {
        char one[sizeof(id) + 32];
        snprintf(one, sizeof(one), "%s", at);
        if (!strstr(packed, one))
            return false;
    }
    for (at = strstr(packed, id); at; at = strstr(at + 1, id)) {
        char one[sizeof(id) + 32];
        snprintf(one, sizeof(one), "%s", at);
        if (!strstr(whole, one))
            return false;
    }
    return true;
}

static void packing_changes_nothing(void **state)
{
    struct run r = {.line = malloc(sizeof(struct json)),
                    .judgement = malloc(sizeof(struct judgement))};
    uint64_t packed = 0;
    glob_t found;

    (void)state;
    assert_int_equal(glob(TESTS_PCAPS "/*/input.pcap*", 0, NULL, &found), 0);
    assert_true(found.gl_pathc > 150);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        char *text[2];
        size_t n[2];
        struct dissect_counters c[2];
        for (int pack = 0; pack < 2; pack++) {
            r.out = open_memstream(&text[pack], &n[pack]);
            c[pack] = read_capture(found.gl_pathv[i], pack ? 0 : SIZE_MAX, &r);
            fclose(r.out);
        }
        bool twice = only_told_twice(found.gl_pathv[i], text[0], text[1]);
        if (strcmp(text[0], text[1]) != 0 && !twice)
            fail_msg("%s:\n%s\npacked:\n%s", found.gl_pathv[i], text[0], text[1]);
        assert_int_equal(c[0].flows_packed, 0);
        if (!twice)
            assert_int_equal(c[0].sessions, c[1].sessions);
        /* the place of a session that ended in good order is not kept: stragglers find none */
        assert_int_equal(c[0].processed + c[0].no_flow, c[1].processed + c[1].no_flow);
        assert_int_equal(c[0].gaps, c[1].gaps);
        packed += c[1].flows_unpacked;
        free(text[0]);
        free(text[1]);
    }
    assert_true(packed > 1000);
    globfree(&found);
    free(r.line);
    free(r.judgement);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packing_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
