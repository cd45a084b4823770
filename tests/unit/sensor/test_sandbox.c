/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/sandbox.h"

#include <errno.h>
#include <seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { FILTER_FAILED = 200, ENTER_FAILED, OTHER_STATE };

/* As a kernel, or a container's filter, that answers Landlock's first call so. */
static bool answer(int error)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
    bool good = ctx && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
                seccomp_rule_add(ctx, SCMP_ACT_ERRNO((uint32_t)error),
                                 SCMP_SYS(landlock_create_ruleset), 0) == 0 &&
                seccomp_load(ctx) == 0;
    seccomp_release(ctx);
    return good;
}

/* In a process of its own, for there is no way back: the exit code is what was refused. */
static int refused_by(int error)
{
    const struct sandbox walls = {0};
    struct sandbox_state state = {.landlock = -1, .landlock_refused = -1};
    char why[SANDBOX_WHY];
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        if (!answer(error))
            _exit(FILTER_FAILED);
        if (!sandbox_enter(&walls, &state, why))
            _exit(ENTER_FAILED);
        _exit(state.seccomp && state.landlock == 0 ? state.landlock_refused : OTHER_STATE);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* landlock_create_ruleset(2): ENOSYS where it is not built in, EOPNOTSUPP where it is disabled. */
static void a_kernel_without_landlock_refuses_nothing(void **state)
{
    (void)state;
    assert_int_equal(refused_by(ENOSYS), 0);
    assert_int_equal(refused_by(EOPNOTSUPP), 0);
}

static void a_refusal_is_told_apart(void **state)
{
    (void)state;
    assert_int_equal(refused_by(EPERM), EPERM);
    assert_int_equal(refused_by(EACCES), EACCES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kernel_without_landlock_refuses_nothing),
        cmocka_unit_test(a_refusal_is_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
