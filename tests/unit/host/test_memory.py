"""A region holds secrets: shared by its descriptor, wiped before it is given back, and it shows nothing."""

import json
import mmap
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from envfs.core.protection import MemoryKind
from envfs.host import memory
from envfs.host.memory import Kept, Region

SECRET = b"hunter2 " * 700  # more than a page


@pytest.fixture
def region() -> Iterator[Region]:
    made = Region.create(len(SECRET))
    made.map[: len(SECRET)] = SECRET
    yield made
    made.close()


def test_a_region_starts_empty_and_keeps_what_is_written() -> None:
    region = Region.create(100)
    assert region.map[:] == bytes(100)
    region.map[10:15] = b"12345"
    assert region.map[9:16] == b"\x0012345\x00"
    region.close()


@pytest.mark.parametrize("size", [0, 1, 4095, 4096, 4097, 1 << 20])
def test_any_size_can_be_made_wiped_and_closed(size: int) -> None:
    region = Region.create(size)
    assert region.size == size
    region.map[:size] = b"\xff" * size
    region.wipe()
    assert region.map[:size] == bytes(size)
    region.close()


def test_a_forked_child_shares_it_both_ways(region: Region) -> None:
    child = os.fork()
    if child == 0:
        good = region.map[: len(SECRET)] == SECRET
        region.map[:7] = b"child ok"[:7] if good else b"wrong  "
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert region.map[:8] == b"child o" + SECRET[7:8]


def test_it_is_handed_over_by_its_descriptor(region: Region) -> None:
    other = Region(os.dup(region.descriptor), region.size)
    assert other.map[: len(SECRET)] == SECRET
    other.map[:3] = b"abc"
    assert region.map[:3] == b"abc"
    other.close()
    assert region.map[: region.size] == bytes(region.size)  # closing wipes, for whoever shares it


def test_closing_wipes_what_other_descriptors_still_reach() -> None:
    region = Region.create(len(SECRET))
    region.map[: len(SECRET)] = SECRET
    kept = os.dup(region.descriptor)
    region.close()
    with mmap.mmap(kept, len(SECRET)) as again:
        assert again[:] == bytes(len(SECRET))
    os.close(kept)


def test_closing_twice_does_nothing_more(region: Region) -> None:
    descriptor = region.descriptor
    region.close()
    os.dup2(0, descriptor)  # somebody else's file has the number now
    region.close()
    os.fstat(descriptor)
    os.close(descriptor)
    assert region.descriptor == -1


def test_a_closed_region_gives_its_descriptor_and_its_mapping_back(region: Region) -> None:
    descriptor = region.descriptor
    region.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)
    with pytest.raises(ValueError, match="closed"):
        region.map[0]


def test_no_way_of_printing_shows_the_content(region: Region) -> None:
    shown = f"{region} {region!r} {[region]} {region.map!r} {vars(region)}"
    assert "hunter2" not in shown
    assert f"Region({region.size} bytes)" in shown


def test_its_descriptor_does_not_survive_exec(region: Region) -> None:
    assert not os.get_inheritable(region.descriptor)


def test_it_has_no_name_and_no_file() -> None:
    region = Region.create(10)
    target = os.readlink(f"/proc/self/fd/{region.descriptor}")
    assert not os.path.exists(target)
    assert "secretmem" in target or "memfd:envfs" in target
    region.close()


def test_a_thousand_regions_leave_no_descriptor_behind() -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(1000):
        Region.create(100).close()
    assert len(os.listdir("/proc/self/fd")) <= before


def test_a_region_that_cannot_be_made_leaves_no_descriptor_behind() -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        with pytest.raises((OSError, ValueError, OverflowError)):
            Region.create(1 << 62)
    assert len(os.listdir("/proc/self/fd")) <= before


# -- where secret memory cannot be had ---------------------------------------------------------------------------------

LIMITED = Path(__file__).parents[2] / "system" / "limited.py"
NOBODY = 4321
SEEN = """
import json, os
from envfs.host.memory import Region, ReplyBuffer, protection
first = protection()
regions, replies = [Region.create(5000) for _ in range(30)], ReplyBuffer(1 << 17)
for region in regions:
    region.map[:5000] = b"x" * 5000
assert all(region.map[:5000] == b"x" * 5000 for region in regions)
flags = open("/proc/self/smaps").read().split("memfd:envfs")[1:]
flags = [part.partition("VmFlags:")[2].partition("\\n")[0].split() for part in flags]
now = protection()
for region in regions:
    region.close()
assert regions[0].map is not None
print(json.dumps([first, [region.kept for region in regions], replies.kept, now, protection(), flags]))
"""


