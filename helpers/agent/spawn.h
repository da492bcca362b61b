/* SPDX-License-Identifier: Apache-2.0 */
/* Starts the first process of a task: the leader of a session of its own, with its files,
 * directory, CPUs and environment, which is killed when the agent dies. All is prepared before
 * vfork; the child makes a few system calls until exec, and reports which of them failed.
 */
#ifndef AW_AGENT_SPAWN_H
#define AW_AGENT_SPAWN_H

#include <stdint.h>
#include <sys/types.h>

#include "core/idset.h"
#include "util/error.h"

struct aw_spawner;

/* The parameters of a start. All are borrowed during the call. */
struct aw_spawn {
    char *const *argv;
    char *const *env; /* the whole environment; argv[0] without a slash is looked up in its PATH */
    const char *directory;
    const char *out; /* created with the umask's mode, truncated */
    const char *err; /* equal to out: the same description */
    int out_fd, err_fd; /* instead of these files, if they are NULL */
    const struct aw_idset *cpus; /* to be bound to; NULL: unbound */
    uint64_t mark; /* of the process (util/processes.h); 0: none */
    int call_fd; /* becomes its descriptor 3; 0: none */
};

/* NULL with text. destroy takes NULL, keeps errno. */
struct aw_spawner *aw_spawner_create (struct aw_error *err);
void aw_spawner_destroy (struct aw_spawner *spawner);

/* Returns the process id; or -1 with errno, text ("cannot start /x/y: No such file or directory")
 * and no process. The task inherits the caller's standard input. Signals with a handler have the
 * default disposition in the task, ignored ones stay ignored, and none is blocked. The
 * limit on descriptors is that before aw_descriptors_raise. When memory runs out, the kernel kills
 * the task before the agent. Descriptors above 2, or 3, are closed if the kernel has
 * close_range(2); else the caller must set close-on-exec.
 */
pid_t aw_spawn (struct aw_spawner *spawner, const struct aw_spawn *spawn, struct aw_error *err);

#endif /* AW_AGENT_SPAWN_H */
