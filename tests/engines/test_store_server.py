"""`envfs store-serve` and clients that are hostile to it: a member has a key of ssh, and may send anything."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from envfs import interpreter
from envfs.core import limits
from envfs.courier.store_server import parse_words
from envfs.errors import BadRequest
from envfs.host.process import landlock
from envfs.protocol import courier_requests as words
from envfs.protocol.framing import encode_frame

KEY = "level/shop/@00000001.json"
GREETING = words.encode_message(words.BeginServer(words.VERSION))


def said(folder: Path, data: bytes, *options: str, until: int = 1000) -> tuple[int, list[object], str]:
    """Let a server hear these bytes, until it has said so much or ended. Return its status, answers and complaint."""
    command = interpreter.start_command("envfs.courier.store_server", *options, str(folder))
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    decoder = words.MessageDecoder(words.ANSWERS, words.BLOB_BYTES)
    answers: list[object] = []
    with subprocess.Popen(command, cwd="/", env={}, **pipes) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        assert server.stderr is not None
        with contextlib.suppress(BrokenPipeError):
            server.stdin.write(data)
            server.stdin.flush()
        while len(answers) < until and (piece := os.read(server.stdout.fileno(), 1 << 16)):
            decoder.feed(piece)
            while (packet := decoder.next_packet()) is not None:
                answers.append(packet.message)
        complaint = server.communicate(timeout=120)[1]
    return server.returncode, answers, complaint.decode()


def test_a_client_that_sends_anything_else_is_told_once_and_left(tmp_path: Path) -> None:
    (tmp_path / "vault").mkdir()
    (tmp_path / "secret").write_text("hunter2")
    bad = (
        b"\0\0\0\5\1\0\0\0\3",  # the beginning of sftp
        GREETING + b"\xff" * 100,
        GREETING + encode_frame({"type": "put-record", "number": 1, "key": KEY, "blobs": [limits.RECORD_BYTES + 1]}),
        GREETING + words.encode_message(words.BeginCourier(f"folder:{tmp_path}")),
    )
    for data in bad:
        status, answers, complaint = said(tmp_path / "vault", data, "--append-only")
        assert isinstance(answers[-1], words.RequestFailed)
        assert (status, complaint) == (0, "")
    assert os.listdir(tmp_path / "vault") == []


def test_a_client_gets_at_nothing_outside_of_the_folder_and_takes_nothing_away(tmp_path: Path) -> None:
    (tmp_path / "vault" / "level" / "shop").mkdir(parents=True)
    (tmp_path / "vault" / KEY).write_bytes(b"x")
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "@00000001.json").write_text("hunter2")
    (tmp_path / "vault" / "level" / "link").symlink_to(tmp_path / "own")
    asks = (
        words.EraseRecord(1, KEY),
        words.GetRecords(2, ("../own/@00000001.json",)),
        words.GetRecords(3, ("level/link/@00000001.json",)),
        words.ListStoreKeys(4, "../"),
    )
    data = b"".join(map(words.encode_message, asks)) + words.encode_message(words.PutRecord(5, KEY), b"y")
    _, answers, _ = said(tmp_path / "vault", GREETING + data, "--append-only", until=6)
    assert answers[0] == words.ServerBegun(words.VERSION, append_only=True)
    failed = {answer.number for answer in answers if isinstance(answer, words.RequestFailed)}
    assert failed == ({1, 2, 3, 4} if landlock.landlock_version() else {1, 2, 4})
    assert words.RecordPut(5, is_new=False) in answers
    assert (tmp_path / "vault" / KEY).read_bytes() == b"x"


@pytest.mark.parametrize(
    ("words_", "original"),
    [
        ([], None),
        (["a", "b"], None),
        (["--erase", "a"], None),
        (["/srv"], ""),
        (["/srv"], "ls"),
        (["/srv"], "envfs store-serve"),
        (["/srv"], "envfs store-serve /srv --append-only"),
        (["/srv"], "envfs store-serve /etc"),
        (["/srv"], "envfs store-serve '/srv"),
        (["/srv"], "envfs store-serve /srv; id"),
        (["/srv"], "envfs exec /srv"),
    ],
)
def test_other_words_than_one_folder_and_other_commands_are_refused(words_: list[str], original: str | None) -> None:
    with pytest.raises(BadRequest):
        parse_words(words_, original)


def test_the_line_of_the_server_decides_and_not_the_command_of_the_client() -> None:
    assert parse_words(["--append-only", "/srv"], "envfs store-serve /srv") == (True, "/srv")
    assert parse_words(["--append-only", "/srv/"], "envfs store-serve '/srv/../srv'") == (True, "/srv")
    assert parse_words(["/srv"], None) == (False, "/srv")


def test_a_folder_that_is_not_there_is_a_fault_with_a_status(tmp_path: Path) -> None:
    status, answers, complaint = said(tmp_path / "nothing", GREETING)
    assert (status, answers) == (101, [])
    assert "is not there" in complaint
    assert sys.executable not in complaint
