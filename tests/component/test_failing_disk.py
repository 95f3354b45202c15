"""A disk that fails at any call of any change: a clear error, the state of before or of after, and whole either way.

ENOSPC, EDQUOT, EIO and EROFS at each call of each request that writes, for vault, log, settings, rules and state alike.
The disk then fails on until it is healed. What was asked for can be done then, as if nothing had been.
"""

import errno
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from envfs.daemon.keyholder_process import KeyholderLink
from envfs.errors import BY_CODE
from envfs.protocol import control
from tests.component.failing import Disk
from tests.component.requesting import CASES, Case
from tests.component.world import World, opened_world, run

R = control
_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS)
_STATUSES = {112, 113}
_WRITING = {
    name: CASES[name]
    for name in (
        *("set", "set several", "unset", "rename", "import", "copy", "move", "remove"),
        *("grant-access", "revoke", "rotate log", "new project", "change recipients", "rotate a key", "add recovery"),
        *("accept", "restart log"),
    )
} | {
    "a new level": Case(R.SetVariable("/wiki/deep", "NEW"), R.Written, b"1"),
    "forget": Case(R.ForgetVersions("/shop/prod"), R.VersionsForgotten),
    "move a variable": Case(R.CopyVariables("/blog", "/shop", ("LOG",), move=True), R.Written),
    "rollback of a variable": Case(R.Rollback("/shop/prod", 2, names=("A",)), R.Written),
    "rotate a variable": Case(R.RotateVariable("/shop", "LOG", "direct"), R.Written, b"new"),
    "rollback": Case(R.Rollback("/shop/prod", 1), R.Written),
    "edit": Case(R.ImportText("/shop", replace=True, expected=1), R.Written, b"NEW=1\n"),
    "to a passphrase": Case(R.ChangeCustody("shop", "zero-knowledge"), R.Done, b"granite lantern fifty walrus"),
}


class Trial(NamedTuple):
    """What became of a request: its reply, and the calls that would have lasted."""

    reply: object
    calls: tuple[str, ...]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, KeyholderLink]]:
    """Give the folder of a home whose /shop/prod has three versions, and a keyholder. To be copied."""
    link = KeyholderLink()
    world = World(tmp_path_factory.mktemp("built"), link)
    run(world.fill)
    for value in (b"1", b"2"):
        run(lambda value=value: world.ask(R.SetVariable("/shop/prod", "A"), secret=value))
    run(lambda: world.ask(R.GrantAccess("/", 4713)))
    world.close()
    yield world.folder, link
    link.close()


def _tried(folder: Path, link: KeyholderLink, case: Case, first: int, number: int) -> Trial:
    """Ask once, with a disk that fails from a call on, and end."""
    disk = Disk(folder)
    world = opened_world(folder, link)
    with disk.watched():
        disk.fail(first, number)
        reply = run(lambda: world.ask(case.request, secret=case.secret))
        calls = tuple(disk.calls)
        world.close()
    return Trial(reply, calls)


def _check(folder: Path, link: KeyholderLink, case: Case, told: Trial) -> None:
    reply = told.reply
    if isinstance(reply, R.Failed):
        assert BY_CODE[reply.code].status in _STATUSES, reply
        assert "cannot" in reply.text or "could not" in reply.text, reply
    else:
        assert isinstance(reply, case.reply), reply
    world = opened_world(folder, link)
    try:
        assert world.service.problems() == ()
        checked = run(lambda: world.ask(R.VerifyVault()))
        assert isinstance(checked, R.Checked)
        assert checked.failed == 0, run(lambda: world.sent(R.VerifyVault())).rows
        assert isinstance(run(lambda: world.ask(R.VerifyLog())), R.Checked)
        again = run(lambda: world.ask(case.request, secret=case.secret))
        assert isinstance(again, case.reply) or (isinstance(again, R.Failed) and again.code in _DONE), again
    finally:
        world.close()


_DONE = ("no-such-variable", "no-such-level", "already-exists", "conflict", "bad-request", "malformed")


@pytest.mark.parametrize("name", _WRITING)
@pytest.mark.parametrize("some", [True, pytest.param(False, marks=pytest.mark.soak)], ids=["some calls", "each call"])
def test_a_disk_that_fails_leaves_the_last_state_whole(
    built: tuple[Path, KeyholderLink], tmp_path: Path, name: str, some: bool
) -> None:
    source, link = built
    case, place = _WRITING[name], list(_WRITING).index(name)
    shutil.copytree(source, tmp_path / "0")
    count = len(_tried(tmp_path / "0", link, case, 1 << 60, 0).calls)
    assert count > 0
    chosen = {1 + place % count, count - place % count} if some else range(1, count + 1)
    for first in chosen:
        folder = tmp_path / str(first)  # the kernel remembers each by its path
        shutil.copytree(source, folder)
        number = _ERRORS[(first + place) % len(_ERRORS)]
        told = _tried(folder, link, case, first, number)
        try:
            _check(folder, link, case, told)
        except BaseException as error:
            error.add_note(f"{name}: {errno.errorcode[number]} from call {first} on: {told}")
            raise
