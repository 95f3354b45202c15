"""One path at the same moment: values for the approved program, placeholders for every other, nothing for strangers.

All programs but the stranger's are of one uid. The approved one is a copy of the interpreter, named by its path.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from envfs.dotenv.placeholders.masking import FIRST_LINE
from tests.conftest import Homes
from tests.system.home import OWNER, Home, as_user

READER, STRANGER = 1002, 1003
SCRIPT = Path(__file__).with_name("facing.py").read_text(encoding="utf-8")
TRUE = "TOKEN=ghp_0123456789abcdefghijABCDEFGHIJ012345\nURL=redis://:hunter2@cache:6379/0\nDEBUG=true\nPORT=3000\n"
SECRETS = ("0123456789abcdefghij", "hunter2", "DEBUG=true", "PORT=3000")


class Faced(NamedTuple):
    """A mounted home with a level of two faces, who reads there, and the approved program."""

    home: Home
    reader: int
    approved: Path

    def run(self, *words: str, uid: int | None = None) -> "subprocess.CompletedProcess[bytes]":
        """Run a program as the reader, or as another user."""
        return subprocess.run(
            [*as_user(self.reader if uid is None else uid), *words],
            capture_output=True,
            check=False,
            cwd="/",
            timeout=60,
        )

    def read_by(self, program: Path | str, path: Path, reads: int, uid: int | None = None) -> "subprocess.Popen[str]":
        """Start a program that reads a path so many times once it gets a line."""
        words = [
            *as_user(self.reader if uid is None else uid),
            str(program),
            "-I",
            "-S",
            "-c",
            SCRIPT,
            str(path),
            str(reads),
        ]
        return subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd="/")


def faced(home: Home, reader: int, folder: Path) -> Faced:
    """Write the level, and give the rules: one for a program, one for all others of the same uid."""
    folder.mkdir()
    folder.chmod(0o755)
    approved = folder / "approved"
    shutil.copy(os.path.realpath(sys.executable), approved)
    home.envfs("import", "-", "/shop", given=TRUE)
    home.envfs("grant", "/shop", "--uid", str(reader), "--decision", "mask")
    home.envfs("grant", "/shop", "--uid", str(reader), "--exe", str(approved))
    return Faced(home, reader, approved)


@pytest.fixture(scope="module")
def place(new_home: Homes, own_ground: Path) -> Iterator[Faced]:
    """Give a module root's mount with the level of two faces."""
    home = new_home()
    with home.served():
        yield faced(home, READER, own_ground / "faces")


def masked_text(place: Faced) -> str:
    text = place.run("cat", str(place.home.view("/shop"))).stdout.decode()
    assert text.startswith(FIRST_LINE)
    assert not any(secret in text for secret in SECRETS)
    assert [line.partition("=")[0] for line in text.splitlines()[1:]] == ["TOKEN", "URL", "DEBUG", "PORT"]
    return text


def tools(place: Faced, reads: int) -> bytes:
    """Let `cat`, and then `git`, read the path so many times; return all that they say."""
    code = "for command in cat 'git hash-object'; do for _ in $(seq $1); do $command $0; done; done"
    return place.run("sh", "-c", code, str(place.home.view("/shop")), str(reads)).stdout


def git_name(text: str) -> bytes:
    """Return what git calls a file of this content, and a line end."""
    data = text.encode()
    return hashlib.sha1(b"blob %d\0%b" % (len(data), data), usedforsecurity=False).hexdigest().encode() + b"\n"


