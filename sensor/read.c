/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/text.h"
#include "dissect/dissect.h"
#include "report/summary.h"
#include "sensor/desk.h"
#include "sensor/output.h"
#include "sensor/progress.h"
#include "sensor/read_online.h"
#include "sensor/timeline.h"

#define PORT_IMPLICIT_TLS 465  /* RFC 8314 */
#define PROGRESS_PACKETS  4096 /* packets between two looks at the clock; a power of two */
#define FILES_MANY        256  /* more inputs than this may overlap: ask for more descriptors */

enum { LINES_STANDARD, LINES_FILE, LINES_COUNT };

/* One run. */
struct reading {
    const struct cli *cli;
    struct inputs inputs;
    struct timeline *timeline;
    struct dissect *dissect;
    struct desk *desk;
    struct summary *summary; /* NULL: none is wanted */
    const char **name;       /* of the inputs, for eve */
    const char *policies[CLI_POLICIES + 1];
    uint32_t policies_count;
    int looked_up; /* the last of them, a file without a name; -1: there is none */
    char looked_up_path[32];
    struct output lines[LINES_COUNT];
    struct progress progress;
    uint64_t packets;
    nstime newest;       /* latest packet time */
    uint32_t unreadable; /* arguments that could not even be looked at */
    bool failed;         /* output could not be written: stop */
};

/* --- messages --- */

struct shown {
    char text[1024];
};

/* File names may hold anything; the terminal must not. */
static const char *show(struct shown *to, const char *name)
{
    text_escape(to->text, sizeof(to->text), span_str(name));
    return to->text;
}

static void complain(struct reading *r, const char *name, const char *what)
{
    struct shown shown;
    progress_clear(&r->progress);
    fprintf(stderr, "stripwatch: %s: %s\n", show(&shown, name), what);
}

/* timeline_problem_fn */
static void on_problem(void *user, const struct timeline_problem *p)
{
    char text[640];
    if (p->trouble == TIMELINE_UNREADABLE)
        snprintf(text, sizeof(text), "%s", p->text);
    else
        snprintf(text, sizeof(text), "after packet %llu: %s", (unsigned long long)p->packet,
                 p->text);
    complain(user, p->name, text);
}

/* --- from sessions to lines --- */

/* desk_hooks */
static void on_line(void *user, struct desk_mark mark, struct span line)
{
    struct reading *r = user;
    (void)mark;
    for (int i = 0; i < LINES_COUNT; i++)
        if (output_write(&r->lines[i], line))
            r->failed = true;
}

static bool on_before(void *user)
{
    struct reading *r = user;
    return dissect_hand_out(r->dissect);
}

static void on_closed(void *user, const struct session *s, const struct judgement *j)
{
    struct reading *r = user;
    if (r->summary)
        summary_session(r->summary, s, j);
}

static void on_again(void *user, const struct session *s, const struct judgement *j)
{
    struct reading *r = user;
    if (r->summary)
        summary_again(r->summary, s, j);
}

static void on_discovered(void *user, const struct discovery *d, const struct finding *f)
{
    struct reading *r = user;
    if (r->summary)
        summary_discovery(r->summary, d, f);
}

static void on_list_problem(void *user, const char *name, unsigned line, const char *what)
{
    char text[640];
    if (line > 0)
        snprintf(text, sizeof(text), "line %u: %s", line, what);
    else
        snprintf(text, sizeof(text), "%s", what);
    complain(user, name, text);
}

/* dissect_fn */
static void on_session(void *user, struct session *s, enum session_milestone m)
{
    struct reading *r = user;
    desk_session(r->desk, s, m);
}

/* dissect_tls_fn */
static void on_tls(void *user, struct session *s, const struct tls_sighting *t)
{
    struct reading *r = user;
    desk_handshake(r->desk, s, t);
}

/* dissect_dns_fn */
static void on_dns(void *user, const struct dns_sighting *s)
{
    struct reading *r = user;
    desk_dns(r->desk, s);
}

/* dissect_fetch_fn */
static void on_fetch(void *user, const struct fetch_sighting *s)
{
    struct reading *r = user;
    desk_fetch(r->desk, s);
}

/* dissect_attempt_fn */
static void on_attempt(void *user, const struct dissect_attempt *a)
{
    struct reading *r = user;
    desk_attempt(r->desk, a);
}

/* timeline_packet_fn */
static bool on_packet(void *user, const struct packet *p)
{
    struct reading *r = user;
    if (p->time > r->newest || r->packets == 0)
        r->newest = p->time;
    dissect_packet(r->dissect, p);
    desk_pass(r->desk, r->newest);
    if ((++r->packets & (PROGRESS_PACKETS - 1)) == 0)
        progress_update(&r->progress, timeline_position(r->timeline), timeline_size(r->timeline));
    return !r->failed;
}

