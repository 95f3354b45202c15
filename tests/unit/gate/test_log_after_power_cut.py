"""What a power cut leaves of a log's end: every such file opens, says what was dropped, and loses nothing of before.

A file's new size can be on the disk before its bytes: then there are zeros in their place, in blocks of any size.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from envfs.core import audit, events
from envfs.core.access.verdict import Decision, Verdict
from envfs.core.access_request import AccessRequest, Channel, Format
from envfs.core.events import Served
from envfs.errors import LogBroken
from envfs.gate.audit_log import chain_verification
from envfs.gate.audit_log.log import AccessLog

REQUEST = AccessRequest("/shop", Channel.MOUNT, Format.DOTENV)
READ = events.read(REQUEST, Served(1), Verdict(Decision.ALLOW, "uid 1000 /"))
BLOCK = 512


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a log of which two entries were remembered, and eight more were not."""
    path = tmp_path_factory.mktemp("log") / "access.jsonl"
    log = AccessLog(path)
    for count in range(10):
        if count == 2:
            log.remember()
        log.append(READ._replace(version=count), None)
    log._file.close()
    return path


def _images(tail: bytes, step: int) -> Iterator[tuple[str, bytes, int]]:
    """Yield each name, tail, and from which byte on it is not what was written: cuts at every so-manieth byte.

    Of those beside a line end none is left out.
    """
    ends = {at + beside for at, byte in enumerate(tail, 1) if byte == ord("\n") for beside in (-1, 0, 1)}
    for at in sorted(ends.intersection(range(len(tail) + 1)).union(range(0, len(tail) + 1, step))):
        yield f"cut at {at}", tail[:at], at
        yield f"zeros from {at} on", tail[:at] + bytes(len(tail) - at), at
    for at in range(0, len(tail), BLOCK):
        yield f"a block of zeros at {at}", tail[:at] + bytes(min(BLOCK, len(tail) - at)) + tail[at + BLOCK :], at
        yield f"one zero at {at}", tail[:at] + b"\0" + tail[at + 1 :], at
    for more in (1, 4096, 1 << 20):
        yield f"{more} zeros behind it", tail + bytes(more), len(tail)
        yield f"{more} zeros behind half of it", tail[: len(tail) // 2 + 7] + bytes(more), len(tail) // 2 + 7
    yield "zeros and a line end", tail + bytes(100) + b"\n", len(tail)


@pytest.mark.parametrize("step", [7, pytest.param(1, marks=pytest.mark.soak)])
def test_every_end_that_a_power_cut_can_leave_opens(
    written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    monkeypatch.setattr(os, "fsync", lambda _handle: None)  # some thousand files
    monkeypatch.setattr(os, "fdatasync", lambda _handle: None)
    data, end = written.read_bytes(), written.with_name("access.jsonl.end").read_text(encoding="ascii")
    synced = int(end.split()[2])
    path = tmp_path / "access.jsonl"
    count = 0
    for name, tail, at in _images(data[synced:], step):
        path.write_bytes(data[:synced] + tail)
        path.chmod(0o600)
        path.with_name("access.jsonl.end").write_text(end, encoding="ascii")
        whole = data[: data.rindex(b"\n", 0, synced + at) + 1]
        log = AccessLog(path)
        assert (log.problem, path.read_bytes()) == ("", whole), name
        log.append(READ, None)
        log.close()
        entries = [body for _, body in audit.walk_chain(path.read_bytes().splitlines(keepends=True))]
        mended = [str(body["rule"]) for body in entries if body["event"] == "mend"]
        assert len(mended) == (len(data[:synced] + tail) > len(whole)), name
        last = f"after entry {len(whole.splitlines())} was dropped"
        assert all(rule.endswith(last) for rule in mended), name
        assert chain_verification.verify_chain(path).end == log.tip, name
        count += 1
    assert count > 2 * len(data[synced:]) // step


@pytest.mark.parametrize("at", [10, 300])
def test_zeros_before_what_is_remembered_are_a_break(written: Path, tmp_path: Path, at: int) -> None:
    data, end = written.read_bytes(), written.with_name("access.jsonl.end").read_bytes()
    path = tmp_path / "access.jsonl"
    path.write_bytes(data[:at] + bytes(20) + data[at + 20 :])
    path.chmod(0o600)
    path.with_name("access.jsonl.end").write_bytes(end)
    log = AccessLog(path)
    assert bool(log.problem) == (at > 250)  # the line that the end names
    assert path.read_bytes()[at : at + 20] == bytes(20)
    with pytest.raises(LogBroken, match="broken at line"):
        chain_verification.verify_chain(path)
    log.close()


def test_a_log_that_is_nothing_but_zeros_and_was_never_remembered_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "access.jsonl"
    path.write_bytes(bytes(200_000))
    path.chmod(0o600)
    log = AccessLog(path)
    assert (log.problem, path.read_bytes()) == ("", b"")
    log.append(READ, None)
    log.close()
    assert "200000 bytes, zeros among them, after entry 0" in path.read_text(encoding="ascii")
