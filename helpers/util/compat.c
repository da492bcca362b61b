/* SPDX-License-Identifier: Apache-2.0 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "util/compat.h"

#include <signal.h>
#include <stddef.h>

#ifndef HAVE_SIGABBREV_NP
const char *sigabbrev_np (int signal)
{
    static const struct {
        int signal;
        const char *name;
    } names[] = {
        { SIGHUP, "HUP" },       { SIGINT, "INT" },   { SIGQUIT, "QUIT" },
        { SIGILL, "ILL" },       { SIGTRAP, "TRAP" }, { SIGABRT, "ABRT" },
        { SIGBUS, "BUS" },       { SIGFPE, "FPE" },   { SIGKILL, "KILL" },
        { SIGUSR1, "USR1" },     { SIGSEGV, "SEGV" }, { SIGUSR2, "USR2" },
        { SIGPIPE, "PIPE" },     { SIGALRM, "ALRM" }, { SIGTERM, "TERM" },
#ifdef SIGSTKFLT
        { SIGSTKFLT, "STKFLT" },
#endif
        { SIGCHLD, "CHLD" },     { SIGCONT, "CONT" }, { SIGSTOP, "STOP" },
        { SIGTSTP, "TSTP" },     { SIGTTIN, "TTIN" }, { SIGTTOU, "TTOU" },
        { SIGURG, "URG" },       { SIGXCPU, "XCPU" }, { SIGXFSZ, "XFSZ" },
        { SIGVTALRM, "VTALRM" }, { SIGPROF, "PROF" }, { SIGWINCH, "WINCH" },
        { SIGPOLL, "POLL" },
#ifdef SIGPWR
        { SIGPWR, "PWR" },
#endif
        { SIGSYS, "SYS" },
    };

    for (size_t i = 0; i < sizeof (names) / sizeof (*names); i++)
        if (names[i].signal == signal)
            return names[i].name;
    return NULL;
}
#endif
