/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/kid.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sensor/program.h"

#define HIGH       200      /* descriptors are moved beyond it before they get their places */
#define HASTY      NS_PER_S /* who ends sooner than that came to nothing */
#define DELAY      (100 * NS_PER_MS) /* before it is tried again; doubled each time */
#define DELAY_MOST (900 * NS_PER_MS) /* it is to be back within a second */
#define STUCK      (20 * NS_PER_S)
#define SLOW_START (60 * NS_PER_S) /* many policies, a long history */

void kid_init(struct kid *k, enum process process, uint16_t index)
{
    *k = (struct kid){.process = process,
                      .index = index,
                      .program = process == PROCESS_FETCH ? PROGRAM_FETCH : NULL,
                      .link = {-1, -1},
                      .wanted = true};
}

static void let_go(struct kid *k)
{
    message_out_free(k->out);
    message_in_free(k->in);
    k->out = NULL;
    k->in = NULL;
    for (int i = 0; i < 2; i++) {
        if (k->link[i] >= 0)
            close(k->link[i]);
        k->link[i] = -1;
    }
}

void kid_fini(struct kid *k)
{
    let_go(k);
}

static bool renew_link(struct kid *k)
{
    let_go(k);
    if (message_pair(k->link))
        return false;
    k->out = message_out_new(k->link[0], PROCESS_PARENT, 0, 1);
    k->in = message_in_new(k->link[0], k->process, k->index);
    return k->out && k->in;
}

/* In the new process: each descriptor to its place. All others close themselves. */
static bool place(const int *fd, size_t count)
{
    int high[KID_PEERS + 2];
    for (size_t i = 0; i < count; i++)
        if ((high[i] = fcntl(fd[i], F_DUPFD_CLOEXEC, HIGH)) < 0)
            return false;
    for (size_t i = 0; i < count; i++)
        if (dup2(high[i], CHILD_CONFIG + (int)i) < 0)
            return false;
    return true;
}

/* Only comes back when it fails. */
static void execute(const struct kid *k, char **argv)
{
    char path[PROGRAM_PATH];
    if (!k->program)
        execv("/proc/self/exe", argv);
    else if (program_path(k->program, path))
        execv(path, argv);
}

static void become(const struct kid *k, int config)
{
    int fd[KID_PEERS + 2] = {config, k->link[1]};
    char index[8], generation[24];
    sigset_t none;
    for (size_t i = 0; i < k->peers; i++)
        fd[2 + i] = k->peer[i];
    snprintf(index, sizeof(index), "%u", k->index);
    snprintf(generation, sizeof(generation), "%" PRIu64, k->generation);
    char *argv[] = {(char *)(uintptr_t) "stripwatch",
                    (char *)(uintptr_t)CHILD_ARGUMENT,
                    (char *)(uintptr_t)process_text(k->process),
                    index,
                    generation,
                    NULL};
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (place(fd, 2 + k->peers))
        execute(k, argv);
    _exit(CHILD_FAILED);
}

int kid_config(const struct config *c)
{
    int fd = memfd_create("stripwatch", MFD_CLOEXEC);
    int copy = fd < 0 ? -1 : dup(fd);
    FILE *f = copy < 0 ? NULL : fdopen(copy, "w");
    if (f)
        config_write(f, c);
    bool good = f && !ferror(f);
    if (f)
        good = fclose(f) == 0 && good;
    if (good)
        (void)fchmod(fd, 0600);
    if (good || fd < 0)
        return fd;
    close(fd);
    return -1;
}

int kid_start(struct kid *k, int config)
{
    if (lseek(config, 0, SEEK_SET) < 0 || !renew_link(k))
        return errno ? errno : ENOMEM;
    k->generation++;
    pid_t pid = fork();
    if (pid < 0)
        return errno;
    if (pid == 0)
        become(k, config);
    k->pid = pid;
    k->ready = false;
    k->expected = false;
    k->started = k->heard = child_clock();
    return 0;
}

void kid_ended(struct kid *k, int status)
{
    nstime now = child_clock();
    k->pid = 0;
    k->ready = false;
    k->code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    if (k->gone == 0)
        k->gone = child_wall();
    k->hasty = now - k->started < HASTY && !k->expected ? k->hasty + 1 : 0;
    nstime delay = 0;
    for (unsigned i = 0; i < k->hasty && delay < DELAY_MOST; i++)
        delay = delay == 0 ? DELAY : 2 * delay;
    k->again = now + (delay < DELAY_MOST ? delay : DELAY_MOST);
}

/* message_fn: all that a child says to its parent is that it lives. */
static void on_message(void *user, const struct message_head *h, struct span body)
{
    struct kid *k = user;
    (void)body;
    if (h->type == MESSAGE_STATE)
        k->heard = child_clock();
}

bool kid_hear(struct kid *k)
{
    nstime before = k->heard;
    if (!k->in)
        return false;
    k->heard = 0;
    while (message_receive(k->in, on_message, k) > 0)
        ;
    bool spoke = k->heard != 0;
    if (!spoke)
        k->heard = before;
    bool now_ready = spoke && !k->ready && k->pid != 0;
    k->ready = k->ready || now_ready;
    message_flush(k->out);
    return now_ready;
}

void kid_order(struct kid *k, const struct child_message *m)
{
    if (!k->out)
        return;
    message_put(k->out, MESSAGE_ORDER, span_of(m, sizeof(*m)), true);
    message_flush(k->out);
}

bool kid_is_stuck(const struct kid *k, nstime now)
{
    return k->pid != 0 && now - k->heard > (k->ready ? STUCK : SLOW_START);
}
