# SPDX-License-Identifier: Apache-2.0
"""Messages between the tasks of a running workflow, and tasks that change it or submit others.

    import asyncworkflow as aw

    aw.publish("frames", b"...")                 # in one task

    frame = aw.receive("frames", group="train")  # in another
    use(frame.data)

    ids = [aw.submit(["./align.sh", name], cpus=4) for name in names]
    print(aw.wait(ids))

    for call in aw.calls():                      # in a worker, which stays for many tasks
        call.done(predict(call.input))

The functions of this module use a connection of the calling thread, which the first call opens.
A Connection of your own has the same functions as methods.

A topic keeps all messages of the run: a task that receives later gets the earlier ones too. Each
group of receivers gets each message once. A task that names no group is a group of its own, and
gets all messages. Messages of one sender arrive in the order in which it sent them. Delivery is at
least once: after a failure a message may arrive again, with the same sender, attempt and number.

Data is bytes, or str, which is sent as UTF-8; what arrives is bytes. Times are in seconds; None is
no limit. Wrong arguments raise TypeError or ValueError, and nothing is sent; all other errors are
subclasses of Error. Python 3.6 or later is needed, and nothing besides it.

After a fork the child has a connection of its own, which its first call opens: parent and child do
not disturb each other.
"""

import atexit
import collections
import json
import os
import re
import select
import socket
import struct
import sys
import threading
import time
import traceback

__all__ = ["Connection", "Message", "publish", "flush", "receive", "request", "reply", "add",
           "cancel", "submit", "wait", "states", "close", "calls", "serve", "Call", "Error", "NotInWorkflow", "Rejected",
           "Closed", "Stuck", "Timeout", "Full", "MAX_MESSAGE", "MAX_ADDITION"]

MAX_MESSAGE = 65536  # bytes of data in a message
MAX_ADDITION = 4 << 20  # bytes of a workflow that is added, or of a submission and its environment

_MAX_TASKS = 4096  # bytes of what names tasks
_IDS_AT_ONCE = 3000  # in one question: with 20 digits and a blank each they fit into a packet
_STATES = {"W": "waiting", "P": "pending", "R": "running", "S": "success", "F": "failed",
           "C": "cancelled", "D": "skipped"}
_NAME = re.compile(r"(?=.{1,64}\Z)[A-Za-z0-9_][A-Za-z0-9_.-]*(:results)?\Z")
_OPEN_SECONDS = 30.0
_QUIET_SECONDS = 1.0  # the pool hears of a wait without a limit when it has lasted this long

# The packets of util/packet.h: kind, flags, sizes of topic, group and sender, number, attempt, size
# of the data, nothing, seq, reply; then the texts and the data.
_HEAD = struct.Struct("=BBHHHIIIIQQ")
_MAX_PACKET = 1 << 17
(_HELLO, _PUBLISH, _REQUEST, _RECEIVE, _ACK, _REPLY, _SYNC, _ADD, _CANCEL, _MESSAGE, _ANSWER,
 _DONE) = range(1, 13)
_WAIT, _SUBMIT, _STATE_OF, _AWAIT = 17, 19, 20, 21
_ERROR, _MORE, _RELEASE, _STUCK, _RESTART = 1, 2, 4, 8, 16


class Error(Exception):
    """What all errors of this module have in common."""


class NotInWorkflow(Error):
    """This process is not a task of a running workflow, or the pool does not accept it."""


class Rejected(Error):
    """The pool rejects the call. The text has all reasons, one per line."""


class Closed(Error):
    """The connection is closed: by close(), or because the pool has ended."""


class Stuck(Error):
    """Nobody is left who could send: all running tasks wait without a timeout, and no other can
    start. The connection remains usable."""


class Timeout(Error, TimeoutError):
    """Nothing came in time."""


class Full(Error):
    """publish() with wait=False: the pool accepts no more messages at the moment."""


