# SPDX-License-Identifier: Apache-2.0
"""How each function that fail-calls.c knows can fail."""
import errno

ERRORS = {
    "alloc": ["ENOMEM"],
    "accept4": ["EMFILE", "ECONNABORTED"],
    "bind": ["EADDRINUSE"],
    "connect": ["ECONNREFUSED"],
    "execve": ["E2BIG"],
    "fork": ["EAGAIN"],
    "mkdir": ["EACCES"],
    "open": ["EMFILE"],
    "open64": ["EMFILE"],
    "openat": ["EMFILE"],
    "pipe2": ["EMFILE"],
    "posix_spawn": ["EAGAIN"],
    "posix_spawnp": ["EAGAIN"],
    "recv": ["ECONNRESET"],
    "rename": ["EACCES"],
    "send": ["ECONNRESET"],
    "socket": ["EMFILE"],
    "socketpair": ["EMFILE"],
    "fopen": ["EMFILE"],
    "fopen64": ["EMFILE"],
    "opendir": ["EMFILE"],
    "vfork": ["EAGAIN"],
    "pwrite": ["ENOSPC"],
    "write": ["ENOSPC"],
    "writev": ["ENOSPC"],
    "copy_file_range": ["EXDEV", "ENOSPC"],
}
# What a signal may interrupt, and what may do less than it was asked to: nothing may fail of that.
INTERRUPTED = {"accept4", "connect", "epoll_wait", "flock", "poll", "pread", "pread64", "pwrite", "pwrite64", "read",
               "readv", "recv", "send", "waitid", "waitpid", "write", "writev"}
SHORT = {"pread", "pread64", "pwrite", "pwrite64", "read", "readv", "recv", "send", "write", "writev", "copy_file_range"}
# Connections are not aborted for ever.
ONCE = {"ECONNABORTED"}
# Without these nothing can be told.
TELLING = {"write", "writev", "fflush"}


def hows(function):
    """Pairs: what (a name of errno, or "short"), and whether from then on."""
    for name in ERRORS.get(function, ["EIO"]):
        yield name, False
        if name not in ONCE:
            yield name, True
    if function in INTERRUPTED:
        yield "EINTR", False
    if function in SHORT:
        yield "short", False
        yield "short", True


def must_succeed(how):
    return how in ("EINTR", "short")


def number(how):
    return how if how == "short" else str(getattr(errno, how))
