"""Every session in README.md and docs/ is typed in a world of its page's own, and shows what the page shows."""

import tempfile
from pathlib import Path

import pytest

from tests.documents.page import find_pages, read_script
from tests.documents.session import run_page

_PAGES = [
    pytest.param(name, marks=pytest.mark.soak if read_script(name).is_slow else (), id=name) for name in find_pages()
]


@pytest.mark.parametrize("name", _PAGES)
def test_a_page_shows_what_happens(name: str, ground: Path) -> None:
    folder = Path(tempfile.mkdtemp(prefix="page-", dir=ground))
    ran = run_page(name, folder)
    folder.rmdir()
    differences = [
        f"{name}:{one.line.number}: $ {one.line.text}\n{one.difference}\n-- shown:\n" + "\n".join(one.shown)
        for one in ran
        if one.difference
    ]
    assert not differences, "\n\n".join(differences)
