"""What `envfs vault info` is told, and the names of authors."""

from pathlib import Path

import pytest

from envfs.protocol import control
from tests.component.requesting import code
from tests.component.world import STRANGER, World, run

R = control


def described(world: World) -> R.VaultInfo:
    info = run(lambda: world.ask(R.DescribeVault()))
    assert isinstance(info, R.VaultInfo)
    return info


def test_a_vault_is_counted_without_a_key(world: World) -> None:
    before = described(world)
    for text in ("A=1\n", "A=2\n", "A=3\n"):
        run(lambda text=text: world.write("/counted/one", text))
    run(lambda: world.ask(R.Lock()))
    info = described(world)
    assert (info.levels - before.levels, info.versions - before.versions) == (1, 3)
    assert info.projects == before.projects + 1
    assert (info.unlocked, info.zero_knowledge, info.removed) == (False, 0, ())
    assert info.bytes > before.bytes
    assert not info.bytes_estimated
    assert not info.times_estimated
    assert info.oldest < info.newest
    run(lambda: world.ask(R.Unlock()))


def test_a_removed_level_is_named_until_it_is_brought_back(world: World) -> None:
    run(lambda: world.write("/gone", "A=1\n"))
    levels = described(world).levels
    run(lambda: world.ask(R.RemoveLevel("/gone")))
    info = described(world)
    assert (info.removed, info.levels) == (("/gone",), levels - 1)
    run(lambda: world.ask(R.Rollback("/gone", 1)))
    assert (described(world).removed, described(world).levels) == ((), levels)


def test_the_last_verification_is_remembered_and_a_bent_file_is_not_known(world: World) -> None:
    assert described(world).verified == ""
    assert isinstance(run(lambda: world.ask(R.VerifyVault())), R.Checked)
    info = described(world)
    assert (bool(info.verified), info.verify_failed, info.backed_up) == (True, 0, "")
    for text in ("", "[]", '{"verified":1}', '{"verified":"x","more":1}', '{"failed":"x"}', "[" * 9999):
        Path(world.places.last_times).write_text(text)
        assert described(world).verified == ""
    Path(world.places.last_times).unlink()


@pytest.mark.parametrize("asked", [R.DescribeVault(), R.ListAuthors(), R.NameAuthor("x", "y")])
def test_it_takes_the_right_to_look_after_the_vault(world: World, asked: object) -> None:
    assert code(run(lambda: world.ask(asked, STRANGER))) == "not-approved"  # type: ignore[arg-type]


def listed(world: World) -> list[R.AuthorRow]:
    rows = run(lambda: world.sent(R.ListAuthors())).rows
    return [row for row in rows if isinstance(row, R.AuthorRow)]


def called(world: World, author: str, name: str) -> str:
    return code(run(lambda: world.ask(R.NameAuthor(author, name))))


def test_an_author_gets_a_name_another_one_and_none(world: World) -> None:
    (owner,) = listed(world)
    assert (owner.name, owner.standing) == ("", "owner")
    assert called(world, owner.author[:4], "Ana (laptop)") == "Done"
    assert listed(world) == [owner._replace(name="Ana (laptop)")]
    assert called(world, "Ana (laptop)", "Bea") == "Done"
    assert listed(world) == [owner._replace(name="Bea")]
    assert called(world, owner.author, "") == "Done"
    assert listed(world) == [owner]
    assert "[authors]" not in Path(world.places.settings).read_text()


def test_names_of_others_and_comments_stay(world: World) -> None:
    other, path = "B" * 43, Path(world.places.settings)
    before = path.read_text()
    path.write_text(f'[authors]\n# whose laptop it is\n"Old" = "{other}"\n{before}')
    world.service.settings._file.forget()
    owner, unknown = listed(world)
    assert unknown == R.AuthorRow(other, "Old", "unknown")
    assert called(world, owner.author, "Ana") == "Done"
    assert called(world, other, "Ana") == "already-exists"
    assert "# whose laptop it is" in path.read_text()
    assert called(world, other, "") == "Done"
    assert [row.name for row in listed(world)] == ["Ana"]
    path.write_text(before)
    world.service.settings._file.forget()


@pytest.mark.parametrize("named", ["", "nobody", "A", "C" * 43])
def test_one_who_is_not_there_gets_no_name(world: World, named: str) -> None:
    assert called(world, named, "Ana") == "no-such-level"


def test_a_text_that_is_no_name_is_refused_and_changes_nothing(world: World) -> None:
    (owner,) = listed(world)
    for name in ("x" * 65, "a\nb"):
        assert called(world, owner.author, name) != "Done"
    assert listed(world) == [owner]
