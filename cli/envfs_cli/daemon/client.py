"""The client's end of the control protocol: reach a daemon, or start one for this command alone. Ask, and be answered.

Laws: a secret goes out in a descriptor only. No wait is for ever: a daemon that works on a request says so every few
seconds. One that says nothing for `connecting.PATIENCE` is given up if its process is stopped, and else, on a machine
that is busy, some time later. An answer is bounded: a message in time, all of them in size.
"""

import _socket  # the bare socket: the module around it costs the client a third of its start
import os
import sys
import time

from envfs import locations
from envfs.core import limits
from envfs.errors import BadRequest, Conflict, KeyholderGone, from_code
from envfs.protocol import control, framing, wire
from envfs_cli.daemon import connecting, join_refusals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import NamedTuple, ParamSpec, Self, TypeVar

    from envfs.locations import Locations
    from envfs.protocol.framing import Body
    from envfs_cli.daemon.begun import BegunConversation
    from envfs_cli.daemon.vault_lock import VaultLock

    P = ParamSpec("P")
    T = TypeVar("T")

_CHUNK = 1 << 18  # bytes of one look at the socket
_OTHERS_SECONDS = 15.0  # how long another process may work here before this one gives up
_START_SECONDS, _LOOK_SECONDS = 5.0, 0.5  # how long a daemon may take to start, and for one who only looks
_FREE_SECONDS, _STEP = 0.3, 0.05  # for how long the lock has to be free, if nobody is to be starting
_BUSY_PATIENCE = 60  # seconds. A disk may be slow, a daemon for one command waits for the one before it
_MESSAGE_SECONDS = 60  # from the first byte of a message to its last one
_MOST_ENDS = 5  # of daemons, one after the other, that end while a command is with them
_TOKENS, _TOKEN_VARIABLES = "envfs_cli.daemon.tokens", {"ENVFS_TOKEN", "ENVFS_TOKEN_FILE"}
_MACHINE, _BROUGHT = "envfs_cli.daemon.machine_home", "envfs_cli.daemon.brought_identity"
_IDENTITY_VARIABLES = {"ENVFS_IDENTITY", "ENVFS_IDENTITY_FILE"}
_BEGUN = "envfs-conversation"  # an option of the interpreter (cli/launcher.c)
_NO_NEWS, _NO_ROWS = (control.Hello, control.WorkingRow), (control.Done, control.ViewSent)


