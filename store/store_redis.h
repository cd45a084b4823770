/* SPDX-License-Identifier: Apache-2.0 */
/* For tests: a store over a connected socket, whatever is at its other end. */
#ifndef STORE_STORE_REDIS_H
#define STORE_STORE_REDIS_H

#include "store/backend.h"

/* Takes over `fd`. It does not connect again; `where` gives user, password, database and prefix. */
struct store *store_redis_adopt(int fd, const struct where *where, const struct store_options *o);

#endif