/* --- setting up --- */

static int open_outputs(struct reading *r)
{
    char text[320];
    int error = 0;
    if (r->cli->json) {
        output_open_standard(&r->lines[LINES_STANDARD]);
        error = output_render(&r->lines[LINES_STANDARD], r->cli->format);
    }
    if (error) {
        complain(r, "start", strerror(error));
        return -1;
    }
    if (!r->cli->out_path)
        return 0;
    error = output_open_file(&r->lines[LINES_FILE], r->cli->out_path, r->cli->append, &r->inputs);
    if (!error)
        error = output_render(&r->lines[LINES_FILE], r->cli->format);
    if (!error)
        return 0;
    snprintf(text, sizeof(text), "cannot be written: %s",
             error == EEXIST ? "it is one of the captures to read" : strerror(error));
    complain(r, r->cli->out_path, text);
    return -1;
}

static void configure_ports(const struct cli *cli, struct dissect_config *c)
{
    if (cli->port_count == 0)
        return;
    memcpy(c->port, cli->port, sizeof(c->port));
    c->port_count = cli->port_count;
    c->implicit_port = 0;
    for (uint8_t i = 0; i < cli->port_count; i++)
        if (cli->port[i] == PORT_IMPLICIT_TLS)
            c->implicit_port = PORT_IMPLICIT_TLS;
}

static bool configure(struct reading *r, struct dissect_config *c)
{
    dissect_config_default(c);
    configure_ports(r->cli, c);
    c->max_flows = r->cli->max_flows;
    c->memory = CAP_MEMORY_FLOWS(r->cli->memory);
    c->unpacked = c->memory / CAP_UNPACKED_PART;
    c->keep_addresses = r->cli->show_addresses;
    return getrandom(&c->key, sizeof(c->key), 0) == (ssize_t)sizeof(c->key);
}

/* What is looked up is one more source of policies. */
static bool look_up(struct reading *r)
{
    struct dissect_config c;
    memcpy(r->policies, r->cli->policies, sizeof(r->cli->policies));
    r->policies_count = r->cli->policies_count;
    if (!r->cli->online)
        return true;
    if (!configure(r, &c) || (r->looked_up = read_online(r->cli, &r->inputs, c)) < 0)
        return false;
    if (lseek(r->looked_up, 0, SEEK_END) == 0) /* mail was taken for nobody */
        return true;
    snprintf(r->looked_up_path, sizeof(r->looked_up_path), "/proc/self/fd/%d", r->looked_up);
    r->policies[r->policies_count++] = r->looked_up_path;
    return true;
}

static bool open_dissect(struct reading *r)
{
    struct dissect_config c;
    if (!configure(r, &c))
        return false;
    c.dns = on_dns;
    c.fetch = on_fetch;
    c.tls = on_tls;
    c.attempt = on_attempt;
    r->dissect = dissect_new(&c, on_session, r);
    return r->dissect != NULL;
}

static bool name_inputs(struct reading *r)
{
    r->name = calloc(r->inputs.count + 1u, sizeof(*r->name));
    for (uint32_t i = 0; r->name && i < r->inputs.count; i++)
        r->name[i] = r->inputs.item[i].name;
    return r->name != NULL;
}

static bool open_desk(struct reading *r)
{
    const struct cli *cli = r->cli;
    const struct desk_config c = {
        .roles = &cli->roles,
        .resolvers = &cli->resolvers,
        .policies = r->policies,
        .policies_count = r->policies_count,
        .preload = cli->preload,
        .partners = cli->partners,
        .suppress = cli->suppress,
        .state = cli->state,
        .ca_file = cli->ca_file,
        .eve = {.sensor = cli->sensor_name,
                .pcap_filename = r->name,
                .pcap_count = r->inputs.count,
                .community_id_seed = cli->community_id_seed,
                .show_addresses = cli->show_addresses},
        .min_severity = cli->min_severity,
        .handshakes = cli->json || cli->out_path,
    };
    const struct desk_hooks hooks = {.line = on_line,
                                     .before = on_before,
                                     .closed = on_closed,
                                     .again = on_again,
                                     .discovered = on_discovered,
                                     .problem = on_list_problem,
                                     .user = r};
    r->desk = desk_new(&c, &hooks);
    return r->desk != NULL;
}

static bool open_dissecting(struct reading *r)
{
    bool summary = !r->cli->json && !r->cli->quiet;
    bool good = (!summary || (r->summary = summary_new())) && open_dissect(r);
    if (!good)
        complain(r, "start", strerror(ENOMEM));
    return good;
}

