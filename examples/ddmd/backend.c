/* SPDX-License-Identifier: Apache-2.0 */

/* The rows there are. */

#include <string.h>

#include "backend.h"

static const struct ddmd_backend *const backends[] = {
    &ddmd_backend_cpu,
};

const struct ddmd_backend *ddmd_backend_find (const char *name)
{
    for (size_t i = 0; i < sizeof (backends) / sizeof (backends[0]); i++) {
        if (strcmp (backends[i]->name, name) == 0)
            return backends[i];
    }
    return NULL;
}
