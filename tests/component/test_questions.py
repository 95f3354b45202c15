"""The kernel's questions become calls of handlers, and what these return the bytes that the kernel expects."""

import errno
import os
import stat
import struct

import pytest

from envfs.fuse.device import replies
from envfs.fuse.device.facts import EntryAttributes, FileSystemRoom
from envfs.fuse.device.layout import INIT_IN, SET_HANDLE, SET_MTIME, SETATTR_IN, Opcode
from tests.component.kernel import Kernel, served
from tests.component.world import PROD, World, run

_NO_ANSWER = (Opcode.FORGET, Opcode.BATCH_FORGET, Opcode.INTERRUPT)
_WRITES = (
    *(Opcode.SYMLINK, Opcode.MKNOD, Opcode.MKDIR, Opcode.UNLINK, Opcode.RMDIR, Opcode.RENAME, Opcode.RENAME2),
    *(Opcode.LINK, Opcode.WRITE, Opcode.SETXATTR, Opcode.REMOVEXATTR, Opcode.CREATE),
)
_UNKNOWN = (31, 33, 37, 39, 43, 46, 47, 50, 51, 52, 4096)  # locks, bmap, ioctl, fallocate, lseek, statx and others
_READ_DIR_PLUS = 1 << 13


def test_whatever_would_change_something_is_refused(shared: World) -> None:
    async def main() -> None:
        async with served(shared.operations()) as kernel:
            for opcode in _WRITES:
                assert (await kernel.ask(opcode, 1, bytes(64))).error == "EROFS"

    run(main)


def test_what_nobody_knows_the_kernel_does_without(shared: World) -> None:
    async def main() -> None:
        async with served(shared.operations()) as kernel:
            for opcode in _UNKNOWN:
                assert (await kernel.ask(opcode, 1, bytes(64))).error == "ENOSYS"

    run(main)


def test_what_is_forgotten_and_interrupted_has_no_answer(shared: World) -> None:
    operations = shared.operations()

    async def main() -> None:
        async with served(operations) as kernel:
            numbers = [(await kernel.look_up(1, name)).number for name in ("shop", "blog")]
            assert all(number in operations.table._times for number in numbers)
            await kernel.send(Opcode.FORGET, numbers[0], struct.pack("<Q", 1))
            await kernel.send(Opcode.BATCH_FORGET, 0, struct.pack("<IIQQ", 1, 0, numbers[1], 1))
            await kernel.send(Opcode.INTERRUPT, 0, struct.pack("<Q", 2))
            assert (await kernel.ask(Opcode.STATFS, 1)).error == "ok"
            assert not any(number in operations.table._times for number in numbers)

    run(main)


