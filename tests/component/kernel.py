"""The kernel's side of a mount, by hand: questions as /dev/fuse has them, and what comes back."""

import errno
import os
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

import trio

from envfs.fuse.device.fuse_device import FuseDevice
from envfs.fuse.device.layout import IN_HEADER, OUT_HEADER, READ_IN, Opcode
from envfs.fuse.loop import Loop
from envfs.fuse.operations import Operations
from tests.component.world import Context

_MOST = 1 << 20
_PATIENCE = 60


class Answer(NamedTuple):
    """The error of an answer, `ok` for none, and its bytes."""

    error: str
    body: bytes

    @property
    def number(self) -> int:
        """The inode, or the handle, that it begins with."""
        number: int = struct.unpack_from("<Q", self.body)[0]
        return number


class Kernel:
    """Asks a mount's loop, one question after the other."""

    def __init__(self, side: socket.socket, loop: Loop) -> None:
        self._device = trio.socket.from_stdlib_socket(side)
        self._unique = 0
        self.loop = loop

    async def send(self, opcode: int, inode: int, words: bytes, ctx: Context = Context()) -> int:  # noqa: B008
        """Ask, and do not wait for the answer. Returns the question's number."""
        self._unique += 2
        head = IN_HEADER.pack(IN_HEADER.size + len(words), opcode, self._unique, inode, ctx.uid, ctx.gid, ctx.pid, 0)
        await self._device.send(head + words)
        return self._unique

    async def answer(self) -> tuple[int, Answer]:
        """Return the next answer, and to which question."""
        with trio.fail_after(_PATIENCE):
            data = await self._device.recv(_MOST)
        size, error, unique = OUT_HEADER.unpack_from(data)
        assert size == len(data)
        return unique, Answer(errno.errorcode[-error] if error else "ok", data[OUT_HEADER.size :])

    async def ask(self, opcode: int, inode: int, words: bytes = b"", ctx: Context = Context()) -> Answer:  # noqa: B008
        """Ask, and wait for the answer."""
        asked = await self.send(opcode, inode, words, ctx)
        unique, answer = await self.answer()
        assert unique == asked
        return answer

    async def look_up(self, inode: int, name: str, ctx: Context = Context()) -> Answer:  # noqa: B008
        """Look a name up in a folder."""
        return await self.ask(Opcode.LOOKUP, inode, name.encode() + b"\0", ctx)

    async def walk(self, path: str, ctx: Context = Context()) -> Answer:  # noqa: B008
        """Look up each step of a path, from the root on. Returns the answer to the last, or the first refusal."""
        answer = Answer("ok", struct.pack("<Q", 1))
        for name in path.split("/"):
            answer = await self.look_up(answer.number, name, ctx)
            if answer.error != "ok":
                return answer
        return answer

    async def open(self, inode: int, flags: int = os.O_RDONLY, ctx: Context = Context()) -> Answer:  # noqa: B008
        """Open a file."""
        return await self.ask(Opcode.OPEN, inode, struct.pack("<II", flags, 0), ctx)

    async def read(self, handle: int, start: int = 0, size: int = 65_000) -> Answer:
        """Read from an opened file."""
        return await self.ask(Opcode.READ, 0, READ_IN.pack(handle, start, size) + bytes(20))

    async def release(self, handle: int) -> Answer:
        """Close an opened file."""
        return await self.ask(Opcode.RELEASE, 0, struct.pack("<QIIQ", handle, 0, 0, 0))

    async def cat(self, path: str, ctx: Context = Context()) -> Answer:  # noqa: B008
        """Open, read and close a file, as `cat` does. Returns its text, or the first refusal."""
        found = await self.walk(path, ctx)
        if found.error != "ok":
            return found
        opened = await self.open(found.number, ctx=ctx)
        if opened.error != "ok":
            return opened
        text = await self.read(opened.number)
        assert (await self.release(opened.number)).error == "ok"
        return text

    def leave(self) -> None:
        """Undo the mount."""
        self._device.close()


@asynccontextmanager
async def served(operations: Operations) -> AsyncIterator[Kernel]:
    """Have a loop answer for these handlers during the block."""
    theirs, ours = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    device = FuseDevice(ours.fileno())
    kernel = Kernel(theirs, Loop(device, operations, operations.warm_answers(device)))
    with ours:
        async with trio.open_nursery() as tasks:
            tasks.start_soon(kernel.loop.run)
            try:
                yield kernel
            finally:
                kernel.leave()
