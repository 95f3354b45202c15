"""Where a file is expected and something else stands, every command answers, says what it is, and keeps no lock.

Of each table, place by kind, `make test` tries each place and each kind; all places with all kinds are `make soak`'s.
"""

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import Homes
from tests.selection import spread
from tests.system.home import ENVFS, SECONDS, Home, alive, eventually
from tests.system.odd_files import KINDS, plant
from tests.system.probing import attempt

# the path below the home, and with what `get` may end
_PLACES: dict[str, tuple[int, ...]] = {
    "state/access.jsonl": (112,),
    "state/access.jsonl.end": (112,),
    "state/.access.jsonl.end.new": (0,),
    "state/seen.jsonl": (113,),
    "state/.seen.jsonl.new": (0,),
    "state/daemon.lock": (0, 113),
    "state/daemon.log": (0,),
    "state/linked.json": (0,),
    "state": (113,),
    "run": (0,),
    "run/control.sock": (0,),
    "envfs.toml": (102, 115),
    ".envfs.toml.new": (0,),
    "identity.age": (107, 119),
    "vault": (119,),
    "vault/vault.toml": (113, 119),
    "vault/level/app/@00000001.json": (111, 113),
    "vault/level/app": (111, 113),
    "vault/key/app/@00000001.age": (111, 113),
    "vault/tree/app/@": (0,),
}
_FOLDERS = ("state", "run", "vault", "vault/level/app")
_HARMFUL = ("FIFO", "folder", "device", "looping link", "sparse terabyte")


@pytest.fixture(scope="module")
def whole(new_home: Homes, typed: Home) -> tuple[Home, Path]:
    """Give a home, and a copy to bring it back from."""
    home = new_home(typed)
    original = home.path.with_name(f"{home.path.name}-original")
    shutil.copytree(home.path, original, symlinks=True)
    return home, original


@pytest.fixture
def target(whole: tuple[Home, Path]) -> Iterator[Home]:
    """Give the home; afterwards nothing works there any more, and it is as it was."""
    home, original = whole
    yield home
    home.settle()
    shutil.rmtree(home.path)
    shutil.copytree(original, home.path, symlinks=True)
    home.forget_witness()  # a home that is put back is what the kernel's keyring is there to notice


Ended = subprocess.CompletedProcess[str]


def answered(home: Home, *words: str, given: str | None = None, cwd: Path | str = "/") -> Ended:
    """Run `envfs`; it must answer in time, and without a traceback."""
    done = subprocess.run(
        [ENVFS, *words],
        input=given,
        stdin=subprocess.DEVNULL if given is None else None,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
        env=home.environ(home.knowing()),
        cwd=cwd,
    )
    assert "Traceback" not in done.stderr
    assert done.returncode != 1
    if done.returncode:
        assert done.stderr.startswith("envfs: ") or done.stdout
    return done


@pytest.mark.parametrize(
    ("place", "kind"), spread(_PLACES, _HARMFUL, but=lambda place, kind: kind == "folder" and place in _FOLDERS)
)
@pytest.mark.parametrize("many", [False, pytest.param(True, marks=pytest.mark.soak)], ids=["one more", "all"])
def test_every_command_answers_when_no_daemon_runs(target: Home, place: str, kind: str, many: bool) -> None:
    plant(target.path / place, kind)
    got = answered(target, "get", "/app", "TOKEN")
    assert got.returncode in _PLACES[place], got
    assert (got.stdout == "tok-71-sentinel\n") == (got.returncode == 0)
    others: list[tuple[str, ...]] = [("set", "/app", "OTHER"), ("status",)]
    for words in others if many else others[list(_PLACES).index(place) % 2 :][:1]:
        answered(target, *words, given="v" if words[0] == "set" else None)


_NEEDED = ("state/seen.jsonl", "envfs.toml", "identity.age", "vault/vault.toml", "state/access.jsonl.end")


@pytest.mark.parametrize(("place", "kind"), spread(_NEEDED, KINDS))
def test_the_refusal_names_the_file_and_what_it_is(target: Home, place: str, kind: str) -> None:
    plant(target.path / place, kind)
    complaint = answered(target, "get", "/app", "TOKEN").stderr
    if kind in ("FIFO", "socket", "folder"):
        assert f"it is a {kind}, not a regular file" in complaint
        assert place.rpartition("/")[2] in complaint
    assert "envfs: hint: " in complaint


_WHILE_IT_RUNS = [
    place for place in _PLACES if place not in ("run", "run/control.sock", "state", "vault", "state/daemon.lock")
]


@pytest.mark.parametrize("kind", ["FIFO", "folder", "device"])
def test_a_running_daemon_goes_on_answering(target: Home, whole: tuple[Home, Path], kind: str) -> None:
    daemon = target.mount(environ=target.knowing())
    try:
        for place in _WHILE_IT_RUNS:
            path, original = target.path / place, whole[1] / place
            plant(path, kind)
            for words in (("get", "/app", "TOKEN"), ("set", "/app", "OTHER"), ("status",)):
                answered(target, *words, given=str(time.monotonic()) if words[0] == "set" else None)
            attempt(0, "read", target.view("/app"))
            assert alive(daemon.pid)
            assert alive(daemon.keyholder)
            plant(path, "FIFO")
            path.unlink()
            if original.is_dir():
                shutil.copytree(original, path)
            elif original.exists():
                shutil.copy2(original, path)
    finally:
        target.end(daemon)


