"""A vault in a folder of its own with a real keyholder, and a caller to ask with: what the tests here share."""

import array
import errno
import fcntl
import json
import os
import socket
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

import pyfuse3
import trio

from envfs import locations
from envfs.control.connection import Connection
from envfs.core.access.caller import Caller
from envfs.core.access.rule import Rule
from envfs.core.operations import Operation
from envfs.daemon.housekeeping import finish_changes
from envfs.daemon.keyholder_process import KeyholderLink
from envfs.fuse import nodes
from envfs.fuse.nodes import Node, NodeKind
from envfs.fuse.operations import Operations
from envfs.gate.keyholder import Keyholder
from envfs.gate.views.ready_views import Views
from envfs.gate.views.view_times import ViewTimes
from envfs.protocol import control, framing, wire
from envfs.rules_file import RulesFile
from envfs.service.changes.changes import ChangeNotices
from envfs.service.changes.comparison import Comparison
from envfs.service.keys.identity import load_identity
from envfs.service.project_keys import ProjectKeys
from envfs.service.service import OpenVault, Service
from envfs.service.writer import LevelChange, Writer
from envfs.settings import SettingsFile
from envfs.vault.vault import Vault

T = TypeVar("T")
ME = Caller(os.geteuid(), os.getegid(), os.getpid(), "/usr/bin/python3")
STRANGER = Caller(54_321, 54_321, os.getpid(), "/usr/bin/python3")
LEVELS = {
    "/": "REGION=eu\nLOG=info\n",
    "/shop": "# the shop\nDATABASE_URL='postgres://shop:hunter2@db/shop'\nLOG=debug\n",
    "/shop/prod": "DATABASE_URL='postgres://prod:hunter3@db/prod'\nPAGER=on\n",
    "/blog": "TITLE='My blog'\n",
}
PROD = "REGION=eu\nLOG=debug\nDATABASE_URL=postgres://prod:hunter3@db/prod\nPAGER=on\n"
TRUSTED = 0.002  # seconds: a look at a folder is trusted for a millisecond
LATER = 0.02  # longer than any look that is trusted for a while


class Context(NamedTuple):
    """Who asks, as pyfuse3 tells it."""

    uid: int = ME.uid
    gid: int = ME.gid
    pid: int = ME.pid
    umask: int = 0o022


class Counting:
    """A keyholder that counts what it is asked."""

    def __init__(self, keyholder: Keyholder) -> None:
        self._keyholder = keyholder
        self.turn = keyholder.turn
        self.asked: list[str] = []

    async def ask(
        self, request: NamedTuple, expected: type, blobs: tuple[bytes, ...] = (), descriptors: tuple[int, ...] = ()
    ) -> object:
        self.asked.append(type(request).__name__)
        return await self._keyholder.ask(request, expected, blobs, descriptors)


class Replied(NamedTuple):
    """All that came back to one request: the rows, the reply, what the blobs hold together."""

    rows: list[object]
    reply: object
    blob: bytes


