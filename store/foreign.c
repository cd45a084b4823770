/* SPDX-License-Identifier: Apache-2.0 */
#include "store/foreign.h"

#include "store/backend.h"

enum store_status foreign_scan(struct store *s, foreign_fn *fn, void *user)
{
    return s->ops->foreign ? s->ops->foreign(s, fn, user) : STORE_OK;
}
