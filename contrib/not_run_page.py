"""docs/not-run.md: the sessions of README.md and docs/ that the tests do not run, and what stands in for a program."""

import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)

from tests.documents.page import find_pages, read_blocks, read_script  # noqa: E402 - found by the line above

_HEAD = """\
<!-- made by contrib/man from README.md and docs/; changes belong there -->
# Sessions that are not run

Each block of a session in these pages is typed by the tests, in a copy of the machine that is gone afterwards, and
what is shown is compared. A block that cannot run there is marked in its page, and is listed here.

"""


def page() -> str:
    """Return the page."""
    rows, stand_ins = [], {}
    for name in find_pages():
        lines = [line for block in read_blocks(name) for line in block if line.not_run]
        rows += [f"| {_link(name)} | `{_short(line.text)}` | {line.not_run} |" for line in lines]
        for text in read_script(name).stand_ins:
            stand_ins.setdefault(text, []).append(_link(name))
    lines = ["| page | command | why it is not run |", "|---|---|---|", *rows, "", "## Stand-ins", ""]
    lines += ["These commands run, and another program stands in for one that they name.", ""]
    lines += ["| program | why | page |", "|---|---|---|"]
    for text, pages in sorted(stand_ins.items()):
        program, _, why = text.partition(": ")
        lines.append(f"| `{program}` | {why} | {', '.join(pages)} |")
    return _HEAD + "\n".join(lines) + "\n"


def _short(text: str) -> str:
    return text.partition("  #")[0].rstrip().replace("|", r"\|")


def _link(name: str) -> str:
    return f"[{name.removeprefix('docs/')}]({name.removeprefix('docs/')})" if name.startswith("docs/") else name
