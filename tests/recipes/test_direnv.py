"""`use envfs` in an .envrc, by the real direnv."""

import os
import shutil
from pathlib import Path

import pytest

from tests.recipes.copied import LEVEL, RECIPES, VALUES, fill, run
from tests.system.home import Home

pytestmark = pytest.mark.skipif(shutil.which("direnv") is None, reason="direnv is not here")


@pytest.fixture
def project(tmp_path: Path, home: Home) -> Path:
    library = tmp_path / ".config" / "direnv" / "lib"
    library.mkdir(parents=True)
    shutil.copy(RECIPES / "direnv" / "envfs.sh", library)
    shutil.copy(RECIPES / "direnv" / ".envrc", tmp_path)
    fill(home)
    return tmp_path


def _direnv(project: Path, home: Home, *words: str, status: int = 0) -> str:
    return run(["direnv", *words], home, project, {"TMPDIR": str(project)}, status=status)


def test_a_shell_has_the_variables_of_the_level_and_no_file_had_them(home: Home, project: Path) -> None:
    with home.served():
        _direnv(project, home, "allow", ".")
        printed = _direnv(project, home, "exec", ".", "env", "-0")
    assert {f"{name}={value}" for name, value in VALUES.items()} <= set(printed.split("\0")), printed
    kept = "".join(path.read_text(errors="replace") for path in project.rglob("*") if path.is_file())
    assert VALUES["STRIPE_KEY"] not in kept


def test_a_change_of_the_level_is_noticed(home: Home, project: Path) -> None:
    with home.served():
        _direnv(project, home, "allow", ".")
        shell = (
            'eval "$(direnv export bash)"; echo "first $PORT"; sleep 1.1; printf 9000 | envfs set /shop/dev PORT; '
            'eval "$(direnv export bash)"; echo "then $PORT"'
        )
        printed = run(["bash", "-c", shell], home, project)
    assert "first 8000" in printed, printed
    assert "then 9000" in printed, printed


def test_a_level_that_sets_a_dangerous_name_stops_the_envrc(home: Home, project: Path) -> None:
    with home.served():
        _direnv(project, home, "allow", ".")
        home.envfs("set", LEVEL, "LD_PRELOAD", given="/tmp/x.so")
        said = _direnv(project, home, "exec", ".", "env", status=1)
    assert f"{LEVEL} sets LD_PRELOAD" in said


def test_options_of_exec_are_taken(home: Home, project: Path) -> None:
    (project / ".envrc").write_text(f"use envfs {LEVEL} --only PORT\n", encoding="utf-8")
    with home.served():
        _direnv(project, home, "allow", ".")
        printed = _direnv(project, home, "exec", ".", "env")
    assert "PORT=8000" in printed
    assert "STRIPE_KEY" not in printed


def test_without_a_daemon_it_works_as_well(home: Home, project: Path) -> None:
    _direnv(project, home, "allow", ".")
    assert "PORT=8000" in _direnv(project, home, "exec", ".", "env")


def test_the_format_for_direnv_gives_the_same_values(home: Home, project: Path) -> None:
    (project / ".envrc").write_text(f'eval "$(envfs export {LEVEL} -f direnv)"\n', encoding="utf-8")
    with home.served():
        _direnv(project, home, "allow", ".")
        printed = _direnv(project, home, "exec", ".", "env", "-0")
    assert {f"{name}={value}" for name, value in VALUES.items()} <= set(printed.split("\0"))


def test_the_library_is_a_script_that_bash_takes() -> None:
    assert os.system(f"bash -n {RECIPES}/direnv/envfs.sh") == 0  # noqa: S605 - a fixed path
