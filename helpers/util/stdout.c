/* SPDX-License-Identifier: Apache-2.0 */
#include "util/stdout.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int exit_code;
static pid_t owner;
static int why; /* the errno of the first flush that failed; 0: none, or unknown */

int aw_stdout_flush (void)
{
    bool failed = ferror (stdout) != 0;

    errno = 0;
    if (fflush (stdout) == 0 && !failed)
        return 0;
    if (!why)
        why = errno;
    errno = why ? why : EIO; /* stdio wrote some before, and its reason has been forgotten */
    return -1;
}

/* close reports errors that write did not, as of a quota on NFS. */
static void close_stdout (void)
{
    int error;

    if (getpid () != owner) /* a child: what is in the buffer is its parent's */
        return;
    error = aw_stdout_flush () == 0 ? 0 : errno;
    if (fclose (stdout) != 0 && !error)
        error = errno;
    if (!error)
        return;
    fprintf (stderr, "%s: standard output: %s\n", program_invocation_name, strerror (error));
    _exit (exit_code);
}

void aw_stdout_check_at_exit (int code)
{
    exit_code = code;
    if (!owner)
        atexit (close_stdout);
    owner = getpid ();
}
