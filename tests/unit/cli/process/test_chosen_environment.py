"""A command's environment by choice: a basis of the caller's, and what is set there first."""

import pytest

from envfs_cli.process.chosen_environment import entries_by
from envfs_cli.process.replacement import environment_entries

HERE = [b"PATH=/bin", b"A=mine", b"E=", b"odd", b"A=twice", b"AWS_KEY=x", b"LC_ALL=C", b"LCX=1", b"=x"]
VIEW = b"A=theirs\0B=2\0E=full\0PATH=/view\0LC_ALL=view\0"


@pytest.mark.parametrize(
    ("keeps_existing", "is_clean", "entries"),
    [
        (
            *(True, False),
            [b"PATH=/bin", b"A=mine", b"E=", b"odd", b"A=twice", b"AWS_KEY=x", b"LC_ALL=C", b"LCX=1", b"=x", b"B=2"],
        ),
        (False, True, [b"PATH=/view", b"LC_ALL=view", b"A=theirs", b"B=2", b"E=full"]),
        (True, True, [b"PATH=/bin", b"LC_ALL=C", b"A=theirs", b"B=2", b"E=full"]),
    ],
)
def test_what_is_there_wins_or_goes(keeps_existing: bool, is_clean: bool, entries: list[bytes]) -> None:
    assert entries_by(keeps_existing=keeps_existing, is_clean=is_clean)(HERE, VIEW) == entries


def test_without_a_choice_it_is_the_usual_environment() -> None:
    assert entries_by(keeps_existing=False, is_clean=False)(HERE, VIEW) == environment_entries(HERE, VIEW)