class Link:
    """A connection to a daemon. `private` if the daemon was started for this command alone."""

    def __init__(self, connection: "_socket.socket", *, private: bool) -> None:
        """Greet the daemon on `connection`."""
        self.private = private
        self._socket = connection
        connecting.be_patient(connection, connecting.PATIENCE)
        self._decoder = framing.Decoder(limits.VIEW_BYTES, limits.REPLY_BYTES)
        self._again: Callable[[], Link] | None = None
        self.heard = 0  # bytes
        self._was_read = True
        self._pending = framing.encode_frame(wire.to_body(control.Hello(control.VERSION, "")))
        self._sent = b""

    def begun_as(self, begun: "BegunConversation") -> "Self":
        """Go on where the program before the interpreter stopped: what it sent is not sent again."""
        self._sent = begun.sent
        self._decoder.feed(begun.received)
        return self

    def ask(
        self,
        request: "NamedTuple",
        descriptors: "tuple[int, ...]" = (),
        on_row: "Callable[[object], None] | None" = None,
    ) -> "tuple[object, bytes]":
        """Send a request. Return the reply and its blob. Each row goes to `on_row` when it arrives.

        Raises:
            EnvFSError: what the daemon refuses with
        """
        for _ in range(_MOST_ENDS):
            self._send(self._unsent(self._greeting() + framing.encode_frame(wire.to_body(request))), descriptors)
            rows = 0
            for message, blob in self._messages():
                if isinstance(message, control.Failed):
                    raise from_code(*message)
                if isinstance(message, _NO_NEWS):
                    continue
                if isinstance(message, _NO_ROWS) or not isinstance(message, control.ROWS):
                    return message, blob
                rows += 1
                if on_row is not None:
                    on_row(message)
            if rows or not self._may_ask_again(request) or not self._has_renewed():
                break
        raise KeyholderGone("the daemon disconnected", "`envfs status` and the daemon's log may say why")

    def _unsent(self, data: bytes) -> bytes:
        sent, self._sent = self._sent, b""
        if sent and sent != data and self._has_renewed():  # a program of another release has said something else
            self._pending = b""
        return b"" if sent == data else data

    def _may_ask_again(self, request: "NamedTuple") -> bool:
        from envfs_cli.daemon.silence import is_harmless

        return not self._was_read or is_harmless(request)

    @property
    def takes_files(self) -> bool:
        """Tell whether a request may bring a file. Of other users the daemon takes memory alone."""
        return connecting.server_uid(self._socket) == os.geteuid() and not _TOKEN_VARIABLES & os.environ.keys()

    def renewed_by(self, again: "Callable[[], Link]") -> "Self":
        """Connect again, as `again` does, if the daemon ends before it has begun with a request."""
        self._again = again
        return self

    def _has_renewed(self) -> bool:
        if self._again is None or self.private:
            return False
        self._socket.close()
        other = self._again()
        self._socket, self._decoder, self._pending = other._socket, other._decoder, other._pending  # noqa: SLF001
        self.private, self._was_read = other.private, True
        return True

    def begin(self, request: "NamedTuple") -> None:
        """Send a request whose rows `come` one after the other, as long as this lasts."""
        self._send(self._greeting() + framing.encode_frame(wire.to_body(request)), ())

    def _greeting(self) -> bytes:
        greeting, self._pending = self._pending, b""
        if greeting and has_token():
            from envfs_cli.daemon import tokens

            return tokens.present_token(greeting, self._send, self._messages)
        return greeting

    def fileno(self) -> int:
        """Return what to wait on before `come`."""
        return self._socket.fileno()

    def come(self) -> "list[object] | None":
        """Wait for something, and return the messages that are whole. None if the daemon has left.

        Raises:
            EnvFSError: what the daemon refuses with
        """
        data = self._receive()
        if not data:
            return None
        self._decoder.feed(data)
        messages = []
        while (frame := _understood(self._decoder.next)) is not None:
            message = _understood(_message_of, frame[0])
            if isinstance(message, control.Failed):
                raise from_code(*message)
            if not isinstance(message, _NO_NEWS):
                messages.append(message)
        return messages

    def close(self) -> None:
        """Leave."""
        self._socket.close()

    def _send(self, data: bytes, descriptors: "tuple[int, ...]") -> None:
        if descriptors and self._socket.family != _socket.AF_UNIX:
            from envfs_cli.daemon import fence_gateway

            data, descriptors = fence_gateway.memory_frames(descriptors) + data, ()
        packed = b"".join(fd.to_bytes(4, sys.byteorder) for fd in descriptors)
        rights = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, packed)] if descriptors else []
        try:
            while data:  # to send nothing would fail as well, if the daemon has left after it read the rest
                data = data[self._patiently(self._socket.sendmsg, [data], rights) :]
                rights = []
        except OSError:
            self._was_read = False
            return  # the daemon left; what it said before it did is read next

    def _receive(self) -> bytes:
        try:
            data = self._patiently(self._socket.recv, _CHUNK)
            self.heard += len(data)
            return data
        except ConnectionResetError:  # it left with something unread, which was the request
            self._was_read = False
            return b""
        except OSError:
            return b""

    def _patiently(self, act: "Callable[P, T]", *words: "P.args", **named: "P.kwargs") -> "T":
        for waited in range(connecting.PATIENCE, _BUSY_PATIENCE + 1, connecting.PATIENCE):
            try:
                return act(*words, **named)
            except BlockingIOError:
                from envfs_cli.daemon import silence

                if waited == _BUSY_PATIENCE or (not self.private and silence.is_stopped(self._socket)):
                    raise silence.silent_daemon(self._socket) from None
        raise AssertionError("the last wait raises")

    def _messages(self) -> "Iterator[tuple[object, bytes]]":
        while (frame := self._frame()) is not None:
            body, blobs = frame
            if blobs[-1:] == (control.VIEW_END,):
                blobs = blobs[:-1]
            yield _understood(_message_of, body), b"".join(blobs)

    def _frame(self) -> "tuple[Body, tuple[bytes, ...]] | None":
        until = 0.0
        while (frame := _understood(self._decoder.next)) is None:
            if not (data := self._receive()):
                return None
            self._decoder.feed(data)
            until = until or time.monotonic() + _MESSAGE_SECONDS
            if time.monotonic() > until:
                from envfs_cli.daemon.silence import silent_daemon

                raise silent_daemon(self._socket)
        return frame


def _understood(read: "Callable[P, T]", *words: "P.args", **named: "P.kwargs") -> "T":
    try:
        return read(*words, **named)
    except BadRequest as error:
        from envfs_cli.daemon import silence

        raise silence.strange_answer(error) from None


def _message_of(body: "Body") -> object:
    is_first = body.get("type") in control.FIRST_REPLIES  # of `exec` and `get`, which load no others
    return wire.from_body(body, control.FIRST_REPLIES if is_first else control.REPLIES)


