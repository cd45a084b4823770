/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <pwd.h>
#include <sched.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool fail(char why[SANDBOX_WHY], const char *what, int error)
{
    snprintf(why, SANDBOX_WHY, "%s: %s", what, strerror(error));
    return false;
}

/* --- privileges --- */

static bool set_capabilities(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    const struct __user_cap_data_struct none[2] = {{0, 0, 0}, {0, 0, 0}};
    return syscall(SYS_capset, &head, none) == 0;
}

/* Of those that a file or a user could bring back; without CAP_SETPCAP there is nothing to clear,
 * and no_new_privs keeps all of them away. */
static void clear_bounds(void)
{
    for (unsigned long c = 0; prctl(PR_CAPBSET_READ, c, 0, 0, 0) >= 0; c++)
        (void)prctl(PR_CAPBSET_DROP, c, 0, 0, 0);
}

static bool become(const char *user, const char *group, char why[SANDBOX_WHY])
{
    const struct passwd *who = NULL;
    const struct group *whose = NULL;
    errno = 0;
    if (geteuid() != 0)
        return true;
    if (user && !(who = getpwnam(user)))
        return fail(why, user, errno ? errno : ENOENT);
    if (group && !(whose = getgrnam(group)))
        return fail(why, group, errno ? errno : ENOENT);
    gid_t gid = whose ? whose->gr_gid : who ? who->pw_gid : getgid();
    if ((who || whose) && (setgroups(0, NULL) || setresgid(gid, gid, gid)))
        return fail(why, group ? group : user, errno);
    if (who && setresuid(who->pw_uid, who->pw_uid, who->pw_uid))
        return fail(why, user, errno);
    return true;
}

bool sandbox_drop(const char *user, const char *group, char why[SANDBOX_WHY])
{
    clear_bounds();
    if (!become(user, group, why))
        return false;
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    if (!set_capabilities())
        return fail(why, "capabilities", errno);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        return fail(why, "no_new_privs", errno);
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    return true;
}

/* --- Landlock --- */

#define FILES_V1                                                                                   \
    (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE |   \
     LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_REMOVE_DIR |                                 \
     LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR | \
     LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |   \
     LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM)
#define FILES_IN_DIR                                                                               \
    (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR |  \
     LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG)

/* Interface 2 adds moving files between directories, 3 cutting them. */
static uint64_t files_of(int version)
{
    uint64_t all = FILES_V1;
    if (version >= 2)
        all |= UINT64_C(1) << 13; /* LANDLOCK_ACCESS_FS_REFER */
    if (version >= 3)
        all |= UINT64_C(1) << 14; /* LANDLOCK_ACCESS_FS_TRUNCATE */
    return all;
}

static bool allow_dir(int rules, const char *dir, uint64_t files)
{
    struct landlock_path_beneath_attr beneath = {.allowed_access = files};
    beneath.parent_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (beneath.parent_fd < 0)
        return errno == ENOENT; /* what is not there need not be allowed */
    long r = syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0);
    close(beneath.parent_fd);
    return r == 0;
}

static bool allow_file(int rules, const char *path)
{
    struct landlock_path_beneath_attr beneath = {.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE};
    beneath.parent_fd = open(path, O_PATH | O_CLOEXEC);
    if (beneath.parent_fd < 0)
        return errno == ENOENT;
    long r = syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0);
    close(beneath.parent_fd);
    return r == 0;
}

/* A kernel without it, and one that has it switched off, say so by these two. Whatever else comes
 * is of somebody between us and the kernel, who does not let us ask. */
static int without_landlock(struct sandbox_state *state)
{
    if (errno != ENOSYS && errno != EOPNOTSUPP)
        state->landlock_refused = errno;
    return 0;
}

static int landlock(const struct sandbox *s, struct sandbox_state *state)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    state->landlock_refused = 0;
    if (version < 1)
        return without_landlock(state);
    struct landlock_ruleset_attr attr = {.handled_access_fs = files_of((int)version)};
    int rules = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
    if (rules < 0)
        return -1;
    uint64_t cut = version >= 3 ? UINT64_C(1) << 14 : 0;
    bool good = true;
    for (size_t i = 0; i < SANDBOX_DIRS && s->write_dir[i]; i++)
        good = good && allow_dir(rules, s->write_dir[i], FILES_IN_DIR | cut);
    for (size_t i = 0; i < SANDBOX_DIRS && s->read_path[i]; i++)
        good = good && allow_file(rules, s->read_path[i]);
    good = good && syscall(SYS_landlock_restrict_self, rules, 0) == 0;
    int error = errno;
    close(rules);
    errno = error;
    return good ? (int)version : -1;
}

