/* SPDX-License-Identifier: Apache-2.0 */
/* Starting one process as a task: the leader of a session of its own, with its files, directory,
 * CPUs and environment, dying with the agent. All is prepared before, the child makes a few system
 * calls between vfork and exec, and tells which of them failed.
 */
#ifndef AW_AGENT_SPAWN_H
#define AW_AGENT_SPAWN_H

#include <sys/types.h>

#include "core/idset.h"
#include "util/error.h"

struct aw_spawner;

/* What a start needs. All borrowed during the call. */
struct aw_spawn {
    char *const *argv;
    char *const *env; /* the whole environment; argv[0] without a slash is looked up in its PATH */
    const char *directory;
    const char *out; /* created with the umask's mode, truncated */
    const char *err; /* equal to out: the same description */
    const struct aw_idset *cpus; /* to be bound to; NULL: unbound */
};

/* NULL with text. destroy takes NULL, keeps errno. */
struct aw_spawner *aw_spawner_create (struct aw_error *err);
void aw_spawner_destroy (struct aw_spawner *spawner);

/* Returns the process id, or -1 with text ("cannot start /x/y: No such file or directory"), errno
 * and nothing left behind. The caller's standard input becomes the task's: /dev/null. Handlers that
 * the caller has set are the default in the task, what it ignores stays ignored, nothing is
 * blocked. Descriptors above 2 do not come through where the kernel has close_range(2); where not,
 * close-on-exec is up to the caller.
 */
pid_t aw_spawn (struct aw_spawner *spawner, const struct aw_spawn *spawn, struct aw_error *err);

#endif /* AW_AGENT_SPAWN_H */
