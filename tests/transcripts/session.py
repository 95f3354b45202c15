"""Runs one transcript: a session at the command line, written down with what must come of it (README.md says how)."""

import json
import os
import re
import shlex
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tests.json_shapes import SHAPES, faults, shapes_of
from tests.system import forked
from tests.system.home import ENVFS, SECONDS, Home, Said, as_user, eventually, said_by
from tests.system.terminal import Terminal

_WRITTEN = "  | "


class Session:
    """One session in a folder of its own; `path` is the transcript."""

    def __init__(self, path: Path, work: Path) -> None:
        self._path = path
        self._work = work
        self.home = Home(work / "home")
        self._extra = {"PATH": f"{Path(ENVFS).parent}:{os.environ['PATH']}"}
        self._given: bytes | None = None
        self._said = Said(0, b"", b"")
        self._terminal: Terminal | None = None
        self._wanted_failure = False
        self._line = 0
        self._directives: dict[str, Callable[[str, bool], None]] = {
            "status": self._status,
            "stdin": self._stdin,
            "stdout": lambda rest, no: self._search("stdout", self._said.text, rest, no),
            "stderr": lambda rest, no: self._search("stderr", self._said.complaint, rest, no),
            "ttyin": self._ttyin,
            "ttyout": self._ttyout,
            "lines": self._lines,
            "json": self._json,
            "env": self._env,
            "exists": self._exists,
            "sh": self._sh,
            "write": self._write,
        }

    def run(self) -> None:
        """Run every line; AssertionError names the one that did not come out as written."""
        lines = self._path.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines, 1):
            if not line.strip() or line.startswith(("#", _WRITTEN)):
                continue
            self._line = number
            self._written = _block(lines[number:])
            self._do(line)
        self._end_terminal()

    def end(self) -> None:
        """End whatever still runs."""
        if self._terminal is not None:
            self._terminal.__exit__()
        if self.home.socket.exists():
            with suppress(AssertionError, subprocess.TimeoutExpired):
                self.home.envfs("unmount", status=None)
        self.home.clear_mounts()

    # -- lines ---------------------------------------------------------------------------------------------------------

    def _do(self, line: str) -> None:
        no = line.startswith("! ")
        word, _, rest = line.removeprefix("! ").partition(" ")
        if not word.startswith("tty") or word == "tty":
            self._end_terminal()
        if word in self._directives:
            self._directives[word](self._filled(rest), no)
        else:
            self._command(shlex.split(self._filled(line.removeprefix("! "))), fails=no)

    def _filled(self, text: str) -> str:
        return text.replace("$WORK", str(self._work)).replace("$MNT", str(self.home.mnt))

    def _command(self, words: list[str], *, fails: bool) -> None:
        uid, soon, words = 0, words[0] == "soon", words[words[0] == "soon" :]
        if words[0] == "as":
            uid, words = int(words[1]), words[2:]
        on_terminal, words = words[0] == "tty", words[1:] if words[0] == "tty" else words
        self._claim(words[0] == "envfs", f"no directive and no command: {words[0]}")
        self._wanted_failure = fails
        if on_terminal:
            environ = {"TERM": "xterm", **self.home.environ(self._extra)}
            self._terminal = Terminal([*as_user(uid), ENVFS, *words[1:]], environ)
        else:
            said, until = self._carry_out(words[1:], uid), time.monotonic() + SECONDS
            while soon and not said.out and time.monotonic() < until:
                said = self._carry_out_soon(words[1:])
            self._spoken(said)
            self._check_shape(words[1:])

    def _carry_out(self, words: list[str], uid: int) -> Said:
        given, self._given = self._given, None
        return self.home.carry_out(words, uid, given, self.home.environ(self._extra), self._work)

    def _carry_out_soon(self, words: list[str]) -> Said:
        # by what takes the least of the second after which it gives up, and not beside the one that gave up before
        if not self.home.socket.exists():
            self.home.settle()
        return Said(*forked.nursery().run(words, self.home.environ(self._extra), None, str(self._work)))

    def _spoken(self, said: Said) -> None:
        self._said = said
        self._claim(bool(said.status) == self._wanted_failure, "it ended otherwise than written")

    def _end_terminal(self) -> None:
        if self._terminal is not None:
            terminal, self._terminal = self._terminal, None
            with terminal:
                status = terminal.end()
                self._spoken(Said(status, terminal.shown.encode(), b""))

    def _claim(self, truth: object, what: str) -> None:
        assert truth, f"{self._path.name}:{self._line}: {what}\n{self._said}"

    # -- directives ----------------------------------------------------------------------------------------------------

    def _status(self, rest: str, no: bool) -> None:
        self._claim((self._said.status == int(rest)) != no, f"the exit status is {self._said.status}")

    def _stdin(self, rest: str, no: bool) -> None:
        self._given = _unquoted(rest).encode()

    def _search(self, what: str, text: str, rest: str, no: bool) -> None:
        found = re.search(_quoted(rest), text, re.MULTILINE)
        self._claim(bool(found) != no, f"{what} {'has' if no else 'lacks'} {rest}")

    def _ttyin(self, rest: str, no: bool) -> None:
        self._claim(self._terminal, "nothing runs on a terminal")
        if self._terminal is not None:
            self._terminal.type(_unquoted(rest))

    def _ttyout(self, rest: str, no: bool) -> None:
        self._claim(self._terminal, "nothing runs on a terminal")
        if self._terminal is not None:
            self._terminal.expect(_quoted(rest))

    def _lines(self, rest: str, no: bool) -> None:
        count = len(self._said.text.splitlines())
        self._claim((count == int(rest)) != no, f"standard output has {count} lines")

    def _json(self, rest: str, no: bool) -> None:
        self._claim(rest in SHAPES, f"the schema has no shape of the name {rest}")
        documents = self._documents()
        self._claim(any(documents), "nothing was printed, or an empty list, so the members cannot be told")
        for document in documents:
            self._claim(not faults(document, rest), f"the shape is not {rest}: {faults(document, rest)}")

    def _documents(self) -> list[object]:
        """Return what was printed: one document, or one a line. A terminal and the log's standard error count too."""
        try:
            return [json.loads(line) for line in self._said.text.splitlines()]
        except ValueError:
            self._claim(False, "standard output is not JSON")
            raise

    def _check_shape(self, words: list[str]) -> None:
        # whatever a session prints with --json is of a shape, also where the session does not say which
        words = words[: words.index("--")] if "--" in words else words
        if "--json" not in words or (self._said.status in (2, *range(100, 126)) and not self._said.out):
            return
        for document in self._documents():
            shapes = shapes_of(words)
            self._claim(
                not faults(document, *shapes), f"it is none of {', '.join(shapes)}: {faults(document, *shapes)}"
            )

    def _env(self, rest: str, no: bool) -> None:
        name, _, value = rest.partition("=")
        self._extra[name] = value

    def _exists(self, rest: str, no: bool) -> None:
        if no:  # a daemon that served one command ends after it, and takes its folder with it
            with suppress(AssertionError):
                eventually(lambda: not os.path.lexists(rest), rest)
        self._claim(os.path.lexists(rest) != no, f"{rest} {'is' if no else 'is not'} there")

    def _sh(self, rest: str, no: bool) -> None:
        self._wanted_failure = no
        given, self._given = self._given, None
        self._spoken(said_by(["sh", "-c", _quoted(rest)], given, self.home.environ(self._extra), self._work))

    def _write(self, rest: str, no: bool) -> None:
        (self._work / rest).write_text(self._written, encoding="utf-8")


def _block(lines: list[str]) -> str:
    """Return the lines that are written into a file, which follow the directive."""
    found = []
    for line in lines:
        if not line.startswith(_WRITTEN.rstrip()):
            break
        found.append(line[len(_WRITTEN) :] + "\n")
    return "".join(found)


def _quoted(text: str) -> str:
    inner = text.strip()
    assert len(inner) > 1, text
    assert inner[0] == inner[-1] == "'", text
    return inner[1:-1]


def _unquoted(text: str) -> str:
    return _quoted(text).encode("latin-1", "backslashreplace").decode("unicode_escape")