/* --- seccomp --- */

/* Of every loop: messages, memory, time, and the way out. */
static const int EVERYBODY[] = {
    SCMP_SYS(read),          SCMP_SYS(readv),
    SCMP_SYS(write),         SCMP_SYS(writev),
    SCMP_SYS(close),         SCMP_SYS(poll),
    SCMP_SYS(ppoll),         SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),   SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),       SCMP_SYS(recvmmsg),
    SCMP_SYS(sendto),        SCMP_SYS(sendmsg),
    SCMP_SYS(sendmmsg),      SCMP_SYS(getsockopt),
    SCMP_SYS(mmap),          SCMP_SYS(munmap),
    SCMP_SYS(mremap),        SCMP_SYS(mprotect),
    SCMP_SYS(madvise),       SCMP_SYS(brk),
    SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday),
    SCMP_SYS(time),          SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),     SCMP_SYS(getrandom),
    SCMP_SYS(futex),         SCMP_SYS(exit),
    SCMP_SYS(exit_group),    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigaction),  SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(sigaltstack),   SCMP_SYS(restart_syscall),
    SCMP_SYS(getpid),        SCMP_SYS(gettid),
    SCMP_SYS(sched_yield),   SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),    SCMP_SYS(lseek),
    SCMP_SYS(getrusage),     SCMP_SYS(uname),
};

/* Who writes files in directories of its own (SQLite, the spool). */
static const int FILES[] = {
    SCMP_SYS(open),       SCMP_SYS(openat),    SCMP_SYS(access),    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2), SCMP_SYS(stat),      SCMP_SYS(lstat),     SCMP_SYS(statx),
    SCMP_SYS(fsync),      SCMP_SYS(fdatasync), SCMP_SYS(pread64),   SCMP_SYS(pwrite64),
    SCMP_SYS(pwritev),    SCMP_SYS(preadv),    SCMP_SYS(ftruncate), SCMP_SYS(fallocate),
    SCMP_SYS(rename),     SCMP_SYS(renameat),  SCMP_SYS(renameat2), SCMP_SYS(unlink),
    SCMP_SYS(unlinkat),   SCMP_SYS(fcntl),     SCMP_SYS(flock),     SCMP_SYS(getdents64),
    SCMP_SYS(mkdir),      SCMP_SYS(mkdirat),   SCMP_SYS(readlink),  SCMP_SYS(readlinkat),
    SCMP_SYS(getcwd),     SCMP_SYS(geteuid),   SCMP_SYS(getuid),    SCMP_SYS(fchmod),
    SCMP_SYS(statfs),     SCMP_SYS(fstatfs),   SCMP_SYS(utimensat), SCMP_SYS(getegid),
    SCMP_SYS(getgid),     SCMP_SYS(dup),       SCMP_SYS(prlimit64),
};

/* `socket` and `connect` are the first two. */
static const int SOCKETS[] = {
    SCMP_SYS(socket),      SCMP_SYS(connect),  SCMP_SYS(bind),       SCMP_SYS(listen),
    SCMP_SYS(accept4),     SCMP_SYS(accept),   SCMP_SYS(setsockopt), SCMP_SYS(getsockname),
    SCMP_SYS(getpeername), SCMP_SYS(shutdown), SCMP_SYS(ioctl),
};

/* Of who waits for many: libcurl and libevent. */
static const int EVENTS[] = {
    SCMP_SYS(epoll_create),
    SCMP_SYS(epoll_create1),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(eventfd2),
    SCMP_SYS(pipe),
    SCMP_SYS(pipe2),
    SCMP_SYS(fcntl),
    SCMP_SYS(socketpair),
    SCMP_SYS(getegid),
    SCMP_SYS(getgid),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(tgkill),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(select),
    SCMP_SYS(pselect6),
    SCMP_SYS(geteuid),
    SCMP_SYS(getuid),
};

/* What nobody of ours ever does: whoever tries has taken the process over. */
static const int NOBODY[] = {
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(fork),
    SCMP_SYS(vfork),
    SCMP_SYS(ptrace),
    SCMP_SYS(kill),
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(setuid),
    SCMP_SYS(setgid),
    SCMP_SYS(setresuid),
    SCMP_SYS(setresgid),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(bpf),
    SCMP_SYS(keyctl),
    SCMP_SYS(unshare),
    SCMP_SYS(setns),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(reboot),
    SCMP_SYS(swapon),
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* A call that this machine does not have needs no rule. */
static bool add(scmp_filter_ctx ctx, uint32_t action, const int *call, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int r = seccomp_rule_add(ctx, action, call[i], 0);
        if (r && r != -EDOM && r != -EFAULT)
            return false;
    }
    return true;
}

