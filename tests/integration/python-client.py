# SPDX-License-Identifier: Apache-2.0
"""A task in Python that tries each function of asyncworkflow; prints TAP. A second task of the run, "server",
answers what comes on topic ask, and a third one, "victim", waits to be cancelled.
"""
import contextlib
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback

import asyncworkflow as aw

WAIT = 60  # seconds; nothing here takes one


@contextlib.contextmanager
def raises(kind, text=""):
    try:
        yield
    except kind as error:
        assert text in str(error), "%r is not in %r" % (text, str(error))
        return
    raise AssertionError("%s is not raised" % kind.__name__)


@contextlib.contextmanager
def environment(**variables):
    saved = dict(os.environ)
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(saved)


def in_child(function):
    """Runs FUNCTION in a forked child. Returns its exit status."""
    pid = os.fork()
    if pid == 0:
        try:
            function()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitpid(pid, 0)[1]


def wrong_arguments():
    for topic in "", "-a", ".a", "a b", "a/b", "a" * 65, "ä", "a\n":
        with raises(ValueError, "the name of a topic has at most 64"):
            aw.publish(topic, b"")
        with raises(ValueError, "the name of a topic"):
            aw.receive(topic, timeout=0)
        with raises(ValueError, "the name of a topic"):
            aw.request(topic, b"", timeout=0)
        with raises(ValueError, "the name of a group"):
            aw.receive("t", group=topic, timeout=0)
    for topic in None, 1, b"t":
        with raises(TypeError, "the name of a topic is str, not"):
            aw.publish(topic, b"")
    with raises(TypeError, "the name of a group is str, not int"):
        aw.receive("t", group=1)
    for data in None, 1, ["a"], {"a": 1}:
        with raises(TypeError, "a message is bytes or str, not"):
            aw.publish("t", data)
        with raises(TypeError, "a message is bytes or str, not"):
            aw.request("t", data)
    with raises(ValueError, "65537 bytes: a message has at most 65536"):
        aw.publish("t", bytes(65537))
    for timeout in -1, -0.001, float("nan"):
        for call in aw.flush, lambda timeout: aw.receive("t", timeout=timeout):
            with raises(ValueError, "a timeout is at least 0; None is no limit"):
                call(timeout=timeout)
    for timeout in "1", b"", True, [1]:
        with raises(TypeError, "a timeout is a number of seconds or None, not"):
            aw.receive("t", timeout=timeout)
    with raises(TypeError, "what is answered is a Message, not bytes"):
        aw.reply(b"", b"")
    with raises(TypeError, "an addition is bytes or str, not list"):
        aw.add([])
    with raises(ValueError, "an addition has at most 4194304"):
        aw.add(bytes(aw.MAX_ADDITION + 1))
    with raises(TypeError, "the name of tasks is str, not bytes"):
        aw.cancel(b"a")
    with raises(ValueError, "the name of tasks has at most 4096"):
        aw.cancel("a" * 4097)


def no_task_of_a_workflow():
    for name in "ASYNC_WORKFLOW_SOCKET", "ASYNC_WORKFLOW_LAUNCH", "ASYNC_WORKFLOW_TOKEN":
        with environment(**{name: None}), raises(aw.NotInWorkflow, "not a task of a running workflow"):
            aw.Connection()
    with environment(ASYNC_WORKFLOW_TOKEN="x" * 32), raises(aw.NotInWorkflow, "the token is wrong"):
        aw.Connection()
    with environment(ASYNC_WORKFLOW_LAUNCH="4000.7"), raises(aw.NotInWorkflow, "the task has ended"):
        aw.Connection()
    with environment(ASYNC_WORKFLOW_SOCKET="/nowhere/messages"), raises(aw.NotInWorkflow, "/nowhere/messages: "):
        aw.Connection()
    with environment(ASYNC_WORKFLOW_JOB="1", SLURM_JOB_ID="2"), raises(aw.NotInWorkflow, "another job"):
        aw.Connection()


def data_arrives_as_it_was_sent():
    sent = [b"", b"x", bytes(range(256)), bytearray(b"ab"), memoryview(b"cd"), "ä\0\n\"\\", b"\xff" * aw.MAX_MESSAGE]
    for data in sent:
        aw.publish("data", data)
    for i, data in enumerate(sent):
        message = aw.receive("data", timeout=WAIT)
        want = data.encode() if isinstance(data, str) else bytes(data)
        assert message.data == want and type(message.data) is bytes, i
        assert message.topic == "data" and message.sender == "client[0]" and message.attempt == 0
        assert message.number == i + 1 and message.request == 0
        if isinstance(data, str):
            assert message.text == data
    with raises(UnicodeDecodeError):
        _ = message.text