# -- what a person names -----------------------------------------------------------------------------------------------

_NAMED: dict[str, tuple[str, ...]] = {
    "set --from-file": ("set", "/app", "OTHER", "--from-file", "FILE"),
    "import": ("import", "FILE", "/app"),
    "import -f json": ("import", "-f", "json", "FILE", "/app"),
    "import -f yaml": ("import", "-f", "yaml", "FILE", "/app"),
    "import -f compose": ("import", "-f", "compose", "FILE", "/app"),
    "check --against": ("check", "/app", "--against", "FILE"),
    "--passphrase-file": ("get", "/app", "TOKEN", "--passphrase-file", "FILE"),
    "recipients": ("project", "recipients", "app", "--add-from", "FILE"),
}
_REFUSED = {
    "FIFO": 121,
    "socket": 100,
    "folder": 100,
    "device": 107,
    "dangling link": 100,
    "looping link": 100,
    "sparse terabyte": 107,
}


@pytest.mark.parametrize(("name", "kind"), spread(_NAMED, _REFUSED))
def test_a_named_file_that_is_none_is_refused_in_time(
    whole: tuple[Home, Path], tmp_path: Path, name: str, kind: str
) -> None:
    home, _ = whole
    path = tmp_path / "given"
    plant(path, kind)
    done = answered(home, *(str(path) if word == "FILE" else word for word in _NAMED[name]))
    if kind == "folder" and name.startswith("import"):
        assert done.returncode in (100, 103, 101)
        return
    assert done.returncode == _REFUSED[kind], done
    assert "given" in done.stderr or kind in ("device", "sparse terabyte")


def feed(path: Path, data: bytes, seconds: float) -> threading.Thread:
    """Write into a FIFO, slower than the client waits for a writer to come."""

    def write() -> None:
        with path.open("wb") as file:
            time.sleep(seconds)
            file.write(data)

    thread = threading.Thread(target=write)
    thread.start()
    return thread


@pytest.mark.parametrize("seconds", [0.0, 6.0])
def test_a_fifo_that_somebody_writes_into_is_read(target: Home, tmp_path: Path, seconds: float) -> None:
    path = tmp_path / "given"
    os.mkfifo(path)
    writer = feed(path, b"from-a-fifo", seconds)
    assert answered(target, "set", "/app", "OTHER", "--from-file", str(path)).returncode == 0
    writer.join()
    assert answered(target, "get", "/app", "OTHER").stdout == "from-a-fifo\n"


@pytest.mark.parametrize(
    ("name", "kind"), spread(["/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"], ["pipe", "socket", "file"])
)
def test_standard_input_may_be_named(target: Home, tmp_path: Path, name: str, kind: str) -> None:
    ours, theirs = socket.socketpair()
    (tmp_path / "file").write_bytes(b"by-name")
    with ours, theirs, (tmp_path / "file").open("rb") as file:
        reading, writing = os.pipe()
        os.write(writing, b"by-name")
        os.close(writing)
        ours.sendall(b"by-name")
        ours.shutdown(socket.SHUT_WR)
        source = {"pipe": reading, "socket": theirs.fileno(), "file": file.fileno()}[kind]
        words = [ENVFS, "set", "/app", "OTHER", "--from-file", name]
        environ = target.environ(target.knowing())
        subprocess.run(words, stdin=source, check=True, timeout=SECONDS, env=environ, capture_output=True)
        os.close(reading)
    assert answered(target, "get", "/app", "OTHER").stdout == "by-name\n"


# -- a project's folder ------------------------------------------------------------------------------------------------


def _project(folder: Path) -> None:
    subprocess.run(["git", "init", "-q", str(folder)], check=True, capture_output=True)


_IN_A_PROJECT: dict[str, Callable[[Path], tuple[tuple[str, ...], tuple[int, ...]]]] = {
    ".env": lambda folder: (("link", "--import", str(folder), "/app"), (118,)),
    ".gitignore": lambda folder: (("link", str(folder), "/app"), (0,)),
    ".git": lambda folder: (("link", str(folder), "/app"), (0,)),
    ".envfs.toml": lambda _: (("get", "TOKEN"), (115,)),
    "package.json": lambda folder: (("import", str(folder), "/app/family"), (0,)),
    ".env.local": lambda folder: (("import", str(folder), "/app/family"), (0, 107)),
}


@pytest.mark.parametrize(("name", "kind"), spread(_IN_A_PROJECT, _HARMFUL))
def test_a_projects_folder_may_hold_anything(target: Home, tmp_path: Path, name: str, kind: str) -> None:
    _project(tmp_path)
    (tmp_path / ".env").write_text("A=1\n", encoding="utf-8")
    if name in (".gitignore", ".git", ".envfs.toml"):
        (tmp_path / ".env").unlink()
    plant(tmp_path / name, kind)
    words, expected = _IN_A_PROJECT[name](tmp_path)
    done = answered(target, *words, cwd=tmp_path)
    if not (name == ".env" and kind == "sparse terabyte"):
        assert done.returncode in expected, done
    if kind != "sparse terabyte":
        assert (tmp_path / name).is_symlink() or not (tmp_path / name).is_file()


def test_the_home_still_works_after_all_this(target: Home) -> None:
    eventually(lambda: answered(target, "get", "/app", "TOKEN").stdout == "tok-71-sentinel\n", "the home is as it was")