class Client:
    """A client's end of a connection, spoken by hand."""

    def __init__(self, stream: trio.socket.SocketType) -> None:
        self.socket = stream
        self._decoder = framing.Decoder(1 << 26, 1 << 26)

    async def send(self, data: bytes, descriptors: tuple[int, ...] = ()) -> None:
        rights = array.array("i", descriptors)
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)] if descriptors else []
        sent = await self.socket.sendmsg([data], ancillary)
        while sent < len(data):
            sent += await self.socket.send(data[sent:])

    async def message(self) -> tuple[object, tuple[bytes, ...]] | None:
        """Return the next message and its blobs; None if the daemon has left."""
        while (found := self._decoder.next()) is None:
            try:
                data = await self.socket.recv(1 << 16)
            except ConnectionResetError:  # it left with bytes of ours unread
                return None
            if not data:
                return None
            self._decoder.feed(data)
        return wire.from_body(found[0], control.REPLIES), found[1]

    async def ask(self, request: NamedTuple, *secrets: bytes) -> Replied:
        return await self.ask_with(request, *map(memory, secrets))

    async def ask_with(self, request: NamedTuple, *descriptors: int) -> Replied:
        """Ask with descriptors, which are closed."""
        await self.send(framing.encode_frame(wire.to_body(request)), descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        rows: list[object] = []
        while (found := await self.message()) is not None:
            message, blobs = found
            if not isinstance(message, control.ROWS):
                return Replied(rows, message, b"".join(blobs[:-1]))
            rows.append(message)
        return Replied(rows, None, b"")


def writer_of(world: "World", vault: Vault) -> Writer:
    """Return a writer of another view of the vault."""
    keys = ProjectKeys(vault, world.keyholder, world.service.log, tuple)  # type: ignore[arg-type]
    views = Views(vault, world.keyholder)  # type: ignore[arg-type]
    changes = ChangeNotices(Comparison(vault, world.keyholder), ViewTimes(), views.renew)  # type: ignore[arg-type]
    return Writer(vault, keys, world.keyholder, world.service.log, changes)  # type: ignore[arg-type]


class World:
    """One home, opened as the daemon opens it."""

    def __init__(self, folder: Path, link: KeyholderLink) -> None:
        self.folder = folder
        self.places = locations.find_locations({"ENVFS_HOME": str(folder / "home")}, ME.uid, str(folder))
        self.keyholder = Counting(link)
        self.stopped = False
        self.service = Service(self.places, self.keyholder, self._stop)  # type: ignore[arg-type]
        self._operations: list[Operations] = []

    def _stop(self) -> None:
        self.stopped = True

    @property
    def open_vault(self) -> OpenVault:
        return self.service.open_vault

    def close(self) -> None:
        for operations in self._operations:
            for opened in operations._handles._open.values():
                if opened.view is not None:
                    opened.view.release()
            operations._callers.close()
        self.service.close()

    # -- asking as a client does ---------------------------------------------------------------------------------------

    async def talk(self, script: Callable[["Client"], Awaitable[T]], caller: Caller = ME) -> T:
        """Connect, run a script against the connection, leave; the daemon's end must end with it."""
        theirs, ours = trio.socket.socketpair()
        with ours:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(Connection(theirs, caller, self.service).serve)
                try:
                    return await script(Client(ours))
                finally:
                    ours.close()

    async def sent(self, request: NamedTuple, caller: Caller = ME, secret: bytes | None = None) -> "Replied":
        """Ask one thing, with a secret in memory if one goes along; return all that came back."""

        async def one(client: "Client") -> Replied:
            return await client.ask(request, *(() if secret is None else (secret,)))

        return await self.talk(one, caller)

    async def sent_with(self, request: NamedTuple, descriptor: int, caller: Caller = ME) -> "Replied":
        """Ask one thing with a descriptor, which is closed; return all that came back."""

        async def one(client: "Client") -> Replied:
            return await client.ask_with(request, descriptor)

        return await self.talk(one, caller)

    async def ask(self, request: NamedTuple, caller: Caller = ME, secret: bytes | None = None) -> object:
        """Ask one thing; return the reply."""
        return (await self.sent(request, caller, secret)).reply

    async def make(self) -> None:
        """Make the vault, with a plain identity beside it."""
        made = await self.ask(control.Init(str(self.folder / "identity.txt")))
        assert isinstance(made, control.Made), made

    async def write(self, level: str, text: str, verb: str = "replace") -> int:
        """Write a level's text; return its version."""
        descriptor = memory(text.encode())
        try:
            return (await self.open_vault.writer.write(ME, LevelChange(Operation(verb), level), (descriptor,))).version
        finally:
            os.close(descriptor)

    async def fill(self) -> None:
        """Make the vault and write the levels."""
        await self.make()
        for level, text in LEVELS.items():
            await self.write(level, text)

    # -- who may -------------------------------------------------------------------------------------------------------

    def allow(self, *grants: tuple[str, int]) -> None:
        """Let these grants (level, uid), and no others, be in the settings."""
        lines = [f'[[grant]]\nlevel = "{level}"\nuid = {uid}\n' for level, uid in grants]
        path = Path(self.places.settings)
        head = f'[identity]\nfile = "{self.folder / "identity.txt"}"\n'
        path.write_text(head + "".join(lines))
        path.chmod(0o600)
        Path(self.places.rules).unlink(missing_ok=True)
        time.sleep(LATER)

    def grants(self) -> tuple[Rule, ...]:
        time.sleep(LATER)
        given = (rule._replace(id="") for rule in RulesFile(Path(self.places.rules)).load().rules)
        return (*SettingsFile(Path(self.places.settings)).load().grants, *given)

    # -- the mount -----------------------------------------------------------------------------------------------------

    def operations(self, open_vault: OpenVault | None = None, *, for_all: bool = False) -> Operations:
        open_vault = open_vault or self.open_vault
        self._operations.append(Operations(open_vault.vault, open_vault.gate, for_all=for_all))
        return self._operations[-1]

    def entries(self) -> list[dict[str, object]]:
        """Return the access log."""
        return [json.loads(line) for line in Path(self.places.log).read_bytes().splitlines()]


def memory(data: bytes) -> int:
    """Put bytes into memory that a descriptor names."""
    handle = os.memfd_create("envfs-test", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.write(handle, data)
    fcntl.fcntl(handle, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
    return handle


def inode(operations: Operations, kind: str, level: str, version: int = 0, name: str = "") -> int:
    """Return the number of an inode of ours, as a look-up would have; of a view that is not ready, one that is old."""
    node, inodes = Node(NodeKind(kind), level, version, name), operations._inodes
    if node.is_folder:
        held = inodes.folder(node, ME)
    else:
        views = operations._gate.views
        past = (view for (of, _, *_), view in views._past.items() if of == level and view.version == version)
        view = next(past, None) if version else views.warm(level, node.face)
        there = view is not None and (kind != "value" or view.value(name) is not None)
        held = inodes.file(node, ME, view) if view is not None and there else inodes.placeholder(node, ME)
    operations.table.looked_up(held)
    return held.number


async def looked_up(operations: Operations, number: int, ctx: "Context" = Context()) -> int:  # noqa: B008
    """Look up the name of what an inode shows, as the kernel does before each open; return the inode of now."""
    node = operations.table[number].node
    folder = nodes.parent(node)
    parent = inode(operations, folder.kind, folder.level, folder.version)
    return (await operations.lookup(parent, nodes.name(node).encode(), ctx)).st_ino  # type: ignore[arg-type]


async def outcome(asked: Callable[[], Awaitable[object]]) -> str:
    """Return `ok`, or the name of the errno that the kernel would get."""
    try:
        await asked()
    except pyfuse3.FUSEError as error:
        return errno.errorcode[error.errno]
    return "ok"


def run(asked: Callable[[], Awaitable[T]]) -> T:
    """Run one coroutine function under trio. What is done to the files of the vault after it is noticed."""
    try:
        return trio.run(asked)
    finally:
        time.sleep(TRUSTED)


def opened_world(folder: Path, keyholder: KeyholderLink) -> World:
    """Return the world of a folder, as a daemon that starts finds it: unlocked, and what was broken off is finished."""
    world = World(folder, keyholder)

    async def start() -> None:
        await load_identity(world.service, ())
        await finish_changes(world.service)

    run(start)
    return world


async def read_file(operations: Operations, number: int, ctx: Context = Context()) -> bytes:  # noqa: B008
    """Look up, open, read and release a view, as `cat` does."""
    number = await looked_up(operations, number, ctx)
    found = await operations.open(number, os.O_RDONLY, ctx)  # type: ignore[arg-type]
    try:
        data = b""
        while piece := await operations.read(found.fh, len(data), 4096):
            data += piece
        return data
    finally:
        await operations.release(found.fh)
