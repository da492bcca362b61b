/* SPDX-License-Identifier: Apache-2.0 */
/* How much memory this process and its children may take. */
#ifndef AW_AGENT_PLACE_MEMORY_H
#define AW_AGENT_PLACE_MEMORY_H

#include <stdint.h>

/* The tightest limit of the cgroups that this process is in, version 1 or 2, in bytes; 0: none.
 * ROOT is "" but in tests.
 */
uint64_t aw_memory_limit (const char *root);

#endif /* AW_AGENT_PLACE_MEMORY_H */