@pytest.mark.parametrize("words", [b"", b"\xff" * 7, b"\xff" * 200], ids=len)
def test_a_question_that_is_no_such_question_is_an_error_and_ends_nothing(
    shared: World, words: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    async def main() -> None:
        async with served(shared.operations()) as kernel:
            for opcode in [code for code in Opcode if code not in _NO_ANSWER]:
                await kernel.ask(opcode, 99, words)
            assert (await kernel.ask(Opcode.STATFS, 1)).error == "ok"

    run(main)


async def _listing(kernel: Kernel, inode: int, room: int) -> list[tuple[str, int, int, int]]:
    handle = (await kernel.ask(Opcode.OPENDIR, inode, struct.pack("<II", 0, 0))).number
    rows: list[tuple[str, int, int, int]] = []
    start = 0
    while body := (await kernel.ask(Opcode.READDIRPLUS, inode, struct.pack("<QQI20x", handle, start, room))).body:
        assert len(body) <= room
        while body:
            number, (size, *_), mode = *struct.unpack_from("<Q", body), struct.unpack_from("<Q", body, 48), 0
            mode = struct.unpack_from("<I", body, 40 + 60)[0]
            listed, start, length, kind = struct.unpack_from("<QQII", body, 128)
            assert (listed, kind) == (number, stat.S_IFMT(mode) >> 12)
            rows.append((body[152 : 152 + length].decode(), number, size, mode))
            body = body[152 + -(-length // 8) * 8 :]
    assert (await kernel.ask(Opcode.RELEASEDIR, inode, struct.pack("<QIIQ", handle, 0, 0, 0))).error == "ok"
    return rows


@pytest.mark.parametrize("room", [200, 500, 4096])
def test_a_listing_comes_in_pieces_of_any_size(shared: World, room: int) -> None:
    async def main() -> None:
        async with served(shared.operations()) as kernel:
            assert (await kernel.cat("shop/prod/.env")).body.decode() == PROD
            rows = await _listing(kernel, (await kernel.walk("shop/prod")).number, room)
            names = [name for name, *_ in rows]
            assert names == [".env", ".env.example", ".env.json", ".environ", ".vars", ".history"]
            assert {name: size for name, _, size, _ in rows}[".env"] == len(PROD)
            assert stat.S_ISDIR(rows[-1][3])

    run(main)


def test_the_first_question_settles_what_both_sides_can(shared: World) -> None:
    async def main() -> None:
        async with served(shared.operations()) as kernel:
            answer = await kernel.ask(Opcode.INIT, 0, INIT_IN.pack(7, 45, 1 << 20, 0xFFFF_FFFF))
            major, _, _, flags, *_ = struct.unpack_from("<IIII", answer.body)
            assert (answer.error, len(answer.body), major) == ("ok", 64, 7)
            assert flags & _READ_DIR_PLUS
            few = await kernel.ask(Opcode.INIT, 0, INIT_IN.pack(7, 45, 1 << 20, _READ_DIR_PLUS))
            assert struct.unpack_from("<I", few.body, 12)[0] == _READ_DIR_PLUS
            assert (await kernel.ask(Opcode.INIT, 0, INIT_IN.pack(7, 10, 0, 0))).error == "EPROTO"

    run(main)


def test_attributes_and_room_are_where_the_kernel_looks_for_them() -> None:
    entry = EntryAttributes()
    entry.st_ino, entry.st_size, entry.st_mode, entry.st_uid, entry.generation = 7, 1234, stat.S_IFREG | 0o400, 33, 9
    entry.st_mtime_ns, entry.attr_timeout, entry.entry_timeout = 5_000_000_006, 0.5, 2
    found = replies.entry(entry)
    assert struct.unpack_from("<QQQQII", found) == (7, 9, 2, 0, 0, 500_000_000)
    assert struct.unpack_from("<QQ", found, 40) == (7, 1234)
    assert struct.unpack_from("<Q", found, 40 + 32) == (5,)
    assert struct.unpack_from("<I", found, 40 + 52) == (6,)
    assert struct.unpack_from("<IIII", found, 40 + 60) == (stat.S_IFREG | 0o400, 1, 33, 0)
    told = replies.attributes(entry)
    assert (told[16:], len(told)) == (found[40:], 104)
    assert len(replies.room(FileSystemRoom(4096, 255))) == 80


def test_only_the_daemon_sets_a_time_and_the_kernel_says_which(shared: World) -> None:
    async def main() -> None:
        async with served(shared.operations()) as kernel:
            number = (await kernel.walk("shop/prod/.env")).number
            for fields in (SET_MTIME, SET_HANDLE, 0):
                words = SETATTR_IN.pack(fields, 0, 1) + bytes(72)
                assert (await kernel.ask(Opcode.SETATTR, number, words)).error == "EROFS"

    run(main)


def test_extended_attributes_are_asked_for_by_size_first(shared: World) -> None:
    async def main() -> None:
        async with served(shared.operations(for_all=True)) as kernel:
            name = b"system.posix_acl_access\0"
            size = (await kernel.ask(Opcode.GETXATTR, 1, struct.pack("<II", 0, 0) + name)).number
            value = await kernel.ask(Opcode.GETXATTR, 1, struct.pack("<II", size, 0) + name)
            assert (value.error, len(value.body)) == ("ok", size)
            assert (await kernel.ask(Opcode.GETXATTR, 1, struct.pack("<II", size - 1, 0) + name)).error == "ERANGE"
            assert (await kernel.ask(Opcode.GETXATTR, 1, struct.pack("<II", 0, 0) + b"user.x\0")).error == "ENODATA"

    run(main)


def test_an_error_is_told_by_its_number(shared: World) -> None:
    async def main() -> None:
        async with served(shared.operations()) as kernel:
            assert (await kernel.look_up(1, "nope")).error == errno.errorcode[errno.ENOENT]
            assert (await kernel.ask(Opcode.ACCESS, 1, struct.pack("<II", os.R_OK, 0))).error == "ok"

    run(main)