def a_late_receiver_gets_all_and_a_group_gets_each_once():
    for i in range(200):
        aw.publish("many", str(i))
    with aw.Connection() as all_of_them, aw.Connection() as one, aw.Connection() as other:
        shared = [c.receive("many", group="g", timeout=WAIT).text for _ in range(100) for c in (one, other)]
        assert sorted(shared, key=int) == [str(i) for i in range(200)]
        assert [all_of_them.receive("many", timeout=WAIT).number for _ in range(200)] == list(range(1, 201))


def what_is_not_acknowledged_goes_to_another_receiver():
    for i in range(3):
        aw.publish("once", str(i))
    with raises(KeyError), aw.Connection() as one:
        assert one.receive("once", group="g", timeout=WAIT).text == "0"
        assert one.receive("once", group="g", timeout=WAIT).text == "1"
        raise KeyError
    with aw.Connection() as other:
        assert other.receive("once", group="g", timeout=WAIT).text == "1"
        assert other.receive("once", group="g", timeout=WAIT).text == "2"
    with aw.Connection() as third, raises(aw.Timeout):
        third.receive("once", group="g", timeout=0.1)


def the_end_of_a_program_acknowledges_unless_it_is_an_exception():
    program = "import asyncworkflow as aw; print(aw.receive('ends', group='g', timeout=%d).text, flush=True); %s"
    for i in range(3):
        aw.publish("ends", str(i))
    for end, text, status in ("1/0", "0", 1), ("pass", "0", 0), ("import sys; sys.exit(3)", "1", 3), ("pass", "2", 0):
        child = subprocess.Popen([sys.executable, "-c", program % (WAIT, end)], stdout=subprocess.PIPE,
                                 stderr=subprocess.DEVNULL)
        out = child.communicate()[0]
        assert (out.decode(), child.returncode) == (text + "\n", status), (end, out, child.returncode)


def a_timeout_leaves_the_connection_usable():
    for timeout in 0, 0.05:
        with raises(aw.Timeout, "no message in time"):
            aw.receive("quiet", timeout=timeout)
        with raises(TimeoutError):
            aw.receive("quiet", group="g", timeout=timeout)
        with raises(TimeoutError):
            aw.receive("quiet", group="h", timeout=timeout)
        with raises(aw.Error):
            aw.request("unheard", b"x", timeout=timeout)
    aw.publish("quiet", b"1")
    with aw.Connection() as other:  # those that have timed out get nothing behind their back
        assert other.receive("quiet", group="h", timeout=WAIT).data == b"1"
    assert aw.receive("quiet", timeout=WAIT).data == b"1"
    assert aw.receive("quiet", group="g", timeout=WAIT).data == b"1"


def a_default_timeout_of_sockets_means_nothing():
    socket.setdefaulttimeout(0.01)
    try:
        with aw.Connection() as connection:
            thread = threading.Timer(0.2, lambda: (aw.publish("slow", b"1"), aw.close()))
            thread.start()
            assert connection.receive("slow", timeout=WAIT).data == b"1"
            thread.join()
    finally:
        socket.setdefaulttimeout(None)


def requests_are_answered():
    for data in b"x", b"\0" * aw.MAX_MESSAGE:
        answer = aw.request("ask", data, timeout=WAIT)
        assert answer.topic == "" and answer.sender == "server[0]" and answer.data == data[:5] + b"!"
    aw.publish("plain", b"")
    with raises(ValueError, "does not wait for an answer"):
        aw.reply(aw.receive("plain", timeout=WAIT), b"")


def a_connection_is_closed_once_and_for_all():
    connection = aw.Connection()
    connection.publish("closing", b"1")
    connection.close()
    connection.close()
    with raises(aw.Closed, "this connection is closed"):
        connection.publish("closing", b"2")
    aw.close()
    aw.close()
    assert aw.receive("closing", timeout=WAIT).data == b"1"  # by a new one


def a_child_has_a_connection_of_its_own():
    mine = aw.Connection()
    mine.publish("forked", b"1")
    aw.publish("forked", b"2")
    aw.flush(WAIT)
    assert mine.receive("forked", group="g", timeout=WAIT).data == b"1"
    inherited = mine._socket.fileno()

    def child():
        assert mine.receive("forked", group="g", timeout=WAIT).data == b"2"  # 1 is still its parent's
        mine.publish("forked", b"3")
        aw.publish("forked", b"4")
        aw.flush(WAIT)
        mine.close()
        assert [aw.receive("forked", timeout=WAIT).data for _ in range(4)] == [b"1", b"2", b"3", b"4"]

    assert in_child(child) == 0
    assert in_child(mine.close) == 0 and in_child(aw.close) == 0
    assert mine._socket.fileno() == inherited
    assert mine.receive("forked", group="g", timeout=WAIT).data == b"3"
    mine.close()
    assert aw.receive("forked", timeout=WAIT).data in (b"1", b"2", b"3", b"4")  # one group with its children


