"""Run the sessions of pictures, and print what terminals were sent: `python -m tests.documents.film LIST`.

Standard output is JSON: for each picture its title, its columns and rows, and pairs of a command and what it wrote.
"""

import json
import os
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from tests.documents.page import read_script
from tests.documents.session import run_page
from tests.documents.typist import Ran
from tests.documents.world import World
from tests.system.terminal import Terminal, leave_terminal

_COLUMNS = 100


def main() -> None:
    """Run each page once, and print what its pictures show."""
    leave_terminal()
    os.chmod("/dev/fuse", 0o666)  # as udev has it
    sessions: dict[str, list[Ran]] = {}
    made = {}
    for name, picture in tomllib.loads(Path(sys.argv[1]).read_text(encoding="utf-8")).items():
        shown = {"title": picture["title"], "columns": _COLUMNS, "rows": picture.get("rows", 0)}
        with tempfile.TemporaryDirectory(prefix="film-") as folder:
            if "steps" in picture:
                made[name] = {**shown, "commands": [_played(picture, Path(folder))]}
                continue
            page = picture["page"]
            if page not in sessions:
                sessions[page] = run_page(page, Path(folder), _COLUMNS)
            made[name] = {**shown, "commands": [_find(sessions[page], begin) for begin in picture["commands"]]}
    json.dump(made, sys.stdout)


def _find(session: list[Ran], begin: str) -> tuple[str, str]:
    for one in session:
        if one.line.text.startswith(begin):
            return one.line.text.partition("  #")[0].rstrip(), one.raw
    raise SystemExit(f"film: no page has a command that begins so: {begin}")


def _played(picture: dict[str, Any], folder: Path) -> tuple[str, str]:
    """Run a program that takes the whole terminal, in the world of a script, and press keys."""
    with World(folder) as world:
        world.run(read_script(picture["script"]).start)
        words = world.words(*picture["run"].split(), has_terminal=True)
        with Terminal(words, world.environment(""), columns=_COLUMNS, rows=picture["rows"]) as terminal:
            for awaited, keys in picture["steps"]:
                terminal.expect(awaited, 60.0)
                terminal.press(keys)
            terminal.expect(picture["until"], 60.0)
            return picture.get("typed", ""), terminal.shown


if __name__ == "__main__":
    main()