class Message(collections.namedtuple("Message", "topic sender attempt number request data")):
    """A message, as receive() and request() return it.

    topic    str; "" in an answer
    sender   str: the task that sent it, as "simulate@2[17]"
    attempt  int: the sender's, from 0
    number   int: counts the messages of this attempt on this topic, from 1. Sender, attempt and
             number together identify duplicates
    request  int: not 0 if the sender waits for an answer: see reply()
    data     bytes
    """

    __slots__ = ()

    @property
    def text(self):
        """The data as str. UnicodeDecodeError: it is not UTF-8."""
        return self.data.decode()


class _Packet(collections.namedtuple("_Packet", "kind flags topic sender number attempt seq reply "
                                                "data")):
    __slots__ = ()

    @classmethod
    def read(cls, packet):
        (kind, flags, topic, group, sender, number, attempt, _, _, seq, reply) = \
            _HEAD.unpack_from(packet)
        begin = _HEAD.size + topic + group
        return cls(kind, flags, packet[_HEAD.size:_HEAD.size + topic].decode(),
                   packet[begin:begin + sender].decode(), number, attempt, seq, reply,
                   packet[begin + sender:])

    def error(self):
        text = self.data.decode("utf-8", "replace")
        return Stuck(text) if self.flags & _STUCK else Rejected(text)


class _Receiver:
    """One topic and group. In a shared group each message must go to a receiver that waits for it,
    so it asks for one at a time."""

    def __init__(self, number, topic, group):
        self.number, self.topic, self.group = number, topic, group
        self.given = 0  # messages that the caller has got
        self.acked = 0  # of them
        self.credit = 0  # messages that were asked for and have not arrived
        self.most = 1 if group else 32


def _name(name, whose):
    if not isinstance(name, str):
        raise TypeError("the name of a %s is str, not %s" % (whose, type(name).__name__))
    if not _NAME.match(name):
        raise ValueError("%r: the name of a %s has at most 64 letters, digits, \"_\", \"-\" and "
                         "\".\", and begins with a letter, a digit or \"_\"" % (name, whose))
    return name.encode()


def _own(topic):
    """TOPIC, unless only results of calls go there."""
    if topic.endswith(b":results"):
        raise ValueError("%s: only the results of calls go there" % topic.decode())
    return topic


def _bytes(data, most, what):
    if isinstance(data, str):
        data = data.encode()
    elif not isinstance(data, (bytes, bytearray, memoryview)):
        raise TypeError("%s is bytes or str, not %s" % (what, type(data).__name__))
    data = bytes(data)
    if len(data) > most:
        raise ValueError("%d bytes: %s has at most %d" % (len(data), what, most))
    return data


def _environment():
    """Names and values of os.environb. Its own items() takes most of the time of a submission, as
    it encodes and checks each of them; what it has inside is bytes already."""
    return getattr(os.environb, "_data", os.environb).items()


def _id_list(ids):
    """An id, or several, as a list."""
    if isinstance(ids, int):
        ids = [ids]
    if isinstance(ids, (str, bytes)):
        raise TypeError("an id is int, not %s" % type(ids).__name__)
    ids = list(ids)
    for number in ids:
        if isinstance(number, bool) or not isinstance(number, int):
            raise TypeError("an id is int, not %s" % type(number).__name__)
        if not 0 <= number < 1 << 64:
            raise ValueError("%d is no id" % number)
    return ids


def _limit(timeout):
    """The time at which a wait of TIMEOUT seconds ends; None: never."""
    if timeout is None:
        return None
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)):
        raise TypeError("a timeout is a number of seconds or None, not %s" % type(timeout).__name__)
    if not timeout >= 0:
        raise ValueError("%r: a timeout is at least 0; None is no limit" % (timeout,))
    return time.monotonic() + timeout