def each_thread_has_a_connection_of_its_own():
    got = []

    def wait():
        got.append(aw.receive("threads", group="g", timeout=WAIT).text)
        aw.close()

    threads = [threading.Thread(target=wait) for _ in range(5)]
    for thread in threads:
        thread.start()
    for i in range(5):
        aw.publish("threads", str(i))
    for thread in threads:
        thread.join()
    assert sorted(got) == ["0", "1", "2", "3", "4"]


def sets_are_added():
    one = {"async-workflow": 1, "tasks": {"added": {"count": 2, "command": ["true"]}}}
    aw.add(one, timeout=WAIT)
    aw.add(one, timeout=WAIT)
    text = "".join('"big%d": {"command": ["echo", "%s"]},' % (i, "x" * 30000) for i in range(9))
    last = '"last": {"after": ["added"], "command": ["true"]}'
    aw.add('{"async-workflow": 1, "tasks": {%s %s}}' % (text, last), timeout=WAIT)
    with raises(aw.Rejected, "tasks.added: the workflow already has a task set \"added\""):
        aw.add({"async-workflow": 1, "tasks": {"added": {"command": ["x"]}, "more": {"command": ["x"]}}}, timeout=WAIT)
    try:
        aw.add('{"async-workflow": 1, "tasks": {"a": {"cpus": 0}}}', timeout=WAIT)
    except aw.Rejected as error:
        assert len(str(error).split("\n")) == 2, error
    with raises(aw.Rejected):
        aw.add("", timeout=WAIT)
    with raises(aw.Rejected):
        aw.add(b"\xff", timeout=WAIT)


def tasks_are_cancelled():
    for tasks in "nobody", "", "added[7]", "server[x=1]":
        with raises(aw.Rejected):
            aw.cancel(tasks, timeout=WAIT)
    aw.cancel("victim", release=True, timeout=WAIT)


def wrong_submissions():
    for command in None, 1, b"x", {"a": 1}:
        with raises(TypeError, "a command is a list or str, not"):
            aw.submit(command)
    for ids in "1", b"1", ["1"], [None], True, [1.5]:
        for call in aw.wait, aw.states, lambda ids: aw.submit("true", after_ok=ids):
            with raises(TypeError, "an id is int, not"):
                call(ids)
    for ids in -1, [1 << 64]:
        with raises(ValueError, "is no id"):
            aw.wait(ids)
    with raises(ValueError, "a submission with its environment has at most 4194304"):
        aw.submit(["echo", "x" * aw.MAX_ADDITION])
    for keys, text in [({"nokey": 1}, "nokey"), ({"cpus": 0}, "cpus"), ({"cpus": 4000}, "4000"),
                       ({"after_ok": 1000000999}, "1000000999")]:
        with raises(aw.Rejected, text):
            aw.submit(["true"], timeout=WAIT, **keys)
    with raises(aw.Rejected):
        aw.submit([], timeout=WAIT)
    for call in aw.wait, aw.states:
        with raises(aw.Rejected, "no submitted task has one of these ids"):
            call(17)
        assert call([]) == []
    with raises(aw.Rejected):
        aw.cancel(1000000999, timeout=WAIT)


def tasks_are_submitted():
    with tempfile.TemporaryDirectory() as directory, environment(COLOUR=""):
        os.environb[b"COLOUR"] = b"gr\xc3\xbcn \xff\n"  # need not be UTF-8
        here = os.getcwd()
        os.chdir(directory)
        one = aw.submit(["sh", "-c", "echo \"$1|$COLOUR|$(pwd)\"", "sh", "a b"], name="one", stdout="one", timeout=WAIT)
        two = aw.submit("cat one >two; exit 3", after_ok=one, timeout=WAIT)
        three = aw.submit("true", after_ok=[one, two])
        four = aw.submit("cp two four", after_any=[two], cpus=2, mem="1M")
        os.chdir(here)
        assert one >= 1000000000 and len({one, two, three, four}) == 4
        assert aw.wait([four, one, three, two], timeout=WAIT) == ["success", "success", "skipped", "failed"]
        with open(directory + "/four", "rb") as file:
            assert file.read() == b"a b|gr\xc3\xbcn \xff\n|%s\n" % os.fsencode(os.path.realpath(directory))
        assert aw.states(two) == ["failed"] and aw.wait([one] * 7000) == ["success"] * 7000


def a_submitted_task_is_cancelled():
    task = aw.submit(["sleep", "600"], timeout=WAIT)
    for timeout in 0, 0.05:
        with raises(aw.Timeout, "not all tasks have ended in time"):
            aw.wait(task, timeout=timeout)
    assert aw.states(task)[0] in ("pending", "running")
    aw.cancel(task, timeout=WAIT)
    assert aw.wait(task, timeout=WAIT) == ["cancelled"]


