/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/parent.h"

#include <errno.h>
#include <ftw.h>
#include <net/if.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sensor/kid.h"
#include "sensor/notify.h"
#include "sensor/policy_source.h"
#include "sensor/program.h"
#include "sensor/relay.h"

#define TURN_MS  100
#define OWN      "/tmp/stripwatch-XXXXXX"
#define KIDS     (4 + CAP_WATCHERS)
#define PATIENCE (10 * NS_PER_S) /* for each to end when it was told to */

/* In the order in which they start; they end the other way round. */
enum { KID_FEED, KID_FETCH, KID_LISTS, KID_JUDGE, KID_WATCH };

struct parent {
    struct config *config;
    const struct config_source *from;
    struct kid kid[KIDS];
    size_t kids;
    int ends[2 * KIDS + 1]; /* of the sockets between them, and the file behind them */
    size_t end_count;
    int handover;        /* a file without a name for what one judge leaves to the next */
    int written;         /* the configuration as a file without a name */
    int signals;         /* signalfd */
    bool stop;           /* SIGTERM, or a child that cannot start */
    bool failed;         /* likewise the latter */
    bool later;          /* and somebody may only have to wait */
    bool settled;        /* all have been ready once */
    bool unsaid;         /* systemd waits to hear that they are ready */
    struct config *next; /* was read at SIGHUP, and waits for its lists to be read; NULL: none */
    bool reload_again;   /* SIGHUP came meanwhile */
    nstime reread;       /* the lists, so last: child_clock() */
    nstime watchdog, barked;
    nstime looked;                      /* at the interfaces */
    nstime told;                        /* the feed: how all are */
    unsigned interface[CAP_INTERFACES]; /* their numbers when the watchers were started; 0: it was
                                           not there */
    char own[32];                       /* a directory for this run alone; "": there is none */
};

static void say(const char *what, const char *why)
{
    fprintf(stderr, "stripwatch: %s%s%s\n", what, why ? ": " : "", why ? why : "");
}

/* --- setting up --- */

static bool write_config(struct parent *p)
{
    int fd = kid_config(p->config);
    if (fd < 0)
        return false;
    if (p->written >= 0)
        close(p->written);
    p->written = fd;
    return true;
}

/* A pair of sockets between two children, at their next places. */
static bool join(struct parent *p, struct kid *a, struct kid *b)
{
    int fd[2];
    if (message_pair(fd))
        return false;
    a->peer[a->peers++] = fd[0];
    b->peer[b->peers++] = fd[1];
    p->ends[p->end_count++] = fd[0];
    p->ends[p->end_count++] = fd[1];
    return true;
}

/* It has the next place of the judge. */
static bool make_handover(struct parent *p, struct kid *judge)
{
    p->handover = memfd_create("stripwatch", MFD_CLOEXEC);
    if (p->handover < 0)
        return false;
    (void)fchmod(p->handover, 0600);
    judge->peer[judge->peers++] = p->handover;
    p->ends[p->end_count++] = p->handover;
    return true;
}

static bool make_kids(struct parent *p)
{
    struct kid *judge = &p->kid[KID_JUDGE];
    uint32_t watchers = p->config->capture.workers;
    kid_init(&p->kid[KID_FEED], PROCESS_FEED, 0);
    kid_init(&p->kid[KID_FETCH], PROCESS_FETCH, 0);
    kid_init(judge, PROCESS_JUDGE, 0);
    kid_init(&p->kid[KID_LISTS], PROCESS_LISTS, 0);
    p->kid[KID_LISTS].wanted = false; /* it comes when it is called */
    p->kids = KID_WATCH;
    if (!join(p, judge, &p->kid[KID_FEED]) || !join(p, judge, &p->kid[KID_FETCH]) ||
        !join(p, judge, &p->kid[KID_LISTS]) || !make_handover(p, judge))
        return false;
    for (uint16_t i = 0; i < watchers; i++) {
        struct kid *watch = &p->kid[p->kids++];
        kid_init(watch, PROCESS_WATCH, i);
        if (!join(p, judge, watch))
            return false;
    }
    return true;
}

