# SPDX-License-Identifier: Apache-2.0
"""What is run while a call fails, and what must be right at its end."""
import atexit
import fnmatch
import glob
import json
import os
import re
import shutil
import subprocess
import time

import functions
import trial

NOTE = "mkdir -p ran && echo $ASYNC_WORKFLOW_ATTEMPT >>ran/{task}; "


def workflow(**sets):
    return {"async-workflow": 1, "name": "small", "defaults": {"retries": 1}, "tasks": sets}


SMALL = workflow(
    make={"count": 2, "stage_in": ["data/model", {"from": "data/frame-*", "to": "frames"}],
          "stage_out": {"from": "made-{index}", "to": "results/", "checksum": True},
          "script": NOTE + "cat {scratch}/model {scratch}/frames/frame-{index} >{scratch}/made-{index}"},
    tell={"after": ["make"], "script": NOTE + "async-workflow send --sync topic hello"},
    hear={"after": ["tell"], "script": NOTE + "async-workflow recv --timeout 10 topic >heard"},
    grow={"after": ["make"], "script": NOTE + "async-workflow add more.json"},
    last={"after": ["hear"], "script": NOTE + "ls results >listed"},
)
MORE = {"async-workflow": 1, "defaults": {"retries": 1}, "tasks": {
    "more": {"count": 2, "after": ["make[i]"], "script": NOTE + "cp results/made-{index} more-{index}"},
    "most": {"after": ["more"], "script": NOTE + "cat more-0 more-1 >most"}}}
TASKS = ["make[0]", "make[1]", "tell[0]", "hear[0]", "grow[0]", "last[0]", "more[0]", "more[1]", "most[0]"]
OUTPUTS = {
    "results/made-0": "model\nframe 0\n",
    "results/made-1": "model\nframe 1\n",
    "heard": "hello\n",
    "listed": "made-0\nmade-1\n",
    "most": "model\nframe 0\nmodel\nframe 1\n",
}
# A server, workers, and tasks that a task submits.
WORKER = r"""while read -r call <&3; do
    task=$(echo "$call" | sed 's/.*"task":"\([^"]*\)".*/\1/')
    mkdir -p ran && echo "$call" >>"ran/$task" && echo "printed by $task"
    echo '{"result":"of '$task'"}' >&3
done"""
LIVELY = workflow(
    web={"service": {"ready": {"message": "up"}}, "retries": 3, "script": "async-workflow send up now && exec sleep 1000"},
    ask={"after": ["web"], "script": NOTE + "echo $ASYNC_WORKFLOW_SERVICE_WEB_HOST >host"},
    guess={"worker": ["/bin/sh", "-c", WORKER], "count": 3, "input": {"scale": 3}},
    collect={"after": ["guess"],
             # A call that is retried may have sent its result already.
             "script": NOTE + ": >got; while test $(sort -u got | wc -l) -lt 3; do "
             "async-workflow recv --timeout 10 guess:results >>got || exit 1; done; sort -u got >collected"},
    submit={"slurm_commands": True, "script":
            NOTE + "a=$(async-workflow submit sh -c 'echo one >one') && b=$(sbatch --parsable --output=two.out "
            "--dependency=afterok:$a --wrap='cat one >two') && async-workflow wait $a $b"},
    last={"after": ["ask", "collect", "submit"], "script": NOTE + "cat one two >both"},
)
LIVELY_TASKS = ["ask[0]", "guess[0]", "guess[1]", "guess[2]", "collect[0]", "submit[0]", "last[0]"]
LIVELY_OUTPUTS = {
    "host": "localhost\n",
    "collected": '"of guess[0]"\n"of guess[1]"\n"of guess[2]"\n',
    "both": "one\none\n",
}
# The first time, a task kills the coordinator; the agent and the tasks go with it.
KILL = "test -e killed || { touch killed; kill -9 $(sed -n 's/.*\"pid\":\\([0-9]*\\).*/\\1/p' D/coordinator); sleep 20; }; "


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return None