/* Of a call with that argument alone. */
static bool add_with(scmp_filter_ctx ctx, int call, unsigned argument, uint64_t value)
{
    return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, call, 1,
                            (struct scmp_arg_cmp){argument, SCMP_CMP_EQ, value, 0}) == 0;
}

/* Reading files, and no more of them: what is read is up to Landlock. */
static bool add_reading(scmp_filter_ctx ctx)
{
    const uint64_t more = O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND;
    return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1,
                            (struct scmp_arg_cmp){2, SCMP_CMP_MASKED_EQ, more, O_RDONLY}) == 0 &&
           seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(statx), 0) == 0;
}

/* A thread, and no process. What clone3() is asked for lies in memory, where no filter looks: who
 * is told that there is no such call takes the older one. */
static bool add_threads(scmp_filter_ctx ctx)
{
    const uint64_t thread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;
    return seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0 &&
           seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                            (struct scmp_arg_cmp){0, SCMP_CMP_MASKED_EQ, thread, thread}) == 0;
}

/* Of the Internet and of this machine: neither netlink nor packets. */
static bool add_sockets(scmp_filter_ctx ctx)
{
    return add_with(ctx, SCMP_SYS(socket), 0, AF_INET) &&
           add_with(ctx, SCMP_SYS(socket), 0, AF_INET6) &&
           add_with(ctx, SCMP_SYS(socket), 0, AF_UNIX) &&
           add(ctx, SCMP_ACT_ALLOW, SOCKETS + 1, COUNT(SOCKETS) - 1);
}

static bool add_network(scmp_filter_ctx ctx)
{
    return add_threads(ctx) && add_sockets(ctx) && add(ctx, SCMP_ACT_ALLOW, EVENTS, COUNT(EVENTS));
}

static bool add_some(scmp_filter_ctx ctx, const struct sandbox *s)
{
    bool here = !s->connects && !s->network && s->connects_here;
    bool asks = !s->connects && s->asks;
    return (!here || (add_with(ctx, SCMP_SYS(socket), 0, AF_UNIX) &&
                      seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(connect), 0) == 0)) &&
           (!asks || (add_with(ctx, SCMP_SYS(ioctl), 1, SIOCGIFINDEX) &&
                      add_with(ctx, SCMP_SYS(ioctl), 1, SIOCGIFFLAGS)));
}

static bool add_loop(scmp_filter_ctx ctx, const struct sandbox *s)
{
    bool files = s->write_dir[0] != NULL;
    return add(ctx, SCMP_ACT_ALLOW, EVERYBODY, COUNT(EVERYBODY)) &&
           (!files || add(ctx, SCMP_ACT_ALLOW, FILES, COUNT(FILES))) &&
           (!s->connects || add_sockets(ctx)) && (!s->network || add_network(ctx)) &&
           (!s->read_path[0] || add_reading(ctx)) &&
           (s->connects || s->network || s->connects_here ||
            add(ctx, SCMP_ACT_KILL_PROCESS, SOCKETS, 2)) &&
           add_some(ctx, s) && add(ctx, SCMP_ACT_KILL_PROCESS, NOBODY, COUNT(NOBODY));
}

static bool seccomp_enter(const struct sandbox *s)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    bool good = ctx && add_loop(ctx, s) && seccomp_load(ctx) == 0;
    seccomp_release(ctx);
    return good;
}

static bool limit(int what, rlim_t most)
{
    const struct rlimit to = {most, most};
    return setrlimit((__rlimit_resource_t)what, &to) == 0;
}

bool sandbox_enter(const struct sandbox *s, struct sandbox_state *state, char why[SANDBOX_WHY])
{
    bool threads = s->network; /* the kernel counts them among the processes */
    if (!limit(RLIMIT_CORE, 0) || (!threads && !limit(RLIMIT_NPROC, 0)) ||
        (s->descriptors > 0 && !limit(RLIMIT_NOFILE, s->descriptors)))
        return fail(why, "limits", errno);
    int version = landlock(s, state);
    if (version < 0)
        return fail(why, "Landlock", errno);
    state->landlock = version;
    state->seccomp = seccomp_enter(s);
    return state->seccomp || fail(why, "seccomp", EPERM);
}
