"""Run the sessions of pictures, and print what terminals were sent: `python -m tests.documents.film LIST`.

Standard output is JSON: for each picture its title, its columns, and pairs of a command and the bytes that it wrote.
"""

import json
import os
import sys
import tempfile
import tomllib
from pathlib import Path

from tests.documents.session import run_page
from tests.documents.typist import Ran
from tests.system.terminal import leave_terminal

_COLUMNS = 100


def main() -> None:
    """Run each page once, and print what its pictures show."""
    leave_terminal()
    os.chmod("/dev/fuse", 0o666)  # as udev has it
    pictures = tomllib.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    sessions: dict[str, list[Ran]] = {}
    for picture in pictures.values():
        page = picture.pop("page")
        if page not in sessions:
            with tempfile.TemporaryDirectory(prefix="film-") as folder:
                sessions[page] = run_page(page, Path(folder), _COLUMNS)
        commands = picture.pop("commands")
        picture |= {"columns": _COLUMNS, "commands": [_find(sessions[page], begin) for begin in commands]}
    json.dump(pictures, sys.stdout)


def _find(session: list[Ran], begin: str) -> tuple[str, str]:
    for one in session:
        if one.line.text.startswith(begin):
            return one.line.text.partition("  #")[0].rstrip(), one.raw
    raise SystemExit(f"film: no page has a command that begins so: {begin}")


if __name__ == "__main__":
    main()