def interleaved(place: Faced, reads: int) -> None:
    """Let seven programs read one path together, so many reads in all, and hold each to its face."""
    path, masked = place.home.view("/shop"), masked_text(place)
    readers = [(place.approved, TRUE), (sys.executable, masked), (place.approved, TRUE), (sys.executable, masked)]
    programs = [place.read_by(program, path, reads // 5) for program, _ in readers]
    programs.append(place.read_by(place.approved, path, reads // 5, STRANGER))
    for program in programs:
        assert program.stdin is not None
        program.stdin.write("go\n")
        program.stdin.flush()
    others = tools(place, reads // 100)
    outputs = [json.loads(program.communicate()[0]) for program in programs]
    assert others == masked.encode() * (reads // 100) + git_name(masked) * (reads // 100)
    assert outputs == [*([{}, [text]] for _, text in readers), [{"PermissionError": reads // 5}, []]]


def test_the_approved_program_reads_values_and_every_other_reads_placeholders(place: Faced) -> None:
    path, masked = str(place.home.view("/shop")), masked_text(place)
    by_git = place.run("git", "diff", "--no-index", "--no-color", "/dev/null", path).stdout.decode().splitlines()
    assert [line[1:] for line in by_git if line.startswith("+")][1:] == masked.splitlines()
    code = "import sys; sys.stdout.write(open(sys.argv[1]).read())"
    assert place.run(sys.executable, "-I", "-c", code, path).stdout.decode() == masked
    assert place.run(str(place.approved), "-I", "-S", "-c", code, path).stdout.decode() == TRUE
    assert place.run("stat", "-c", "%s", path).stdout.decode().strip() == str(len(masked))
    stranger = place.run("cat", path, uid=STRANGER)
    assert (stranger.returncode, stranger.stdout) == (1, b"")
    assert b"Permission denied" in stranger.stderr
    decisions = {entry["decision"] for entry in place.home.log() if entry["event"] == "read"}
    assert {"mask", "allow"} <= decisions


def test_reads_of_several_programs_never_mix(place: Faced) -> None:
    interleaved(place, 300)


@pytest.mark.soak
def test_ten_thousand_reads_of_several_programs_never_mix(place: Faced) -> None:
    interleaved(place, 10_000)


def test_commands_get_the_face_of_the_program_that_asks(place: Faced) -> None:
    home = place.home
    shown = json.loads(home.envfs("export", "/shop", "-f", "json", uid=READER).out)
    assert list(shown) == ["TOKEN", "URL", "DEBUG", "PORT"]
    said = home.envfs("exec", "/shop", "--", "env", uid=READER)
    assert said.complaint.count("masked by envfs") == 1
    assert f"TOKEN={shown['TOKEN']}\n" in said.text
    assert not any(secret in said.text for secret in SECRETS)
    refused = home.envfs("export", "/shop", "--own", uid=READER, status=102)
    assert "placeholders" in refused.complaint


def test_what_a_program_hands_on_is_what_it_got(place: Faced) -> None:
    path = str(place.home.view("/shop"))
    code = "import os, sys; os.dup2(os.open(sys.argv[1], 0), 0); os.execvp('cat', ['cat', *sys.argv[2:]])"
    words = (str(place.approved), "-I", "-S", "-c", code, path)
    assert place.run(*words).stdout.decode() == TRUE
    again = place.run(*words, "/dev/stdin")
    assert b"Stale" in again.stderr
    assert again.stdout == b""
    words = (
        sys.executable,
        "-I",
        "-S",
        "-c",
        code.replace("'cat', ['cat', *sys.argv[2:]]", "sys.argv[2], sys.argv[2:]"),
    )
    by_masked = place.run(
        *words, path, str(place.approved), "-I", "-S", "-c", "import sys; print(sys.stdin.read(), end='')"
    )
    assert by_masked.stdout.decode() == masked_text(place)


def test_a_users_own_mount_has_both_faces_too(user_home: Home, ground: Path) -> None:
    with user_home.served():
        place = faced(user_home, OWNER, ground / "own-faces")
        path, masked = user_home.view("/shop"), masked_text(place)
        programs = [place.read_by(program, path, 60) for program in (place.approved, sys.executable)]
        for program in programs:
            assert program.stdin is not None
            program.stdin.write("go\n")
            program.stdin.flush()
        outputs = [json.loads(program.communicate()[0]) for program in programs]
        assert outputs == [[{}, [TRUE]], [{}, [masked]]]