static bool catch_signals(struct parent *p)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    if (sigprocmask(SIG_BLOCK, &set, NULL))
        return false;
    p->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return p->signals >= 0;
}

/* Directories of those who will have no right to make them. */
static bool make_dir(const struct parent *p, const char *dir)
{
    const struct passwd *who = p->config->process.user ? getpwnam(p->config->process.user) : NULL;
    if (!dir)
        return true;
    if (mkdir(dir, 0750) && errno != EEXIST) {
        say(dir, strerror(errno));
        return false;
    }
    if (who && geteuid() == 0 && chown(dir, who->pw_uid, who->pw_gid)) {
        say(dir, strerror(errno));
        return false;
    }
    return true;
}

/* config_problem_fn */
static void on_problem(void *user, const struct config_problem *problem)
{
    (void)user;
    fputs("stripwatch: ", stderr);
    config_problem_print(stderr, problem);
}

static bool make_own(struct parent *p)
{
    if (*p->own)
        return true;
    memcpy(p->own, OWN, sizeof(OWN));
    if (mkdtemp(p->own))
        return make_dir(p, p->own);
    say("a directory of its own", strerror(errno));
    p->own[0] = '\0';
    return false;
}

/* An alert is on disk before it counts as raised, whoever reads it; without a place for that it is
 * there as long as the run is. */
static bool place_spool(struct parent *p)
{
    char text[sizeof(p->own) + 32];
    if (p->config->output.spool.dir)
        return make_dir(p, p->config->output.spool.dir);
    if (!make_own(p))
        return false;
    snprintf(text, sizeof(text), "%s/spool", p->own);
    return make_dir(p, text) && setenv(CHILD_SPOOL_VARIABLE, text, 1) == 0;
}

/* The judge reaches Redis through a socket of the one who may speak with the network. */
static bool place_relay(struct parent *p)
{
    char text[sizeof(p->own) + 32];
    if (!relay_wanted(p->config->policy.state))
        return unsetenv(RELAY_VARIABLE) == 0;
    if (!make_own(p))
        return false;
    snprintf(text, sizeof(text), "%s/redis", p->own);
    return setenv(RELAY_VARIABLE, text, 1) == 0;
}

/* Without the program that reaches the network, what needs it cannot be had. */
static bool place_fetch(struct parent *p)
{
    char path[PROGRAM_PATH], text[PROGRAM_PATH];
    bool needed =
        relay_wanted(p->config->policy.state) || p->config->policy.lookups != CONFIG_LOOKUPS_OFF;
    if (program_path(PROGRAM_FETCH, path))
        return true;
    snprintf(text, sizeof(text), "is not there, and with it %s", PROGRAM_FETCH_LOST);
    say(PROGRAM_FETCH, text);
    p->kid[KID_FETCH].wanted = false;
    return !needed;
}

/* Only lines that leave this machine need the program that brings the libraries for it. */
static bool place_feed(struct parent *p)
{
    char path[PROGRAM_PATH], text[PROGRAM_PATH];
    bool needed = config_reaches_out(p->config);
    p->kid[KID_FEED].program = needed ? PROGRAM_FEED : NULL;
    if (!needed || program_path(PROGRAM_FEED, path))
        return true;
    snprintf(text, sizeof(text), "is not there, and with it %s", PROGRAM_FEED_LOST);
    say(PROGRAM_FEED, text);
    return false;
}

/* nftw_fn */
static int remove_one(const char *path, const struct stat *s, int type, struct FTW *at)
{
    (void)s;
    (void)type;
    (void)at;
    return remove(path);
}

/* --- children --- */

static void order(struct kid *k, enum child_order what)
{
    const struct child_message m = {.order = what};
    kid_order(k, &m);
}

static void start(struct parent *p, struct kid *k)
{
    int error = kid_start(k, p->written);
    if (!error)
        return;
    say(process_text(k->process), strerror(error));
    k->again = child_clock() + NS_PER_S;
}

