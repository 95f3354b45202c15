"""Kinds of file systems: those that answer at once and everybody alike, by the kernel's own list of mounts."""

import os
import subprocess
from pathlib import Path

import pytest

from envfs.host.evidence import file_systems
from envfs.host.evidence.file_identity import identify_file, mount_number
from envfs.host.evidence.file_systems import FileSystems

LINE = b"36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - %s /dev/root rw,errors=continue\n"


def test_a_kind_is_read_from_the_line_of_the_mount() -> None:
    mounts = b"136 35 98:0 / / rw - proc proc rw\n" + LINE % b"ext4"
    assert file_systems._kind(mounts, 36) == b"ext4"
    assert file_systems._kind(mounts, 35) == b""


@pytest.mark.parametrize("name", ["a\r36 35 98:0 / /x rw - ext4 x rw", "a\x0b36 ", "a\x1c36 1 "])
def test_the_name_of_a_mount_point_forges_no_line(name: str) -> None:
    mounts = os.fsencode(f"99 35 0:50 / /tmp/{name} rw - fuse x rw\n") + LINE % b"fuse"
    assert file_systems._kind(mounts, 36) == b"fuse"


def test_a_file_of_proc_is_not_of_a_local_file_system(tmp_path: Path) -> None:
    systems, me = FileSystems(), os.open("/proc/self", os.O_RDONLY)
    try:
        for _ in range(2):
            assert not systems.is_local(identify_file(me, "status"), me, me, "status")
    finally:
        os.close(me)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts")
def test_a_file_of_this_machine_is_local(tmp_path: Path) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "none", str(tmp_path)], check=True)
    try:
        (tmp_path / "file").write_text("x")
        systems, me = FileSystems(), os.open("/proc/self", os.O_RDONLY)
        path = str(tmp_path / "file")
        for _ in range(2):
            assert systems.is_local(identify_file(me, path), me, me, path)
        assert FileSystems.is_own(me, path)
        assert systems.is_local(identify_file(me, path)._replace(is_unique=False), me, me, path)
        assert mount_number(me, path) != mount_number(me, "status")
        os.close(me)
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)
