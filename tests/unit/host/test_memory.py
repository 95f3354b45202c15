"""A region holds secrets: shared by its descriptor, wiped before it is given back, and it shows nothing."""

import mmap
import os
import resource
from collections.abc import Iterator

import pytest

from envfs.host.memory import Region

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
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_region_that_cannot_be_made_leaves_no_descriptor_behind() -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        with pytest.raises((OSError, ValueError, OverflowError)):
            Region.create(1 << 62)
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_low_limit_on_locked_memory_is_an_error_or_served_by_the_stand_in() -> None:
    # in a child, for the limit cannot be raised again by an ordinary user
    child = os.fork()
    if child == 0:
        status = 1
        try:
            resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 0))
            try:
                region = Region.create(5)
                region.map[:5] = b"12345"
                status = 0 if region.map[:5] == b"12345" else 2
            except OSError:
                status = 0
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
