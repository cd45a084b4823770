/* SPDX-License-Identifier: Apache-2.0 */
/* The walls around the process that reaches the network. */
#ifndef SENSOR_FETCH_WALLS_H
#define SENSOR_FETCH_WALLS_H

#include "sensor/sandbox.h"

#define FETCH_WALLS_DESCRIPTORS 512 /* some 200 of libunbound, 64 of libcurl, Redis */

/* Trust anchors and authorities are in memory already. What the C library reads of names is for
 * Redis: where a server of that name is, the operator's machine decides. */
static inline struct sandbox fetch_walls(void)
{
    return (struct sandbox){.network = true,
                            .read_path = {"/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf",
                                          "/etc/host.conf", "/etc/gai.conf"},
                            .descriptors = FETCH_WALLS_DESCRIPTORS};
}

#endif
