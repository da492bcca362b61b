/* SPDX-License-Identifier: Apache-2.0 */
#include "coord/agents/missing_agents.h"

#include <stdio.h>
#include <string.h>

void aw_missing_agents_list (const struct aw_missing_agents *missing, char *buf, size_t size)
{
    uint32_t n = missing->job ? missing->job->n_nodes : 0;
    size_t used = 0;

    buf[0] = '\0';
    for (uint32_t i = 0; i < n; i++) {
        const char *name = missing->job->nodes[i].name;

        if (aw_names_get (missing->names, name, strlen (name)) != AW_NAMES_NONE)
            continue;
        if (used + strlen (name) + 16 > size) {
            snprintf (buf + used, size - used, ", ...");
            return;
        }
        used +=
            (size_t)snprintf (buf + used, size - used, "%s%s", used ? ", " : "; missing: ", name);
    }
}

void aw_missing_agents_explain (const struct aw_missing_agents *missing, char *buf, size_t size)
{
    const char *why;
    uint32_t refused = missing->listener ? aw_listener_refused (missing->listener, &why) : 0;

    buf[0] = '\0';
    if (refused)
        snprintf (buf, size, "; %u connection%s rejected (last reason: %.150s)", refused,
                  refused == 1 ? " was" : "s were", why);
    else if (missing->line && missing->line->text[0])
        snprintf (buf, size, "; last line of their step: %.150s", missing->line->text);
    else if (missing->line)
        snprintf (buf, size,
                  "; their step has printed nothing: a slow prolog or container, or no way back to "
                  "this host");
}
