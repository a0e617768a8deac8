"""One connection to the queue server: a request out, a reply in.

Speaks RESP2, the protocol of Redis, over the unix socket or address that the run's environment
names. Knows nothing of queues or of values. A connection belongs to one thread of one process and
carries one exchange at a time (``busy``: a signal handler of that thread has to take another one);
one that broke in the middle of an exchange is closed, never mended, because nobody can tell which
reply would come next.

Nothing in here takes a lock, Python's own buffered files included: a fork copies a lock that
another thread holds, and in the child nobody is left to release it. Nor does anything happen at the
interpreter's exit: the kernel closes every socket, also one that a daemon thread waits at.
"""

import os
import socket
import weakref

# A reply that needs no waiting at the server. Long, because 1,000 ranks may ask at once.
PROMPT = 60.0
# How much later than the server's own timeout ours strikes: then the server is gone, not slow.
# A reply that was waited for comes no sooner than any other from a server that many ask at once.
GRACE = PROMPT
# The longest value the server takes.
MAX_VALUE = 512 * 1024 * 1024
# From this size on a value is sent by itself instead of being copied behind its command.
_COPY_BELOW = 64 * 1024
# Most that is taken from the socket at once; longer values are received straight into their own place.
_BUFFER = 64 * 1024


class QueueError(Exception):
    """The queue server refused; its own words are the message."""


def pack(*words):
    """A command as RESP's array of byte strings."""
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        parts.append(b"$%d\r\n%b\r\n" % (len(word), word))
    return b"".join(parts)


class _Place:
    """Where the server is: what ``DRAGON_QUEUE_URL`` or ``DRAGON_QUEUE_SOCKET`` say."""

    def __init__(self, shown, path=None, host=None, port=0, tls=False, hello=()):
        self.shown = shown
        self.path, self.host, self.port, self.tls = path, host, port, tls
        self.hello = hello

    def connect(self):
        if self.path is not None:
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                sock.connect(self.path)
            except BaseException:
                sock.close()
                raise
            return sock
        sock = socket.create_connection((self.host, self.port), PROMPT)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # A peer that vanished without a word is noticed even while we wait for ever.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if self.tls:
            import ssl

            sock = ssl.create_default_context().wrap_socket(sock, server_hostname=self.host)
        return sock


def place():
    """The server of this run, from the environment; ``RuntimeError`` outside a run."""
    url = os.environ.get("DRAGON_QUEUE_URL")
    path = os.environ.get("DRAGON_QUEUE_SOCKET")
    # In a run both name the same socket; the path needs no parser, which takes a rank 5 ms to load.
    if path and (not url or url.startswith("unix:///")):
        return _Place(path, path=path)
    if url:
        return _from_url(url)
    raise RuntimeError(
        "no queue server: neither DRAGON_QUEUE_URL nor DRAGON_QUEUE_SOCKET is set. "
        "Queues live in a run of dragon-tui; start this program as a target of a session: "
        "dragon-tui SESSION.ron"
    )


def _from_url(url):
    from urllib.parse import parse_qs, unquote, urlsplit

    parts = urlsplit(url)
    query = parse_qs(parts.query)
    user = unquote(parts.username or "")
    word = unquote(parts.password or "") or query.get("password", [""])[0] or _token()
    hello = []
    if word:
        hello.append(pack(b"AUTH", *(w.encode() for w in (user, word) if w)))
    database = parts.path.strip("/") if parts.hostname else ""
    database = query.get("db", [database])[0]
    if database not in ("", "0"):
        hello.append(pack(b"SELECT", database.encode()))
    if parts.scheme in ("unix", "redis+unix", "redis+socket"):
        path = unquote(parts.path)
        return _Place(path, path=path, hello=hello)
    if parts.scheme in ("redis", "rediss"):
        host, port = parts.hostname or "127.0.0.1", parts.port or 6379
        # Shown without user and password: this ends up in error messages.
        shown = "%s://%s:%d" % (parts.scheme, host, port)
        return _Place(shown, host=host, port=port, tls=parts.scheme == "rediss", hello=hello)
    raise ValueError(
        "DRAGON_QUEUE_URL has the scheme %r; known are unix, redis and rediss" % parts.scheme
    )


def _token():
    path = os.environ.get("DRAGON_QUEUE_TOKEN_FILE")
    if not path:
        return ""
    with open(path) as file:
        return file.read().strip()


class _Broken(OSError):
    """The stream ended or made no sense; turned into ``ConnectionError`` by ``call``."""