def last_lines(text):
    """For a message: without what differs from run to run."""
    text = re.sub(r"/tmp/aw-calls[^ /]*/[^ /]*/", "", text.strip())
    return " | ".join(line.strip() for line in text.splitlines()[-3:] if not line.startswith("Logs are in"))


def names_failure(output, how):
    """Does the output say what went wrong?"""
    cause = os.strerror(int(functions.number(how))) if how != "short" else "short"
    causes = (cause, "out of memory", "connection", "the pool", "its agent ended", "has ended", "was ended",
              "was killed")
    return any(word.lower() in output.lower() for word in causes)


class Case:
    """One command line; and what is right."""

    name = ""
    processes = []
    in_sample = True  # may be one of a random part
    strict = True  # an interrupted or a short call must not be noticed
    tolerated = ()  # functions that may fail without any notice

    def __init__(self, tools):
        self.tools = tools

    def prepare(self, directory):
        pass

    def command(self, directory):
        raise NotImplementedError

    def at_end(self, directory, result, failure):
        """Returns "success", "error" or the text of a fault. The status is a number of 0 or above."""
        raise NotImplementedError

    def is_ours(self, stack):
        """Whether a call from there is to fail."""
        return True

    def crash(self, line, result):
        """The text of a fault for a line of the log that tells of a crash; None: the test's own."""
        return f"crash: signal {line.name} in {line.process}: {self.tools.where(self, line)}"

    def judge(self, directory, result, failure):
        if result.status is None:
            return "hang: not over within the deadline"
        for line in result.crashes():
            if text := self.crash(line, result):
                return text
        if result.status < 0 and not result.crashes():
            return f"crash: ended by signal {-result.status}"
        if result.left and self.strict:
            return f"processes left: {'; '.join(result.left)}"
        verdict = self.at_end(directory, result, failure)
        if self.strict and failure and functions.must_succeed(failure.how) and verdict == "error":
            return f"fails, though {failure.how} is none: {last_lines(result.output)}"
        return verdict


