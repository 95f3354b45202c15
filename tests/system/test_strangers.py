"""Who cannot be told, or comes by a way of their own, gets nothing: through layers, from outside, by handles."""

import ctypes
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.system.home import ENVFS, SECONDS, Daemon, Home, alive, eventually, mount_lines
from tests.system.probing import attempt, attempts
from tests.system.watchers import writer

_STRANGER, _APPROVED = 4711, 1002
_QUESTIONS = ("stat", "lstat", "open", "read", "listdir", "access")
_libc = ctypes.CDLL(None, use_errno=True)


@pytest.fixture
def layered(served: tuple[Home, Daemon], tmp_path: Path) -> Iterator[tuple[Home, Path]]:
    """Give a mount of root's, and an overlay of root's on top of it that everybody may pass."""
    home, _ = served
    tmp_path.chmod(0o711)
    for parent in list(tmp_path.parents)[:3]:
        if parent.owner() == "root" and parent != Path("/tmp"):
            parent.chmod(0o711)
    upper, work, top = (tmp_path / name for name in ("upper", "work", "top"))
    for folder in (upper, work, top):
        folder.mkdir()
    options = f"lowerdir={home.mnt},upperdir={upper},workdir={work}"
    done = subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, str(top)], check=False)
    if done.returncode:
        pytest.skip("this kernel has no overlay on FUSE")
    try:
        yield home, top
    finally:
        subprocess.run(["umount", str(top)], check=True)


def test_a_layer_of_roots_gives_a_stranger_nothing(layered: tuple[Home, Path]) -> None:
    home, top = layered
    assert attempt(0, "read", top / "shop" / ".env").how == "ok"
    entries = len(home.log())
    for path in (top, top / "shop", top / ".env", top / "shop" / ".env", top / "shop" / ".vars"):
        hows = {(what, ended.how) for what, ended in _asked(_STRANGER, path) if what in ("listdir", "read")}
        assert ("listdir", "ok") not in hows
        assert ("read", "ok") not in hows
    rules = {str(entry["rule"]) for entry in home.log()[entries:] if entry["event"] == "refuse"}
    assert any(rule.startswith("unknown caller") for rule in rules)


def _asked(uid: int, path: Path) -> list[tuple[str, object]]:
    return list(zip(_QUESTIONS, attempts(uid, [[what, path] for what in _QUESTIONS]), strict=True))  # type: ignore[arg-type]


@contextmanager
def apart(home: Home) -> Iterator[tuple[Path, int]]:
    """Run a daemon in a process namespace of its own; its mount is reached from outside through /proc."""
    words = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", ENVFS, "mount", "--foreground"]
    with subprocess.Popen(words, env=home.environ(), stdout=subprocess.DEVNULL, cwd="/") as outer:
        try:
            eventually(home.socket.exists, "the daemon listens")
            children = Path(f"/proc/{outer.pid}/task/{outer.pid}/children")
            inner = int(children.read_text().split()[0])
            eventually(lambda: any(f" {home.mnt} " in line for line in mount_lines(inner)), "it is mounted")
            yield Path(f"/proc/{inner}/root{home.mnt}"), inner
        finally:
            outer.kill()
    eventually(lambda: not alive(inner), "the daemon ends")


def test_an_approved_uid_outside_the_daemons_process_namespace_gets_nothing(shop: Home) -> None:
    with apart(shop) as (mnt, inner):
        inside = ["nsenter", "-t", str(inner), "-p", "-m", "cat", str(shop.view("/shop"))]
        done = subprocess.run(inside, capture_output=True, check=False, timeout=SECONDS)
        assert done.stdout, done
        names = (".env", "shop", "shop/.env", "shop/.vars/S3_BUCKET", "shop/.history/1/.env", "nothing")
        for path in (mnt / name for name in names):
            assert {how for _, (how, _) in _asked(0, path)} == {"EACCES"}, path
        assert attempt(0, "listdir", mnt).how == "EACCES"


