"""A page of the documents as the tests see it: the sessions in it, and what its script says of their world."""

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
_SCRIPTS = Path(__file__).parent / "pages"
_BLOCK = re.compile(r"^( *)```console\n(.*?)^ *```\n", re.DOTALL | re.MULTILINE)
_NOT_RUN = re.compile(r"\s*\*Not run by the tests: (.+?)\.\*", re.DOTALL)
_PROMPT = re.compile(r"([a-z]*)\$ (.*)")
_LINE_NOT_RUN = re.compile(r"\s# not run: (.*)$")


class Line(NamedTuple):
    """A command and what is shown after it. `user` is empty for root, and `text` where a block goes on."""

    number: int
    user: str
    text: str
    shown: tuple[str, ...]
    not_run: str = ""


class Script(NamedTuple):
    """What prepares a page: lines for the start, lines before commands and while they run, answers.

    `user` types what has no name before the prompt, and is root if it is empty.
    """

    start: str
    user: str
    before: dict[str, str]
    meanwhile: dict[str, str]
    answers: dict[str, str]
    stand_ins: tuple[str, ...]
    is_slow: bool


def find_pages() -> list[str]:
    """List the pages that have a session, by their paths."""
    files = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [str(path.relative_to(ROOT)) for path in files if _BLOCK.search(path.read_text(encoding="utf-8"))]


def read_blocks(name: str) -> list[list[Line]]:
    """Read the sessions of a page, block by block."""
    text = (ROOT / name).read_text(encoding="utf-8")
    blocks = []
    for match in _BLOCK.finditer(text):
        mark = _NOT_RUN.match(text, match.end())
        first = text.count("\n", 0, match.start()) + 2
        lines = [line[len(match[1]) :] for line in match[2].splitlines()]
        reason = " ".join(mark[1].split()) if mark else ""
        blocks.append(_commands(lines, first, reason))
    return blocks


def read_script(name: str) -> Script:
    """Read the script of a page. A page without one has an empty world."""
    path = _SCRIPTS / f"{script_name(name)}.sh"
    parts: dict[str, dict[str, str]] = {"before": {}, "meanwhile": {}}
    start, user = "", ""
    answers: dict[str, str] = {}
    stand_ins: list[str] = []
    is_slow, part, current = False, "", ""
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        word, _, rest = line.removeprefix("#: ").partition(" ") if line.startswith("#: ") else ("", "", "")
        match word:
            case "" if part:
                parts[part][current] += f"{line}\n"
            case "":
                start += f"{line}\n"
            case "before" | "meanwhile":
                part, current = word, rest
                parts[part][current] = ""
            case "include":
                start += (_SCRIPTS / f"{rest}.inc").read_text(encoding="utf-8")
            case "user":
                user = rest
            case "answer":
                question, _, answer = rest.partition("=")
                answers[question] = answer
            case "stand-in":
                stand_ins.append(rest)
            case "soak":
                is_slow = True
            case _:
                raise AssertionError(f"{path.name}: no directive: {line}")
    return Script(start, user, parts["before"], parts["meanwhile"], answers, tuple(stand_ins), is_slow)


def script_name(name: str) -> str:
    """Return the name of a page's script, without its ending."""
    return name.removeprefix("docs/").removesuffix(".md").replace("/", "-")


def _commands(lines: list[str], first: int, reason: str) -> list[Line]:
    commands: list[Line] = []
    for number, line in enumerate(lines, first):
        match = _PROMPT.fullmatch(line)
        if match:
            own = _LINE_NOT_RUN.search(match[2])
            commands.append(Line(number, match[1], match[2], (), reason or (own[1] if own else "")))
        elif commands and line.startswith("> ") and not commands[-1].shown:
            commands[-1] = commands[-1]._replace(text=f"{commands[-1].text}\n{line[2:]}")
        else:
            last = commands.pop() if commands else Line(number, "", "", (), reason)
            commands.append(last._replace(shown=(*last.shown, line)))
    return commands
