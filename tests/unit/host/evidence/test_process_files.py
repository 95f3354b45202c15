"""The texts of /proc: read as the kernel means them, whatever a process writes into those that are its own."""

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envfs.host.evidence import process_files
from envfs.host.evidence.process_files import parse_stat, process_stat, process_status, status_numbers

FIELDS = [str(number).encode() for number in range(3, 53)]


def stat_text(name: bytes, fields: list[bytes] | None = None) -> bytes:
    """Return a text of `stat` whose fields hold their own numbers."""
    return b" ".join([b"7", b"(" + name + b")", *(FIELDS if fields is None else fields)]) + b"\n"


@given(st.binary(max_size=64))
def test_a_name_changes_nothing(name: bytes) -> None:
    text = stat_text(name)
    if b") " in name and b")" in name.rpartition(b") ")[2]:
        return
    assert parse_stat(text).run == parse_stat(stat_text(b"plain")).run


@pytest.mark.parametrize("name", [b"a) S 1 1 1", b"a\nb", b")", b"(", b"", b"\x1b[2J", b") S 9 9 9 9 9 9 ("])
def test_an_odd_name_changes_nothing(name: bytes) -> None:
    stat = parse_stat(stat_text(name))
    assert (stat.pid, stat.parent, stat.session, stat.terminal) == (7, 4, 6, 7)
    assert (stat.started, os.fsencode(stat.name)) == (22 / os.sysconf("SC_CLK_TCK"), name)
    assert stat.layout == (b"26", b"27", b"28", b"45", b"46", b"47", b"48", b"49", b"50", b"51")


@given(st.binary(max_size=400))
def test_another_text_is_a_process_that_is_gone(text: bytes) -> None:
    try:
        parse_stat(text)
    except ProcessLookupError:
        return
    assert len(text.rpartition(b") ")[2].split()) >= 49


def test_a_process_that_names_itself_or_leaves_its_terminal_is_the_same_run() -> None:
    stat = parse_stat(stat_text(b"before"))
    assert stat.run == stat._replace(name="after", terminal=0).run
    assert stat.run != stat._replace(layout=stat.layout[1:]).run


def test_a_short_text_is_a_process_that_is_gone() -> None:
    with pytest.raises(ProcessLookupError):
        parse_stat(stat_text(b"a", FIELDS[:40]))


def test_the_own_process_is_read() -> None:
    with process_files.process_folder(os.getpid()) as folder:
        stat = process_stat(folder)
        assert (stat.pid, stat.parent, stat.session) == (os.getpid(), os.getppid(), os.getsid(0))
        assert stat.started > 0
        assert status_numbers(process_status(folder), b"Tgid") == (os.getpid(),)
        assert status_numbers(process_status(folder), b"Nothing") == ()
        assert process_files.executable_path(folder) == os.readlink("/proc/self/exe")
        assert process_files.working_folder(folder) == os.getcwd()
        assert process_files.command_line(folder) == Path("/proc/self/cmdline").read_bytes().split(b"\0")[:-1]


@pytest.mark.parametrize(
    ("text", "cgroup"),
    [
        (b"0::/\n", "/"),
        (b"12:cpu:/a\n1:name=systemd:/b\n0::/c\n", "/c"),
        (b"0::/user.slice/0::/system.slice/nginx.service\n", "/user.slice/0::/system.slice/nginx.service"),
        (b"1:cpu:/0::/system.slice/nginx.service\n", ""),
        (b"0::/a b \n", "/a b "),
        (b"", ""),
    ],
)
def test_the_cgroup_is_that_of_the_line_whatever_a_user_called_it(text: bytes, cgroup: str) -> None:
    assert process_files.cgroup_in(text) == cgroup


@pytest.mark.skipif(os.geteuid() != 0, reason="only root joins groups")
def test_all_of_many_groups_are_read_whole() -> None:
    groups = [4_294_000_000 + number for number in range(3000)]
    process = subprocess.Popen(["/bin/sleep", "60"], extra_groups=groups)
    folder = process_files.open_process(process.pid)
    try:
        status = process_status(folder)
        assert sorted(status_numbers(status, b"Groups")) == groups
        assert b"\nSigIgn:" in status  # what comes behind the groups is read too
    finally:
        os.close(folder)
        process.kill()
        process.wait()