class Run(Case):
    """A workflow, on this machine."""

    name = "local"
    processes = ["run.0", "run.1", "run.2", "run.3", "send.0", "recv.0", "add.0"]
    workflow, tasks, outputs, services = SMALL, TASKS, OUTPUTS, []

    def prepare(self, directory):
        write(f"{directory}/data/model", "model\n")
        for i in range(2):
            write(f"{directory}/data/frame-{i}", f"frame {i}\n")
        write(f"{directory}/small.json", json.dumps(self.workflow))
        write(f"{directory}/more.json", json.dumps(MORE))
        os.makedirs(f"{directory}/scratch", exist_ok=True)

    def options(self, directory):
        return ["--local", "--cpus", "4", "--grace", "1", "--scratch", f"{directory}/scratch"]

    def command(self, directory):
        return ["async-workflow", "run", *self.options(directory), "--dir", "D", "small.json"]

    def resume(self, directory):
        if os.path.exists(f"{directory}/D/workflow.json"):
            return ["async-workflow", "run", *self.options(directory), "--resume", "D"]
        shutil.rmtree(f"{directory}/D", ignore_errors=True)
        return self.command(directory)

    def at_end(self, directory, result, failure):
        verdict = "success"
        if result.status != 0:
            verdict = "error"
            if not result.output.strip() and failure.function not in functions.TELLING:
                return f"exit status {result.status} without a message"
            if failure and not names_failure(result.output + self.logs(directory), failure.how):
                verdict = f"exit status {result.status} without the cause: {last_lines(result.output)}"
            if failure and failure.always and failure.function in functions.TELLING:
                verdict = "error"  # there is no way to tell
            again = trial.run(self.resume(directory), directory)
            if again.status != 0:
                return (f"exit status {result.status} ({last_lines(result.output)}); the resume ends with {again.status}:"
                        f" {last_lines(again.output)}")
            if again.left:
                return f"the resume leaves processes: {'; '.join(again.left)}"
        # What is left in the scratch directory may be what cannot be removed.
        wrong = self.wrong(directory) or (not (failure and failure.always) and self.wrong_scratch(directory))
        if wrong:
            return f"exit status {result.status}, then: {wrong}"
        return verdict

    def wrong(self, directory):
        """What is not as it should be, or None."""
        for path, text in self.outputs.items():
            if read(f"{directory}/{path}") != text:
                return f"{path} holds {read(f'{directory}/{path}')!r}"
        return self.wrong_journal(directory) or self.wrong_report(directory)

    def wrong_journal(self, directory):
        started, completed, last = {}, {}, {}
        for line in (read(f"{directory}/D/journal.jsonl") or "").splitlines():
            try:
                event = json.loads(line)
            except ValueError:
                return f"the journal has a line {line!r}"
            last = event
            task = event.get("task")
            if event.get("event") == "start":
                if task in completed and task not in self.services:
                    return f"{task} was started after it had completed"
                started[task] = started.get(task, 0) + 1
            if event.get("event") == "finish" and event.get("status") == "completed":
                completed[task] = completed.get(task, 0) + 1
        if last.get("event") != "end" or last.get("code") != 0:
            return f"the journal ends with {last}"
        if {task: n for task, n in completed.items() if task in self.tasks} != {task: 1 for task in self.tasks}:
            return f"completed: {completed}"
        for task in self.tasks:
            ran = len((read(f"{directory}/ran/{task}") or "").splitlines())
            if not 1 <= ran <= started.get(task, 0):
                return f"{task} ran {ran} times, {started.get(task, 0)} starts are on record"
        return None

    def wrong_report(self, directory):
        report = subprocess.run(["async-workflow", "report", "--format", "json", "D"], cwd=directory,
                                capture_output=True, text=True, check=False)
        if report.returncode != 0:
            return f"no report: {report.stderr.strip()}"
        return None

    @staticmethod
    def wrong_scratch(directory):
        left = os.listdir(f"{directory}/scratch")
        return "the scratch directory is left" if left else None

    @staticmethod
    def logs(directory):
        """What failed tasks have told."""
        paths = glob.glob(f"{directory}/D/logs/*.err")
        return "\n".join(read(path) or "" for path in paths)


class Lively(Run):
    """A service, workers, and submitted tasks, whose names are not known."""

    name = "lively"
    in_sample = False  # the sample stays as short as it is
    processes = ["run.0", "run.1", "run.2", "run.3", "submit.0", "sbatch.0", "wait.0"]
    workflow, tasks, outputs, services = LIVELY, LIVELY_TASKS, LIVELY_OUTPUTS, ["web[0]"]


class Resume(Run):
    """A run whose coordinator was killed is resumed; what it did before is made once."""

    name = "resume"
    processes = ["run.0", "run.1", "run.2"]
    template = None

    def make_template(self, directory):
        super().prepare(directory)
        killed = json.loads(json.dumps(SMALL))
        killed["tasks"]["last"]["script"] = KILL + killed["tasks"]["last"]["script"]
        write(f"{directory}/small.json", json.dumps(killed))
        trial.run(super().command(directory), directory)
        if not os.path.exists(f"{directory}/killed"):
            raise RuntimeError("the run to be resumed was not killed: " + (read(f"{directory}/output") or ""))

    def prepare(self, directory):
        if not Resume.template:
            Resume.template = self.tools.directory("resume-template")
            self.make_template(Resume.template)
        shutil.rmtree(directory)
        shutil.copytree(Resume.template, directory)
        # The run is to go on here.
        for path in glob.glob(f"{directory}/D/*.json*"):
            write(path, read(path).replace(Resume.template, directory))

    def command(self, directory):
        return ["async-workflow", "run", *self.options(directory), "--resume", "D"]


