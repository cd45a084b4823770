/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forbidden watch|judge|state|lists|fetch|feed|out|free ACT: does one thing that nobody who took
 * over one of the processes should be able to do, behind the walls of that process or, as a
 * control, before them. `state` is a judge with a file of its own, `out` the feed that reaches out.
 * Prints "done", "refused" or "unavailable"; behind the walls it may also be killed by SIGSYS.
 * `forbidden list` lists the acts.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sensor/feed.h"
#include "sensor/fetch_walls.h"

static char room[64]; /* a directory of our own */
static char own[80];  /* one in it that some may write in */
static int bound;     /* a UDP socket from before */

static int act_open(void)
{
    return open("/etc/hostname", O_RDONLY);
}
static int act_create(void)
{
    return creat("made", 0600);
}
static int act_socket(void)
{
    return socket(AF_INET, SOCK_STREAM, 0);
}
static int act_raw(void)
{
    return socket(AF_INET, SOCK_RAW, IPPROTO_TCP);
}
static int act_packet(void)
{
    return socket(AF_PACKET, SOCK_RAW, 0);
}
static int act_netlink(void)
{
    return socket(AF_NETLINK, SOCK_RAW, 0);
}

static int act_connect(void)
{
    const struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    return connect(bound, (const struct sockaddr *)&a, sizeof(a));
}

static int act_bind(void)
{
    const struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    return bind(bound, (const struct sockaddr *)&a, sizeof(a));
}

static int act_execve(void)
{
    char *argv[] = {room, NULL}, *none[] = {NULL};
    execve("/bin/true", argv, none); /* where it comes about, it ends with 0 */
    return -1;
}

static int act_fork(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    return pid < 0 ? -1 : waitpid(pid, NULL, 0) == pid ? 0 : -1;
}

static int act_ptrace(void)
{
    return (int)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}
static int act_kill(void)
{
    return kill(getppid(), 0);
}
static int act_mount(void)
{
    return mount("none", room, "tmpfs", 0, NULL);
}
static int act_setuid(void)
{
    return setuid(0);
}
static int act_unlink(void)
{
    return unlink("there");
}
static int act_mkdir(void)
{
    return mkdir("new", 0700);
}
static int act_chmod(void)
{
    return chmod("there", 0777);
}
static int act_rename(void)
{
    return rename("there", "elsewhere");
}
static int act_symlink(void)
{
    return symlink("there", "link");
}
static int act_unshare(void)
{
    return unshare(CLONE_NEWUTS);
}
static int act_chroot(void)
{
    return chroot(room);
}

static int idle(void *user)
{
    (void)user;
    return 0;
}

static int act_bpf(void)
{
    union bpf_attr a;
    memset(&a, 0, sizeof(a));
    a.map_type = BPF_MAP_TYPE_ARRAY;
    a.key_size = a.value_size = 4;
    a.max_entries = 1;
    return (int)syscall(SYS_bpf, BPF_MAP_CREATE, &a, sizeof(a));
}

/* A thread. */
static int act_clone(void)
{
    static char stack[65536] __attribute__((aligned(16)));
    return clone(idle, stack + sizeof(stack), CLONE_VM | CLONE_FS | CLONE_FILES | SIGCHLD, NULL);
}

static int act_io_uring(void)
{
    uint8_t parameters[120] = {0};
    return (int)syscall(SYS_io_uring_setup, 1, parameters);
}

static const struct {
    const char *name;
    int (*act)(void);
} ACT[] = {
    {"open", act_open},       {"create", act_create},     {"socket", act_socket},
    {"raw", act_raw},         {"packet", act_packet},     {"netlink", act_netlink},
    {"connect", act_connect}, {"bind", act_bind},         {"execve", act_execve},
    {"fork", act_fork},       {"ptrace", act_ptrace},     {"kill", act_kill},
    {"mount", act_mount},     {"setuid", act_setuid},     {"unlink", act_unlink},
    {"mkdir", act_mkdir},     {"chmod", act_chmod},       {"rename", act_rename},
    {"symlink", act_symlink}, {"unshare", act_unshare},   {"chroot", act_chroot},
    {"bpf", act_bpf},         {"io_uring", act_io_uring}, {"clone", act_clone},
};

#define ACTS (sizeof(ACT) / sizeof(ACT[0]))

static int list(void)
{
    for (size_t i = 0; i < ACTS; i++)
        puts(ACT[i].name);
    return 0;
}

static bool make_room(void)
{
    snprintf(room, sizeof(room), "/tmp/forbidden-%d", (int)getpid());
    snprintf(own, sizeof(own), "%s/own", room);
    bound = socket(AF_INET, SOCK_DGRAM, 0);
    return mkdir(room, 0700) == 0 && chdir(room) == 0 && close(creat("there", 0600)) == 0 &&
           bound >= 0 && mkdir(own, 0700) == 0;
}

/* As each has them (sensor/child_*.c). False: there is none of that name. */
static bool walls_of(const char *name, struct sandbox *to)
{
    const struct {
        const char *name;
        struct sandbox walls;
        bool writes;
    } row[] = {
        {"watch", {.asks = true}, false},         {"judge", {.connects_here = true}, false},
        {"state", {.connects_here = true}, true}, {"lists", {0}, false},
        {"fetch", fetch_walls(), false},          {"feed", feed_walls(false), true},
        {"out", feed_walls(true), true},
    };
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        if (strcmp(name, row[i].name) != 0)
            continue;
        *to = row[i].walls;
        to->write_dir[0] = row[i].writes ? own : NULL;
        return true;
    }
    return false;
}

static bool enter(const char *name)
{
    struct sandbox s;
    struct sandbox_state state;
    char why[SANDBOX_WHY];
    if (strcmp(name, "free") == 0)
        return true;
    if (!walls_of(name, &s))
        return false;
    if (sandbox_drop(NULL, NULL, why) && sandbox_enter(&s, &state, why))
        return true;
    fprintf(stderr, "forbidden: %s\n", why);
    return false;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "list") == 0)
        return list();
    if (argc != 3 || !make_room() || !enter(argv[1]))
        return 2;
    for (size_t i = 0; i < ACTS; i++) {
        if (strcmp(argv[2], ACT[i].name) != 0)
            continue;
        errno = 0;
        int got = ACT[i].act();
        const char *word = got >= 0                            ? "done\n"
                           : errno == EPERM || errno == EACCES ? "refused\n"
                                                               : "unavailable\n";
        (void)!write(STDOUT_FILENO, word, strlen(word));
        return 0;
    }
    return 2;
}
