/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "agent/staging/child.h"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "util/descriptors.h"
#include "util/processes.h"

void aw_child_begin (pid_t parent, void (*on_term) (int number))
{
    sigset_t none;

    prctl (PR_SET_PDEATHSIG, SIGTERM);
    if (getppid () != parent)
        _exit (1);
    for (int number = 1; number < NSIG; number++)
        signal (number, SIG_DFL);
    signal (SIGXFSZ, SIG_IGN);
    if (on_term)
        signal (SIGTERM, on_term);
    aw_descriptors_restore ();
    aw_process_offer_to_oom ();
    sigemptyset (&none);
    sigprocmask (SIG_SETMASK, &none, NULL);
}