# What stands for Slurm in a run with agents of their own: two nodes of this machine.
SCONTROL = """#!/bin/sh
case "$1 $2" in
"show job") cat {bin}/job ;;
"show config") echo "AuthInfo = socket={bin}/socket"; echo "SLURM_VERSION = 23.02.0" ;;
esac
"""
SRUN = """#!/bin/sh
while test "$1" != --coordinator; do shift; done
for node in n1 n2; do
    SLURMD_NODENAME=$node {agent} "$@" &
    agents="$agents $!"
done
trap 'kill $agents' TERM INT
for agent in $agents; do
    while kill -0 $agent 2>/dev/null; do
        wait $agent
        status=$?
    done
    test $status -eq 0 || failed=$status
done
exit $failed
"""
JOB = """JobId=1 JobName=calls
   UserId=user(1000) GroupId=user(1000) MCS_label=N/A
   JobState=RUNNING Reason=None Dependency=(null)
   StartTime=2026-01-01T00:00:00 EndTime=2099-01-01T00:00:00 Deadline=N/A
   NodeList=n[1-2]
   NumNodes=2 NumCPUs=4 NumTasks=2 CPUs/Task=1 ReqB:S:C:T=0:0:*:*
     Nodes=n[1-2] CPU_IDs=0-1 Mem=1024 GRES=

"""


