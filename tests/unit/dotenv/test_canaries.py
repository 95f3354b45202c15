"""A mark makes a canary of the assignments of one name in one text, and goes and moves with the variable."""

import pytest

from envfs.dotenv import canaries, merging
from envfs.dotenv.document import parse_document
from envfs.dotenv.merging import Layer, merge_layers


def names_of(*texts: str) -> tuple[str, ...]:
    levels = ["/", "/shop", "/shop/prod"]
    layers = [Layer(level, parse_document(text)) for level, text in zip(levels, texts, strict=False)]
    return canaries.canary_names(layers, merge_layers(layers))


@pytest.mark.parametrize(
    ("texts", "names"),
    [
        (("# @canary A\nA=1\nB=2\n",), ("A",)),
        (("A=1\n# @canary A\n",), ("A",)),
        (("\ufeff# @canary A\r\nA=1\r\n",), ("A",)),
        (("  #  @canary  A  \nA=1\n# some words\n# @canary B\n\nB=2\n",), ("A", "B")),
        (("A=1 # @canary A\n",), ()),
        (("# @canary\nA=1\n",), ()),
        (("# @canary B\nA=1\n",), ()),
        (("# @canary A\nA=1\n", "B=2\n"), ("A",)),
        (("# @canary A\nA=1\n", "A=2\n"), ()),
        (("A=1\n", "# @canary A\n"), ()),
        (("# @canary A\nA=1\nB=x${A}\nC=y${B}\nD=z\n",), ("A", "B", "C")),
        (("# @canary A\nA=1\n", "B=${A}\n", "A=3\n"), ()),
        (("X='# @canary A'\nA=1\n",), ()),
        (('X="\n# @canary A\n"\nA=1\n',), ()),
    ],
)
def test_a_variable_is_a_canary_where_its_value_comes_from_a_marked_assignment(
    texts: tuple[str, ...], names: tuple[str, ...]
) -> None:
    assert names_of(*texts) == names


def test_what_a_face_does_not_show_is_no_canary_of_its_view() -> None:
    layers = [Layer("/", parse_document("# @canary A\nA=1\nB=2\n"))]
    view = merging.only_shown(merge_layers(layers), lambda name: name == "B")
    assert canaries.canary_names(layers, view) == ()


@pytest.mark.parametrize("text", ["A=1\n", "\ufeffA=1\n", "B=2\r\nA=1\r\n", "A=0\nA=1", "# words\nexport A='1'\nB=2\n"])
def test_a_mark_is_set_once_and_taken_away_again_to_the_letter(text: str) -> None:
    document = parse_document(text)
    marked = canaries.with_mark(document, "A")
    assert canaries.own_canaries(marked) == ("A",)
    assert marked.variables() == document.variables()
    assert canaries.with_mark(marked, "A") == marked
    assert canaries.without_mark(marked, "A").render() == text
    assert canaries.without_mark(document, "A") == document


def test_a_mark_moves_with_the_name() -> None:
    document = parse_document("# @canary A\n# @canary AB\nA=1\nAB=2\n")
    renamed = canaries.with_mark_renamed(document.rename("A", "C"), "A", "C")
    assert renamed.render() == "# @canary C\n# @canary AB\nC=1\nAB=2\n"
