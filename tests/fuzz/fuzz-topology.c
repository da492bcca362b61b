/* SPDX-License-Identifier: Apache-2.0 */
/* A node's topology as an agent tells it or a journal has it: what is understood is written as a
 * text that is understood the same; and a pool takes it for a node of any ids or refuses it.
 */
#include <string.h>

#include "core/resources/pool.h"
#include "core/resources/topology.h"
#include "fuzz.h"

static void round_trip (const struct aw_topology *topology)
{
    char *once = aw_topology_format (topology), *twice;
    struct aw_topology again = { 0 };
    struct aw_error err = { "" };

    RULE (once);
    RULE (aw_topology_parse (&again, once, &err) == 0);
    twice = aw_topology_format (&again);
    RULE (twice && strcmp (once, twice) == 0);
    aw_topology_finish (&again);
    free (once);
    free (twice);
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    struct aw_topology topology = { 0 };
    struct aw_idset cpus = { 0 }, gpus = { 0 };
    struct aw_error err = { "" };
    struct aw_pool pool;
    char *text = malloc (size + 1);

    RULE (text);
    memcpy (text, data, size);
    text[size] = '\0';
    if (aw_topology_parse (&topology, text, &err) == 0)
        round_trip (&topology);
    else
        RULE (err.text[0] && topology.n_gpus == 0);
    aw_topology_finish (&topology);

    RULE (aw_idset_add (&cpus, 0, 15) == 0 && aw_idset_add (&gpus, 0, 3) == 0);
    aw_pool_init (&pool);
    (void)aw_pool_add_node (&pool, "n1", &cpus, &gpus, 0, text, &err);
    aw_pool_finish (&pool);
    aw_idset_finish (&cpus);
    aw_idset_finish (&gpus);
    free (text);
    return 0;
}
