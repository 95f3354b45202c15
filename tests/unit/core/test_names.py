"""Level paths and variable names: one grammar, one spelling."""

import pytest

from envfs.core import limits, names
from envfs.errors import BadName, TooLarge

DEEPEST = "/" + "/".join(["a"] * limits.DEPTH)
LONGEST = "a" * limits.COMPONENT_BYTES


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/", "/"),
        ("shop", "/shop"),
        ("/shop", "/shop"),
        ("shop/", "/shop"),
        ("/shop/prod/", "/shop/prod"),
        ("A/b_1/2.c-d", "/A/b_1/2.c-d"),
        ("_", "/_"),
        (DEEPEST, DEEPEST),
        (LONGEST, "/" + LONGEST),
    ],
)
def test_a_level_has_one_spelling(text: str, path: str) -> None:
    assert names.parse_level(text) == path
    assert names.parse_level(path) == path


@pytest.mark.parametrize(
    "text",
    [
        "",
        "//",
        "///",
        "/a//b",
        "//a",
        "a//",
        ".",
        "..",
        "/a/..",
        ".vars",
        "-a",
        "a b",
        "a\n",
        "é",
        "a\0",
        "a\\b",
        "a:b",
        "\ud800",
    ],
)
def test_what_is_no_level_is_refused(text: str) -> None:
    with pytest.raises(BadName):
        names.parse_level(text)


@pytest.mark.parametrize("text", [DEEPEST + "/a", LONGEST + "a", "/a" * 100_000])
def test_a_level_over_a_limit_is_refused(text: str) -> None:
    with pytest.raises(TooLarge):
        names.parse_level(text)


@pytest.mark.parametrize("name", ["A", "_", "a1", "__X_9", "N" * limits.NAME_BYTES])
def test_a_variable_name_comes_back(name: str) -> None:
    assert names.parse_variable(name) == name


@pytest.mark.parametrize("name", ["", "1A", "A-B", "a.b", "A B", "A=", "A\n", "É", "A\0", "\uff21"])
def test_what_is_no_variable_name_is_refused(name: str) -> None:
    with pytest.raises(BadName):
        names.parse_variable(name)


def test_a_variable_name_over_the_limit_is_refused() -> None:
    with pytest.raises(TooLarge):
        names.parse_variable("N" * (limits.NAME_BYTES + 1))


def test_a_refusal_does_not_repeat_what_was_typed() -> None:
    with pytest.raises(BadName) as caught:
        names.parse_variable("TOKEN=hunter2")
    assert "hunter2" not in str(caught.value) + caught.value.hint


@pytest.mark.parametrize(
    ("path", "chain"),
    [("/", ("/",)), ("/a", ("/", "/a")), ("/a/b/c", ("/", "/a", "/a/b", "/a/b/c"))],
)
def test_a_chain_starts_at_the_top(path: str, chain: tuple[str, ...]) -> None:
    assert names.chain(path) == chain


@pytest.mark.parametrize(("path", "project"), [("/", "/"), ("/a", "/a"), ("/a/b", "/a")])
def test_the_project_is_the_level_of_the_first_component(path: str, project: str) -> None:
    assert names.project(path) == project


@pytest.mark.parametrize(("text", "project"), [("/", "/"), ("shop", "/shop"), ("/shop", "/shop"), ("/shop/", "/shop")])
def test_a_project_is_named_with_or_without_its_slash_and_written_one_way(text: str, project: str) -> None:
    assert names.project_named(text) == project


@pytest.mark.parametrize("text", ["", "/shop/prod", "shop/prod", "/..", "a b"])
def test_what_is_no_project_is_refused(text: str) -> None:
    with pytest.raises(BadName):
        names.project_named(text)


@pytest.mark.parametrize(
    ("path", "top", "inside"),
    [
        ("/a/b", "/", True),
        ("/", "/", True),
        ("/a", "/a", True),
        ("/a/b", "/a", True),
        ("/ab", "/a", False),
        ("/", "/a", False),
        ("/a", "/a/b", False),
    ],
)
def test_within_goes_by_whole_components(path: str, top: str, inside: bool) -> None:
    assert names.within(path, top) is inside


@pytest.mark.parametrize(("path", "child"), [("/", "/x"), ("/a", "/a/x")])
def test_a_child_is_one_step_below(path: str, child: str) -> None:
    assert names.child(path, "x") == child
