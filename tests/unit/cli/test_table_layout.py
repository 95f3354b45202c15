"""A table fits its terminal as far as words allow, and never breaks one."""

import pytest

from envfs_cli import table_layout

HISTORY = (
    ("VERSION", "TIME", "CHANGES", "MESSAGE"),
    ("12", "2026-11-30T03:03:15+00:00", "+DB_HOST +DB_USER +DB_PASSWORD +DATABASE_URL and 8 more", "the old .env"),
    ("11", "2026-11-30T03:03:14+00:00", "~DB_HOST", ""),
)


def lines(limit: int) -> list[str]:
    widths = table_layout.column_widths(HISTORY, limit)
    return [line for row in HISTORY for line in table_layout.row_lines(row, widths)]


@pytest.mark.parametrize("limit", range(62, 130))
def test_a_table_fits_the_terminal(limit: int) -> None:
    assert max(map(len, lines(limit))) <= limit


@pytest.mark.parametrize("limit", [0, 10, 40, 62, 80, 200])
def test_no_word_is_broken_or_lost_whatever_the_width(limit: int) -> None:
    assert sorted(" ".join(lines(limit)).split()) == sorted(" ".join(map(" ".join, HISTORY)).split())


def test_what_fits_is_one_line_a_row_in_columns_as_wide_as_their_cells() -> None:
    assert [line.find(word) for line, word in zip(lines(200), ("CHANGES", "+DB_HOST", "~DB_HOST"), strict=True)] == [
        36
    ] * 3


def test_the_lines_of_a_cell_stand_in_its_column() -> None:
    widths = table_layout.column_widths((("A", "WHAT"), ("x", "one two three")), 11)
    assert table_layout.row_lines(("x", "one two three"), widths) == ["x  one two", "   three"]


def test_a_command_to_be_pasted_is_not_broken() -> None:
    assert table_layout.row_lines(("say `envfs history /x` to see",), [12]) == ["say", "`envfs history /x`", "to see"]


def test_a_date_and_its_time_stay_together() -> None:
    row = ("2026-11-30 03:03:15", "because it had to be")
    assert table_layout.row_lines(row, table_layout.column_widths((row,), 30)) == [
        "2026-11-30 03:03:15  because",
        "                     it had to",
        "                     be",
    ]


def test_a_table_that_cannot_fit_keeps_its_rows_whole() -> None:
    row = ("a-word-of-twenty-one-", "two words")
    assert table_layout.row_lines(row, table_layout.column_widths((row,), 20)) == ["  ".join(row)]
