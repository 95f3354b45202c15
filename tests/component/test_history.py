"""A level's history: what was renamed, one variable through its names, who sees names, and what authors are called."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from envfs.core.access.roles import Capability
from envfs.daemon.keyholder_process import KeyholderLink
from envfs.protocol import control
from tests.component.requesting import code
from tests.component.test_roles import let
from tests.component.world import ME, STRANGER, World, run

R = control
TEXTS = (
    "A=1\nSAME=x\nB=2\nEMPTY=\n",  # 1
    "A=1\nSAME=x\nB=3\nEMPTY=\n",  # 2: B changed
    "A=1\nSAME=x\nC=3\nEMPTY=\n",  # 3: B became C
    "A=1\nP=x\nQ=x\nC=3\nNONE=\n",  # 4: SAME became two, and an empty one says nothing
    "A=1\nP=x\nQ=x\nC=4\nNONE=\n",  # 5: C changed
    "P=x\nQ=x\nC=4\nNONE=\n",  # 6: A is gone
)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Give the versions of /shop above, and behind them a rename of C to D by command."""
    link = KeyholderLink()
    world = World(tmp_path_factory.mktemp("told"), link)

    async def fill() -> None:
        await world.make()
        for text in TEXTS:
            await world.write("/shop", text)
        await world.ask(R.RenameVariable("/shop", "C", "D", "a better name"))

    run(fill)
    yield world
    world.close()
    link.close()


def rows(world: World, request: R.ListHistory, caller: object = ME) -> list[R.VersionRow]:
    sent = run(lambda: world.sent(request, caller))  # type: ignore[arg-type]
    assert isinstance(sent.reply, R.Done), sent.reply
    return [row for row in sent.rows if isinstance(row, R.VersionRow)]


def renamings(found: list[R.VersionRow]) -> dict[int, tuple[tuple[str, str], ...]]:
    return {row.version: tuple(map(tuple, row.renamed)) for row in found if row.renamed}


def test_a_value_that_left_one_name_and_came_to_one_other_is_a_renaming(told: World) -> None:
    let(told, "/", frozenset())
    assert renamings(rows(told, R.ListHistory("/shop"))) == {3: (("B", "C"),), 7: (("C", "D"),)}


def test_one_variable_is_followed_back_under_the_names_that_it_had(told: World) -> None:
    let(told, "/", frozenset())
    found = rows(told, R.ListHistory("/shop", name="D"))
    changes = [(row.version, row.added, row.changed, row.removed) for row in found]
    assert changes == [
        (7, ("D",), (), ("C",)),
        (5, (), ("C",), ()),
        (3, ("C",), (), ("B",)),
        (2, (), ("B",), ()),
        (1, ("B",), (), ()),
    ]
    assert [row.version for row in rows(told, R.ListHistory("/shop", 2, name="D"))] == [7, 5]
    assert [row.version for row in rows(told, R.ListHistory("/shop", name="B"))] == [3, 2, 1]
    assert [row.version for row in rows(told, R.ListHistory("/shop", name="A"))] == [6, 1]
    assert rows(told, R.ListHistory("/shop", name="NEVER")) == []
    assert code(run(lambda: told.ask(R.ListHistory("/shop", name="A=1")))) == "bad-name"


def test_a_history_can_end_with_a_version_of_the_past(told: World) -> None:
    let(told, "/", frozenset())
    time = told.open_vault.vault.header("/shop", 4).time
    for request in (
        R.ListHistory("/shop", 2, 4),
        R.ListHistory("/shop", 2, -3),
        R.ListHistory("/shop", 2, moment=time),
    ):
        assert [row.version for row in rows(told, request)] == [4, 3]
    before = len(told.entries())
    for version in (8, 10**300):
        assert code(run(lambda version=version: told.ask(R.ListHistory("/shop", version=version)))) == "no-such-level"
    assert [entry for entry in told.entries()[before:] if entry["event"] == "read"] == []


HISTORY = frozenset((Capability.HISTORY,))


def test_one_with_the_history_and_no_names_gets_versions_and_times(told: World) -> None:
    let(told, "/shop", HISTORY)
    found = rows(told, R.ListHistory("/shop"), STRANGER)
    assert [row.version for row in found] == [7, 6, 5, 4, 3, 2, 1]
    assert all(row.time and row.operation for row in found)
    assert {(row.added, row.changed, row.removed, row.renamed, row.message, row.names_shown) for row in found} == {
        ((), (), (), (), "", False)
    }
    assert code(run(lambda: told.ask(R.ListHistory("/shop", name="A"), STRANGER))) == "not-approved"
    assert told.entries()[-1]["event"] == "refuse"


def test_that_two_values_are_the_same_is_told_to_those_who_may_have_them(told: World) -> None:
    # a renaming by command says nothing of a value, one that was found by comparing does
    let(told, "/shop", HISTORY | {Capability.NAMES})
    found = rows(told, R.ListHistory("/shop"), STRANGER)
    assert renamings(found) == {7: (("C", "D"),)}
    assert [(row.added, row.removed, row.names_shown) for row in found if row.version == 3] == [(("C",), ("B",), True)]
    assert [row.version for row in rows(told, R.ListHistory("/shop", name="D"), STRANGER)] == [7, 5, 3]
    let(told, "/shop", HISTORY | {Capability.NAMES, Capability.READ})
    assert renamings(rows(told, R.ListHistory("/shop"), STRANGER)) == {3: (("B", "C"),), 7: (("C", "D"),)}


def test_one_with_some_names_only_sees_no_renaming_to_or_from_another(told: World) -> None:
    let(told, "/shop", HISTORY | {Capability.NAMES, Capability.READ}, 'only = ["B", "D"]\n')
    found = rows(told, R.ListHistory("/shop"), STRANGER)
    assert renamings(found) == {}
    assert [row.version for row in found if row.added + row.changed + row.removed] == [7, 3, 2, 1]
    assert [row.version for row in rows(told, R.ListHistory("/shop", name="C"), STRANGER)] == []


def test_an_author_has_the_name_that_the_owner_gave(told: World) -> None:
    let(told, "/", frozenset())
    author = told.open_vault.vault.header("/shop", 1).author
    assert {(row.author, row.author_name) for row in rows(told, R.ListHistory("/shop"))} == {(author, "")}
    path = Path(told.places.settings)
    text = path.read_text()
    try:
        path.write_text(f'[authors]\n"Ana (laptop)" = "{author}"\n{text}')
        told.service.settings._file.forget()
        assert {row.author_name for row in rows(told, R.ListHistory("/shop"))} == {"Ana (laptop)"}
    finally:
        path.write_text(text)
        told.service.settings._file.forget()
