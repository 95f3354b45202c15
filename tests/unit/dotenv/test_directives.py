"""A directive counts for the assignment below it, or for all of a text, and goes where its variable goes."""

import pytest

from envfs.core.rotation import NEVER, Directives
from envfs.dotenv import directives
from envfs.dotenv.document import parse_document

DAY = 86_400


def said(text: str) -> dict[str, Directives]:
    return directives.rotation_directives(parse_document(text))


def faults(text: str) -> list[tuple[int, int, str]]:
    return [
        (fault.line, fault.column, fault.text.split()[0]) for fault in directives.directive_faults(parse_document(text))
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# @rotate 90d\nA=1\nB=2\n", {"A": 90}),
        ("# @rotate 90d\n# words\n# @rotate 30d\nA=1\n", {"A": 30}),
        ("# @rotate 90d\n\nA=1\nB=2\n", {"A": 90, "B": 90}),
        ("# @rotate 90d\n# ---\nA=1\nB=2\n", {"A": 90, "B": 90}),
        ("# words\n\n# @rotate 90d\n\n# @rotate 30d\nA=1\nB=2\n", {"A": 30, "B": 90}),
        ("# @rotate 90d\n\nA=1\n# @rotate never\nB=2\n", {"A": 90, "B": NEVER}),
        ("\ufeff# @rotate 90d\r\nA=1\r\n", {"A": 90}),
        ("A=0\n# @rotate 1d\nA=1\n", {"A": 1}),
        ("# @rotate 1d\nA=0\n# @rotate 2d\nA=1\n", {"A": 2}),
        ("  #  @rotate\t90d \nexport A='1'\n", {"A": 90}),
        ("X='\n# @rotate 90d\n'\nA=1\n", {}),
        ("A=1 # @rotate 90d\nB=2\n", {}),
        ("#@rotated 90d\n# rotate 90d\n# x @rotate 90d\nA=1\n", {}),
        ("# @rotate 90d\n= no\nA=1\n", {}),
        ("A=1\n# @rotate 90d\n", {}),
    ],
)
def test_a_directive_is_about_the_assignment_below_it_or_the_whole_text(text: str, expected: dict[str, int]) -> None:
    days = {name: one.every if one.every < 0 else one.every // DAY for name, one in said(text).items()}
    assert days == expected


def test_each_directive_is_read() -> None:
    text = (
        "# @rotate 12h\n# @expires 2027-01-31\n# @owner team db, on call\n# @rotate-with ./bin/x 'a b'\n"
        "# @rotate-from /bin/y\n# @rotate-as words 6\nA=1\n"
        "# @overlap-until 2027-01-31T10:00Z\nA_PREVIOUS=0\n# @rotation-begun 2027-01-31T10:00+01:00\nA_NEXT=2\n"
    )
    assert said(text) == {
        "A": Directives(
            12 * 3600,
            "2027-02-01T00:00:00.000000Z",
            "team db, on call",
            "./bin/x 'a b'",
            "/bin/y",
            "words 6",
        ),
        "A_PREVIOUS": Directives(overlap_until="2027-01-31T10:00:00.000000Z"),
        "A_NEXT": Directives(begun="2027-01-31T09:00:00.000000Z"),
    }


def test_a_value_that_a_rotation_keeps_for_a_while_has_nothing_of_the_whole_text() -> None:
    text = "# @rotate 90d\n# @owner x\n\nA=1\n# @overlap-until 2027-01-31T10:00Z\nA_PREVIOUS=0\n"
    assert said(text)["A_PREVIOUS"] == Directives(overlap_until="2027-01-31T10:00:00.000000Z")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# @rotate\nA=1\n", [(1, 3, "@rotate")]),
        ("# @rotate=90d\nA=1\n", [(1, 3, "@rotate")]),
        ("# @rotate soon\nA=1\n", [(1, 3, "@rotate")]),
        ("A=1\n\n  # @expires 2027-13-01\nB=1\n", [(3, 5, "@expires")]),
        ("# @expires 7\nA=1\n", [(1, 3, "@expires")]),
        ("# @expires 2027-W05-1\nA=1\n", [(1, 3, "@expires")]),
        ("# @owner\nA=1\n", [(1, 3, "@owner")]),
        ("# @owner a\x1bb\nA=1\n", [(1, 3, "@owner")]),
        ("A=1 # @rotate 3d\n", [(1, 7, "@rotate")]),
        ("A='\n' # @rotate 3d\n", [(2, 5, "@rotate")]),
        ("A=1\n# @rotate 3d\n\nB=2\n", [(2, 3, "@rotate")]),
        ("A=1\n# @rotate 3d\n", [(2, 3, "@rotate")]),
        ("# @required @sensitive\n# @type=url\nA=1\n", []),
        ("# @rotate-with ./new 'it is\nA=1\n", [(1, 3, "@rotate-with")]),
        ("# @rotate-from \\'new 'it is' \"\\\"\"\nA=1\n", []),
    ],
)
def test_a_directive_that_is_wrong_is_named_with_its_place(text: str, expected: list[tuple[int, int, str]]) -> None:
    assert faults(text) == expected


def test_a_fault_quotes_nothing() -> None:
    texts = [
        "# @rotate hunter2\nA=1\n",
        "# @expires hunter2\nA=1\n",
        "A=hunter2 # @rotate hunter2\n",
        "# @rotate hunter2",
    ]
    for text in texts:
        found = directives.directive_faults(parse_document(text))
        assert found
        assert "hunter2" not in repr(found)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_directives_are_taken_away_and_put_above_a_variable_to_the_letter(end: str) -> None:
    text = end.join(["# words", "# @rotate 9d", "# @owner x", "A=1", "B=2", ""])
    document = parse_document(text)
    bare = directives.without_directives(document, ("A",))
    assert bare.render() == end.join(["# words", "A=1", "B=2", ""])
    lines = directives.directive_lines(document)
    assert lines == {"A": "# @rotate 9d\n# @owner x\n"}
    assert directives.with_directive_lines(bare, lines).render() == text
    assert directives.with_directive_lines(document, lines) == document
    assert directives.without_directives(document, ("B",)) == document


def test_the_directives_of_a_whole_text_stay_where_they_are() -> None:
    document = parse_document("# @rotate 9d\n\nA=1\n")
    assert directives.without_directives(document, ("A", "")) == document
    assert directives.directive_lines(document) == {}


def test_directives_of_a_rotation_under_way_are_not_taken_along() -> None:
    document = parse_document("# @owner x\n# @overlap-until 2027-01-31T10:00Z\nA_PREVIOUS=1\n")
    assert directives.directive_lines(document) == {"A_PREVIOUS": "# @owner x\n"}


def test_a_text_without_a_directive_is_left_alone() -> None:
    document = parse_document("# rotate it, owner!\nA=1\n")
    assert said(document.render()) == {}
    assert directives.without_directives(document, ("A",)) is document
