"""A mount's handlers, asked by paths as programs ask the kernel: what comes back is a text, or the name of an errno."""

import errno
import os
from typing import NamedTuple

from pyfuse3 import EntryAttributes, FileInfo, FUSEError

from envfs.fuse.operations import Operations
from tests.component.world import Context

CTX = Context()


class Answer(NamedTuple):
    """The error of an answer, `ok` for none, and the text."""

    error: str
    text: str = ""


class Reader:
    """Asks the handlers of one mount, one question after the other, each as pyfuse3 does."""

    def __init__(self, operations: Operations) -> None:
        self.operations = operations

    async def walk(self, path: str, ctx: Context = CTX) -> EntryAttributes:
        """Look up each step of a path, from the root on."""
        number = 1
        for name in path.split("/"):
            entry = await self.operations.lookup(number, name.encode(), ctx)  # type: ignore[arg-type]
            number = entry.st_ino
        return entry

    async def open(self, number: int, flags: int = os.O_RDONLY, ctx: Context = CTX) -> FileInfo:
        """Open a file."""
        return await self.operations.open(number, flags, ctx)  # type: ignore[arg-type]

    async def read(self, handle: int) -> str:
        """Read all of an opened file at once."""
        return bytes(await self.operations.read(handle, 0, 65_000)).decode()

    async def cat(self, path: str, ctx: Context = CTX) -> Answer:
        """Open, read and close a file, as `cat` does."""
        try:
            opened = await self.open((await self.walk(path, ctx)).st_ino, ctx=ctx)
            try:
                return Answer("ok", await self.read(opened.fh))
            finally:
                await self.operations.release(opened.fh)
        except FUSEError as error:
            return Answer(errno.errorcode[error.errno])
