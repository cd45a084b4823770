/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one that speaks with the network on behalf of the judge. It connects to the Redis that keeps
 * the state, as often as the judge comes to the socket of its own, and passes bytes on both ways;
 * neither side of it can reach what the other one can.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "sensor/child.h"
#include "sensor/relay.h"

#define TURN_MS 200

int child_fetch(struct child *c)
{
    struct sandbox walls = {.connects = true};
    char why[SANDBOX_WHY];
    struct relay *relay = NULL;
    int code = CHILD_CANNOT;
    bool good = sandbox_drop(c->config.process.user, c->config.process.group, why);
    if (good && relay_wanted(c->config.policy.state))
        good = (relay = relay_new(getenv(RELAY_VARIABLE), c->config.policy.state, why)) != NULL;
    if (!good)
        child_say(c, CONFIG_LOG_ERROR, "%s", why);
    if (good && child_ready(c, &walls)) {
        struct pollfd wait[1 + RELAY_FDS] = {{.fd = CHILD_PARENT, .events = POLLIN}};
        while (!c->stop) {
            size_t n = relay ? relay_fds(relay, wait + 1) : 0;
            if (poll(wait, (nfds_t)(1 + n), TURN_MS) < 0 && errno != EINTR)
                break;
            if (relay)
                relay_turn(relay, wait + 1, n);
            child_turn(c);
        }
        code = 0;
    }
    relay_free(relay);
    return code;
}
