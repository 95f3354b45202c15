"""A name that is held without content (O_PATH): what its holder is told before its rule changes, and after.

The holder asks the daemon by fstat, and the kernel's own memory alone by statx with AT_STATX_DONT_SYNC. What the kernel
keeps is no secret of the daemon's (docs/threat-model.md). It must never be more than the holder was told before.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import pytest

from tests.conftest import Homes
from tests.system.home import LOOK, Home, as_user, eventually
from tests.system.peer import HELLO, Peer

ALICE = 4101
NAMES = (".env", ".env.json", ".environ", ".env.example", ".vars/TOKEN", ".history/1/.env", ".history/1/.vars/TOKEN")
FOLDERS = ("", ".vars", ".history", ".history/1")
TRUE, GROWN = "TOKEN=short\n", "TOKEN=short\nMORE=twenty-three-characters\n"
ALLOW, MASK = "", 'decision = "mask"\n'

_HOLDER = """
import ctypes, errno, json, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
held = {path: os.open(path, os.O_PATH) for path in json.loads(sys.argv[1])}


def asked(handle):
    try:
        return os.fstat(handle).st_size
    except OSError as error:
        return errno.errorcode[error.errno]


def remembered(handle):
    answer = ctypes.create_string_buffer(256)
    if libc.statx(handle, b"", 0x1000 | 0x4000, 0x7FF, answer):
        return errno.errorcode[ctypes.get_errno()]
    return struct.unpack_from("=Q", answer, 40)[0]


def opened(handle):
    try:
        with open(f"/proc/self/fd/{handle}", "rb") as file:
            return len(file.read())
    except OSError as error:
        return errno.errorcode[error.errno]


for line in sys.stdin:
    print(json.dumps([{p: deed(h) for p, h in held.items()} for deed in (remembered, asked, opened)]), flush=True)
"""
Told = dict[str, object]


class Holder(NamedTuple):
    """A process that holds names: files of the level by their short names, and folders."""

    ask: Callable[[], tuple[Told, Told, Told]]


@pytest.fixture(scope="module")
def place(new_home: Homes) -> Iterator[Home]:
    """Give the module a mount with one level, and no rule."""
    home = new_home()
    with home.served():
        home.envfs("revoke", "/", "--uid", "0")
        yield home


@pytest.fixture
def level(place: Home, request: pytest.FixtureRequest) -> str:
    """Give a test a level of its own."""
    name = "/l" + str(abs(hash(request.node.name)))
    write(place, name, TRUE)
    return name


def write(home: Home, level: str, text: str) -> None:
    with Peer(home.socket) as peer:
        peer.ask(HELLO)
        request = {"type": "import-text", "level": level, "replace": True, "dry": False}
        assert peer.ask_all(request, (text,))[1]["type"] == "written"


def rule(home: Home, level: str, more: str | None) -> None:
    """Let this be the only rule, or none."""
    head = home.settings.read_text(encoding="utf-8").partition("[[grant]]")[0]
    table = f'[[grant]]\nlevel = "{level}"\nuid = {ALICE}\n{more}' if more is not None else ""
    home.edit_settings(head + table)
    time.sleep(LOOK)


@contextmanager
def holding(home: Home, level: str) -> Iterator[Holder]:
    folder = f"{home.mnt}{level}/"
    paths = [folder + name for name in (*NAMES, *FOLDERS)]
    words = [*as_user(ALICE), sys.executable, "-I", "-S", "-c", _HOLDER, json.dumps(paths)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd="/") as process:

        def ask() -> tuple[Told, Told, Told]:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write("\n")
            process.stdin.flush()
            by_path = json.loads(process.stdout.readline())
            remembered, asked, opened = ({path[len(folder) :]: how for path, how in each.items()} for each in by_path)
            return remembered, asked, opened

        yield Holder(ask)
        process.kill()


def sizes(home: Home, level: str) -> Told:
    """Return the size of each file as the holder's user gets it by its name."""
    code = "import json, os, sys; print(json.dumps([os.stat(p).st_size for p in json.loads(sys.argv[1])]))"
    paths = json.dumps([f"{home.mnt}{level}/{name}" for name in NAMES])
    words = [*as_user(ALICE), sys.executable, "-I", "-S", "-c", code, paths]
    done = subprocess.run(words, capture_output=True, check=True, timeout=60, cwd="/")
    return dict(zip(NAMES, json.loads(done.stdout), strict=True))


def told_no_more(holder: Holder, sizes: Told, refusal: str, names: Sequence[str]) -> None:
    """Hold the answers to what was told before: a change is touched, after which the kernel knows that for a moment."""

    def is_refused() -> bool:
        remembered, asked, opened = holder.ask()
        for name in names:
            assert remembered[name] == sizes.get(name, 0)
            assert asked[name] in (refusal, sizes.get(name, 0))
            assert opened[name] == refusal
        return {asked[name] for name in names} == {refusal}

    eventually(is_refused, "the kernel asks again")


@pytest.mark.parametrize("first", [ALLOW, MASK], ids=["values", "placeholders"])
def test_after_a_revocation_nothing_is_told(place: Home, level: str, first: str) -> None:
    rule(place, level, first)
    own = sizes(place, level)
    with holding(place, level) as holder:
        _, asked, opened = holder.ask()
        assert {name: asked[name] for name in NAMES} == own
        assert {name: opened[name] for name in NAMES} == own
        rule(place, level, None)
        eventually(lambda: set(holder.ask()[1].values()) == {"EACCES"}, "the kernel asks again")
        for text in (TRUE, GROWN):
            write(place, level, text)
            told_no_more(holder, own, "EACCES", (*NAMES, *FOLDERS))


@pytest.mark.parametrize(("first", "then"), [(ALLOW, MASK), (MASK, ALLOW)], ids=["to placeholders", "to values"])
def test_another_face_is_told_by_its_own_names_alone(place: Home, level: str, first: str, then: str) -> None:
    rule(place, level, first)
    before = sizes(place, level)
    with holding(place, level) as holder:
        holder.ask()
        rule(place, level, then)
        assert sizes(place, level)[".env"] != before[".env"]
        eventually(lambda: {holder.ask()[1][name] for name in NAMES} == {"ESTALE"}, "the kernel asks again")
        for text in (TRUE, GROWN):
            write(place, level, text)
            told_no_more(holder, before, "ESTALE", NAMES)


def test_who_keeps_its_rule_is_told_what_it_holds(place: Home, level: str) -> None:
    rule(place, level, MASK)
    with holding(place, level) as holder:
        before = holder.ask()[1]
        write(place, level, GROWN)
        asked = holder.ask()[1]
        grown = sizes(place, level)
    for name in NAMES:
        assert asked[name] in (before[name], grown[name]), name
