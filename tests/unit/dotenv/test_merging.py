"""Views: texts merged from the top level down, nearest wins."""

import pytest

from envfs.dotenv.document import parse_document
from envfs.dotenv.merging import Layer, MergedView, NameChanges, merge_layers, name_changes, renamed_names

ROOT = Layer("/", parse_document("REGION=eu\nLOG=info\n"))
SHOP = Layer("/shop", parse_document("LOG=debug\nDB=shop\nDB=shop2\n"))
PROD = Layer("/shop/prod", parse_document("PAGER=on\nDB=\n"))


def test_the_nearest_level_wins_also_with_an_empty_value() -> None:
    assert merge_layers([ROOT, SHOP, PROD]).variables == {"REGION": "eu", "LOG": "debug", "DB": "", "PAGER": "on"}


def test_a_view_tells_which_level_set_each_name() -> None:
    origin = merge_layers([ROOT, SHOP, PROD]).origin
    assert origin == {"REGION": "/", "LOG": "/shop", "DB": "/shop/prod", "PAGER": "/shop/prod"}


def test_an_overridden_name_keeps_its_ancestors_place() -> None:
    assert merge_layers([ROOT, SHOP, PROD]).names() == ("REGION", "LOG", "DB", "PAGER")


def test_no_layers_make_an_empty_view() -> None:
    assert merge_layers([]) == MergedView({}, {})


def test_merging_changes_no_layer() -> None:
    merge_layers([ROOT, SHOP])
    assert ROOT.document.variables() == {"REGION": "eu", "LOG": "info"}


def test_no_repr_shows_a_value() -> None:
    view = merge_layers([Layer("/", parse_document("A=hunter2\n"))])
    assert "hunter2" not in f"{view} {view!r} {Layer('/', parse_document('A=hunter2'))!r}"


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ({}, {}, NameChanges((), (), ())),
        ({"A": "1"}, {"A": "1"}, NameChanges((), (), ())),
        ({}, {"B": "1", "A": ""}, NameChanges(("B", "A"), (), ())),
        ({"B": "1", "A": ""}, {}, NameChanges((), (), ("B", "A"))),
        ({"A": "1", "B": "1", "C": "1"}, {"D": "1", "C": "2", "A": ""}, NameChanges(("D",), ("C", "A"), ("B",))),
    ],
)
def test_difference_names_what_was_added_changed_and_removed(
    old: dict[str, str], new: dict[str, str], changes: NameChanges
) -> None:
    assert name_changes(old, new) == changes


@pytest.mark.parametrize(
    ("old", "new", "pairs"),
    [
        ({"A": "1"}, {"B": "1"}, (("A", "B"),)),
        ({"A": "1", "C": "2"}, {"D": "2", "B": "1"}, (("C", "D"), ("A", "B"))),
        ({"A": "1"}, {"A": "1", "B": "1"}, ()),
        ({"A": "1", "C": "1"}, {"B": "1"}, ()),
        ({"A": "1"}, {"B": "1", "C": "1"}, ()),
        ({"A": ""}, {"B": ""}, ()),
        ({"A": "1", "B": "2"}, {"A": "2"}, ()),
        ({"A": "1"}, {"B": "2"}, ()),
    ],
)
def test_a_renaming_is_a_value_that_has_one_other_name_now(
    old: dict[str, str], new: dict[str, str], pairs: tuple[tuple[str, str], ...]
) -> None:
    assert renamed_names(old, new, name_changes(old, new)) == pairs
