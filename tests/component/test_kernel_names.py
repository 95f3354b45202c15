"""For how long the kernel may remember a name: by the answers to look-ups, and by what the device is told."""

import os
import select
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from envfs.core.access.caller import Caller
from envfs.core.access.evidence import Evidence
from envfs.core.access.policy import Policy
from envfs.core.access.roles import Capability
from envfs.core.access.rule import Moment, Pin, Rule, RuleProcess
from envfs.core.access.verdict import Decision
from envfs.fuse.operations import Operations
from envfs.fuse.touching import _UnderWay
from tests.component.world import LATER, ME, Context, World, inode, outcome, run

CTX = Context()
NOW = Moment("boot", 1000.0, "2026-01-01T00:00:00.000000Z")
UNTIL = "2126-01-01T00:00:00.000000Z"
# each field of a rule beside its level, in a rule for a user: whether all programs of the user still get one answer
FIELDS: dict[str, tuple[object, bool]] = {
    "until": (UNTIL, True),  # as long as it lasts
    "boot": ("boot", True),
    "boot_until": (2000.0, True),
    "dialect": ("docker", True),
    "id": ("g7", True),
    "only": (("FIRST",), True),
    "can": (frozenset((Capability.NAMES,)), True),
    "by": (1001, True),
    "by_token": ("t3", True),
    "uid": (None, False),
    "gid": (100, False),
    "exe": (Pin("/usr/bin/cat"), False),
    "script": (Pin("/srv/job"), False),
    "under": (Pin("/usr/bin/code"), False),
    "cgroup": ("/system.slice", False),
    "unit": ("shop.service", False),
    "max_reads": (3, False),
    "birth": (5.0, False),
    "token": ("0" * 64, False),
    "process": (RuleProcess("boot", 77), False),
    "decision": (Decision.ASK, False),
}


@pytest.fixture
def device() -> Iterator[tuple[int, int]]:
    """Give what takes messages to the kernel, and the end at which they come out."""
    out, into = os.pipe2(os.O_NONBLOCK)
    yield into, out
    os.close(into)
    os.close(out)


def own_mount(world: World, device: int) -> Operations:
    """Return a user's own mount, whose rules are watched."""
    operations = world.operations()
    operations.names._device = lambda: device
    operations.names.is_watched = True
    return operations


async def seconds(operations: Operations, name: str = ".env") -> float:
    """Look a name in /shop up, and return for how long it may be remembered."""
    return (await operations.lookup(inode(operations, "folder", "/shop"), name.encode(), CTX)).entry_timeout  # type: ignore[arg-type]


def told(out: int) -> int:
    """Count the messages that came."""
    try:
        return len(os.read(out, 1 << 16)) // 16
    except BlockingIOError:
        return 0


def test_each_field_of_a_rule_is_known_to_be_about_a_user_or_about_more() -> None:
    assert {"level", *FIELDS} == set(Rule._fields)


@pytest.mark.parametrize("field", FIELDS)
def test_a_policy_tells_whether_its_rules_name_users_alone(field: str) -> None:
    value, is_plain = FIELDS[field]
    plain = Rule("/", uid=1000)
    rule = Rule("/shop", uid=1000)._replace(**{field: value})  # type: ignore[arg-type]
    rule = rule._replace(gid=100) if field == "uid" else rule  # or it names nobody
    assert Policy((plain, rule), NOW).names_users_alone == is_plain
    assert Policy((plain,), NOW).names_users_alone


@pytest.mark.parametrize("decision", list(Decision))
def test_users_get_one_answer_by_each_decision_but_the_one_that_asks(decision: Decision) -> None:
    assert Policy((Rule("/", uid=1000, decision=decision),), NOW).names_users_alone == (decision is not Decision.ASK)


def test_where_rules_name_users_alone_evidence_makes_no_difference() -> None:
    policy = Policy((Rule("/", uid=1000), Rule("/shop", uid=1000, only=("FIRST",))), NOW)
    one = Caller(1000, 1000, 7, "/usr/bin/cat", "/a")
    other = Caller(1000, 7, 8, "/usr/bin/node", "/b")
    assert policy.names_users_alone
    assert one.evidence(frozenset()) == Evidence()
    for level in ("/", "/shop", "/shop/prod", "/blog"):
        assert policy.decide(one, level, 5.0) == policy.decide(other, level, 5.0)
        assert policy.sees(one, level, 5.0) == policy.sees(other, level, 5.0)


@pytest.mark.parametrize("name", [".env", ".env.json", ".vars", ".history", "prod"])
def test_a_name_of_a_users_own_mount_is_remembered_for_a_second(
    world: World, device: tuple[int, int], name: str
) -> None:
    operations = own_mount(world, device[0])

    async def main() -> tuple[float, float]:
        return await seconds(operations, name), await seconds(operations, name)

    assert run(main) == (1.0, 1.0)
    assert told(device[1]) > 0  # whether the kernel can forget is tried before it is told anything