def a_running_task_is_restarted():
    with tempfile.TemporaryDirectory() as directory:
        start = directory + "/start."
        task = aw.submit("touch %s$ASYNC_WORKFLOW_ATTEMPT; test -e %s1 || exec sleep 600" % (start, start), timeout=WAIT)
        while not os.path.exists(start + "0"):
            time.sleep(0.05)
        aw.cancel(task, restart=True, timeout=WAIT)
        assert aw.wait(task, timeout=WAIT) == ["success"]


def a_full_pool_can_be_noticed():
    """The agent, which listens at the other end, stops reading."""
    with aw.Connection() as connection:
        agent, = struct.unpack_from("i", connection._socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        os.kill(agent, signal.SIGSTOP)
        try:
            sent = 0
            with raises(aw.Full, "no more messages at the moment"):
                while sent < 1000:
                    connection.publish("full", bytes(30000), wait=False)
                    sent += 1
            with raises(aw.Timeout, "no confirmation in time"):
                aw.flush(0.05)
        finally:
            os.kill(agent, signal.SIGCONT)
        connection.publish("full", b"last")
        connection.flush(WAIT)
        for i in range(sent + 1):
            message = connection.receive("full", timeout=WAIT)
        assert message.data == b"last" and message.number == sent + 1


def commands_and_this_module_talk_to_each_other():
    assert subprocess.call(["async-workflow", "send", "mixed", "from a shell"]) == 0
    assert aw.receive("mixed", timeout=WAIT).text == "from a shell"
    aw.publish("mixed2", "from Python")
    got = subprocess.check_output(["async-workflow", "recv", "--timeout", str(WAIT), "mixed2"])
    assert got.strip() == b"from Python", got


def a_pool_that_ends_closes_the_connection():
    """In place of the pool a socket that says yes, and then is gone."""
    def done(text=b""):
        return struct.pack("=BBHHHIIIIQQ", 12, 1 if text else 0, 0, 0, 0, 0, 0, len(text), 0, 0, 0) + text

    with tempfile.TemporaryDirectory() as directory, socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
        server.bind(directory + "/messages")
        server.listen(5)
        for last in b"", done(b"the disk is full"):
            packets = []

            def serve():
                peer, _ = server.accept()
                packets.append(peer.recv(1000))
                peer.send(done())
                packets.append(peer.recv(1000))
                if last:
                    peer.send(last)
                peer.close()

            thread = threading.Thread(target=serve)
            thread.start()
            with environment(ASYNC_WORKFLOW_SOCKET=directory + "/messages", ASYNC_WORKFLOW_LAUNCH="17.3"):
                connection = aw.Connection()
            if last:
                with raises(aw.Rejected, "the disk is full"):
                    connection.flush(WAIT)
            else:
                with raises(aw.Closed, "the pool has closed the connection"):
                    connection.flush(WAIT)
            thread.join()
            with raises(aw.Closed, "the pool has closed the connection"):
                for _ in range(10000):
                    connection.publish("t", b"x")
            connection.close()
            hello = struct.unpack_from("=BBHHHIIIIQQ", packets[0])
            assert hello == (1, 0, 0, 0, 0, 17, 3, 32, 0, 0, 0) and len(packets[0]) == 72, hello


def each_function_has_its_description():
    for name in aw.__all__:
        if not name.startswith("MAX"):
            assert len(getattr(aw, name).__doc__) > 20, name


TESTS = [wrong_arguments, no_task_of_a_workflow, data_arrives_as_it_was_sent,
         a_late_receiver_gets_all_and_a_group_gets_each_once, what_is_not_acknowledged_goes_to_another_receiver,
         the_end_of_a_program_acknowledges_unless_it_is_an_exception, a_timeout_leaves_the_connection_usable,
         a_default_timeout_of_sockets_means_nothing, requests_are_answered, a_connection_is_closed_once_and_for_all,
         a_child_has_a_connection_of_its_own, each_thread_has_a_connection_of_its_own, sets_are_added, tasks_are_cancelled,
         wrong_submissions, tasks_are_submitted, a_submitted_task_is_cancelled, a_running_task_is_restarted, a_full_pool_can_be_noticed,
         commands_and_this_module_talk_to_each_other, a_pool_that_ends_closes_the_connection,
         each_function_has_its_description]

print("1..%d" % len(TESTS))
for n, test in enumerate(TESTS):
    try:
        test()
        print("ok %d - %s" % (n + 1, test.__name__), flush=True)
    except Exception:
        print("not ok %d - %s" % (n + 1, test.__name__))
        print("# " + traceback.format_exc().replace("\n", "\n# "), flush=True)
aw.publish("stop", b"")
aw.flush(WAIT)
