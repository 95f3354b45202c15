"""Run the sessions of pages and write what was shown into them: `python -m tests.documents.record PAGE …`, as root.

What a page shows of a command is replaced where it differs. A command that shows nothing on the page stays so, unless
`…` stands there alone and `--expand` is said. Read the change before you commit it.
"""

import os
import sys
import tempfile
from pathlib import Path

from tests.documents.page import ROOT
from tests.documents.session import run_page
from tests.documents.typist import Ran, merge_answers
from tests.system.terminal import leave_terminal


def main() -> None:
    """Record each page that is named."""
    leave_terminal()
    os.chmod("/dev/fuse", 0o666)
    names = [word for word in sys.argv[1:] if word != "--expand"]
    for name in names:
        with tempfile.TemporaryDirectory(prefix="record-") as folder:
            path = ROOT / name
            path.write_text(
                _recorded(
                    path.read_text(encoding="utf-8"),
                    run_page(name, Path(folder)),
                    expands=len(names) < len(sys.argv) - 1,
                ),
                encoding="utf-8",
            )


def _recorded(text: str, ran: list[Ran], *, expands: bool) -> str:
    lines = text.splitlines()
    for one in sorted(ran, key=lambda one: -one.line.number):
        if not one.difference and not (expands and one.line.shown == ("…",)):
            continue
        print(f"line {one.line.number}: {one.line.text}\n  {one.difference}")
        if not one.line.shown:
            print(*one.shown, sep="\n")
        if one.line.shown:
            begin = one.line.number + one.line.text.count("\n")
            lines[begin : begin + len(one.line.shown)] = merge_answers(one.line.shown, one.shown)
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
