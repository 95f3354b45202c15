"""Segments of the access log: closed and sealed in time, compressed, removed with a signed word about it."""

import gzip
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from envfs.core import audit
from envfs.core.audit_settings import AuditSettings, Compression, Copies, Sync
from envfs.errors import AuditUnavailable
from envfs.host import journals
from envfs.protocol import control
from tests.component.world import ME, World, run

SMALL = AuditSettings(segment_bytes=4096)


@pytest.fixture
def logged(world: World) -> World:
    """Give one test a vault whose log has more than a small segment takes."""
    run(lambda: read(world, 20))
    return world


async def read(world: World, times: int = 8) -> None:
    for _ in range(times):
        reply = await world.ask(control.ReadView("/shop", "dotenv", "show"))
        assert isinstance(reply, control.ViewSent), reply


async def keep(world: World, settings: AuditSettings) -> None:
    await world.service.keeping.keep(settings, ME)


async def verified(world: World) -> control.Checked | control.Failed:
    reply = await world.ask(control.VerifyLog())
    assert isinstance(reply, control.Checked | control.Failed), reply
    return reply


def closed(world: World) -> list[Path]:
    return sorted(Path(world.places.log).parent.glob("access.jsonl.0*"))


def bodies(path: Path) -> list[dict[str, object]]:
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return [json.loads(line) for line in data.splitlines()]


async def with_segments(world: World, count: int) -> None:
    for _ in range(count):
        await read(world, 20)
        await keep(world, SMALL)


def test_a_segment_is_closed_behind_a_checkpoint_and_the_next_one_names_it_and_is_signed(logged: World) -> None:
    run(lambda: keep(logged, SMALL))
    (segment,) = closed(logged)
    assert bodies(segment)[-1]["event"] == "checkpoint"
    first, second = logged.entries()[:2]
    assert (first["event"], first["rule"]) == ("rotate", segment.name)
    assert first["prev"] == audit.tip_after(audit.Tip(), segment.read_bytes().splitlines(keepends=True)[-1]).digest
    assert second["event"] == "checkpoint"
    assert isinstance(run(lambda: verified(logged)), control.Checked)


def test_a_segment_that_is_small_and_young_goes_on(logged: World) -> None:
    run(lambda: keep(logged, AuditSettings(segment_seconds=3600)))
    assert not closed(logged)


def test_a_segment_is_closed_for_its_age_unless_nothing_was_written_into_it(logged: World) -> None:
    log = Path(logged.places.log)
    first = log.read_bytes().splitlines()[0]
    assert b'"time":"20' in first
    for _ in range(2):
        run(lambda: keep(logged, AuditSettings(segment_seconds=1)._replace(segment_seconds=-1)))
    assert len(closed(logged)) == 1