/* Ten thousand files may be open at a time if all of them begin before the first one ends. */
static void ask_for_descriptors(const struct inputs *inputs)
{
    struct rlimit limit;
    if (inputs->count <= FILES_MANY || getrlimit(RLIMIT_NOFILE, &limit))
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

/* False when there is nothing to read. */
static bool open_inputs(struct reading *r)
{
    for (size_t i = 0; i < r->cli->operand_count; i++) {
        int error = inputs_add(&r->inputs, r->cli->operand[i]);
        if (!error)
            continue;
        r->unreadable++;
        complain(r, r->cli->operand[i], strerror(error));
    }
    ask_for_descriptors(&r->inputs);
    r->timeline = timeline_new(&r->inputs, on_problem, r);
    if (!r->timeline) {
        complain(r, "input", strerror(ENOMEM));
        return false;
    }
    timeline_prepare(r->timeline);
    return timeline_counts(r->timeline).readable > 0;
}

/* --- closing --- */

static void tell_skipped(struct reading *r)
{
    uint32_t skipped = timeline_counts(r->timeline).skipped;
    if (skipped > 0 && !r->summary && !r->cli->quiet) /* the summary says it itself */
        fprintf(stderr, "stripwatch: %u file%s in directories passed over: no capture\n", skipped,
                skipped == 1 ? "" : "s");
}

static bool wants_colour(const struct cli *c)
{
    const char *no = getenv("NO_COLOR"); /* no-color.org: set and not empty */
    if (c->colour == CLI_COLOUR_AUTO)
        return isatty(STDOUT_FILENO) && !(no && *no);
    return c->colour == CLI_COLOUR_ALWAYS;
}

/* Lines of output on the same terminal would run into it. */
static bool wants_progress(const struct cli *c)
{
    return !c->quiet && isatty(STDERR_FILENO) && !(c->json && isatty(STDOUT_FILENO));
}

static void print_summary(struct reading *r)
{
    struct shown name;
    struct timeline_counts counts = timeline_counts(r->timeline);
    uint32_t files = counts.readable + counts.unreadable + r->unreadable;
    if (!r->summary)
        return;
    if (r->inputs.count == 1)
        show(&name, r->name[0]);
    else
        snprintf(name.text, sizeof(name.text), "%u file%s", files, files == 1 ? "" : "s");
    struct summary_run run = {
        .input = name.text,
        .packets = r->packets,
        .inputs_cut = counts.cut + counts.unreadable + r->unreadable,
        .inputs_skipped = counts.skipped,
        .colour = wants_colour(r->cli),
    };
    output_open_standard(&r->lines[LINES_STANDARD]);
    summary_print(r->summary, &run, stdout);
}

static void close_outputs(struct reading *r)
{
    for (int i = 0; i < LINES_COUNT; i++) {
        int error = output_close(&r->lines[i]);
        if (!error)
            continue;
        r->failed = true;
        complain(r, r->lines[i].name, strerror(error));
    }
}

static enum read_exit exit_code(const struct reading *r)
{
    struct timeline_counts counts = timeline_counts(r->timeline);
    bool partial = r->unreadable + counts.unreadable + counts.cut > 0;
    bool alert =
        r->cli->fail_on < SEVERITY_COUNT && desk_incidents(r->desk)->worst >= r->cli->fail_on;
    if (r->failed)
        return READ_USAGE;
    if (r->cli->exit_zero)
        return READ_CLEAN;
    return alert ? READ_ALERT : partial ? READ_PARTIAL : READ_CLEAN;
}

static void reading_fini(struct reading *r)
{
    for (int i = 0; i < LINES_COUNT; i++)
        output_close(&r->lines[i]);
    dissect_free(r->dissect);
    desk_free(r->desk);
    summary_free(r->summary);
    timeline_free(r->timeline);
    inputs_fini(&r->inputs);
    free(r->name);
    if (r->looked_up >= 0)
        close(r->looked_up);
}

static void write_stats(struct reading *r)
{
    struct dissect_counters counters = dissect_counters(r->dissect);
    desk_stats(r->desk, r->newest, &counters, NULL);
}

static enum read_exit run(struct reading *r)
{
    if (!open_inputs(r))
        return READ_USAGE;
    if (!name_inputs(r)) {
        complain(r, "start", strerror(ENOMEM));
        return READ_USAGE;
    }
    if (!look_up(r) || !open_desk(r) || !open_dissecting(r) || open_outputs(r))
        return READ_USAGE;
    progress_init(&r->progress, wants_progress(r->cli));
    timeline_run(r->timeline, on_packet, r);
    dissect_finish(r->dissect);
    desk_finish(r->desk);
    write_stats(r);
    progress_clear(&r->progress);
    print_summary(r);
    close_outputs(r);
    tell_skipped(r);
    return exit_code(r);
}

enum read_exit read_cmd(const struct cli *c)
{
    struct reading r = {.cli = c, .looked_up = -1};
    enum read_exit code = run(&r);
    reading_fini(&r);
    return code;
}
