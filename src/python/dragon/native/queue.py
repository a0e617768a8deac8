"""``Queue``: Dragon's queue, served by the run's queue server.

What travels, decided so that Python, shells and other languages share one queue:

* a ``str`` goes as its plain UTF-8 text, so ``dragon-tui queue get`` or ``redis-cli`` print it;
* everything else, ``bytes`` too, goes as a pickle of protocol 5;
* what comes is told apart by its first byte: a pickle starts with 0x80, which no UTF-8 text does.
  Text comes back as ``str``; what is neither a pickle nor text (raw data of another language)
  comes back as ``bytes``.

So every Python value returns as it was put, and an item put by a shell is a ``str``.

An item is handed to one getter and is then gone: a process killed with an item in hand loses it,
and so does a ``get`` that a signal handler's exception leaves in the very moment of the handing
over.

On a plain Redis or Valkey server queues of the session can be put to and got from, but nothing
holds a putter back: bounds need the server inside dragon-tui.

Connections (``_server.py``): one for each queue and thread of a process, so that the server can say
who waits where; made at first use, the oldest closed when there are many, not taken along through
``fork``. A signal handler that meets its own thread's connection in the middle of an exchange talks
over one of its own. A queue is pickled as its name.
"""

import itertools
import os
import pickle
import re
import threading
import time
from queue import Empty, Full

from dragon._missing import _sentence
from dragon.native import _server
from dragon.native._server import QueueError

__all__ = ["Queue", "QueueError", "Empty", "Full"]

# Dragon's: the default, and also what a maxsize of nought or less means.
DEFAULT_MAXSIZE = 100
# The server takes no timeout beyond 2^31 seconds; from here on "for ever" says the same.
_FOR_EVER = 1e9
# Of one thread. Who answers on queues that arrive inside items meets thousands of them.
_CONNECTIONS = 16
_counter = itertools.count(1)
_local = threading.local()


def _encode(value):
    if type(value) is str:
        try:
            return value.encode()
        except UnicodeEncodeError:
            pass  # Half of a surrogate pair is a str, but no text: pickle knows how to keep it.
    return pickle.dumps(value, 5)


