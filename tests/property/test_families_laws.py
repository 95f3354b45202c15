"""The views of an imported family are what a plain merge of its files gives, in the order of each tool."""

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envfs.core import names
from envfs.dotenv import merging, writing
from envfs.dotenv.document import Document, parse_document
from envfs_cli.importing import families
from tests.selection import TIMES

TOOLS = ("next", "create-react-app", "rails", "dotenv-flow", "vite", "symfony")
MODES = ("development", "production", "test")
FILES = (".env", ".env.local", *(f".env.{mode}{end}" for mode in MODES for end in ("", ".local")))
NAMES = [f"N{number}" for number in range(6)]


def order_of(tool: str, mode: str | None, *, local: bool) -> list[str]:
    """Say, as the manuals of the tools do, which files are read in a mode, the weakest first."""
    first = [".env.defaults", ".env"] if tool == "dotenv-flow" else [".env"]
    if mode is None:
        return [*first, ".env.local"] if local else first
    if not local:
        return [*first, f".env.{mode}"]
    if mode == "test" and tool != "vite":
        return [*first, ".env.test", ".env.test.local"]
    if tool in ("next", "create-react-app", "rails"):
        return [*first, f".env.{mode}", ".env.local", f".env.{mode}.local"]
    return [*first, ".env.local", f".env.{mode}", f".env.{mode}.local"]


@st.composite
def texts(draw: st.DrawFn, *, referring: bool) -> dict[str, str]:
    """Make a family; a value may refer to names before it, in whatever file those are."""
    family = {}
    for file in draw(st.sets(st.sampled_from([*FILES, ".env.defaults"]), min_size=1)):
        lines = []
        for number in sorted(draw(st.sets(st.integers(0, len(NAMES) - 1)))):
            value = draw(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=4))
            line = writing.assignment_line(NAMES[number], value)
            if referring and number and draw(st.booleans()):
                line = f'{NAMES[number]}="{file}:${{{NAMES[draw(st.integers(0, number - 1))]}}}"\n'
            lines.append(draw(st.sampled_from(["", "# a comment\n", "\n"])) + line)
        family[file] = "".join(lines) if draw(st.booleans()) else "".join(lines).removesuffix("\n")
    return family


def imported(family: Mapping[str, str], tool: str) -> dict[str, Document]:
    """Return the own texts of the levels, under /app."""
    members, _ = families.sort_family(family, tool)
    planned = families.plan_levels({file: parse_document(family[file]) for file in members}, tool)
    return {"/".join(("/app", *each.below)): parse_document(each.text) for each in planned}


def view(levels: Mapping[str, Document], level: str) -> dict[str, str]:
    return merging.merge_layers(
        [merging.Layer(each, levels[each]) for each in names.chain(level) if each in levels]
    ).variables


def places(levels: Mapping[str, Document]) -> list[tuple[str, str | None, bool]]:
    modes = sorted({level.split("/")[2] for level in levels if level.count("/") > 1} - {"local"})
    there = [("/app", None, False), ("/app/local", None, True)]
    there += [place for mode in modes for place in ((f"/app/{mode}", mode, False), (f"/app/{mode}/local", mode, True))]
    return [place for place in there if place[0] in levels]


def expanded(winners: Mapping[str, tuple[str, str]], name: str) -> str:
    """Work out a winner that refers to others, as the tools do with what they merged."""
    if name not in winners:
        return ""
    file, value = winners[name]
    prefix = f"{file}:${{"
    return f"{file}:{expanded(winners, value[len(prefix) : -1])}" if value.startswith(prefix) else value


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("referring", [False, True], ids=["literal", "referring"])
@settings(max_examples=30 * TIMES)
@given(data=st.data())
def test_each_view_is_what_the_tool_reads_in_that_mode(tool: str, *, referring: bool, data: st.DataObject) -> None:
    family = data.draw(texts(referring=referring))
    levels = imported(family, tool)
    for level, mode, local in places(levels):
        winners: dict[str, tuple[str, str]] = {}
        for file in order_of(tool, mode, local=local):
            winners |= {name: (file, value) for name, value in parse_document(family.get(file, "")).variables().items()}
        assert view(levels, level) == {name: expanded(winners, name) for name in winners}, level


@pytest.mark.parametrize("tool", TOOLS)
@given(data=st.data())
def test_no_file_of_the_family_is_without_its_level(tool: str, data: st.DataObject) -> None:
    family = data.draw(texts(referring=False))
    levels = imported(family, tool)
    for mode in MODES:
        for end in ("", ".local"):
            assert (f".env.{mode}{end}" not in family) or f"/app/{mode}{end.replace('.', '/')}" in levels
        applies = mode != "test" or tool == "vite"
        if applies and ".env.local" in family and f".env.{mode}" in family:
            assert f"/app/{mode}/local" in levels


@given(st.sets(st.sampled_from([*FILES, ".env.defaults"])), st.sampled_from(TOOLS))
def test_a_value_that_goes_on_from_the_one_before_goes_on_through_the_family(there: set[str], tool: str) -> None:
    last = ".env.production.local"
    family = {file: f"P=${{P}}{file[4:]},\n" for file in {*there, last}}
    if tool not in ("next", "create-react-app", "rails") and {".env.local", ".env.production"} <= set(family):
        members, _ = families.sort_family(family, tool)
        planned = families.plan_levels({file: parse_document(family[file]) for file in members}, tool)
        told = [note for each in planned if each.below == ("production", "local") for note in each.notes]
        assert told == [
            "P goes on from itself in .env.local and in .env.production: look at the level production/local"
        ]
        return
    read = [f"{file[4:]}," for file in order_of(tool, "production", local=True) if file in family]
    assert view(imported(family, tool), "/app/production/local")["P"] == "".join(read)