class Tcp(Run):
    """The same on two nodes: agents join by TCP and prove who they are. Slurm is two scripts; munged is real."""

    name = "tcp"
    in_sample = False  # an agent that cannot join is waited for: that takes long on a slow machine
    processes = ["run.0", "run.1", "async-workflow-agent.0", "async-workflow-agent.1"]
    place = None  # of scripts, socket and key

    def begin(self):
        place = Tcp.place = self.tools.directory("tcp-bin")
        os.chmod(self.tools.scratch, 0o755)
        write(f"{place}/job", JOB)
        write(f"{place}/scontrol", SCONTROL.format(bin=place))
        write(f"{place}/srun", SRUN.format(agent=f"{self.tools.build}/helpers/async-workflow-agent"))
        write(f"{place}/sinfo", "#!/bin/sh\necho 'n[1-2]|1'\n")
        for program in ("scontrol", "srun", "sinfo"):
            os.chmod(f"{place}/{program}", 0o755)
        with open(os.open(f"{place}/key", os.O_WRONLY | os.O_CREAT, 0o600), "wb") as key:
            key.write(os.urandom(128))
        munged = subprocess.Popen(
            ["munged", "--foreground", "--force", "--key-file", f"{place}/key", "--socket", f"{place}/socket",
             "--pid-file", f"{place}/pid", "--seed-file", f"{place}/seed", "--log-file", f"{place}/log"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        atexit.register(munged.kill)
        until = time.monotonic() + 60
        while not os.path.exists(f"{place}/socket"):
            if munged.poll() is not None or time.monotonic() > until:
                raise RuntimeError("munged does not start")
            time.sleep(0.02)

    def prepare(self, directory):
        with self.tools.lock_of_cases:
            if not Tcp.place:
                self.begin()
        super().prepare(directory)

    def options(self, directory):
        return ["--connect-timeout", "10", "--grace", "1", "--scratch", f"{directory}/scratch"]

    def command(self, directory):
        return self.in_job(super().command(directory))

    def resume(self, directory):
        again = super().resume(directory)
        return again if again[0] == "env" else self.in_job(again)

    @staticmethod
    def in_job(argv):
        return ["env", f"PATH={Tcp.place}:{os.environ['PATH']}", "SLURM_JOB_ID=1", *argv]


class Command(Case):
    """A command that reads: it prints what it prints without a failure, or says what failed."""

    def __init__(self, tools, name, argv):
        super().__init__(tools)
        self.name = name
        self.argv = argv
        self.processes = [f"{argv[1]}.0"]
        self.expected = None

    def prepare(self, directory):
        sample = f"{self.tools.source}/tests/integration/sample-run"
        shutil.rmtree(directory)
        shutil.copytree(sample, directory)
        write(f"{directory}/small.json", json.dumps(SMALL))

    def command(self, directory):
        return self.argv

    def at_end(self, directory, result, failure):
        if not failure:
            return "success" if result.status == 0 else f"exit status {result.status}: {last_lines(result.output)}"
        if self.expected is None:
            fresh = self.tools.directory(f"{self.name}-expected")
            self.prepare(fresh)
            self.expected = trial.run(self.argv, fresh).output
        if result.status == 0:
            # Warnings may be added, nothing else may change.
            lines = [line for line in result.output.splitlines() if not line.startswith("async-workflow")]
            if lines != self.expected.splitlines():
                return f"wrong success: prints {len(result.output)} bytes, not {len(self.expected)}: {last_lines(result.output)}"
            return "success"
        if not result.output.strip():
            return f"exit status {result.status} without a message"
        if not names_failure(result.output, failure.how):
            return f"exit status {result.status} without the cause: {last_lines(result.output)}"
        return "error"


class Broken(Command):
    """A program that does it wrong, to see whether that is seen."""

    def __init__(self, tools, how):
        super().__init__(tools, f"broken-{how}", [f"{tools.build}/tests/inject/broken", how])
        self.processes = ["broken.0"]

    def program(self):
        return self.argv[0]

    def prepare(self, directory):
        pass


class Unit(Case):
    """A unit test: what it asserts may fail then, but nothing may crash or hang. Calls of its own do not fail."""

    strict = False

    def __init__(self, tools, name):
        super().__init__(tools)
        self.name = name
        self.processes = [f"{name}.*"]

    def program(self):
        return f"{self.tools.build}/tests/unit/{self.name}"

    def command(self, directory):
        return [self.program()]

    def is_ours(self, stack):
        return self.tools.in_helpers(self.program(), stack[0]) if stack else False

    def entry(self, line):
        """Where the test has called the library: the outermost library function, and the test's line."""
        own = [self.tools.line(self.program(), address) for address in line.stack if address != "-"]
        for (function, _), (_, place) in zip(own, own[1:]):
            if place.startswith("tests/"):
                return function, place
        return None, None

    def crash(self, line, result):
        # A test that goes on with what it was refused says nothing of the library: a crash within the call that
        # failed does, and one that destroys what was made.
        if not line.stack or not self.tools.in_helpers(self.program(), line.stack[0]):
            return None
        function, place = self.entry(line)
        same = any(self.entry(failed) == (function, place) for failed in result.failed())
        if not same and not (function or "").endswith(("_destroy", "_finish", "_free")):
            return None
        return super().crash(line, result)

    def at_end(self, directory, result, failure):
        return "success" if result.status == 0 else "error"  # or a crash of its own


# Those that are short and have no processes of their own; the others are what the runs above do.
UNITS = """add ask binding copy depend elsewhere environment environment-places exec-fake forecast frame graph grow history hostlist
idset journal journal-write limit machine message-frame message-hub node-allocation nvml oom parameters place plugin pool ranges
reserve resume resume-journal retry run-dir run-lock scan sched sched-random slurm-job spawn srun-env srun-options stage step streams suggest task-list
topologies topology units wide wide-journal workflow workflow-keys workflow-problems workflow-sets write""".split()


def all_cases(tools):
    commands = {
        "check": ["check", "small.json"],
        "status": ["status", "."],
        "report": ["report", "."],
        "report-json": ["report", "--format", "json", "."],
        "report-svg": ["report", "--format", "svg", "."],
    }
    cases = [Run(tools), Lively(tools), Resume(tools)]
    if shutil.which("munged", path=f"{os.environ['PATH']}:/usr/sbin:/sbin"):
        cases.append(Tcp(tools))
    cases += [Command(tools, name, ["async-workflow", *argv]) for name, argv in commands.items()]
    cases += [Unit(tools, f"t-{name}") for name in UNITS if os.path.exists(f"{tools.build}/tests/unit/t-{name}")]
    return cases


def matching(tools, pattern):
    """The cases of such a name; those that are broken only by their own names."""
    broken = ["right", "crash", "hang", "silent", "vague", "success", "left", "interrupted"]
    cases = all_cases(tools) + [Broken(tools, how) for how in broken if pattern.startswith("broken-")]
    return [case for case in cases if fnmatch.fnmatchcase(case.name, pattern)]
