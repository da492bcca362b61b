# SPDX-License-Identifier: Apache-2.0
"""Runs a command with one call of one of its processes failing."""
import os
import signal
import subprocess
import time
from dataclasses import dataclass

import functions

DEADLINE = 30  # seconds for a command that takes less than one
LEFT_SECONDS = 8  # for its processes to end after it


@dataclass(frozen=True)
class Failure:
    """Which call fails."""

    process: str
    function: str
    n: int
    how: str = "ENOMEM"
    always: bool = False
    callers: str = "own"

    def environment(self, shim, log):
        env = {
            "LD_PRELOAD": shim,
            "FAILCALLS": self.function,
            "FAILCALLS_N": str(self.n),
            "FAILCALLS_HOW": functions.number(self.how),
            "FAILCALLS_PROCESS": self.process,
            "FAILCALLS_CALLERS": self.callers,
            "FAILCALLS_LOG": log,
            "MALLOC_PERTURB_": "165",
        }
        if self.always:
            env["FAILCALLS_ALWAYS"] = "1"
        return env

    def options(self):
        """As the command line has them."""
        text = f"--process {self.process} --function {self.function} --n {self.n} --how {self.how}"
        if self.always:
            text += " --always"
        if self.callers != "own":
            text += f" --callers {self.callers}"
        return text


@dataclass
class Line:
    """Of the log of fail-calls.c. The addresses of its own frames are left out."""

    what: str
    process: str
    name: str
    n: int
    stack: tuple


def read_log(path):
    lines = []
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            for text in file:
                words = text.split()
                if len(words) >= 4:
                    stack = words[4:]
                    while stack and stack[0] == "-":
                        stack.pop(0)
                    lines.append(Line(words[0], words[1], words[2], int(words[3]), tuple(stack)))
    except FileNotFoundError:
        pass
    return lines


def processes_of(directory):
    """The ids of processes that have this directory in their environment."""
    found = []
    mark = f"CALL_FAILURES_DIR={directory}".encode()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                if mark in file.read().split(b"\0"):
                    with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
                        if stat.read().rsplit(")", 1)[1].split()[0] != "Z":
                            found.append(int(pid))
        except OSError:
            pass
    return found


def name_of(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().replace(b"\0", b" ").decode(errors="replace").strip()[:100]
    except OSError:
        return "?"


def kill(pids):
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def end_all(directory):
    """Ends what is left. Returns what that was."""
    until = time.monotonic() + LEFT_SECONDS
    while (left := processes_of(directory)) and time.monotonic() < until:
        time.sleep(0.02)
    names = [name_of(pid) for pid in left]
    while left := processes_of(directory):
        kill(left)
        time.sleep(0.02)
    return names


@dataclass
class Result:
    status: int  # negative: a signal; None: the deadline has passed
    output: str
    seconds: float
    log: list
    left: list  # names of processes that did not end

    def crashes(self):
        return [line for line in self.log if line.what == "crash"]

    def failed(self):
        return [line for line in self.log if line.what == "fail"]


def run(argv, directory, failure=None, shim=None, on_hang=None, deadline=DEADLINE):
    """Runs ARGV in DIRECTORY, with FAILURE if there is one."""
    log = os.path.join(directory, "calls.log")
    environment = dict(os.environ, CALL_FAILURES_DIR=directory)
    if failure:
        environment.update(failure.environment(shim, log))
    if os.path.exists(log):
        os.unlink(log)
    start = time.monotonic()
    path = os.path.join(directory, "output")
    with open(path, "wb") as output:
        child = subprocess.Popen(argv, cwd=directory, env=environment, stdin=subprocess.DEVNULL, stdout=output,
                                 stderr=subprocess.STDOUT, start_new_session=True)
    try:
        status = child.wait(deadline)
    except subprocess.TimeoutExpired:
        status = None
        if on_hang:
            on_hang(directory)
    seconds = time.monotonic() - start
    left = end_all(directory) if status is not None else []
    if status is None:
        kill(processes_of(directory))
        child.wait()
        end_all(directory)
    with open(path, encoding="utf-8", errors="replace") as file:
        text = file.read()
    return Result(status, text, seconds, read_log(log), left)
