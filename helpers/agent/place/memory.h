/* SPDX-License-Identifier: Apache-2.0 */
/* The memory limit of this process and its children. */
#ifndef AW_AGENT_PLACE_MEMORY_H
#define AW_AGENT_PLACE_MEMORY_H

#include <stdint.h>

/* The smallest limit of the cgroups of this process, version 1 or 2, in bytes; 0: there is none.
 * ROOT is "" except in tests.
 */
uint64_t aw_memory_limit (const char *root);

#endif /* AW_AGENT_PLACE_MEMORY_H */
