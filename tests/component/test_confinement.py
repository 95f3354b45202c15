"""A confined process can do nothing but its work: each thing that it must not do is tried, and so is what it needs."""

import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from envfs.daemon.keyholder_process import KeyholderLink
from envfs.errors import Locked
from envfs.host.process import landlock, seccomp
from envfs.protocol.keyholding import VerifyCheckpoint
from tests.component.keyholders import ask

ROOT = Path(__file__).parents[2]
# what an ordinary process of this uid does, wherever these tests run: without it they would show nothing
POSSIBLE = (
    *("read a file", "read its own memory map", "make a file", "change a file", "remove a file", "list a folder"),
    *("rename a file", "make a folder", "look at a path", "exec", "spawn", "a unix socket", "an IPv4 socket"),
    *("connect to a unix path", "connect to an address", "read another's memory", "write another's memory"),
    *("signal another process", "signal its parent", "set a limit of its own", "be dumpable", "map code"),
    *("turn data into code", "have another signalled", "live on without its parent", "limit another process"),
)


class Tried(NamedTuple):
    """How each attempt ended, and what was said on standard error."""

    forbidden: dict[str, str]
    needed: dict[str, str]
    said: str


def tried(folder: Path, mode: str) -> Tried:
    folder.mkdir()
    victim = subprocess.Popen([sys.executable, "-I", "-S", "-c", "input()"], stdin=subprocess.PIPE)
    with victim:
        done = subprocess.run(
            [sys.executable, "-m", "tests.component.confined", str(folder), mode],
            input=f"{victim.pid}\n",
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
            cwd=ROOT,
        )
        victim.kill()
    assert done.returncode == 0, done
    return Tried(*json.loads(done.stdout), done.stderr)


@pytest.fixture(scope="module")
def free(tmp_path_factory: pytest.TempPathFactory) -> Tried:
    return tried(tmp_path_factory.mktemp("tried") / "free", "free")


@pytest.fixture(scope="module")
def confined(tmp_path_factory: pytest.TempPathFactory) -> Tried:
    if seccomp._library is None:
        pytest.skip("there is no libseccomp here")
    return tried(tmp_path_factory.mktemp("tried") / "confined", "confined")


def test_an_ordinary_process_can_do_it_or_these_tests_would_show_nothing(free: Tried) -> None:
    assert {name: free.forbidden[name] for name in POSSIBLE} == dict.fromkeys(POSSIBLE, "did it")


def test_a_confined_process_can_do_nothing_of_it(confined: Tried) -> None:
    assert confined.forbidden == dict.fromkeys(confined.forbidden, "EPERM")
    assert set(POSSIBLE) < set(confined.forbidden)


def test_both_do_all_that_the_work_needs(free: Tried, confined: Tried) -> None:
    assert len(confined.needed) == 10
    assert free.needed == confined.needed == dict.fromkeys(confined.needed, "did it")


def test_a_confined_process_can_still_say_what_went_wrong(confined: Tried) -> None:
    assert confined.said.endswith(", in says_where_it_stumbled\nValueError\n")
    assert "shown" not in confined.said
    assert f"Confinement(landlock={landlock.landlock_version()}, no_seccomp='')" in confined.said


def test_the_running_keyholder_is_confined() -> None:
    link = KeyholderLink()
    try:
        with pytest.raises(Locked):
            ask(link, VerifyCheckpoint((("1", "x", "y"),)))  # it has started
        lines = Path(f"/proc/{link.pid}/status").read_text(encoding="utf-8").splitlines()
        status = dict(line.split(":\t", 1) for line in lines)
        assert status["NoNewPrivs"] == "1"
        assert status["Seccomp"] == ("2" if seccomp._library else "0")
        assert status["Threads"] == "1"
    finally:
        link.close()


WITHOUT = """
import sys
from envfs.host.process import hardening, seccomp
hardening.harden_keyholder()
{change}
print(seccomp.confine_seccomp())
open("/etc/passwd").close()
"""


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("seccomp._library = None", "libseccomp.so.2 is not installed"),
        ("seccomp._LIBRARY = 'libnothing.so'; seccomp._library = seccomp._load()", "libnothing.so is not installed"),
        (
            "seccomp._library.seccomp_load = lambda made: -22",
            "the filter is refused: invalid argument",
        ),
    ],
    ids=["no library", "another library", "no such thing in the kernel"],
)
def test_what_is_missing_is_said_and_nothing_changes(change: str, reason: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT.format(change=change)], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.stdout, done.stderr) == (f"{reason}\n", "")


def test_landlock_stands_alone_where_there_is_no_seccomp() -> None:
    if not landlock.landlock_version():
        pytest.skip("this kernel has no Landlock")
    code = (
        "from envfs.host.process import hardening, seccomp\nfrom envfs.keyholder import confinement\n"
        "hardening.harden_keyholder()\nseccomp._library = None\nprint(confinement.confine_keyholder().landlock)\n"
        "try:\n    open('/etc/passwd')\nexcept PermissionError:\n    print('refused')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == [str(landlock.landlock_version()), "refused"]
