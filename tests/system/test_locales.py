"""Output in any locale: in a pipe the same bytes everywhere, on a terminal what it has letters for.

Of commands and locales in a pipe, `make test` tries each command in a quarter of them; `make soak` tries the others.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Homes
from tests.selection import shared_out
from tests.system.home import ENVFS, SECONDS, Home
from tests.system.terminal import Terminal

VALUE = "Zo\xeb \u2713 \u65e5\u672c"
TEXT = f'NAME="{VALUE}"\nHOST=${{LATE}}\nLATE=1\n'
CHARACTER_SETS = {"de_DE": "ISO-8859-1", "ja_JP": "EUC-JP", "ru_RU": "KOI8-R"}
NAMES = ["C", "POSIX", "C.UTF-8", "xx_YY.ISO-8859-1", "", *(f"{name}.{of}" for name, of in CHARACTER_SETS.items())]


@pytest.fixture(scope="module")
def locales(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Give an environment in which the locales are there; those that this machine cannot make are as unknown ones."""
    folder = tmp_path_factory.mktemp("locales")
    for name, of in CHARACTER_SETS.items():
        if shutil.which("localedef"):
            words = ["localedef", "-f", of, "-i", name, str(folder / f"{name}.{of}")]
            subprocess.run(words, check=False, capture_output=True, timeout=3 * SECONDS)
    return {"LOCPATH": str(folder)}


@pytest.fixture(scope="module")
def texts(new_home: Homes, bare: Home) -> Iterator[Home]:
    """Give a mounted home whose texts have letters that few character sets have."""
    home = new_home(bare)
    with home.served():
        home.envfs("import", "-", "/app", given=TEXT)
        yield home


LINES = ["get /app NAME", "show /app --reveal", "export /app", "explain /app HOST", "check /app", "ls", "log", "--help"]


ENVIRONS = [
    extra
    for name in NAMES
    for extra in ({"LC_ALL": name}, {"LC_ALL": "", "LANG": name}, {"LC_ALL": name, "PYTHONIOENCODING": "ascii"})
]


@pytest.mark.parametrize(("line", "environs"), shared_out(LINES, ENVIRONS, 4))
def test_in_a_pipe_a_result_is_the_same_bytes_in_every_locale(
    line: str, environs: list[dict[str, str]], texts: Home, locales: dict[str, str]
) -> None:
    said = set()
    for extra in (ENVIRONS[0], *environs):
        done = texts.envfs(*line.split(), environ={**locales, **extra}, status=None)
        assert b"Traceback" not in done.err
        said.add((done.status, done.out if line != "log" else b""))
    assert len(said) == 1
    assert VALUE.encode() in next(iter(said))[1] or line.split(maxsplit=1)[0] not in ("get", "show", "export")


@pytest.mark.parametrize("name", NAMES)
def test_a_terminal_is_shown_other_letters_where_it_lacks_them(name: str, texts: Home, locales: dict[str, str]) -> None:
    environ = {**texts.environ(), **locales, "LC_ALL": name}
    for words in (["show", "/app", "--reveal"], ["check", "/app"], ["explain", "/app", "HOST"], ["get", "/app", "X→"]):
        with Terminal([ENVFS, *words], environ) as terminal:
            assert terminal.end() in (0, 100, 105)
            assert "Traceback" not in terminal.shown
    with Terminal([ENVFS, "check", "/app"], environ) as terminal:
        terminal.expect("HOST → LATE" if name == "C.UTF-8" else "LATE")
    with Terminal([ENVFS, "show", "/app", "--reveal"], environ) as terminal:
        terminal.expect(VALUE if name == "C.UTF-8" else "Zo")
        terminal.expect("/app")


def test_in_the_plainest_locale_all_is_ascii(texts: Home) -> None:
    environ = {**texts.environ(), "LC_ALL": "C"}
    shown = ""
    for words in (["show", "/app", "--reveal"], ["check", "/app"], ["show", "/app"]):
        with Terminal([ENVFS, *words], environ) as terminal:
            terminal.end()
            shown += terminal.shown
    assert shown.isascii()
    assert "HOST -> LATE" in shown
    assert r"Zo\xeb \u2713 \u65e5\u672c" in shown


def test_a_file_whose_name_is_not_utf_8_is_a_file(texts: Home, tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path) + b"/\xff\xfe"
    os.mkdir(folder)
    with open(folder + b"/.env", "wb") as file:
        file.write(b"A=1\n")
    path = os.fsdecode(folder)
    for name in ("C", "C.UTF-8"):
        environ = {"LC_ALL": name}
        texts.envfs("import", f"{path}/.env", "/other", environ=environ)
        texts.envfs("import", path, "/family", environ=environ)
        texts.envfs("link", path, "/app", environ=environ, status=118)
        assert texts.envfs("exec", "/other", "--", "printenv", "A", cwd=path, environ=environ).out == b"1\n"
        texts.envfs("export", "/other", "--output", f"{path}/{name}", environ=environ)
        said = texts.envfs("export", "/other", "--output", f"{path}/{name}", environ=environ, status=118)
        assert rf"{tmp_path}/\xff\xfe/{name}" in said.complaint


def test_a_home_whose_name_is_not_utf_8_works(ground: Path) -> None:
    home = Home(Path(os.fsdecode(os.fsencode(ground) + b"/home-\xff")))
    home.envfs("init", "--identity-file", str(ground / "identity-of-odd-home.txt"))
    said = home.envfs("init", "--identity-file", str(home.path / "id"), status=100)
    assert "not UTF-8" in said.complaint
    with home.served():
        home.envfs("set", "/app", "A", given="1")
        assert home.view("/app").read_bytes() == b"A=1\n"
    home.settle()
