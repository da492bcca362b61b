/* SPDX-License-Identifier: Apache-2.0 */
/* Runs commands without a shell and takes their output. Start several, then wait for them together:
 * they run at the same time. For short queries only: wait blocks, no event loop is involved.
 */
#ifndef AW_UTIL_CAPTURE_H
#define AW_UTIL_CAPTURE_H

#include <stddef.h>
#include <sys/types.h>

#include "util/error.h"

enum { AW_CAPTURE_MOST = 8 }; /* waited for at once */

struct aw_capture {
    char *out; /* stdout, NUL-terminated; valid after a wait that succeeded; owned */
    size_t len; /* its bytes */
    int status; /* as of waitpid; what a successful wait leaves is an exit with 0 */
    char complaint[256]; /* stderr's first line that says something, "" if none */
    /* Private. */
    const char *name;
    pid_t pid;
    int out_fd;
    int err_fd;
    size_t size;
    size_t limit;
    int too_long;
    int unknown; /* errno of the wait that has failed */
};

/* Starts ARGV (ARGV[0] is looked up in PATH) with stdin from /dev/null, default signals, no
 * inherited descriptors, in a process group of its own. ENV: NULL for this process's. At most LIMIT
 * bytes of stdout are taken. ARGV[0] is borrowed until finish. 0, or -1 with text.
 */
int aw_capture_start (struct aw_capture *capture,
                      char *const argv[],
                      char *const env[],
                      size_t limit,
                      struct aw_error *err);

/* Waits at most SECONDS until all N have ended; the ones still running then are killed. 0 when all
 * exited with 0 within their limits; else -1 with text on the first that did not: what it
 * complained, its status, or the deadline. N is at most AW_CAPTURE_MOST.
 */
int aw_capture_wait (struct aw_capture *captures, size_t n, double seconds, struct aw_error *err);

/* Kills and reaps what still runs, frees. A zeroed one is fine. Keeps errno. */
void aw_capture_finish (struct aw_capture *capture);

#endif /* AW_UTIL_CAPTURE_H */