def test_what_cannot_be_signed_waits_to_be_closed(logged: World) -> None:
    run(lambda: logged.ask(control.Lock()))
    size = logged.service.log.end.size
    run(lambda: keep(logged, SMALL._replace(segment_bytes=size - 100)))
    assert not closed(logged)
    run(lambda: keep(logged, SMALL._replace(segment_bytes=size // 5)))
    assert len(closed(logged)) == 1


def test_entries_are_read_and_verified_in_compressed_segments(world: World) -> None:
    run(lambda: with_segments(world, 2))
    before = [line for path in closed(world) for line in path.read_bytes().splitlines(keepends=True)]
    run(lambda: keep(world, AuditSettings(compress=Compression.GZIP)))
    assert [path.suffix for path in closed(world)] == [".gz", ".gz"]
    lines = list(world.service.log.newest(0))
    assert lines[: len(before)] == before
    for count in (1, 5, 25, 45, len(lines)):
        assert list(world.service.log.newest(count)) == lines[-count:]
    assert isinstance(run(lambda: verified(world)), control.Checked)


def test_a_compression_that_was_interrupted_is_done_again(world: World) -> None:
    run(lambda: with_segments(world, 1))
    (segment,) = closed(world)
    segment.with_name(segment.name + ".gz").write_bytes(b"half of it")
    segment.with_name(f".{segment.name}.new").write_bytes(b"half of it")
    assert isinstance(run(lambda: verified(world)), control.Checked)
    run(lambda: keep(world, AuditSettings(compress=Compression.GZIP)))
    assert [path.suffix for path in closed(world)] == [".gz"]
    assert isinstance(run(lambda: verified(world)), control.Checked)


def damaged(data: bytes) -> Iterator[bytes]:
    yield data[:-9]
    yield b"no gzip" + data
    yield data[:20] + bytes([data[20] ^ 1]) + data[21:]
    yield gzip.compress(gzip.decompress(data).replace(b'"uid":0', b'"uid":7', 1), mtime=0)


def test_a_compressed_segment_that_was_changed_is_named(world: World) -> None:
    run(lambda: with_segments(world, 1))
    run(lambda: keep(world, AuditSettings(compress=Compression.GZIP)))
    (segment,) = closed(world)
    for data in damaged(segment.read_bytes()):
        segment.write_bytes(data)
        reply = run(lambda: verified(world))
        assert isinstance(reply, control.Failed)
        assert segment.name in reply.text


def test_the_oldest_segments_are_removed_and_a_signed_entry_says_so(world: World) -> None:
    run(lambda: with_segments(world, 3))
    oldest = closed(world)[:2]
    last = bodies(oldest[1])[-1]["seq"]
    run(lambda: keep(world, AuditSettings(keep_segments=1)))
    assert len(closed(world)) == 1
    (drop,) = [entry for entry in world.entries() if entry["event"] == "drop"]
    assert str(drop["rule"]).startswith(f"entries 1 to {last} ")
    reply = run(lambda: verified(world))
    assert isinstance(reply, control.Checked)
    assert any(f"entries 1 to {last} are not here: a signed entry" in note for note in reply.notes)
    run(lambda: keep(world, AuditSettings(keep_segments=1)))
    assert len([entry for entry in world.entries() if entry["event"] == "drop"]) == 1


def test_segments_go_by_their_age_too(world: World) -> None:
    run(lambda: with_segments(world, 2))
    run(lambda: keep(world, AuditSettings(keep_seconds=3600)))
    assert len(closed(world)) == 2
    run(lambda: keep(world, AuditSettings(keep_seconds=-1)))
    assert not closed(world)


def test_nothing_is_removed_that_no_signature_vouches_for(world: World) -> None:
    run(lambda: with_segments(world, 2))
    run(lambda: world.ask(control.Lock()))
    run(lambda: keep(world, AuditSettings(keep_segments=1)))
    assert len(closed(world)) == 2


def test_a_segment_that_a_person_removed_is_missed_until_one_says_so(world: World) -> None:
    run(lambda: with_segments(world, 2))
    closed(world)[0].unlink()
    reply = run(lambda: verified(world))
    assert isinstance(reply, control.Failed)
    assert "entries 1 to" in reply.text
    run(lambda: world.ask(control.RotateLog()))
    assert isinstance(run(lambda: verified(world)), control.Checked)
    (drop,) = [entry for path in closed(world) for entry in bodies(path) if entry["event"] == "drop"]
    assert drop["uid"] == ME.uid


def test_with_sync_always_an_entry_is_on_the_disk_when_it_counts(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    log = world.service.log
    log.settings = lambda: AuditSettings(sync=Sync.ALWAYS)
    run(lambda: read(world, 1))
    assert not log.unsynced

    def fail(_handle: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", fail)
    reply = run(lambda: world.ask(control.ReadView("/shop", "dotenv", "show")))
    assert isinstance(reply, control.Failed)
    assert reply.code == AuditUnavailable.code


@pytest.mark.parametrize("to", [Copies.JOURNALD, Copies.SYSLOG])
def test_copies_go_to_a_socket_that_is_never_waited_for(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, to: Copies
) -> None:
    path = str(tmp_path / "socket")
    monkeypatch.setattr(journals, "_JOURNAL" if to is Copies.JOURNALD else "_SYSLOG", path)
    log = world.service.log
    log.settings = lambda: AuditSettings(copies=to)
    run(lambda: read(world, 2))
    assert log.copies.dropped == 2
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as taking:
        taking.bind(path)
        run(lambda: read(world, 1))
        assert Path(world.places.log).read_bytes().splitlines()[-1] in taking.recv(1 << 16)
        run(lambda: read(world, 3000))  # more than it holds
    dropped = log.copies.dropped
    assert dropped > 2
    assert any(f"{dropped} copies of log entries" in problem for problem in world.service.problems())