class Connection:
    """A connection of this task to the pool that runs it. Use it in one thread at a time.

    It can be the subject of a "with" statement, which closes it. If the statement ends by an
    exception, the last message is not acknowledged: another receiver of its group gets it.

    NotInWorkflow: this process is not a task of a running workflow.
    """

    def __init__(self):
        self._socket = None
        self._open()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        self._close(kind is None)

    def __del__(self):
        self._close(False)

    def close(self):
        """Acknowledges all received messages and closes the connection. Published messages still
        arrive."""
        self._close(True)

    def publish(self, topic, data, wait=True):
        """Sends a message, DATA of at most MAX_MESSAGE bytes, on TOPIC, and returns at once. It
        waits while the pool accepts no more; with wait=False it raises Full instead."""
        topic, data = _own(_name(topic, "topic")), _bytes(data, MAX_MESSAGE, "a message")
        self._use()
        self._send(_PUBLISH, topic=topic, data=data, wait=wait)

    def flush(self, timeout=None):
        """Waits until all published messages are written: they survive the end of this task, and
        a restart of the run. Timeout: not within TIMEOUT seconds."""
        limit = _limit(timeout)
        self._use()
        self._done(self._send(_SYNC), limit)

    def receive(self, topic, group=None, timeout=None):
        """Returns the next Message on TOPIC for GROUP; None is the task's own group.

        The call acknowledges the previous message of that topic and group. If a task ends without
        acknowledging a message, another task of the group gets it. Timeout: no message within
        TIMEOUT seconds. Stuck: nobody is left who could send one.
        """
        key = _name(topic, "topic"), b"" if group is None else _name(group, "group")
        limit = _limit(timeout)
        self._use()
        if key not in self._receivers:
            self._receivers[key] = _Receiver(self._next_number(), *key)
        receiver = self._receivers[key]
        self._acknowledge(receiver)
        self._ask(receiver)
        try:
            message = self._message(receiver.number, receiver.given, limit)
        except BaseException:
            if receiver.group:  # the next message goes to another receiver
                self._withdraw(_RECEIVE, receiver.number, receiver.topic, receiver.group)
                receiver.credit = 0
            raise
        receiver.credit = max(0, receiver.credit - 1)
        receiver.given += 1
        return message

    def request(self, topic, data, timeout=None):
        """Publishes a request, DATA on TOPIC, and returns its answer, a Message. Timeout: no
        answer within TIMEOUT seconds. Stuck: as receive()."""
        topic, data = _own(_name(topic, "topic")), _bytes(data, MAX_MESSAGE, "a message")
        limit = _limit(timeout)
        self._use()
        return self._message(self._send(_REQUEST, topic=topic, data=data), 0, limit)

    def reply(self, message, data):
        """Answers MESSAGE, a received request, with DATA, and returns at once. The sender gets the
        first answer only. ValueError: MESSAGE expects no answer."""
        if not isinstance(message, Message):
            raise TypeError("what is answered is a Message, not %s" % type(message).__name__)
        if not message.request:
            raise ValueError("the sender of this message does not wait for an answer")
        data = _bytes(data, MAX_MESSAGE, "a message")
        self._use()
        self._send(_REPLY, number=0, reply=message.request, data=data)

    def add(self, workflow, timeout=None):
        """Adds the task sets of WORKFLOW to the running workflow: all of them, or none.

        WORKFLOW is the text of a workflow file, at most MAX_ADDITION bytes, or a dict, which
        becomes JSON. Names of added sets must be new; their "after" may name old and new sets. It
        returns when the addition is in the journal. Adding the same text again changes nothing.
        Rejected: WORKFLOW is wrong; the text of the error has all reasons. Timeout: no
        confirmation within TIMEOUT seconds.
        """
        if isinstance(workflow, dict):
            workflow = json.dumps(workflow)
        text = _bytes(workflow, MAX_ADDITION, "an addition")
        limit = _limit(timeout)
        self._use()
        self._done(self._send_parts(_ADD, text), limit)

    def cancel(self, tasks, release=False, timeout=None, restart=False):
        """Cancels TASKS: "simulate", "simulate@2", "simulate[17]", "simulate@2[17]" or, by the
        values of variables, "align[sample=a]"; or the submitted task with an id, an int.

        Running ones get SIGTERM, waiting ones do not start. Their successors do not start either,
        unless release is true: then they run as if the tasks had succeeded. With restart, running
        tasks start again after SIGTERM, without using up a retry, and others are as before. It
        returns when the cancellation is in the journal. Rejected: there are no such tasks. Timeout: no confirmation
        within TIMEOUT seconds.
        """
        if isinstance(tasks, int):
            tasks = str(_id_list(tasks)[0])
        elif not isinstance(tasks, str):
            raise TypeError("the name of tasks is str, not %s" % type(tasks).__name__)
        name, limit = _bytes(tasks, _MAX_TASKS, "the name of tasks"), _limit(timeout)
        self._use()
        flags = (_RELEASE if release else 0) | (_RESTART if restart else 0)
        self._done(self._send(_CANCEL, flags=flags, data=name), limit)

    def submit(self, command, timeout=None, **keys):
        """Submits COMMAND to the pool as one more task, and returns its id: an int, from
        1000000000.

        COMMAND is a list of a program and its arguments, or str, which a shell runs. KEYS are
        keys of a task set: shell, directory, environment, stdout, stderr, cpus, gpus, gpu_type,
        threads_per_core, mem, time_limit, duration, retries, success_codes, checkpoint_signal; and

        name       str: all that is submitted with one name counts as one task set. Default: the
                   name of the program
        after_ok   an id or several: the task starts when these have succeeded, and is skipped if
                   one does not
        after_any  an id or several: the task starts when these have ended

        Nothing in it is a placeholder. The task has the working directory and the environment of
        this process, os.environ, as they are now. It belongs to this attempt: if that fails, what
        has not ended is cancelled. If a submitted task fails, the run goes on. submit() returns
        when the task is in the journal. Rejected: a key is wrong, the pool can never run the task,
        or the run has been stopped. Timeout: no confirmation within TIMEOUT seconds.
        """
        if isinstance(command, (list, tuple)):
            keys["command"] = list(command)
        elif isinstance(command, str):
            keys["script"] = command
        else:
            raise TypeError("a command is a list or str, not %s" % type(command).__name__)
        for key in "after_ok", "after_any":
            if key in keys:
                keys[key] = _id_list(keys[key])
        parts = [json.dumps(keys).encode(), os.getcwdb()]
        parts += [name + b"=" + value for name, value in _environment()]
        text = _bytes(b"\0".join(parts) + b"\0", MAX_ADDITION, "a submission with its environment")
        limit = _limit(timeout)
        self._use()
        return self._answer(self._send_parts(_SUBMIT, text), limit).seq

    def wait(self, ids, timeout=None):
        """Waits until the submitted tasks with IDS, an int or several, have ended. Returns what has
        become of them, a list in their order: "success", "failed", "cancelled", or "skipped" if a
        task that it depends on has failed. Rejected: no submitted task has one of the ids.
        Timeout: not all have ended within TIMEOUT seconds."""
        return self._outcomes(_AWAIT, _id_list(ids), _limit(timeout))

    def states(self, ids):
        """Returns a list as wait(), as the tasks are now: also "waiting" for tasks that it depends
        on, "pending" for CPUs and GPUs or for its next attempt, and "running"."""
        return self._outcomes(_STATE_OF, _id_list(ids), None)

    # Opening and closing

    def _open(self):
        path = os.environ.get("ASYNC_WORKFLOW_SOCKET")
        token = os.environ.get("ASYNC_WORKFLOW_TOKEN")
        launch = re.match(r"(\d+)\.(\d+)", os.environ.get("ASYNC_WORKFLOW_LAUNCH", ""))
        job, own = os.environ.get("ASYNC_WORKFLOW_JOB"), os.environ.get("SLURM_JOB_ID")

        self._pid = os.getpid()
        self._receivers, self._number, self._queue = {}, 0, collections.deque()
        if job and own and own not in (job, os.environ.get("ASYNC_WORKFLOW_ID")):
            raise NotInWorkflow("this process is in another job than the workflow, job %s: where "
                                "its job was submitted, give sbatch --export=NONE" % job)
        if not path or not token or not launch:
            raise NotInWorkflow("this process is not a task of a running workflow: %s is not set"
                                % ("ASYNC_WORKFLOW_LAUNCH" if path and token
                                   else "ASYNC_WORKFLOW_SOCKET"))
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.settimeout(None)  # also after socket.setdefaulttimeout()
        try:
            self._socket.connect(path)
            self._send(_HELLO, number=int(launch.group(1)), attempt=int(launch.group(2)),
                       data=token.encode())
            self._done(0, time.monotonic() + _OPEN_SECONDS)
        except (OSError, Error) as error:
            self._close(False)
            raise NotInWorkflow("%s: %s" % (path, error)) from error

    def _close(self, acknowledge):
        if not self._socket:
            return
        try:
            if acknowledge and self._pid == os.getpid():
                for receiver in self._receivers.values():
                    self._acknowledge(receiver)
        except Error:
            pass  # the pool has ended
        finally:
            self._socket.close()
            self._socket = None

    def _use(self):
        """Before each use: in the child of a fork it is opened again."""
        if not self._socket:
            raise Closed("this connection is closed")
        if self._pid != os.getpid():
            self._close(False)
            self._open()

    # Packets

    def _next_number(self):
        self._number += 1
        return self._number

    def _send(self, kind, number=None, flags=0, topic=b"", group=b"", attempt=0, seq=0, reply=0,
              data=b"", wait=True):
        """Sends a packet, and returns its number: a new one if none is given."""
        if number is None:
            number = self._next_number()
        head = _HEAD.pack(kind, flags, len(topic), len(group), 0, number, attempt, len(data), 0,
                          seq, reply)
        while True:
            try:
                self._socket.sendmsg([head, topic, group, data], (),
                                     socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
                return number
            except BlockingIOError:
                if not wait:
                    raise Full("the pool accepts no more messages at the moment") from None
            except OSError as error:
                raise Closed("the pool has closed the connection: %s" % error) from error
            self._poll(select.POLLOUT, None)
            self._check_refusal()

    def _send_parts(self, kind, text):
        """Sends TEXT in packets of one number, which it returns."""
        number = self._next_number()
        for at in range(0, max(len(text), 1), MAX_MESSAGE):
            more = _MORE if at + MAX_MESSAGE < len(text) else 0
            self._send(kind, number=number, flags=more, data=text[at:at + MAX_MESSAGE])
        return number

    def _check_refusal(self):
        """After a wait in sending: does the pool accept nothing more? Messages are queued."""
        packet = self._read(time.monotonic())
        while packet:
            if packet.number == 0 and packet.flags & _ERROR:
                raise packet.error()
            self._queue.append(packet)
            packet = self._read(time.monotonic())

    def _poll(self, events, limit):
        """Waits for EVENTS. False: there are none by LIMIT."""
        poll = select.poll()
        poll.register(self._socket, events)
        while True:
            left = 3600.0 if limit is None else min(3600.0, limit - time.monotonic())
            if poll.poll(max(0, int(left * 1000) + 1) if left > 0 else 0):
                return True
            if limit is not None and time.monotonic() >= limit:
                return False

    def _read(self, limit):
        """The next packet from the socket. None: there is none by LIMIT."""
        while True:
            try:
                packet = self._socket.recv(_MAX_PACKET, socket.MSG_DONTWAIT)
                if not packet:
                    raise Closed("the pool has closed the connection")
                return _Packet.read(packet)
            except BlockingIOError:
                if not self._poll(select.POLLIN, limit):
                    return None
            except OSError as error:
                raise Closed("the pool has closed the connection: %s" % error) from error

    def _wait(self, number, limit):
        """The first packet for NUMBER, queued or new. None: there is none by LIMIT. An error with
        number 0 answers every number."""
        def is_mine(packet):
            return packet.number == number or (packet.number == 0 and packet.flags & _ERROR)

        for i, packet in enumerate(self._queue):
            if is_mine(packet):
                del self._queue[i]
                return packet
        while True:
            packet = self._read(limit)
            if packet is None or is_mine(packet):
                return packet
            if packet.kind == _MESSAGE:  # else a late answer: its caller has timed out
                self._queue.append(packet)

    def _answer(self, number, limit, late="no confirmation in time"):
        packet = self._wait(number, limit)
        if packet is None:
            raise Timeout(late)
        if packet.flags & _ERROR:
            raise packet.error()
        return packet

    def _done(self, number, limit):
        self._answer(number, limit)

    def _outcomes(self, kind, ids, limit):
        """What has become of the tasks with IDS, or how they are now."""
        self._use()
        words = []
        for at in range(0, len(ids), _IDS_AT_ONCE):
            some = " ".join(str(number) for number in ids[at:at + _IDS_AT_ONCE])
            number = self._send(kind, data=some.encode())
            try:
                answer = self._answer(number, limit, "not all tasks have ended in time")
            except BaseException:
                self._withdraw(kind, number)
                raise
            words += [_STATES[letter] for letter in answer.data.decode()]
        return words

    def _message(self, number, seq, limit):
        """Waits for a message for NUMBER, of which SEQ have come."""
        packet = self._wait(number, time.monotonic() + _QUIET_SECONDS if limit is None else limit)
        if packet is None and limit is None:
            self._send(_WAIT, number=number, seq=seq)
            packet = self._wait(number, None)
        if packet is None:
            raise Timeout("no message in time")
        if packet.flags & _ERROR:
            raise packet.error()
        return Message(packet.topic, packet.sender, packet.attempt, packet.seq, packet.reply,
                       packet.data)

    # Receivers

    def _acknowledge(self, receiver):
        if receiver.acked < receiver.given:
            receiver.acked = receiver.given
            self._send(_ACK, number=receiver.number, seq=receiver.given)

    def _ask(self, receiver):
        """Asks for more messages where few are still to come."""
        if receiver.credit <= receiver.most // 2:
            more, receiver.credit = receiver.most - receiver.credit, receiver.most
            self._send(_RECEIVE, number=receiver.number, topic=receiver.topic,
                       group=receiver.group, seq=more)

    def _withdraw(self, kind, number, topic=b"", group=b""):
        """Nobody waits here any more for what NUMBER asked for."""
        try:
            if kind in (_RECEIVE, _AWAIT):
                self._send(kind, number=number, topic=topic, group=group)
        except Error:
            pass  # there is no connection


# The connection of each thread.

_of_thread = threading.local()


def _connection():
    connection = getattr(_of_thread, "connection", None)
    if connection is None or not connection._socket:
        connection = _of_thread.connection = Connection()
    return connection


def _at_exit():
    """A program that ends by an exception has not done what its last message asks for."""
    connection = getattr(_of_thread, "connection", None)
    if connection is not None:
        connection._close(not hasattr(sys, "last_value"))


atexit.register(_at_exit)


def close():
    """Acknowledges all that this thread has received with the functions of this module, and closes
    its connection. The end of the program does so, too, but not the end of another thread, nor an
    exception that ends the program: then another receiver of the group gets the last message."""
    connection = getattr(_of_thread, "connection", None)
    if connection is not None:
        connection.close()


def _as_method(function):
    function.__doc__ = getattr(Connection, function.__name__).__doc__
    return function


@_as_method
def publish(topic, data, wait=True):
    _connection().publish(topic, data, wait)


@_as_method
def flush(timeout=None):
    _connection().flush(timeout)


@_as_method
def receive(topic, group=None, timeout=None):
    return _connection().receive(topic, group, timeout)


@_as_method
def request(topic, data, timeout=None):
    return _connection().request(topic, data, timeout)


@_as_method
def reply(message, data):
    _connection().reply(message, data)


@_as_method
def add(workflow, timeout=None):
    _connection().add(workflow, timeout)


@_as_method
def cancel(tasks, release=False, timeout=None, restart=False):
    _connection().cancel(tasks, release, timeout, restart)


@_as_method
def submit(command, timeout=None, **keys):
    return _connection().submit(command, timeout, **keys)


@_as_method
def wait(ids, timeout=None):
    return _connection().wait(ids, timeout)


@_as_method
def states(ids):
    return _connection().states(ids)


# Workers: calls come and answers go as lines of JSON on descriptor 3.

_CALL_FD = 3
_CALL_VARIABLES = (("task", "ASYNC_WORKFLOW_TASK"), ("index", "ASYNC_WORKFLOW_INDEX"),
                   ("iteration", "ASYNC_WORKFLOW_ITERATION"),
                   ("attempt", "ASYNC_WORKFLOW_ATTEMPT"), ("launch", "ASYNC_WORKFLOW_LAUNCH"))


class Call:
    """A task of the set whose worker this process is, as calls() returns it.

    task       str: its name, as "predict@2[17]"
    index, iteration, attempt  int
    values     dict: the text of each variable of "foreach"
    input      what the workflow gives as "input"; None: nothing
    services   dict: "host:port" of each service that the set uses, by its name
    """

    def __init__(self, members, channel):
        self.task, self.index = members["task"], members["index"]
        self.iteration, self.attempt = members["iteration"], members["attempt"]
        self.values, self.input = members.get("values", {}), members.get("input")
        self.services = members.get("services", {})
        self._channel = channel

    def done(self, result=None):
        """Ends the call well. RESULT, unless None, becomes JSON of at most MAX_MESSAGE bytes, and a
        message on the topic SET:results."""
        self._answer({"code": 0} if result is None else {"code": 0, "result": result})

    def fail(self, error, code=1):
        """The call has failed, as with exit code CODE, because of ERROR, str."""
        if not 0 < code < 256:
            raise ValueError("%r: the code of a failure is from 1 to 255" % (code,))
        self._answer({"code": code, "error": str(error)[:1024]})

    def _answer(self, members):
        if self._channel is None:
            raise ValueError("%s has been answered already" % self.task)
        text = json.dumps(members, allow_nan=False)
        if len(text) > MAX_MESSAGE + len('{"code": 0, "result": }'):
            raise ValueError("a result has at most %d bytes" % MAX_MESSAGE)
        close()  # what it has published arrives before its end
        sys.stdout.flush()
        sys.stderr.flush()
        channel, self._channel = self._channel, None
        channel.sendall(text.encode() + b"\n")


def _lines(channel):
    data = b""
    while True:
        *lines, data = data.split(b"\n")
        for line in lines:
            yield line
        try:
            more = channel.recv(1 << 16)
        except ConnectionError:
            return
        if not more:
            return
        data += more


def calls():
    """Yields the calls to this process, a worker, one by one, until the pool no longer needs it.

    Each ends by its done() or fail(), or well when the next one is asked for. Meanwhile the
    functions of this module speak for that task. An exception that ends the process fails the
    call. NotInWorkflow: this process is not a worker.
    """
    try:
        channel = socket.socket(fileno=os.dup(_CALL_FD))
        if channel.family != socket.AF_UNIX or channel.type != socket.SOCK_STREAM:
            raise OSError("another socket")
        os.set_inheritable(_CALL_FD, False)
    except OSError:
        raise NotInWorkflow("this process is not a worker: no calls come on descriptor %d"
                            % _CALL_FD) from None
    for line in _lines(channel):
        members = json.loads(line.decode())
        for key, name in _CALL_VARIABLES:
            os.environ[name] = str(members[key])
        call = Call(members, channel)
        yield call
        if call._channel is not None:
            call.done()


def serve(function):
    """Answers each call with what FUNCTION returns for it. If FUNCTION raises an Exception, the
    call fails, and the worker stays; the traceback is in its stderr."""
    for call in calls():
        try:
            result = function(call)
            if call._channel is not None:
                call.done(result)
        except Exception as error:  # pylint: disable=broad-except
            traceback.print_exc()
            if call._channel is not None:
                call.fail("%s: %s" % (type(error).__name__, error))