def _decode(data):
    if data[:1] == b"\x80" and data[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05") and data[-1:] == b".":
        return pickle.loads(data)
    try:
        return data.decode()
    except UnicodeDecodeError:
        return bytes(data)


def _task():
    return os.environ.get("DRAGON_TASK") or "python"


def _invent_name():
    """A name for a queue that was given none, within what a session allows: 64 of [A-Za-z0-9_-]."""
    task = re.sub(r"[^A-Za-z0-9_-]+", "-", _task())
    # The end of a long name is kept: the rank stands there. Chance keeps the queue of a restarted
    # rank, which may get its predecessor's process id again, apart from what that one left.
    return "q-%s-%s-%d" % (task[-40:], os.urandom(4).hex(), next(_counter))


def _named(name, maxsize=None):
    """The queue called ``name``, which exists or will be made by its first item; asks nobody."""
    queue = Queue.__new__(Queue)
    queue._open_as(name, maxsize)
    return queue


class Queue:
    """A first-in first-out queue, shared by all processes of a run.

    ``Queue()`` makes a new one with room for ``maxsize`` items (100 unless said, as Dragon;
    nought or less means 100 too). It is passed on as an argument or inside an item; everyone who
    unpickles it has the same queue. ``name`` gives it a name of your own; where the session or
    another process has made a queue of that name, this is that one, with the bound it has.

    ``block_size`` and ``buffered`` are taken and mean nothing here. The other options of Dragon
    raise ``NotImplementedError``.
    """

    def __init__(
        self,
        maxsize=DEFAULT_MAXSIZE,
        *,
        pool=None,
        block_size=None,
        joinable=False,
        buffered=True,
        policy=None,
        num_streams=0,
        main_channel=None,
        mgr_channel=None,
        sem_channel=None,
        strm_channels=None,
        pickler=None,
        name=None
    ):
        absent = {
            "pool": pool,
            "joinable": joinable,
            "policy": policy,
            "num_streams": num_streams,
            "main_channel": main_channel,
            "mgr_channel": mgr_channel,
            "sem_channel": sem_channel,
            "strm_channels": strm_channels,
            "pickler": pickler,
        }
        for option, given in absent.items():
            if given:
                raise NotImplementedError(_sentence("dragon.native.queue.Queue(%s=…)" % option))
        if maxsize is None or maxsize <= 0:
            maxsize = DEFAULT_MAXSIZE
        self._open_as(name or _invent_name(), int(maxsize))
        reply = self._call(
            _server.pack(b"Q.DECLARE", self._key, b"IFNEW", b"MAX", b"%d" % self._maxsize)
        )
        if reply is None:
            self._maxsize = None  # Somebody else's: asked for when wanted.
        if isinstance(reply, QueueError):
            if _unknown_command(reply):
                raise QueueError("a new Queue has a bound, which this server cannot keep: %s" % reply)
            raise reply

    def _open_as(self, name, maxsize):
        self._name = name
        self._key = name.encode()
        self._maxsize = maxsize
        self._closed = False
        self._bounds_served = True
        self._put_for_ever = b"*4\r\n" + _server.pack(b"Q.PUT", self._key, b"0")[4:]
        self._get_for_ever = _server.pack(b"BLPOP", self._key, b"0")

    @classmethod
    def attach(cls, name):
        """The existing queue called ``name`` (a ``str``, or what ``serialize`` gave)."""
        return _named(name.decode() if isinstance(name, (bytes, bytearray)) else name)

    def serialize(self):
        """What ``attach`` needs elsewhere: the name as bytes."""
        return self._key

    def __reduce__(self):
        return _named, (self._name, self._maxsize)

    def __repr__(self):
        return "<Queue %r%s>" % (self._name, " closed" if self._closed else "")

    # Talking to the server

    def _call(self, request, wait=_server.PROMPT, value=None):
        """The server's reply or refusal, over this thread's connection."""
        if self._closed:
            raise ValueError("Queue %r is closed" % self._name)
        connections = _local.__dict__
        connection = connections.get(self._name)
        if connection is not None and connection.busy:
            # This is a signal handler, and what it interrupted waits for a reply over that one.
            spare = self._connect()
            try:
                return spare.call(request, wait, value)
            finally:
                spare.close()
        try:
            if connection is not None:
                # First this: from here on no signal handler uses or closes it.
                connection.busy = True
            # The process id differs after a fork that Python was not told of.
            if connection is None or connection.pid != os.getpid():
                connection = self._connect()
                connection.busy = True
                connections.pop(self._name, None)
                self._make_room(connections)
                connections[self._name] = connection
            return connection.call(request, wait, value)
        finally:
            if connection is not None:
                connection.busy = False

    def _connect(self):
        # The server takes no blanks in a client's name.
        introduced = re.sub("[^!-~]", "_", "%s@%s" % (_task(), self._name))
        return _server.Connection(introduced.encode())

    @staticmethod
    def _make_room(connections):
        """Closes the oldest connections of this thread that are idle, where there are many."""
        for name, connection in list(connections.items()):
            if len(connections) < _CONNECTIONS:
                return
            if not connection.busy:
                connections.pop(name, None)
                connection.close()

    def _ask(self, request, wait=_server.PROMPT):
        reply = self._call(request, wait)
        if isinstance(reply, QueueError):
            raise reply
        return reply

    # Putting and getting

    def put(self, obj, block=True, timeout=None, *, flush=False):
        """Puts ``obj``; waits for room, at most ``timeout`` seconds, then raises ``queue.Full``.

        When it returns the server has the item, so ``flush`` has nothing left to do.
        """
        seconds = _patience(block, timeout)
        data = _encode(obj)
        if len(data) > _server.MAX_VALUE:
            raise ValueError(
                "an item has at most %d MiB; this one has %d bytes" % (_server.MAX_VALUE >> 20, len(data))
            )
        if self._bounds_served:
            if seconds is None:
                reply = self._call(self._put_for_ever, None, data)
            elif seconds == 0:
                reply = self._call(self._head(b"Q.PUT", b"NOWAIT"), _server.PROMPT, data)
            else:
                limit = b"%.6f" % seconds
                reply = self._call(self._head(b"Q.PUT", limit), seconds + _server.GRACE, data)
            if isinstance(reply, QueueError) and _unknown_command(reply):
                self._bounds_served = False
        if not self._bounds_served:
            reply = self._call(self._head(b"RPUSH"), _server.PROMPT, data)
        if reply is None:
            raise Full
        if isinstance(reply, QueueError):
            if str(reply).startswith("FULL "):
                raise Full(str(reply)) from reply
            raise reply

    def _head(self, command, *words):
        """A command that lacks its last word, the value."""
        packed = _server.pack(command, self._key, *words)
        return b"*%d%b" % (3 + len(words), packed[packed.index(b"\r\n") :])

    def get(self, block=True, timeout=None):
        """The oldest item; waits for one, at most ``timeout`` seconds, then raises ``queue.Empty``."""
        seconds = _patience(block, timeout)
        if seconds is None:
            reply = self._ask(self._get_for_ever, None)
        elif seconds == 0:
            data = self._ask(_server.pack(b"LPOP", self._key))
            reply = None if data is None else (self._key, data)
        else:
            request = _server.pack(b"BLPOP", self._key, b"%.6f" % seconds)
            reply = self._ask(request, seconds + _server.GRACE)
        if reply is None:
            raise Empty
        return _decode(reply[1])

    def put_nowait(self, obj):
        """``put`` that raises ``queue.Full`` at once."""
        self.put(obj, block=False)

    def get_nowait(self):
        """``get`` that raises ``queue.Empty`` at once."""
        return self.get(block=False)

    # Looking

    def size(self):
        """How many items wait in the queue now."""
        return self._ask(_server.pack(b"LLEN", self._key))

    def qsize(self):
        """As ``size``; the standard library's name for it."""
        return self.size()

    def empty(self):
        """Whether no item waits now; another process may change that at any moment."""
        return self.size() == 0

    def full(self):
        """Whether a ``put`` would have to wait now."""
        return 0 < self.maxsize <= self.size()

    def poll(self, timeout=0):
        """Whether an item is there, waiting at most ``timeout`` seconds (``None``: for ever) for one.

        The item stays in the queue, so another process may be quicker at getting it.
        """
        end = None if timeout is None else time.monotonic() + timeout
        pause = 0.001
        while self.size() == 0:
            left = pause if end is None else end - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(pause, left))
            pause = min(pause * 2, 0.02)
        return True

    @property
    def name(self):
        """The name under which every process of the run finds this queue."""
        return self._name

    @property
    def maxsize(self):
        """How many items have room; 0 for a queue without a bound."""
        if self._maxsize is None:
            reply = self._call(_server.pack(b"Q.STAT", self._key))
            if isinstance(reply, QueueError) and not _unknown_command(reply):
                raise reply
            if not isinstance(reply, list):
                return 0  # Not made yet, or a server without bounds; ask again next time.
            facts = dict(zip(reply[::2], reply[1::2]))
            self._maxsize = int(facts.get(b"max") or 0)
        return self._maxsize

    # Ending

    def close(self):
        """This object is used no more: whatever is asked of it raises ``ValueError`` from now on.

        The queue and its items stay, for everyone else and for a new ``attach``.
        """
        if not self._closed:
            self._closed = True
            connection = _local.__dict__.pop(self._name, None)
            if connection is not None:
                connection.close()

    @property
    def closed(self):
        """Whether ``close`` was called on this object."""
        return self._closed

    def destroy(self):
        """Removes the queue with everything in it, for everyone, and closes this object.

        A queue of the session only loses its items.
        """
        self._ask(_server.pack(b"DEL", self._key))
        self.close()

    def task_done(self):
        """Of a joinable queue; not here yet."""
        raise NotImplementedError(_sentence("dragon.native.queue.Queue.task_done"))

    def join(self, *_args, **_kwargs):
        """Of a joinable queue; not here yet."""
        raise NotImplementedError(_sentence("dragon.native.queue.Queue.join"))

    def thread_wait(self, *_args, **_kwargs):
        """Not here yet."""
        raise NotImplementedError(_sentence("dragon.native.queue.Queue.thread_wait"))

    @property
    def node(self):
        """Not here yet."""
        raise NotImplementedError(_sentence("dragon.native.queue.Queue.node"))


def _patience(block, timeout):
    """How long to wait, in seconds: ``None`` for ever, 0 not at all."""
    if not block:
        return 0
    if timeout is None or timeout >= _FOR_EVER:
        return None
    if timeout < 0:
        raise ValueError("'timeout' must be a non-negative number")
    # On the wire 0 means for ever; what would be rounded to it waits for a millisecond.
    return max(float(timeout), 0.001) if timeout else 0


def _unknown_command(refusal):
    return "unknown command" in str(refusal)
