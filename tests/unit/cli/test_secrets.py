"""Secrets travel in memory with a descriptor: no file is left, no limit is passed."""

import contextlib
import os
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

from envfs.core import limits
from envfs.errors import EnvFSError, TooLarge, WrongPassphrase
from envfs_cli import secrets
from envfs_cli.terminal import prompts


@contextlib.contextmanager
def standard_input(data: bytes) -> Iterator[None]:
    """Let descriptor 0 be a pipe that holds `data`."""
    reading, writing = os.pipe()
    os.write(writing, data)
    os.close(writing)
    saved = os.dup(0)
    os.dup2(reading, 0)
    os.close(reading)
    try:
        yield
    finally:
        os.dup2(saved, 0)
        os.close(saved)


def content(handle: int) -> bytes:
    """Read what a descriptor holds, and close it."""
    with os.fdopen(handle, "rb") as file:
        return os.pread(file.fileno(), 1 << 21, 0)


@pytest.mark.parametrize(
    "data", [b"", b"hunter2", b"\0\xff\n", b"x" * 300_000], ids=["nothing", "text", "bytes", "long"]
)
def test_bytes_are_in_memory_that_only_the_descriptor_names(data: bytes) -> None:
    handle = secrets.from_bytes(data)
    assert os.readlink(f"/proc/self/fd/{handle}").startswith("/memfd:envfs")
    assert os.fstat(handle).st_size == len(data)
    assert not os.get_inheritable(handle)
    assert content(handle) == data


@pytest.mark.parametrize("data", [b"", b"hunter2\n", b"x" * 200_000], ids=["nothing", "text", "long"])
def test_a_file_is_copied_to_the_letter_and_none_is_left(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "file").write_bytes(data)
    handle = secrets.from_file(str(tmp_path / "file"), "the value", 1 << 20)
    assert os.readlink(f"/proc/self/fd/{handle}").startswith("/memfd:envfs")
    assert content(handle) == data
    assert os.listdir(tmp_path) == ["file"]


def test_standard_input_is_copied_to_its_end() -> None:
    with standard_input(b"hunter2\n"):
        assert content(secrets.from_file("-", "the value", 100)) == b"hunter2\n"
        os.fstat(0)  # and stays open


@pytest.mark.parametrize("size", [100, 101, 100_000])
def test_a_file_over_the_limit_is_refused(tmp_path: Path, size: int) -> None:
    (tmp_path / "file").write_bytes(b"x" * size)
    if size == 100:
        assert len(content(secrets.from_file(str(tmp_path / "file"), "the value", 100))) == 100
        return
    with pytest.raises(TooLarge, match="the value is too large"):
        secrets.from_file(str(tmp_path / "file"), "the value", 100)


