"""How a log and a vault are bent in the tests, and what the commands say of it afterwards."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from envfs.errors import AuthenticationFailed
from tests.system.alone import answers, reading
from tests.system.home import Home, Row

Harm = Callable[[Home], None]


class Notice(NamedTuple):
    """What a read and the two verifications say of a home: three statuses, and all their words."""

    get: int
    verify: int
    log_verify: int
    words: str


def notice(home: Home, level: str = "/shop/prod", name: str = "DATABASE_URL") -> Notice:
    """Ask for one value and for both verifications; the statuses are those of the commands that ask so."""
    told = answers(home, [reading(level, name), {"type": "verify-vault"}, {"type": "verify-log"}])
    words = " ".join(json.dumps([each.rows, each.reply], ensure_ascii=False) for each in told)
    statuses = [each.status for each in told]
    if told[1].reply.get("failed"):
        statuses[1] = AuthenticationFailed.status
    return Notice(*statuses, words)


def notice_by_commands(home: Home, level: str = "/shop/prod", name: str = "DATABASE_URL") -> Notice:
    """Read one value and verify all by the three commands, and wait until that has ended."""
    said = [
        home.envfs("get", level, name, status=None),
        home.envfs("verify", "--json", status=None),
        home.envfs("log", "verify", status=None),
    ]
    home.settle()
    words = " ".join(each.complaint for each in said) + said[1].text
    assert "Traceback" not in words
    return Notice(*(each.status for each in said), words)


BOTH_WAYS = [notice, pytest.param(notice_by_commands, marks=pytest.mark.soak)]
Noticed = Callable[[Home], Notice]


def lines(home: Home) -> list[bytes]:
    """Return the lines of the log's file."""
    return home.log_file.read_bytes().splitlines(keepends=True)


def write_lines(home: Home, made: list[bytes]) -> None:
    """Write the log's file anew, in its place."""
    home.log_file.write_bytes(b"".join(made))


def chained(made: list[bytes], begin: int = 1, prev: str = "0" * 64) -> list[bytes]:
    """Number entries and name the hash of the line before in each, as somebody does who forges a log."""
    chain = []
    for number, line in enumerate(made, begin):
        body: Row = {**json.loads(line), "seq": number, "prev": prev}
        text = json.dumps(body, separators=(",", ":")).encode() + b"\n"
        prev = hashlib.sha256(text).hexdigest()
        chain.append(text)
    return chain


def end_file(home: Home) -> Path:
    """Return where the log's end is remembered."""
    return home.state / "access.jsonl.end"


def forge(home: Home, *, without: str) -> None:
    """Write the log anew without one kind of entry and without checkpoints, and its remembered end to fit."""
    made = chained([line for line in lines(home) if json.loads(line)["event"] not in (without, "checkpoint")])
    write_lines(home, made)
    digest = hashlib.sha256(made[-1]).hexdigest()
    end_file(home).write_text(f"{len(made)} {digest} {sum(map(len, made))}\n", encoding="ascii")


def checkpoints(home: Home) -> list[Path]:
    """Return the files of the log's checkpoints, the oldest first."""
    return sorted((home.vault / "log").rglob("@*.json"))


def drop_checkpoints(home: Home) -> None:
    """Remove all of them."""
    shutil.rmtree(home.vault / "log")


def saved(home: Home, what: str) -> Path:
    """Return where an older copy of a folder lies."""
    return home.path.with_name(f"{home.path.name}-{what}")


def save(home: Home) -> None:
    """Copy vault and state beside the home."""
    for what in ("vault", "state"):
        shutil.copytree(home.path / what, saved(home, what))


def put_back(home: Home, *names: str) -> None:
    """Put files or folders of the copy in the place of the present ones."""
    for name in names:
        top, _, rest = name.partition("/")
        there, source = home.path / name, saved(home, top) / rest
        if source.is_dir():
            shutil.rmtree(there)
            shutil.copytree(source, there)
        else:
            shutil.copy2(source, there)


def replace_by(path: Path, kind: str) -> None:
    """Put something that is no file in the place of one."""
    moved = path.with_name(f"moved-{path.name}")
    path.rename(moved)
    match kind:
        case "a pipe":
            os.mkfifo(path)
        case "a folder":
            path.mkdir()
        case "a link":
            path.symlink_to(moved)
        case _:
            raise AssertionError(kind)
