"""The parts of a report on a variable, in words."""

from envfs.protocol import control
from envfs_cli.incidents.received import Report
from envfs_cli.incidents.sections import sections_of

_ABOUT = control.IncidentReported("/shop", "KEY", "/shop", "", "", 9, "", "whole", (), ())


def _other(reader: int, level: str) -> control.OtherReadRow:
    return control.OtherReadRow(reader, level, True, 1, "T", "T")


def test_what_a_reader_was_given_stands_together_in_the_order_of_the_readers() -> None:
    others = tuple(_other(*row) for row in ((2, "/b"), (3, "/a"), (1, "/z"), (2, "/a")))
    sections = sections_of(Report(_ABOUT, (), (), (), (), others, ()), ())
    (items,) = (section.items for section in sections if section.title.startswith("Given"))
    found = [(item.head.partition(":")[0], item.head.partition(" of ")[2].partition(",")[0]) for item in items]
    assert found == [("reader 1", "/z"), ("reader 2", "/b"), ("reader 2", "/a"), ("reader 3", "/a")]
