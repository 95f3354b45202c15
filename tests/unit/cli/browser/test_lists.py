"""Lists, the tree and their columns, without a terminal."""

import pytest

from envfs.protocol import control
from envfs_cli.browser import columns
from envfs_cli.browser.level_tree import LevelTree, parent_of
from envfs_cli.browser.listing import ListRow, RowList
from envfs_cli.browser.lists_on_screen import ListControl, ListView
from envfs_cli.browser.signs import choose_signs

SIGNS = choose_signs("utf-8")


def rows(*keys: str) -> list[ListRow]:
    return [ListRow(key, (key,)) for key in keys]


def level_rows(*levels: str) -> list[control.LevelRow]:
    return [control.LevelRow(level, 1, "", allowed=True) for level in levels]


def test_the_selection_stays_with_its_row() -> None:
    listing = RowList()
    listing.set_rows(rows("a", "b", "c"))
    listing.select("b")
    listing.set_rows(rows("0", "a", "aa", "b", "c"))
    assert listing.key == "b"
    listing.set_rows(rows("0", "a", "aa", "c"))
    assert listing.key == "c"
    listing.set_rows(())
    assert (listing.key, listing.selected) == ("", None)


def test_headings_are_passed_over_and_left_out_by_a_filter() -> None:
    heading = ListRow("", ("heading",), is_heading=True)
    listing = RowList()
    listing.set_rows([heading, *rows("a"), heading, *rows("b"), heading])
    assert listing.key == "a"
    listing.move(1)
    assert listing.key == "b"
    listing.move(1)
    assert listing.key == "b"
    listing.move_to_edge(end=False)
    assert listing.key == "a"
    listing.set_filter("B")
    assert [row.key for row in listing.shown] == ["b"]


def test_only_headings_select_nothing() -> None:
    listing = RowList()
    listing.set_rows([ListRow("", ("heading",), is_heading=True)] * 2)
    listing.move(5)
    listing.move(-5)
    assert listing.selected is None


def test_the_tree_has_the_levels_above_those_that_are_known() -> None:
    tree = LevelTree(SIGNS)
    tree.set_levels(level_rows("/a/b/c"))
    assert tree.levels == ("/", "/a", "/a/b", "/a/b/c")
    assert [row.style for row in tree.flat_rows()] == ["dim", "dim", "dim", ""]
    tree.reveal_level("/a/b/c")
    assert [row.cells[0].strip() for row in tree.tree_rows()] == ["▾ /", "▾ a", "▾ b", "· c"]
    assert tree.close_level("/a/b/c") == "/a/b"
    assert tree.close_level("/a/b") == "/a/b"
    assert len(tree.tree_rows()) == 3
    assert parent_of("/") == "/"


def test_what_is_open_stays_open_when_a_level_comes() -> None:
    tree = LevelTree(SIGNS)
    tree.set_levels(level_rows("/a", "/a/b"))
    tree.open_level("/a")
    assert tree.add_levels({"/a/c"})
    assert not tree.add_levels({"/a/c"})
    assert [row.key for row in tree.tree_rows()] == ["/", "/a", "/a/b", "/a/c"]
    assert tree.levels_below("/a") == 2


@pytest.mark.parametrize("width", range(1, 60))
def test_columns_fit_and_a_row_fills_its_width(width: int) -> None:
    table = [("NAME", "STATE", "SET BY"), ("A" * 40, "set", "/shop/prod/eu"), ("日本語" * 6, "é\u0301", "")]
    widths = columns.fit_columns(table, width)
    for row in table:
        line = "  ".join(columns.cut_text(cell, size, "…") for cell, size in zip(row, widths, strict=True))
        assert columns.text_width(line) == sum(widths) + 4
    assert sum(widths) + 4 <= max(width, 16)


def test_a_text_that_is_cut_says_so() -> None:
    assert columns.cut_text("DATABASE", 5, "…") == "DATA…"
    assert columns.cut_text("DB", 5, "…") == "DB   "
    assert columns.cut_text("日本語", 4, "…") == "日… "


def test_words_are_broken_between_and_long_ones_within() -> None:
    assert columns.wrap_words("a level and all below it", 12) == ["a level and", "all below it"]
    assert columns.wrap_words("x" * 7, 3) == ["xxx", "xxx", "x"]
    assert columns.wrap_words("", 3) == [""]
    assert "".join(columns.wrap_letters("a b" * 9, 4)) == "a b" * 9


def test_only_rows_that_are_seen_are_laid_out() -> None:
    listing = RowList()
    listing.set_rows(ListRow(f"N{number}", (f"N{number}", "set")) for number in range(10_000))
    view = ListView(listing, ("NAME", "STATE"), SIGNS)
    control_ = ListControl(lambda: view, lambda: True, lambda: ("", ""))
    drawn: list[tuple[str, ...]] = []
    view.row_text = lambda cells, _width, **_: drawn.append(cells) or ""  # type: ignore[method-assign,func-returns-value]
    content = control_.create_content(40, 10)
    assert (content.line_count, drawn) == (10_000, [])
    content.get_line(9_999)
    assert drawn == [("N9999", "set")]


def test_ten_thousand_levels_are_a_tree() -> None:
    tree, listing = LevelTree(SIGNS), RowList()
    tree.set_levels(level_rows("/", *(f"/p{number // 100}/l{number % 100}" for number in range(10_000))))
    for number in range(100):
        tree.open_level(f"/p{number}")
    listing.set_rows(tree.tree_rows())
    listing.set_filter("l77")
    assert len(listing.shown) == 100


@pytest.mark.parametrize(("encoding", "mark"), [("utf-8", "▾"), ("ascii", "-"), ("latin-1", "-"), (None, "-")])
def test_signs_are_those_that_the_terminal_has(encoding: str | None, mark: str) -> None:
    assert choose_signs(encoding).opened == mark