/* The first start goes one by one: whoever cannot start keeps the later ones from it. */
static void start_those_missing(struct parent *p)
{
    nstime now = child_clock();
    for (size_t i = 0; i < p->kids; i++) {
        struct kid *k = &p->kid[i];
        if (k->wanted && k->pid == 0 && now >= k->again)
            start(p, k);
        if (!p->settled && k->wanted && !k->ready)
            return;
    }
    if (p->settled)
        return;
    p->settled = p->unsaid = true;
    p->reread = child_clock();
}

/* Each has said that it is ready, of watchers that their interfaces capture. */
static void say_ready(struct parent *p)
{
    bool ready = p->unsaid;
    for (size_t i = 0; i < p->kids; i++) {
        const struct kid *k = &p->kid[i];
        ready = ready && (!k->wanted || (k->pid != 0 && k->ready && !k->expected));
    }
    if (!ready)
        return;
    p->unsaid = false;
    notify_say("READY=1\nSTATUS=watching");
}

static void tell_back(struct parent *p, struct kid *k)
{
    const struct child_message m = {.order = CHILD_BACK,
                                    .process = k->process,
                                    .index = k->index,
                                    .generation = k->generation,
                                    .from = k->gone,
                                    .to = child_wall()};
    bool asked = k->gone == 0;
    k->gone = 0;
    if (!asked)
        kid_order(&p->kid[KID_JUDGE], &m);
}

static void hear_all(struct parent *p)
{
    nstime now = child_clock();
    for (size_t i = 0; i < p->kids; i++) {
        struct kid *k = &p->kid[i];
        bool ready = kid_hear(k);
        if (ready && k->process == PROCESS_JUDGE)
            (void)!ftruncate(p->handover, 0); /* it has taken what there was */
        if (ready && k->generation > 1)
            tell_back(p, k);
        if (kid_is_stuck(k, now)) {
            say(process_text(k->process), "does not answer; it is started anew");
            kill(k->pid, SIGKILL);
            k->heard = now;
        }
    }
}

/* An interface that may come yet. */
static bool one_is_missing(const struct config_interfaces *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->one[i].name, "any") != 0 && if_nametoindex(list->one[i].name) == 0)
            return true;
    return false;
}

/* --- reloading --- */

/* config_change_fn */
static void on_change(void *user, const struct config_change *c)
{
    (void)user;
    fprintf(stderr, "stripwatch: reload: %s: %s -> %s\n", c->name, c->old, c->new);
}

/* config_change_fn: only counted. */
static void on_difference(void *user, const struct config_change *c)
{
    (void)user;
    (void)c;
}

/* Asks a child to end and to come back with the configuration as it is now. */
static void renew(struct kid *k)
{
    if (k->pid == 0)
        return;
    k->expected = true;
    order(k, CHILD_RENEW);
}

static void drop_next(struct parent *p)
{
    if (p->next)
        config_fini(p->next);
    free(p->next);
    p->next = NULL;
}

static void end_reload(struct parent *p, const char *why)
{
    if (why)
        say("reload", why);
    drop_next(p);
    p->unsaid = true;
}

/* What can change without a restart is of the judge, the feed and fetch: packets go on being read,
 * and wait for them in their sockets. */
static void use_next(struct parent *p)
{
    int changes = config_replace(p->config, p->next, on_change, NULL);
    free(p->next);
    p->next = NULL;
    if (changes > 0 && !write_config(p)) {
        end_reload(p, strerror(errno));
        return;
    }
    if (changes > 0) {
        renew(&p->kid[KID_FETCH]);
        renew(&p->kid[KID_JUDGE]);
        renew(&p->kid[KID_FEED]);
    }
    end_reload(p, NULL);
}

/* Starts who reads the lists, with that configuration. */
static bool read_lists(struct parent *p, const struct config *c, uint16_t what)
{
    struct kid *k = &p->kid[KID_LISTS];
    int written = kid_config(c);
    p->reread = child_clock();
    k->index = what;
    int error = written < 0 ? errno : kid_start(k, written);
    if (written >= 0)
        close(written);
    if (error)
        say(process_text(k->process), strerror(error));
    return error == 0;
}

