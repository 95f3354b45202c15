"""What is acknowledged is on the disk: the order of writing, syncing and naming, as the kernel was asked for it.

A power cut between two such calls leaves a file or a name out, and never one that is named before it is whole.
"""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import Homes
from tests.system.bending import notice
from tests.system.crashing import STRACE
from tests.system.home import ENVFS, Home

_CALLS = "write,fsync,fdatasync,linkat,rename,mkdir,openat,ftruncate,sendmsg,sendto"
_LINE = re.compile(r"^(\d+) +(?:<\.\.\. )?([a-z0-9]+)(?: resumed>|\()(.*)$")
_HANDLE = re.compile(r"\d+<([^>]*)>(?:\(deleted\))?")
_QUOTED = re.compile(r'"([^"]*)"')


class Call(NamedTuple):
    """A system call that succeeded: its name, the file of its descriptor, and the paths that it names."""

    name: str
    file: str
    paths: tuple[str, ...]
    text: str


def _calls(trace: str) -> list[Call]:
    """Read what strace wrote, in the order in which the calls ended."""
    begun: dict[str, str] = {}
    done = []
    for line in trace.splitlines():
        match = _LINE.match(line)
        if match is None:
            continue
        pid, name, text = match.groups()
        if text.endswith("<unfinished ...>"):
            begun[pid] = text.removesuffix(" <unfinished ...>")
            continue
        if "resumed>" in line:
            text = begun.pop(pid, "") + text
        if ") = -1" in text or "= ?" in text:
            continue
        handle = _HANDLE.match(text)
        done.append(Call(name, handle[1] if handle else "", tuple(_QUOTED.findall(text)), text))
    return done


def _traced(home: Home, ground: Path, *words: str, given: str | None = None) -> list[Call]:
    out = ground / "trace"
    command = [
        str(STRACE),
        "-f",
        "--seccomp-bpf",
        "-y",
        "-s",
        "200",
        "-e",
        f"trace={_CALLS}",
        "-o",
        str(out),
        ENVFS,
        *words,
    ]
    subprocess.run(
        command,
        env=home.environ(),
        input=(given or "").encode(),
        check=True,
        capture_output=True,
        timeout=120,
    )
    home.settle()
    return _calls(out.read_text(encoding="utf-8", errors="replace"))


def _faults(calls: list[Call], home: Home) -> list[str]:
    """Name each file that was named before it was on the disk, and each name that was not put there.

    The code that the interpreter keeps in `__pycache__`, where it runs a module for the first time, is no file of ours.
    """
    dirty: set[str] = set()
    names: dict[str, str] = {}  # what is not on the disk yet, by its folder
    faults = []
    for call in calls:
        match call.name:
            case "write" | "ftruncate":
                dirty.add(call.file)
            case "fsync" | "fdatasync":
                dirty.discard(call.file)
                names = {path: folder for path, folder in names.items() if folder != call.file}
            case "rename" | "linkat":
                source = call.paths[0] if call.name == "rename" else call.file
                target = call.paths[-1]
                if source in dirty and "__pycache__" not in target:
                    faults.append(f"{target} is named before its bytes are on the disk")
                names[target] = str(Path(target).parent)
            case "mkdir":
                names[call.paths[0]] = str(Path(call.paths[0]).parent)
            case "openat" if "O_CREAT" in call.text and "O_TMPFILE" not in call.text:
                path = call.paths[0]
                if not Path(path).name.startswith("."):
                    names.setdefault(path, str(Path(path).parent))
            case _:
                pass
    ours = (str(home.path), str(home.path.parent / "identity"))
    ignored = ("/run", "daemon.lock", "daemon.log", ".new")
    left = [*(f"{path} is not synced" for path in dirty), *(f"the name {path} is not synced" for path in names)]
    return faults + [
        text for text in left if any(our in text for our in ours) and not any(word in text for word in ignored)
    ]


@pytest.mark.skipif(not STRACE, reason="needs strace")
def test_whatever_a_command_writes_is_on_the_disk_in_its_order(new_home: Homes, ground: Path) -> None:
    home = Home(ground / "traced")
    identity = ground / "identity-of-traced" / "identity.txt"
    commands: list[tuple[tuple[str, ...], str | None]] = [
        (("init", "--identity-file", str(identity)), None),
        (("set", "/shop/prod", "A"), "1"),
        (("set", "/shop/prod", "A"), "2"),
        (("get", "/shop/prod", "A"), None),
        (("grant", "/shop", "--uid", "5"), None),
        (("key", "rotate", "shop"), None),
        (("log", "rotate"), None),
        (("log", "restart"), None),
    ]
    for words, given in commands:
        assert _faults(_traced(home, ground, *words, given=given), home) == [], words
    shutil.rmtree(home.path)
    shutil.rmtree(identity.parent)


@pytest.mark.skipif(not STRACE, reason="needs strace")
def test_the_entry_of_a_change_is_on_the_disk_before_its_record(home: Home, ground: Path) -> None:
    calls = _traced(home, ground, "set", "/shop/prod", "A", given="1")
    order = [
        "entry" if call.file.endswith("access.jsonl") else "record"
        for call in calls
        if (call.name == "fdatasync" and call.file.endswith("access.jsonl"))
        or (call.name == "linkat" and "/level/shop/prod/@00000001" in call.paths[-1])
    ]
    assert order[:2] == ["entry", "record"]


# -- files that a power cut or a kill left unfinished ------------------------------------------------------------------

_LEFT: dict[str, Callable[[Home], Path]] = {
    "the log's end": lambda home: home.state / ".access.jsonl.end.new",
    "the marks": lambda home: home.state / ".seen.jsonl.new",
    "the settings": lambda home: home.path / ".envfs.toml.new",
    "the identity": lambda home: home.path / ".identity.age.new",
    "a record": lambda home: home.vault / "level/shop/prod/.new-77-abc",
    "a key": lambda home: home.vault / "key/shop/.new-77-abc",
    "an old key": lambda home: home.vault / "key/shop/.new-@00000001.age",
    "the index": lambda home: home.vault / "tree/shop/.new-77-abc",
    "the witness": lambda home: home.path / "run/.witness.new",
}


@pytest.mark.parametrize("data", [b"", b"half", bytes(5000)], ids=["empty", "half", "zeros"])
def test_what_was_not_finished_counts_nowhere(shop: Home, data: bytes) -> None:
    for place in _LEFT.values():
        path = place(shop)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    assert notice(shop)[:3] == (0, 0, 0)


@pytest.mark.parametrize(
    "tail", [bytes(4096), b'{"seq":9', b'{"seq":99,"t' + bytes(70_000)], ids=["zeros", "half", "both"]
)
def test_a_torn_end_of_log_and_marks_is_no_fault_and_is_told(shop: Home, tail: bytes) -> None:
    for path in (shop.log_file, shop.state / "seen.jsonl"):
        with path.open("ab") as file:
            file.write(tail)
    said = notice(shop)
    assert said[:3] == (0, 0, 0), said
    assert "was dropped" in str([entry.get("rule") for entry in shop.log() if entry["event"] == "mend"])


def test_a_torn_runtime_witness_says_nothing(shop: Home) -> None:
    shop.envfs("get", "/shop/prod", "DATABASE_URL")
    shop.settle()
    (shop.path / "run" / "witness").write_bytes(bytes(100))
    assert notice(shop)[:3] == (0, 0, 0)
