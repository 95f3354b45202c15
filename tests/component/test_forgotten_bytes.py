"""What was forgotten is in no file of the home any more: not a piece of its ciphertext, however the forgetting went."""

import errno
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from envfs.core import record
from envfs.daemon.keyholder_process import KeyholderLink
from envfs.protocol import control
from tests.component.failing import Disk
from tests.component.world import World, opened_world, run

R = control
_PROD, _PIECE = "/shop/prod", 24
_FORGET = R.ForgetVersions(_PROD, before=5)


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, KeyholderLink]]:
    """Give the folder of a home with versions that were set, moved, copied, removed and sealed again. To be copied."""
    link = KeyholderLink()
    world = World(tmp_path_factory.mktemp("grown"), link)
    run(world.fill)
    changes: list[tuple[object, bytes | None]] = [
        (R.SetVariable(_PROD, "LONG"), b"x" * 5000),
        (R.ImportText(_PROD, replace=True), b"A=1\nB=a value that is long enough to be found again\n"),
        (R.RemoveLevel(_PROD), None),
        (R.Rollback(_PROD, 2), None),
        (R.SetVariable(_PROD, "A"), b"3"),
    ]
    for change, secret in changes:
        assert isinstance(run(lambda c=change, s=secret: world.ask(c, secret=s)), R.Written)  # type: ignore[arg-type]
    run(lambda: world.ask(R.RotateLog()))
    world.close()
    yield world.folder, link
    link.close()


def _pieces(data: bytes) -> list[bytes]:
    """Cut what a record seals, as it stands in its file: two pieces in a row of it are found by one of these."""
    text: bytes = json.loads(data)["ciphertext"].encode()
    return [text[at : at + _PIECE] for at in range(0, len(text) - _PIECE + 1, _PIECE)]


def _records(world: World, *numbers: int) -> list[bytes]:
    return [(Path(world.places.vault) / record.record_key("level/shop/prod", seq)).read_bytes() for seq in numbers]


def _files_with(folder: Path, pieces: list[bytes]) -> set[str]:
    files = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {path.name for path, data in files.items() if any(piece in data for piece in pieces)}


def test_no_file_has_a_piece_of_what_was_forgotten(grown: tuple[Path, KeyholderLink], tmp_path: Path) -> None:
    shutil.copytree(grown[0], tmp_path, dirs_exist_ok=True)
    world = opened_world(tmp_path, grown[1])
    gone = [piece for data in _records(world, 1, 2, 3, 4) for piece in _pieces(data)]
    stays = [piece for data in _records(world, 5, 6) for piece in _pieces(data)]
    assert len(_files_with(tmp_path, gone)) == 3  # the text of a removal is empty
    assert isinstance(run(lambda: world.ask(_FORGET)), R.VersionsForgotten)
    assert _files_with(tmp_path, gone) == set()
    assert len(_files_with(tmp_path, stays)) == 2
    world.close()
    assert _files_with(tmp_path, gone) == set()


@pytest.mark.parametrize("step", [5, pytest.param(1, marks=pytest.mark.soak)])
def test_it_is_gone_behind_the_next_start_wherever_the_forgetting_was_killed(
    grown: tuple[Path, KeyholderLink], tmp_path: Path, step: int
) -> None:
    """Before the tombstone all of it is there and nothing says otherwise. Behind it nothing is."""
    source, link = grown
    first, seen = 1, set[int]()
    while True:
        folder = tmp_path / str(first)
        shutil.copytree(source, folder)
        disk, world = Disk(folder), opened_world(folder, link)
        gone = [piece for data in _records(world, 1, 2, 3, 4) for piece in _pieces(data)]
        with disk.watched():
            disk.fail(first, errno.EIO)
            reply = run(lambda world=world: world.ask(_FORGET))
            world.close()
        again = opened_world(folder, link)
        left = len(_files_with(folder, gone))
        assert left in (0, 3), first
        seen.add(left)
        checked = run(lambda again=again: again.ask(R.VerifyVault()))
        assert isinstance(checked, R.Checked)
        assert checked.failed == 0
        again.close()
        if isinstance(reply, R.VersionsForgotten):
            break
        first += step
    assert seen == {0, 3}


def test_an_older_key_file_is_nowhere_either(grown: tuple[Path, KeyholderLink], tmp_path: Path) -> None:
    shutil.copytree(grown[0], tmp_path, dirs_exist_ok=True)
    world = opened_world(tmp_path, grown[1])
    data = (Path(world.places.vault) / "key/shop/@00000001.age").read_bytes()
    pieces = [data[at : at + _PIECE] for at in range(200, len(data) - _PIECE, _PIECE)]
    assert _files_with(tmp_path, pieces) == {"@00000001.age"}
    assert isinstance(run(lambda: world.ask(R.RotateKey("shop"))), R.Done)
    assert _files_with(tmp_path, pieces) == set()
    world.close()