def has_token() -> bool:
    """Tell whether this process acts by a token."""
    return _TOKENS in sys.modules or bool(_TOKEN_VARIABLES & os.environ.keys())


def _as_machine() -> "Link | None":
    if _MACHINE not in sys.modules and not join_refusals.JOIN_VARIABLES & os.environ.keys():
        return None
    from envfs_cli.daemon import machine_home

    return machine_home.reach_as_machine(lambda connection: Link(connection, private=True))


def user_locations() -> "Locations":
    """Return where this user's things are."""
    uid = os.geteuid()
    return locations.find_locations(os.environ, uid, os.path.expanduser("~"))


def reach_daemon() -> Link:
    """Connect to the daemon of this home, or to the system's, or start one for this command alone.

    Raises:
        Conflict: another process keeps the vault for itself
    """
    if (link := _as_machine() or running_daemon()) is not None:
        return link.renewed_by(reach_daemon)
    with _vault_lock() as lock:
        link = take_lock(lock)
        return link.renewed_by(reach_daemon) if link is not None else start_private_daemon(lock.handle)


def _vault_lock() -> "VaultLock":
    from envfs_cli.daemon import vault_lock  # when no daemon answers

    return vault_lock.VaultLock(user_locations())


def take_lock(lock: "VaultLock") -> "Link | None":
    """Take a lock, unless a daemon that was starting is there before: return a link to that. Raises Conflict."""
    until = time.monotonic() + _OTHERS_SECONDS
    while not lock.take():
        if (link := running_daemon()) is not None:
            return link
        if time.monotonic() > until:
            raise Conflict("another envfs process is at work here", "`envfs status` shows it")
        time.sleep(_STEP)
    return running_daemon()


def reach_for_look() -> Link:
    """Connect to a running daemon, or start one that only looks: it needs no lock, so nobody keeps it waiting."""
    link = _as_machine() or _started(_LOOK_SECONDS, 0)
    return link.renewed_by(reach_for_look) if link is not None else start_private_daemon(looks=True)


def reach_own_daemon(*, looks: bool = False) -> Link:
    """Connect to the daemon of this very home, or start one as `start_private_daemon` does. Never the system's."""
    return _connect(user_locations().socket) or start_private_daemon(looks=looks)


def running_daemon() -> "Link | None":
    """Connect to a running daemon: the one of this home, else (unless ENVFS_HOME is set) the system's, or None."""
    if _BEGUN in sys._xoptions:  # noqa: SLF001 - its documented name
        from envfs_cli.daemon import begun

        conversation = begun.take_begun(str(sys._xoptions.pop(_BEGUN)))  # noqa: SLF001
        return Link(conversation.connection, private=False).begun_as(conversation)
    mine = user_locations()
    paths = [mine.socket]
    if mine.link and not os.path.exists(mine.socket):
        from envfs_cli.daemon import other_session

        paths += other_session.socket_by_link(mine)
    if "ENVFS_HOME" not in os.environ and not os.path.exists(mine.vault):
        paths.append(locations.system_locations().socket)
    return next(filter(None, map(_connect, paths)), None)


def need_running(hint: str = "start it with `envfs mount`") -> Link:
    """As `running_daemon`, but wait for a daemon that is starting. If there is none, raise NotRunning with `hint`."""
    link = _started(_START_SECONDS, _FREE_SECONDS)
    if link is None:
        raise join_refusals.no_daemon(hint)
    return link.renewed_by(need_running)


def _started(seconds: float, free_seconds: float) -> "Link | None":
    # whoever has the lock and no socket may be a daemon that is starting. A lock that is free may be between two
    until, free_until = time.monotonic() + seconds, 0.0
    while (link := running_daemon()) is None and time.monotonic() < until:
        with _vault_lock() as lock:
            is_free = lock.take()
        if is_free and time.monotonic() >= (free_until := free_until or time.monotonic() + free_seconds):
            return running_daemon()
        free_until = free_until if is_free else 0.0
        time.sleep(_STEP)
    return link


def _connect(path: str) -> "Link | None":
    connection = connecting.connect_to(path)
    return Link(connection, private=False) if connection is not None else None


def start_private_daemon(lock: int = -1, *, looks: bool = False) -> Link:
    """Start a daemon for this command alone, and hand it the lock, or one that only `looks`, which needs none."""
    from envfs_cli.daemon import launch

    link = Link(launch.connect_to_started(user_locations(), lock, looks=looks), private=True)
    if _BROUGHT in sys.modules or _IDENTITY_VARIABLES & os.environ.keys():
        from envfs_cli.daemon import brought_identity

        brought_identity.bring_identity(link)
    return link