def test_no_name_is_remembered_on_a_mount_for_all(world: World, device: tuple[int, int]) -> None:
    operations = world.operations(for_all=True)
    operations.names._device = lambda: device[0]
    operations.names.is_watched = True

    async def main() -> float:
        return await seconds(operations)

    assert run(main) == 0.0
    operations.names.forget()
    assert told(device[1]) == 0


def test_nor_while_nobody_watches_the_rules_or_something_is_touched(world: World, device: tuple[int, int]) -> None:
    operations = own_mount(world, device[0])

    async def main() -> list[float]:
        found = [await seconds(operations)]
        operations.names.is_watched = False
        found.append(await seconds(operations))
        operations.names.is_watched = True
        found.append(await seconds(operations))
        operations.touching._touch = _UnderWay(0, 0, {})
        found.append(await seconds(operations))
        return found

    assert run(main) == [1.0, 0.0, 1.0, 0.0]


def test_nor_where_the_kernel_cannot_forget(world: World) -> None:
    with select.epoll() as refusing:  # a write to it is EINVAL, as the message is to an older kernel
        operations = own_mount(world, refusing.fileno())

        async def main() -> tuple[float, float]:
            return await seconds(operations), await seconds(operations)

        assert run(main) == (0.0, 0.0)
        assert not operations.names.is_on


@pytest.mark.parametrize(
    "lines",
    ['exe = "/usr/bin/cat"', "gid = 12345", 'decision = "ask"', "max_reads = 3", "birth = 5.0", 'cgroup = "/a"'],
)
def test_nor_while_a_rule_is_in_force_that_is_about_more_than_a_user(
    world: World, device: tuple[int, int], lines: str
) -> None:
    operations = own_mount(world, device[0])
    settings = Path(world.places.settings)
    before = settings.read_text(encoding="utf-8")

    def write(text: str) -> None:
        settings.write_text(text, encoding="utf-8")
        time.sleep(LATER)

    async def main() -> list[float]:
        found = [await seconds(operations)]
        told(device[1])
        write(f'{before}\n[[grant]]\nlevel = "/blog"\nuid = {ME.uid}\n{lines}\n')
        found.append(await seconds(operations))
        found.append(told(device[1]))  # what was remembered before goes as soon as the rule is seen
        write(before)
        found.append(await seconds(operations))
        return found

    assert run(main) == [1.0, 0.0, 1, 1.0]


def test_a_name_is_not_remembered_behind_the_end_of_a_rule(world: World, device: tuple[int, int]) -> None:
    operations = own_mount(world, device[0])

    async def main() -> None:
        await seconds(operations)
        operations.names._until = time.clock_gettime(time.CLOCK_BOOTTIME) + 0.5
        assert 0.0 <= await seconds(operations) <= 0.5
        operations.names._until = time.clock_gettime(time.CLOCK_BOOTTIME) - 1.0
        assert await seconds(operations) == 0.0

    run(main)


def test_an_open_by_a_remembered_name_of_a_replaced_text_is_sent_back_once(
    world: World, device: tuple[int, int]
) -> None:
    operations = own_mount(world, device[0])

    async def main() -> None:
        number = inode(operations, "dotenv", "/shop")
        await seconds(operations)
        number = (await operations.lookup(inode(operations, "folder", "/shop"), b".env", CTX)).st_ino  # type: ignore[arg-type]
        held = operations.table[number]
        told(device[1])
        assert operations.names.is_behind(held, "newest")
        assert told(device[1]) == 1  # before it is sent back, so that it finds the other one
        await seconds(operations)
        assert not operations.names.is_behind(held, "newest")  # it has a descriptor, and comes by that again
        assert operations.names.is_behind(held, "newer")
        operations.names.forget()
        assert not operations.names.is_behind(held, "newest of all")  # no name led here since the kernel forgot

    run(main)


def test_an_open_never_gets_what_was_replaced_by_a_name_that_is_remembered(
    world: World, device: tuple[int, int]
) -> None:
    operations = own_mount(world, device[0])

    async def main() -> list[str]:
        folder = inode(operations, "folder", "/shop")
        number = (await operations.lookup(folder, b".env", CTX)).st_ino  # type: ignore[arg-type]
        await world.write("/shop", "LOG=other\n")  # of which the mount is not told here, as of a change from outside
        return [await outcome(lambda: operations.open(number, os.O_RDONLY, CTX)) for _ in range(2)]  # type: ignore[arg-type]

    assert run(main) == ["ESTALE", "ok"]  # at the first the kernel goes by the name. The second has a descriptor
    assert told(device[1]) > 1
