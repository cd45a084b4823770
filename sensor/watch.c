/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/watch.h"

#include "sensor/parent.h"

int watch_cmd(struct config *c, const struct config_source *from)
{
    return parent_run(c, from);
}
