"""A table fits its terminal, and breaks a word where it could not else."""

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


@pytest.mark.parametrize("limit", range(62, 130))
def test_a_moment_stays_whole(limit: int) -> None:
    assert "2026-11-30T03:03:15+00:00" in " ".join(lines(limit))


@pytest.mark.parametrize("limit", [0, 10, 40, 62, 80, 200])
def test_nothing_is_lost_whatever_the_width(limit: int) -> None:
    assert sorted("".join(lines(limit)).replace(" ", "")) == sorted("".join(map("".join, HISTORY)).replace(" ", ""))


@pytest.mark.parametrize("limit", [62, 80, 200])
def test_no_word_is_broken_where_the_table_fits_without(limit: int) -> None:
    assert sorted(" ".join(lines(limit)).split()) == sorted(" ".join(map(" ".join, HISTORY)).split())


RULES = (
    ("RULE", "VARIABLE", "HOSTS", "WHERE", "APPROVAL"),
    ("openai-compatible", "OPENAI_API_KEY", "api.openai.com,eu.api.openai.com", "header:authorization", "never"),
    ("aws", "AWS_SECRET_ACCESS_KEY", "*.amazonaws.com:443", "aws-signature-version-4", "2026-11-30 03:03:15"),
)


@pytest.mark.parametrize("limit", range(62, 130))
def test_long_words_are_broken_so_that_the_table_fits(limit: int) -> None:
    widths = table_layout.column_widths(RULES, limit)
    rows = [table_layout.row_lines(row, widths) for row in RULES]
    assert max(len(line) for row in rows for line in row) <= limit
    assert "2026-11-30 03:03:15" in " ".join(rows[2])
    for row, shown in zip(RULES, rows, strict=True):
        assert sorted("".join(shown).replace(" ", "")) == sorted("".join(row).replace(" ", ""))


def test_a_long_word_is_broken_behind_a_sign() -> None:
    row = ("/shop/billing/prod/eu-central-1", "x")
    assert table_layout.row_lines(row, table_layout.column_widths((row,), 20)) == [
        "/shop/billing/     x",
        "prod/eu-central-1",
    ]


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
    row = ("2026-11-30 03:03:15", "two words")
    assert table_layout.row_lines(row, table_layout.column_widths((row,), 20)) == ["  ".join(row)]