/* Files are opened anew at once; all else waits until the lists are known to be good. */
static void reload(struct parent *p)
{
    p->reload_again = p->kid[KID_LISTS].pid != 0;
    if (p->reload_again)
        return;
    notify_say("RELOADING=1");
    order(&p->kid[KID_FEED], CHILD_REOPEN);
    p->next = malloc(sizeof(*p->next));
    if (p->next && config_reread(p->next, p->config, p->from, on_problem, NULL)) {
        free(p->next);
        p->next = NULL;
    }
    bool same = p->next && config_diff(p->config, p->next, on_difference, NULL) == 0;
    if (!p->next || !read_lists(p, p->next, same ? CHILD_LISTS_ALL : CHILD_LISTS_TRY))
        end_reload(p, "nothing was changed");
}

/* The one who reads the lists has ended. */
static void lists_ended(struct parent *p)
{
    int code = p->kid[KID_LISTS].code;
    if (code != 0 && code != CHILD_CANNOT && !p->stop)
        say(process_text(PROCESS_LISTS), "ended before its time");
    if (p->next && code != 0)
        end_reload(p, "nothing was changed");
    else if (p->next)
        use_next(p);
    if (p->reload_again && !p->stop)
        reload(p);
}

static bool has_stores(const struct config *c)
{
    bool found = relay_wanted(c->policy.state);
    for (size_t i = 0; i < c->policy.policies.count; i++)
        found = found || policy_source_is_store(c->policy.policies.word[i]);
    return found;
}

/* What others write into a store is heard of in time. */
static void look_at_stores(struct parent *p)
{
    nstime now = child_clock();
    if (!p->settled || p->kid[KID_LISTS].pid != 0 ||
        now - p->reread < (nstime)p->config->policy.reread * NS_PER_S)
        return;
    p->reread = now;
    if (has_stores(p->config))
        read_lists(p, p->config, CHILD_LISTS_STORES);
}

/* --- ends --- */

static void bury(struct parent *p, struct kid *k, int status)
{
    bool expected = k->expected;
    char text[64];
    kid_ended(k, status);
    if (expected)
        k->gone = 0;
    if (k->process == PROCESS_LISTS) {
        k->gone = 0;
        lists_ended(p);
        return;
    }
    if (expected || p->stop)
        return;
    if (!p->settled) {
        p->stop = p->failed = true;
        p->later = k->process == PROCESS_WATCH && one_is_missing(&p->config->capture.interfaces);
        return;
    }
    snprintf(text, sizeof(text), "ended (%d); it is started anew", k->code);
    say(process_text(k->process), text);
}

static void reap(struct parent *p)
{
    int status;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
        for (size_t i = 0; i < p->kids; i++)
            if (p->kid[i].pid == pid)
                bury(p, &p->kid[i], status);
}

/* --- signals --- */

static void take_signals(struct parent *p)
{
    struct signalfd_siginfo s;
    while (read(p->signals, &s, sizeof(s)) == (ssize_t)sizeof(s)) {
        if (s.ssi_signo == SIGCHLD)
            reap(p);
        else if (s.ssi_signo == SIGHUP)
            reload(p);
        else
            p->stop = true;
    }
}

/* --- life --- */

static void bark(struct parent *p)
{
    nstime now = child_clock();
    if (p->watchdog == 0 || now - p->barked < p->watchdog)
        return;
    p->barked = now;
    notify_say("WATCHDOG=1");
}

static unsigned number_of(const struct parent *p, size_t i)
{
    return if_nametoindex(p->config->capture.interfaces.one[i].name);
}

/* One that was made anew under its name is another one to the kernel. Who watched the old one has
 * no right to open the new one: another takes its place. */
static void look_at_interfaces(struct parent *p)
{
    bool anew = false;
    nstime now = child_clock();
    if (!p->settled || now - p->looked < NS_PER_S)
        return;
    p->looked = now;
    for (size_t i = 0; i < p->config->capture.interfaces.count; i++) {
        unsigned number = number_of(p, i);
        anew = anew || (number != 0 && number != p->interface[i]);
        p->interface[i] = number ? number : p->interface[i];
    }
    for (size_t i = KID_WATCH; anew && i < p->kids; i++)
        order(&p->kid[i], CHILD_STOP);
}