class Connection:
    """One socket, what came over it and was not used yet, and the process it belongs to."""

    __slots__ = ("pid", "busy", "_place", "_sock", "_wait", "_data", "_at", "__weakref__")

    def __init__(self, name):
        """Connects and introduces itself as ``name`` (bytes)."""
        self._sock = self._wait = None
        self.busy = False
        self.pid = os.getpid()
        self._place = place()
        try:
            self._sock = self._place.connect()
        except OSError as error:
            raise ConnectionError(
                "no queue server at %s: %s" % (self._place.shown, error.strerror or error)
            ) from error
        # What came and was not read yet lies behind _at.
        self._data, self._at = b"", 0
        self._wait = self._sock.gettimeout()
        _open.add(self)
        for hello in self._place.hello:
            self._expect_ok(hello)
        self._expect_ok(pack(b"CLIENT", b"SETNAME", name))

    def _expect_ok(self, request):
        reply = self.call(request, PROMPT)
        if isinstance(reply, QueueError):
            self.close()
            raise reply

    def call(self, request, wait, value=None):
        """Sends ``request`` and returns the reply; a refusal is *returned*, as a ``QueueError``.

        ``value`` goes as one more byte string behind the request, whose array length already
        counts it. ``wait`` is the longest silence in seconds, ``None`` for ever. Whatever
        interrupts the exchange (a signal handler's exception too) closes the connection. A long
        value of the reply is a ``bytearray``.
        """
        # Still ours when a signal handler forks; in the child it is closed then, and says so.
        sock = self._sock
        try:
            if wait != self._wait:
                sock.settimeout(wait)
                self._wait = wait
            if value is None:
                sock.sendall(request)
            elif len(value) < _COPY_BELOW:
                sock.sendall(b"%b$%d\r\n%b\r\n" % (request, len(value), value))
            else:
                sock.sendall(b"%b$%d\r\n" % (request, len(value)))
                sock.sendall(value)
                sock.sendall(b"\r\n")
            return self._reply(sock)
        except BaseException as error:
            self.close()
            if isinstance(error, socket.timeout):
                raise ConnectionError(
                    "the queue server at %s did not answer within %g s" % (self._place.shown, wait)
                ) from error
            if isinstance(error, OSError):
                raise ConnectionError(
                    "the queue server at %s went away: %s"
                    % (self._place.shown, error.strerror or error)
                ) from error
            raise

    def _reply(self, sock):
        line = self._line(sock)
        kind = line[:1]
        if kind == b"$":
            length = int(line[1:])
            return None if length < 0 else self._value(sock, length)
        if kind == b"*":
            length = int(line[1:])
            return None if length < 0 else [self._reply(sock) for _ in range(length)]
        if kind == b":":
            return int(line[1:])
        if kind == b"+":
            return line[1:]
        if kind == b"-":
            return QueueError(line[1:].decode("utf-8", "replace"))
        raise _Broken("it answered %r, which is not RESP" % line[:40])

    def _line(self, sock):
        """The next line without its end."""
        at = self._at
        end = self._data.find(b"\r\n", at)
        while end < 0:
            rest = self._data[at:]
            if len(rest) > _BUFFER:
                raise _Broken("it answered a line without an end")
            self._data, self._at = rest + _received(sock), 0
            at = 0
            end = self._data.find(b"\r\n")
        self._at = end + 2
        return self._data[at:end]

    def _value(self, sock, length):
        """The next ``length`` bytes, and the line end behind them is done with."""
        at = self._at
        end = at + length
        if len(self._data) >= end + 2:
            self._at = end + 2
            if self._data[end : end + 2] != b"\r\n":
                raise _Broken("a value is longer than it said")
            return self._data[at:end]
        # With its line end, which would cost a call of its own.
        value = bytearray(length + 2)
        have = len(self._data) - at
        value[:have] = self._data[at:]
        self._data, self._at = b"", 0
        with memoryview(value) as view:
            while have < length + 2:
                count = sock.recv_into(view[have:])
                if count == 0:
                    raise _Broken("it closed the connection")
                have += count
        if value[length:] != b"\r\n":
            raise _Broken("a value is longer than it said")
        del value[length:]
        return value

    def close(self):
        """Closes this process's end; harmless when closed."""
        self.pid = -1
        if self._sock is not None:
            try:
                self._sock.close()
            except OSError:
                pass

    def forget(self):
        """Closes a forked child's copy of the socket: the descriptor alone, without a word to the server."""
        self.pid = -1
        if self._sock is not None:
            number = self._sock.detach()
            if number >= 0:
                os.close(number)

    def __del__(self):
        self.close()


def _received(sock):
    data = sock.recv(_BUFFER)
    if not data:
        raise _Broken("it closed the connection")
    return data


_open = weakref.WeakSet()


def _forget_all():
    for connection in list(_open):
        connection.forget()


# A forked child holds copies of its parent's sockets. As long as one is open the server believes
# that the parent is still there, even after its death: close them all, of every thread.
os.register_at_fork(after_in_child=_forget_all)