class Found(NamedTuple):
    """What a process saw: `kept` of each region; what `protection` said before, with, and after them; memfds' flags."""

    first: Kept
    regions: list[Kept]
    replies: Kept
    full: Kept
    last: Kept
    flags: list[list[str]]


def limited(how: str, *, root: bool = False) -> Found:
    """Make regions in a process of an ordinary user, who may not lock more than the limit, or of root's, who may."""
    user = [] if root or os.geteuid() != 0 else ["setpriv", "--reuid", str(NOBODY), "--clear-groups", "--inh-caps=-all"]
    words = [*user, sys.executable, str(LIMITED), how, sys.executable, "-B", "-c", SEEN]
    done = subprocess.run(words, capture_output=True, check=False, text=True, timeout=60, cwd="/")
    assert done.stderr == ""
    first, regions, replies, full, last, flags = json.loads(done.stdout)
    return Found(Kept(*first), [Kept(*one) for one in regions], Kept(*replies), Kept(*full), Kept(*last), flags)


def here() -> bool:
    region = Region.create(1)
    region.close()
    return region.kept.kind == MemoryKind.SECRET


needs_secret = pytest.mark.skipif(not here(), reason="this kernel gives no secret memory")


@needs_secret
def test_secret_memory_is_taken_where_it_can_be_had() -> None:
    found = limited("memlock=8192")
    assert set(found.regions) == {found.first, found.full, found.last} == {Kept(MemoryKind.SECRET)}
    assert found.replies.kind == MemoryKind.LOCKED
    assert found.flags == []


@pytest.mark.parametrize(
    ("how", "reason"), [("no-memfd-secret", "or it is switched off"), ("forbidden", "is forbidden here")]
)
def test_without_the_call_locked_memory_stands_in_and_is_in_no_core_dump(how: str, reason: str) -> None:
    found = limited(how, root=True)
    assert {kept.kind for kept in found.regions} == {MemoryKind.LOCKED}
    assert reason in found.regions[0].reason
    assert found.first == found.full == found.last == found.regions[0]
    assert len(found.flags) == 30
    assert all({"dd", "lo", "sh"} <= set(flags) for flags in found.flags)  # not dumped, locked, shared


@needs_secret
def test_over_the_limit_memory_that_is_not_locked_stands_in_and_that_is_told() -> None:
    found = limited("memlock=64")
    kinds = [kept.kind for kept in found.regions]
    assert kinds[0] == MemoryKind.SECRET
    assert kinds[-1] == MemoryKind.UNLOCKED
    assert found.first == Kept(MemoryKind.SECRET)
    assert found.full == found.regions[-1] == Kept(MemoryKind.UNLOCKED, "at most 64 KiB may be locked (RLIMIT_MEMLOCK)")
    assert found.replies.kind == MemoryKind.UNLOCKED
    assert all("dd" in flags for flags in found.flags)


@pytest.mark.parametrize("how", ["memlock=0", "memlock=3"])
def test_where_nothing_may_be_locked_the_stand_in_still_works(how: str) -> None:
    if os.geteuid() != 0 and resource.getrlimit(resource.RLIMIT_MEMLOCK)[1] == 0:
        pytest.skip("nothing may be locked here at all")
    found = limited(how)
    assert {kept.kind for kept in found.regions} == {MemoryKind.UNLOCKED}
    assert found.first.kind == found.last.kind == MemoryKind.UNLOCKED
    assert "RLIMIT_MEMLOCK" in found.first.reason


def test_an_ordinary_region_is_made_where_it_is_asked_for() -> None:
    region = Region.create(100, ordinary=True)
    assert region.kept.kind in (MemoryKind.LOCKED, MemoryKind.UNLOCKED)
    assert "memfd:envfs" in os.readlink(f"/proc/self/fd/{region.descriptor}")
    region.close()


@pytest.mark.parametrize("ordinary", [False, True])
def test_who_receives_a_region_knows_what_protects_it(*, ordinary: bool) -> None:
    made = Region.create(100, ordinary=ordinary)
    got = Region.received(os.dup(made.descriptor), 100)
    assert got.kept.kind == made.kept.kind
    got.close()
    made.close()


def test_a_region_that_cannot_be_mapped_is_not_received_and_leaves_no_descriptor() -> None:
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(OSError, match="Permission denied"):
        Region.received(os.open("/dev/null", os.O_WRONLY | os.O_CLOEXEC), 100)
    assert len(os.listdir("/proc/self/fd")) <= before


def test_protection_counts_what_is_held_and_not_what_was() -> None:
    before = memory.protection()
    weak = Region.create(10, ordinary=True)
    assert memory.protection().kind != MemoryKind.SECRET
    weak.close()
    assert memory.protection() == before
