"""The status line says what is so in as many words as the terminal takes."""

import pytest

from envfs.protocol import control
from envfs_cli.shell import status_line
from envfs_cli.shell.status_line import ShellFacts

WELL = control.StatusRow("owner", unlocked=True)
FULL = control.StatusRow(
    "owner",
    unlocked=False,
    engine="away",
    waiting=3,
    conflicts=2,
    problems=("the vault is locked; x", "the log is bent"),
)
LOCKED = "locked: `unlock`  1 question waits: F2 answers"


def line(facts: ShellFacts, width: int = 200) -> str:
    return "  ".join(text for _, text in status_line.fitted_pieces(status_line.status_pieces(facts), width))


@pytest.mark.parametrize(
    ("facts", "shown"),
    [
        (ShellFacts("/shop", WELL), "/shop  unlocked  daemon well"),
        (ShellFacts("/shop", WELL, is_own=True), "/shop  unlocked  daemon of this shell"),
        (ShellFacts("/shop", None), "/shop  no daemon"),
        (ShellFacts("/shop", None, is_away=False), "/shop"),
        (ShellFacts("/shop", WELL, is_silent=True), "/shop  unlocked  daemon does not answer"),
        (ShellFacts("/", None, has_vault=False), "/  no vault: `init` makes one"),
        (ShellFacts("/shop", WELL, questions=2), "/shop  unlocked  2 questions wait: F2 answers  daemon well"),
        (
            ShellFacts("/shop/a", WELL._replace(locked=("/shop",))),
            "/shop/a  project locked: `unlock PROJECT`  daemon well",
        ),
        (ShellFacts("/web", WELL._replace(locked=("/shop",))), "/web  unlocked  daemon well"),
        (ShellFacts("/", WELL._replace(engine="connected")), "/  unlocked  engine connected  daemon well"),
        (
            ShellFacts("/", WELL._replace(engine="of a later release")),
            "/  unlocked  engine of a later release  daemon well",
        ),
        (ShellFacts("/", control.StatusRow("other")), "/  daemon well"),
        (
            ShellFacts("/shop", FULL, questions=1),
            f"/shop  {LOCKED}  engine away, 3 to send  2 conflicts: `sync status`  1 problem: `status`",
        ),
    ],
)
def test_each_fact_has_its_words(facts: ShellFacts, shown: str) -> None:
    assert line(facts) == shown


@pytest.mark.parametrize("width", range(24, 140))
def test_it_fits_each_width_and_keeps_what_needs_a_person(width: int) -> None:
    facts = ShellFacts(f"/{'shop/' * 9}prod", FULL, questions=1)
    shown = line(facts, width)
    assert len(shown) + 2 <= width
    assert "/prod" in shown
    assert "1 asked" in shown or "1 question" in shown


def test_at_eighty_columns_all_is_there() -> None:
    assert line(ShellFacts("/shop/prod", FULL, questions=1), 80).count("  ") == 5


def test_in_a_prompt_stands_what_needs_a_person() -> None:
    assert status_line.line_words(ShellFacts("/shop", WELL)) == ""
    assert status_line.line_words(ShellFacts("/shop", FULL, questions=1)) == (
        "1 question waits, locked, engine away, 3 to send, 2 conflicts, 1 problem"
    )