@pytest.mark.parametrize("name", ["missing", "file/below"])
def test_what_is_not_there_is_said_without_its_path_which_may_be_the_secret(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(EnvFSError, match="cannot read the value: ") as caught:
        secrets.from_file(str(tmp_path / name), "the value", 100)
    assert name not in caught.value.text + caught.value.hint


def test_no_descriptor_is_left_whatever_happens(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 1000)
    before = len(os.listdir("/proc/self/fd"))
    for path, limit in ((tmp_path / "file", 10), (tmp_path / "none", 10), (tmp_path, 10)):
        with pytest.raises(EnvFSError):
            secrets.from_file(str(path), "the value", limit)
    os.close(secrets.from_file(str(tmp_path / "file"), "the value", 1000))
    assert len(os.listdir("/proc/self/fd")) <= before


# -- values ------------------------------------------------------------------------------------------------------------


def test_a_value_from_a_file_is_taken_to_the_letter(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"hunter2\n")
    handle, trim = secrets.value_descriptor("A", str(tmp_path / "file"))
    assert (content(handle), trim) == (b"hunter2\n", False)


@pytest.mark.parametrize("file", ["-", None])
def test_a_value_from_standard_input_loses_one_line_end(file: str | None) -> None:
    with standard_input(b"hunter2\n"):
        handle, trim = secrets.value_descriptor("A", file)
    assert (content(handle), trim) == (b"hunter2\n", True)


def test_the_longest_value_may_come_with_its_line_end() -> None:
    data = b"x" * limits.VALUE_BYTES + b"\n"
    done = subprocess.run(
        [sys.executable, "-c", "from envfs_cli import secrets; print(secrets.value_descriptor('A', '-')[1])"],
        input=data,
        capture_output=True,
        check=False,
    )
    assert done.stdout == b"True\n", done.stderr.decode()[-300:]


def test_at_a_terminal_the_value_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answers(monkeypatch, "hünter2")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    handle, trim = secrets.value_descriptor("DATABASE_URL", None)
    assert (content(handle), trim) == ("hünter2".encode(), True)
    assert asked == ["value of DATABASE_URL: "]


@pytest.mark.parametrize("data", [b"", b"\n", b"\r\n"])
def test_a_value_that_is_empty_is_refused(data: bytes, tmp_path: Path) -> None:
    with standard_input(data), pytest.raises(EnvFSError, match="the value is empty") as caught:
        secrets.value_descriptor("A", None)
    assert "--empty" in caught.value.hint
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(EnvFSError, match="the value is empty"):
        secrets.value_descriptor("A", str(tmp_path / "file"))


# -- passphrases -------------------------------------------------------------------------------------------------------


def answers(monkeypatch: pytest.MonkeyPatch, *words: str) -> list[str]:
    asked: list[str] = []
    left = list(words)

    def ask(prompt: str, _what: str, _limit: int, *, lines: bool = False) -> bytes:
        asked.append(prompt)
        assert lines == prompt.startswith("value")
        return left.pop(0).encode()

    monkeypatch.setattr(prompts, "ask_hidden", ask)
    return asked


@pytest.fixture(autouse=True)
def _no_passphrase_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ENVFS_PASSPHRASE_FILE", raising=False)


STRONG = "correct horse battery staple"


def test_a_passphrase_is_asked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answers(monkeypatch, "correct horse")
    assert content(secrets.passphrase_descriptor(None)) == b"correct horse"
    assert asked == ["passphrase: "]


def test_a_new_passphrase_is_asked_for_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answers(monkeypatch, STRONG, STRONG)
    assert content(secrets.new_passphrase(None)) == b"correct horse battery staple"
    assert asked == ["new passphrase: ", "the same again: "]


def test_a_projects_passphrase_is_asked_for_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVFS_PASSPHRASE_FILE", "/nowhere")
    asked = answers(monkeypatch, STRONG, STRONG, STRONG)
    assert content(secrets.passphrase_descriptor(None, "/shop")) == content(secrets.new_passphrase(None, "/shop"))
    assert asked == ["passphrase of /shop: ", "new passphrase of /shop: ", "the same again: "]


def test_a_weak_new_passphrase_is_said_to_be_and_used_only_on_a_yes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers(monkeypatch, *["hunter2"] * 8)
    monkeypatch.setattr(prompts, "confirm", lambda _question: False)
    with pytest.raises(WrongPassphrase):
        secrets.new_passphrase(None)
    monkeypatch.setattr(prompts, "confirm", lambda _question: True)
    assert content(secrets.new_passphrase(None)) == b"hunter2"
    said = capsys.readouterr().err
    assert said.count("this passphrase is weak") == 4
    assert "hunter2" not in said


def test_a_weak_new_passphrase_in_a_file_is_said_to_be_and_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "weak").write_text("letmein1\n")
    assert content(secrets.new_passphrase(str(tmp_path / "weak"))) == b"letmein1\n"
    said = capsys.readouterr().err
    assert "this passphrase is weak" in said
    assert "letmein" not in said


def test_two_different_new_passphrases_make_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, *[STRONG, "correct house battery staple"] * 3)
    with pytest.raises(WrongPassphrase) as caught:
        secrets.new_passphrase(None)
    assert "correct" not in caught.value.text + caught.value.hint


def test_a_new_passphrase_may_be_typed_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers(monkeypatch, "", STRONG, "correct house battery staple", STRONG, STRONG)
    assert content(secrets.new_passphrase(None)) == STRONG.encode()
    said = capsys.readouterr().err
    assert "the passphrase is empty: try again" in said
    assert "the two passphrases differ: try again" in said


def test_the_same_characters_are_the_same_however_they_are_composed(monkeypatch: pytest.MonkeyPatch) -> None:
    composed, taken_apart = (unicodedata.normalize(form, f"{STRONG} é") for form in ("NFC", "NFD"))
    answers(monkeypatch, composed, taken_apart)
    assert content(secrets.new_passphrase(None)) == composed.encode()


def test_a_passphrase_file_asks_nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = answers(monkeypatch)
    (tmp_path / "one").write_bytes(b"first\n")
    (tmp_path / "two").write_bytes(b"second\n")
    monkeypatch.setenv("ENVFS_PASSPHRASE_FILE", str(tmp_path / "two"))
    assert content(secrets.passphrase_descriptor(str(tmp_path / "one"))) == b"first\n"
    assert content(secrets.passphrase_descriptor(None)) == b"second\n"
    assert asked == []
