"""The pages of docs/recipes: each file that they name is there, each file is named, and scripts are sound."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.recipes.copied import RECIPES, ROOT
from tests.system.home import SECONDS

PAGES = sorted((ROOT / "docs" / "recipes").glob("*.md"))
TEXTS = {page.name: page.read_text(encoding="utf-8") for page in PAGES}
FILES = sorted(path for path in RECIPES.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
SCRIPTS = [path for path in FILES if path.suffix == ".sh" or path.read_bytes().startswith(b"#!/bin/sh")]


@pytest.mark.parametrize("name", TEXTS)
def test_what_a_page_names_is_there(name: str) -> None:
    for path in re.findall(r"contrib/recipes/[\w./@-]*[\w-]", TEXTS[name]):
        assert (ROOT / path).exists(), path
    for link in re.findall(r"\]\((?!https?:)([^)#]+)", TEXTS[name]):
        assert (ROOT / "docs" / "recipes" / link).exists(), link


def test_each_page_is_in_the_list_and_each_folder_of_files_in_a_page() -> None:
    listed = set(re.findall(r"\((\w[\w-]*\.md)\)", TEXTS["README.md"]))
    assert listed == set(TEXTS) - {"README.md"}
    folders = {path.relative_to(RECIPES).parts[0] for path in FILES}
    pages = "".join(TEXTS.values())
    assert not [folder for folder in folders if f"contrib/recipes/{folder}" not in pages]


def test_each_file_is_named_by_a_page_or_another_file() -> None:
    texts = "".join([*TEXTS.values(), *(path.read_text(encoding="utf-8") for path in FILES)])
    whole = {"settings.py", "manage.py", "page.js", "layout.js", "main.js", "index.html", "package.json"}  # of folders
    assert not [path for path in FILES if path.name not in whole and path.name not in texts]


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_is_sound(path: Path) -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not here")
    done = subprocess.run(["shellcheck", path], capture_output=True, text=True, check=False, timeout=SECONDS)
    assert done.returncode == 0, done.stdout
