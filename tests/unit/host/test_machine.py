"""What is seen of the machine, in folders made to look like it."""

import os
import resource
from pathlib import Path

import pytest

from envfs.host import machine
from envfs.host.machine import Swap

HEAD = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"


def made(root: Path, lines: str, devices: dict[str, str], slaves: dict[str, tuple[str, ...]]) -> tuple[Swap, ...]:
    (root / "swaps").write_text(HEAD + lines)
    block = root / "block"
    block.mkdir()
    for name, uuid in devices.items():
        (block / name / "dm").mkdir(parents=True)
        (block / name / "dm" / "uuid").write_text(uuid)
    for name, beneath in slaves.items():
        for one in beneath:
            (block / name / "slaves" / one).mkdir(parents=True)
    return machine.swaps(root, block)


@pytest.mark.parametrize(
    ("lines", "devices", "slaves", "wanted"),
    [
        ("", {}, {}, ()),
        ("/dev/sda3 partition 1 0 -2\n", {}, {}, (Swap("/dev/sda3", safe=False),)),
        ("/dev/zram0 partition 1 0 -2\n", {}, {}, (Swap("/dev/zram0", safe=True),)),
        ("/swap\\040file file 1 0 -2\n", {}, {}, (Swap("/swap file", safe=False),)),
        ("/dev/dm-1 partition 1 0 -2\n", {"dm-1": "CRYPT-LUKS2-1"}, {}, (Swap("/dev/dm-1", safe=True),)),
        ("/dev/dm-2 partition 1 0 -2\n", {"dm-2": "LVM-1"}, {}, (Swap("/dev/dm-2", safe=False),)),
        (
            "/dev/dm-2 partition 1 0 -2\n",
            {"dm-2": "LVM-1", "dm-0": "CRYPT-LUKS2-1"},
            {"dm-2": ("dm-0",)},
            (Swap("/dev/dm-2", safe=True),),
        ),
        (
            "/dev/dm-2 partition 1 0 -2\n/dev/zram1 partition 1 0 5\n",
            {"dm-2": "LVM-1", "dm-0": "CRYPT-LUKS2-1"},
            {"dm-2": ("dm-0", "sdb1")},
            (Swap("/dev/dm-2", safe=False), Swap("/dev/zram1", safe=True)),
        ),
    ],
    ids=["none", "a partition", "zram", "a file", "LUKS", "LVM", "LVM on LUKS", "LVM on LUKS and more"],
)
def test_swap_is_safe_in_memory_and_on_what_is_encrypted(
    tmp_path: Path, lines: str, devices: dict[str, str], slaves: dict[str, tuple[str, ...]], wanted: tuple[Swap, ...]
) -> None:
    assert made(tmp_path, lines, devices, slaves) == wanted


def test_a_machine_without_a_list_of_swaps_has_none(tmp_path: Path) -> None:
    assert machine.swaps(tmp_path, tmp_path) == ()


@pytest.mark.parametrize(
    ("state", "disk", "possible"),
    [
        ("freeze mem disk", "[platform] shutdown reboot", True),
        ("freeze mem disk", "[disabled]", False),
        ("freeze mem", "[platform]", False),
        ("", "", False),
    ],
)
def test_a_machine_hibernates_if_its_kernel_says_so(tmp_path: Path, state: str, disk: str, *, possible: bool) -> None:
    (tmp_path / "state").write_text(state + "\n")
    (tmp_path / "disk").write_text(disk + "\n")
    assert machine.hibernates(tmp_path) == possible


def test_a_machine_that_says_nothing_does_not_hibernate(tmp_path: Path) -> None:
    assert not machine.hibernates(tmp_path)


def test_a_device_is_usable_or_the_reason_is_told(tmp_path: Path) -> None:
    assert machine.fuse_refusal(str(tmp_path / "none")) == "no such file or directory"
    assert machine.fuse_refusal("/dev/null") == ""


def test_fusermount3_is_there_and_setuid_or_the_reason_is_told(tmp_path: Path) -> None:
    assert machine.fusermount_refusal(str(tmp_path)) == "fusermount3 is not installed"
    program = tmp_path / "fusermount3"
    program.touch(0o755)
    program.chmod(0o755)
    assert machine.fusermount_refusal(str(tmp_path)) == f"{program} is not setuid root, so it mounts for root alone"
    program.chmod(0o4755)
    assert machine.fusermount_refusal(str(tmp_path)) == ""


def test_root_may_lock_any_amount(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda what: (65536, 65536))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert machine.lockable_bytes() is None
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert machine.lockable_bytes() == 65536
    monkeypatch.setattr(resource, "getrlimit", lambda what: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert machine.lockable_bytes() is None