/* Who asks how the sensor is asks the feed. */
static void tell_feed(struct parent *p)
{
    nstime now = child_clock(), wall = child_wall();
    if (now - p->told < NS_PER_S)
        return;
    p->told = now;
    for (size_t i = 0; i < p->kids; i++) {
        const struct kid *k = &p->kid[i];
        const struct child_message m = {.order = CHILD_PROCESS,
                                        .process = k->process,
                                        .index = k->process == PROCESS_LISTS ? 0 : k->index,
                                        .generation = k->generation,
                                        .from = clock_add(wall, k->started - now),
                                        .to = k->pid == 0 ? CHILD_AWAY
                                              : k->ready  ? CHILD_READY
                                                          : CHILD_STARTING};
        if (k->wanted)
            kid_order(&p->kid[KID_FEED], &m);
    }
}

static void turn(struct parent *p)
{
    struct pollfd wait[1 + KIDS] = {{.fd = p->signals, .events = POLLIN}};
    nfds_t count = 1;
    for (size_t i = 0; i < p->kids; i++)
        if (p->kid[i].pid != 0)
            wait[count++] = (struct pollfd){.fd = p->kid[i].link[0], .events = POLLIN};
    poll(wait, count, TURN_MS);
    take_signals(p);
    reap(p);
    hear_all(p);
    say_ready(p);
    tell_feed(p);
    bark(p);
}

static bool any_of(const struct parent *p, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        if (p->kid[i].pid != 0)
            return true;
    return false;
}

/* The last facts become lines and the last lines reach the disk, because whoever hears them ends
 * later. */
static void end(struct parent *p, size_t from, size_t to)
{
    nstime until = child_clock() + PATIENCE;
    for (size_t i = from; i < to; i++) {
        p->kid[i].wanted = false;
        order(&p->kid[i], CHILD_STOP);
    }
    while (any_of(p, from, to) && child_clock() < until)
        turn(p);
    for (size_t i = from; i < to; i++)
        if (p->kid[i].pid != 0)
            kill(p->kid[i].pid, SIGKILL);
    while (any_of(p, from, to))
        turn(p);
}

static void run(struct parent *p)
{
    p->watchdog = notify_watchdog();
    for (size_t i = 0; i < p->config->capture.interfaces.count; i++)
        p->interface[i] = number_of(p, i);
    while (!p->stop) {
        start_those_missing(p);
        look_at_interfaces(p);
        look_at_stores(p);
        turn(p);
    }
    notify_say("STOPPING=1");
    end(p, KID_WATCH, p->kids);
    end(p, KID_JUDGE, KID_WATCH);
    end(p, KID_FEED, KID_JUDGE);
}

static bool open_parent(struct parent *p)
{
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    if (p->config->process.directory && chdir(p->config->process.directory)) {
        say(p->config->process.directory, strerror(errno));
        return false;
    }
    if (!place_spool(p) || !place_relay(p))
        return false;
    if (!catch_signals(p) || !make_kids(p) || !write_config(p)) {
        say("start", strerror(errno));
        return false;
    }
    return place_fetch(p) && place_feed(p);
}

static void fini(struct parent *p)
{
    drop_next(p);
    for (size_t i = 0; i < p->kids; i++)
        kid_fini(&p->kid[i]);
    for (size_t i = 0; i < p->end_count; i++)
        close(p->ends[i]);
    if (p->signals >= 0)
        close(p->signals);
    if (p->written >= 0)
        close(p->written);
    if (*p->own)
        (void)nftw(p->own, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

int parent_run(struct config *c, const struct config_source *from)
{
    struct parent p = {.config = c, .from = from, .written = -1, .signals = -1};
    bool good = open_parent(&p);
    if (good)
        run(&p);
    fini(&p);
    if (good && !p.failed)
        return 0;
    return p.later ? PARENT_LATER : PARENT_CANNOT;
}
