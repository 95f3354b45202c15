"""`import --from` with the tools themselves: what direnv and pass hold is in the level as they give it out.

Those that Debian does not have are in tests/other_tools.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.conftest import Homes
from tests.system.home import SECONDS, Home

_PEM = "-----BEGIN KEY-----\nline\n-----END KEY-----\n"


def _needs(*programs: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not all(map(shutil.which, programs)), reason=f"needs {' and '.join(programs)}")


def _run(*words: str, environ: Mapping[str, str], given: str = "") -> None:
    done = subprocess.run(
        words, env={**os.environ, **environ}, input=given, text=True, capture_output=True, check=False, timeout=SECONDS
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def target(new_home: Homes, bare: Home) -> Home:
    return new_home(bare)


@_needs("direnv")
def test_an_envrc_that_is_allowed_and_no_other_one(target: Home, own_ground: Path) -> None:
    folder = own_ground / "envrc"
    folder.mkdir()
    (folder / ".envrc").write_text('export A=1 B="two words"\nPATH_add bin\nexport M=$(printf "a\\nb")\n')
    environ = {"HOME": str(own_ground), "XDG_DATA_HOME": str(own_ground), "A": "of this shell"}
    target.envfs("import", "--from", "direnv", str(folder), "/direnv", environ=environ, status=100)
    _run("direnv", "allow", str(folder), environ=environ)
    said = target.envfs("import", "--from", "direnv", str(folder), "/direnv", environ=environ).complaint
    assert "left out: PATH" in said
    assert target.envfs("export", "/direnv").text == "A=1\nB='two words'\nM=\"a\nb\"\n"


@pytest.fixture
def store(own_ground: Path) -> Iterator[Mapping[str, str]]:
    folder = own_ground / "gnupg"
    folder.mkdir(mode=0o700)
    environ = {"GNUPGHOME": str(folder), "PASSWORD_STORE_DIR": str(own_ground / "store")}
    key = ("gpg", "--batch", "--quiet", "--passphrase", "", "--quick-generate-key", "shop@example.org", "default")
    _run(*key, "default", "never", environ=environ)
    _run("pass", "init", "shop@example.org", environ=environ)
    yield environ
    _run("gpgconf", "--kill", "gpg-agent", environ=environ)


@_needs("pass", "gpg")
def test_the_entries_below_a_folder_of_pass(target: Home, store: Mapping[str, str]) -> None:
    _run("pass", "insert", "-m", "shop/prod/database-url", environ=store, given="hunter2\nurl: elsewhere\n")
    _run("pass", "insert", "-m", "shop/prod/more/TLS_KEY", environ=store, given=_PEM)
    _run("pass", "insert", "-m", "other/KEY", environ=store, given="other\n")
    said = target.envfs("import", "--from", "pass", "shop/prod", "/pass", environ=store).complaint
    assert "lines behind the first of DATABASE_URL" in said
    assert "hunter2" not in said
    assert target.envfs("get", "/pass", "DATABASE_URL").text == "hunter2\n"
    assert target.envfs("get", "/pass", "TLS_KEY").text == _PEM
    target.envfs("import", "--from", "pass", "shop/none", "/pass", environ=store, status=101)
