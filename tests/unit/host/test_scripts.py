"""The script that an interpreter runs is told from its arguments, and no code and no other text of them is."""

import pytest

from envfs.host import scripts

FILES = {"app.py", "/usr/bin/claude", "run.sh", "data.txt", "utf8"}


@pytest.mark.parametrize(
    ("arguments", "script"),
    [
        (["app.py", "run.sh"], "app.py"),
        (["-I", "-X", "utf8", "app.py"], "app.py"),
        (["--max-old-space-size=1", "/usr/bin/claude", "--token", "t0p"], "/usr/bin/claude"),
        (["-c", "print('t0p')", "data.txt"], "-c"),
        (["-e", "t0p"], "-e"),
        (["-m", "http.server", "data.txt"], "-m http.server"),
        (["-m", "t0p secret", "data.txt"], ""),
        (["-m"], ""),
        (["-o", "pipefail", "run.sh"], "run.sh"),
        (["no-file", "t0p"], ""),
        (["", "-"], ""),
        ([], ""),
    ],
)
def test_an_argument_is_the_script_if_it_names_a_file(arguments: list[str], script: str) -> None:
    assert scripts.script_in(arguments, lambda name: name if name in FILES else "") == script


@pytest.mark.parametrize("name", ["python3.11", "node", "bash", "/usr/bin/perl", "python3.11 (deleted)", "pypy3"])
def test_an_interpreter_is_known_by_its_name(name: str) -> None:
    assert scripts.is_interpreter(name)


@pytest.mark.parametrize("name", ["", "/usr/bin/cat", "mypython", "bashful", "/srv/node-agent/bin/agent"])
def test_other_programs_are_none(name: str) -> None:
    assert not scripts.is_interpreter(name)
