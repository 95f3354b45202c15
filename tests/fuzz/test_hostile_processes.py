"""Whatever a process makes of its name, its arguments, its cgroup or its mounts: it is read, or it tells nothing."""

import contextlib
import os
import random
from pathlib import Path

import pytest

from envfs.host.evidence import file_systems, units
from envfs.host.evidence.process_files import ProcessStat, parse_stat, status_numbers
from envfs.host.evidence.script_words import Told, script_word

PIECES = [
    *(
        b") ",
        b"(",
        b")",
        b" ",
        b"\n",
        b"\t",
        b"\0",
        b"\r",
        b"\x1b]0;x\x07",
        b"\xff\xfe",
        b"\xe2\x80\xa8",
        b"/",
        b"//",
        b"..",
    ),
    *(b"S", b"Z", b"0", b"-1", b"1", b"4194305", b"18446744073709551615", b"9" * 5000, "\u0661".encode()),
    *(b"Uid:", b"\nUid:\t0\t0\t0\t0\n", b"Tgid:\t1", b"\nGroups:\t0 1 2 \n", b"Groups:", b"NSpid:"),
    *(
        b"python3",
        b"-c",
        b"-",
        b"--",
        b"-m",
        b"-I",
        b"-X",
        b"app.py",
        b"/usr/bin/python3.11",
        b"node",
        b"--require",
        b"bash",
    ),
    *(b"nginx.service", b"user@1000.service", b".slice", b".scope", b"system.slice", b"_x.service"),
    *(b"36 35 98:0 / / rw - ext4 /dev/vda rw", b" - ", b"fuse", b"36 ", b"\\040", b"proc"),
]
PROGRAMS = [
    b"/usr/bin/python3.11",
    b"/usr/bin/bash",
    b"/usr/bin/node",
    b"/usr/bin/perl",
    b"/opt/deno",
    b"/bin/cat",
    b"",
]


def hostile(chance: random.Random, whole: bytes = b"") -> bytes:
    """Return a text of such pieces, or one that has some of them in its midst."""
    pieces = b"".join(chance.choices(PIECES, k=chance.randint(0, 12)))
    if not whole or chance.random() < 0.3:
        return pieces
    at = chance.randrange(len(whole) + 1)
    return whole[:at] + pieces + whole[at + chance.randrange(3) :]


def read_all(text: bytes, chance: random.Random) -> None:
    """Read a text as each of those that a process can have a hand in."""
    with contextlib.suppress(ProcessLookupError):
        assert isinstance(parse_stat(text), ProcessStat)
    for name in (b"Uid", b"Tgid", b"Groups"):
        assert all(number >= 0 for number in status_numbers(text, name))
    words = text.split(b"\0")
    script = script_word(chance.choice(PROGRAMS), words)
    assert isinstance(script, Told) or (script in words[1:] and not script.startswith((b"-", b"+")))
    unit = units.unit_of(text.decode(errors="replace"))
    assert unit == "" or unit.endswith((".service", ".scope"))
    assert file_systems._kind(text, 36) != b"x"


@pytest.mark.parametrize(
    "times", [pytest.param(3_000, id="some"), pytest.param(1_000_000, id="a million", marks=pytest.mark.soak)]
)
def test_each_text_is_read_or_tells_nothing(times: int) -> None:
    chance = random.Random(times)
    own = [Path(f"/proc/self/{name}").read_bytes() for name in ("stat", "status", "cmdline", "cgroup", "mountinfo")]
    for _ in range(times):
        read_all(hostile(chance, chance.choice([*own, b""])), chance)


@pytest.mark.parametrize("name", [b"a\nUid:\t0\t0\t0\t0\n", b") R 1 1 1 1", b"\x1b[2J", b"\xff\xfe"])
def test_a_name_that_a_process_gave_itself_is_nothing_but_a_name(name: bytes) -> None:
    handle = os.open("/proc/self/comm", os.O_RDWR)
    before = os.read(handle, 64).rstrip(b"\n")
    stat, status = Path("/proc/self/stat"), Path("/proc/self/status")
    try:
        os.write(handle, name[:15])
        assert parse_stat(stat.read_bytes()).parent == os.getppid()
        assert status_numbers(status.read_bytes(), b"Uid") == (*os.getresuid(), os.geteuid())
        assert status_numbers(status.read_bytes(), b"Tgid") == (os.getpid(),)
    finally:
        os.write(handle, before)
        os.close(handle)
