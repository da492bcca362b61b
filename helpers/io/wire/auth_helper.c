/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "io/wire/auth_helper.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/event.h>

#include "io/wire/frame.h"
#include "util/descriptors.h"

/* Questions and answers are one datagram each. */
struct question {
    char place[AW_PLACE_SIZE];
    char own_nonce[AW_NONCE_SIZE];
    char agent_nonce[AW_NONCE_SIZE];
    char credential[AW_FRAME_MAX_STRANGER]; /* it came in a frame of at most that size */
};

struct answer {
    bool ok;
    char credential[AW_FRAME_MAX_STRANGER];
    struct aw_error why;
};

struct aw_auth_helper {
    struct event_base *base;
    const char *job; /* borrowed */
    aw_auth_answer answer;
    struct event *readable;
    int fd;
    pid_t pid;
    bool busy;
    void *arg; /* of the question under way; NULL: forgotten */
};

/*
 * The child
 */

static void handle (const char *job, const struct question *question, struct answer *answer)
{
    const struct aw_auth_claim theirs = { AW_AUTH_FROM_AGENT, job, question->place,
                                          question->own_nonce, question->agent_nonce };
    const struct aw_auth_claim ours = { AW_AUTH_FROM_COORDINATOR, job, question->place,
                                        question->agent_nonce, question->own_nonce };
    char *credential;

    memset (answer, 0, sizeof (*answer));
    if (aw_auth_check (question->credential, &theirs, &answer->why) < 0)
        return;
    credential = aw_auth_prove (&ours, &answer->why);
    if (!credential)
        return;
    if (strlen (credential) < sizeof (answer->credential)) {
        strcpy (answer->credential, credential);
        answer->ok = true;
    }
    else
        aw_error_set (&answer->why, "munge: a credential of %zu bytes", strlen (credential));
    free (credential);
}

__attribute__ ((noreturn)) static void serve (int fd, const char *job)
{
    static struct question question;
    static struct answer answer;
    ssize_t n;

    for (;;) {
        n = recv (fd, &question, sizeof (question), 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n != sizeof (question))
            _exit (0); /* the parent is gone */
        handle (job, &question, &answer);
        do
            n = send (fd, &answer, sizeof (answer), MSG_NOSIGNAL);
        while (n < 0 && errno == EINTR);
        if (n < 0)
            _exit (0);
    }
}

/* The parent handles the terminal's signals; the child needs none of the open descriptors. */
__attribute__ ((noreturn)) static void child (int fd, pid_t parent, const char *job)
{
    sigset_t none;

    prctl (PR_SET_PDEATHSIG, SIGKILL);
    if (getppid () != parent)
        _exit (0);
    prctl (PR_SET_NAME, "aw-auth");
    setpgid (0, 0);
    for (int number = 1; number < NSIG; number++)
        signal (number, SIG_DFL);
    sigemptyset (&none);
    sigprocmask (SIG_SETMASK, &none, NULL);
    if (dup2 (fd, STDERR_FILENO + 1) < 0)
        _exit (1);
    aw_close_from (STDERR_FILENO + 2);
    serve (STDERR_FILENO + 1, job);
}

/*
 * The parent's side
 */

/* It may be inside munge; it holds nothing that needs cleaning up. If all children were reaped
 * elsewhere, there is nothing to wait for. */
static void end_child (struct aw_auth_helper *helper)
{
    if (helper->readable)
        event_free (helper->readable);
    if (helper->fd >= 0)
        close (helper->fd);
    if (helper->pid > 0 && waitpid (helper->pid, NULL, WNOHANG) == 0) {
        kill (helper->pid, SIGKILL);
        while (waitpid (helper->pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    helper->readable = NULL;
    helper->fd = -1;
    helper->pid = -1;
}

static void on_answer (evutil_socket_t fd, short what, void *data)
{
    static struct answer answer; /* too big for a stack to be proud of */
    struct aw_auth_helper *helper = data;
    ssize_t n = recv (fd, &answer, sizeof (answer), MSG_DONTWAIT);
    void *arg = helper->arg;

    (void)what;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n != sizeof (answer)) {
        memset (&answer, 0, sizeof (answer));
        aw_error_set (&answer.why, "the process that asks munge has ended");
        end_child (helper); /* the next question starts another */
    }
    helper->busy = false;
    helper->arg = NULL;
    helper->answer (arg, answer.ok ? answer.credential : NULL, &answer.why);
}

/* Forks. 0, or -1 with text and nothing changed. */
static int start_child (struct aw_auth_helper *helper, struct aw_error *err)
{
    pid_t self = getpid ();
    int fds[2];

    if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
        return aw_error_set (err, "socketpair: %s", strerror (errno));
    helper->fd = fds[0];
    helper->pid = fork ();
    if (helper->pid == 0)
        child (fds[1], self, helper->job);
    close (fds[1]);
    helper->readable =
        event_new (helper->base, helper->fd, EV_READ | EV_PERSIST, on_answer, helper);
    if (helper->pid > 0 && helper->readable && event_add (helper->readable, NULL) == 0)
        return 0;
    aw_error_set (err, "cannot fork: %s", strerror (errno));
    end_child (helper);
    return -1;
}

struct aw_auth_helper *aw_auth_helper_create (struct event_base *base,
                                              const char *job,
                                              aw_auth_answer answer,
                                              struct aw_error *err)
{
    struct aw_auth_helper *helper = calloc (1, sizeof (*helper));

    if (!helper) {
        aw_error_set (err, "out of memory");
        return NULL;
    }
    helper->base = base;
    helper->job = job;
    helper->answer = answer;
    helper->fd = helper->pid = -1;
    return helper;
}

static int copy (char *to, size_t size, const char *from)
{
    size_t length = strlen (from);

    if (length >= size)
        return -1;
    memcpy (to, from, length + 1);
    return 0;
}

int aw_auth_helper_ask (struct aw_auth_helper *helper,
                        const char *credential,
                        const char *place,
                        const char *own_nonce,
                        const char *agent_nonce,
                        void *arg,
                        struct aw_error *err)
{
    static struct question question;

    memset (&question, 0, sizeof (question));
    if (copy (question.place, sizeof (question.place), place) < 0
        || copy (question.own_nonce, sizeof (question.own_nonce), own_nonce) < 0
        || copy (question.agent_nonce, sizeof (question.agent_nonce), agent_nonce) < 0
        || copy (question.credential, sizeof (question.credential), credential) < 0)
        return aw_error_set (err, "a nonce or credential that is too long");
    if (helper->pid < 0 && start_child (helper, err) < 0)
        return -1;
    if (send (helper->fd, &question, sizeof (question), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        return aw_error_set (err, "the process that asks munge: %s", strerror (errno));
    helper->busy = true;
    helper->arg = arg;
    return 0;
}

bool aw_auth_helper_busy (const struct aw_auth_helper *helper)
{
    return helper->busy;
}

void aw_auth_helper_forget (struct aw_auth_helper *helper, void *arg)
{
    if (helper->arg == arg)
        helper->arg = NULL;
}

void aw_auth_helper_destroy (struct aw_auth_helper *helper)
{
    int saved = errno;

    if (helper) {
        end_child (helper);
        free (helper);
    }
    errno = saved;
}