def test_a_file_handle_opens_for_its_own_reader_alone(served: tuple[Home, Daemon]) -> None:
    home, _ = served
    home.envfs("grant", "/", "--uid", str(_APPROVED))
    file = home.view("/shop")
    mount = os.open(home.mnt, os.O_RDONLY)
    try:
        with file.open() as held:
            handle = _handle(file)
            assert _open(mount, handle) == "ok"
            home.envfs("revoke", "/", "--uid", "0")
            assert _open(mount, handle) == "EACCES"
            assert held.fileno() > 0
        home.envfs("grant", "/", "--uid", "0")
        generation = handle[-4:]
        for number in range(2, 3000):
            high, low = number >> 32, number & 0xFFFFFFFF
            assert _open(mount, handle[:8] + struct.pack("=II", high, low) + generation) == "ESTALE"
    finally:
        os.close(mount)


def test_the_numbers_of_two_readers_of_one_file_have_nothing_in_common(served: tuple[Home, Daemon]) -> None:
    home, _ = served
    home.envfs("grant", "/", "--uid", str(_APPROVED))
    for path in (home.view("/shop"), home.mnt / "shop", home.mnt / "shop" / ".vars"):
        mine, theirs = (attempt(uid, "inode", path).found for uid in (0, _APPROVED))
        assert mine != theirs
        assert mine == attempt(0, "inode", path).found
        assert min(int(str(mine)), int(str(theirs))) > 1 << 32


def _handle(file: Path) -> bytes:
    room, mount = ctypes.create_string_buffer(struct.pack("=Ii", 128, 0), 136), ctypes.c_int()
    assert _libc.name_to_handle_at(-100, os.fsencode(file), room, ctypes.byref(mount), 0) == 0
    return room.raw[: 8 + struct.unpack_from("=I", room.raw)[0]]


def _open(mount: int, handle: bytes) -> str:
    file = _libc.open_by_handle_at(mount, ctypes.create_string_buffer(handle, len(handle)), os.O_RDONLY)
    if file < 0:
        import errno

        return errno.errorcode[ctypes.get_errno()]
    os.close(file)
    return "ok"


_FLOOD = """
import errno, json, os, sys
opened, answers = [], []
for path in sys.argv[2:]:
    ended = "ok"
    for _ in range(int(sys.argv[1])):
        try:
            opened.append(os.open(path, os.O_RDONLY))
        except OSError as error:
            ended = errno.errorcode[error.errno]
            break
    answers.append(ended)
print(json.dumps(answers), flush=True)
sys.stdin.readline()
for handle in opened:
    os.close(handle)
print("closed", flush=True)
sys.stdin.readline()
"""


@contextmanager
def _flood(uid: int, each: int, paths: list[Path]) -> Iterator["subprocess.Popen[str]"]:
    import resource

    words = ["setpriv", "--reuid", str(uid), "--regid", str(uid), "--clear-groups", "--", sys.executable, "-I", "-S"]
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, limits[1]), limits[1]))
    try:
        process = subprocess.Popen(
            [*words, "-c", _FLOOD, str(each), *map(str, paths)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd="/",
        )
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    with process:
        yield process
        process.kill()


def _said(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_old_versions_that_one_user_holds_are_bounded_and_others_read_on(served: tuple[Home, Daemon]) -> None:
    home, _ = served
    home.envfs("grant", "/shop", "--uid", str(_APPROVED))
    with writer(home.socket) as write:
        for number in range(70):
            write.set("/shop", "COUNT", str(number))
    versions = [home.history_view("/shop", number) for number in range(1, 71)]
    with _flood(_APPROVED, 1, versions) as process:
        answers = _said(process)
        assert answers.count('"ok"') == 64
        assert answers.count('"ENFILE"') == 6
        assert home.view("/shop/prod").read_bytes()
        assert home.history_view("/shop", 70).read_bytes()
        assert attempt(_APPROVED, "read", home.view("/shop")).how == "ENFILE"
        _end_of(process)
        eventually(lambda: attempt(_APPROVED, "read", home.view("/shop")).how == "ok", "there is room again")


def test_handles_of_one_user_are_bounded_and_others_read_on(served: tuple[Home, Daemon]) -> None:
    home, _ = served
    home.envfs("grant", "/shop", "--uid", str(_APPROVED))
    with _flood(_APPROVED, 1100, [home.view("/shop")]) as process:
        assert _said(process) == '["ENFILE"]'
        assert home.view("/shop").read_bytes()
        assert attempt(_APPROVED, "listdir", home.mnt / "shop").how == "ENFILE"
        _end_of(process)
        eventually(lambda: attempt(_APPROVED, "read", home.view("/shop")).how == "ok", "there is room again")


def _end_of(process: "subprocess.Popen[str]") -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()
    assert _said(process) == "closed"
