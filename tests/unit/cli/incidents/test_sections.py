"""The parts of a report on a variable, in words."""

from envfs.protocol import control
from envfs_cli.incidents.received import Report
from envfs_cli.incidents.sections import sections_of

_ABOUT = control.IncidentReported("/shop", "KEY", "/shop", "", "", 9, "", "whole", (), ())


def _other(reader: int, level: str) -> control.OtherReadRow:
    return control.OtherReadRow(reader, level, True, 1, "T", "T")


def test_an_author_has_a_name_and_without_one_the_beginning_of_a_key() -> None:
    row = control.VersionFactRow("/shop", 3, "2026-11-21T09:00:00Z", "age1abcdefgh", "", "set", 1, True)
    versions = (row._replace(author_name="Ana"), row._replace(value=0, is_current=False))
    (section, *_) = sections_of(Report(_ABOUT, versions, (), (), (), (), ()), ())
    heads = [item.head for item in section.items]
    assert heads[0].startswith("value 1 (now): /shop@3, ")
    assert [head.rpartition(", ")[2] for head in heads] == ["set by Ana", "set by age1abcd"]
    assert heads[1].startswith("no value: ")


def test_what_a_reader_was_given_stands_together_in_the_order_of_the_readers() -> None:
    others = tuple(_other(*row) for row in ((2, "/b"), (3, "/a"), (1, "/z"), (2, "/a")))
    sections = sections_of(Report(_ABOUT, (), (), (), (), others, ()), ())
    (items,) = (section.items for section in sections if section.title.startswith("Given"))
    found = [(item.head.partition(":")[0], item.head.partition(" of ")[2].partition(",")[0]) for item in items]
    assert found == [("reader 1", "/z"), ("reader 2", "/b"), ("reader 2", "/a"), ("reader 3", "/a")]
