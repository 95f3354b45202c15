"""Somebody at a shell in a world: types the lines of a page, answers questions, and compares what is shown."""

import re
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from tests.documents.matching import clean_text, find_difference, line_pattern
from tests.documents.page import Line
from tests.documents.world import World
from tests.system.home import PASSPHRASE
from tests.system.terminal import Terminal

_SECONDS = 120.0
_MARK = "\x1b[8m~"
_BEGIN = r"PS1=$'\e[8m~$?~\e[28m' PS2= ; PROMPT_COMMAND= ; stty -echo ; cd %s ; history -c; set +o history"
_END = re.compile(r"\x1b\[8m~(\d+)~\x1b\[28m")
_QUESTION = re.compile(
    r"(?P<question>(?:(?:new )?passphrase[^:]*|the same again|value of [\w ,]+|code of the invitation):|.*\[y/N\])"
    r"(?: (?P<typed>[ynYN]))?"
)
_STATUS = re.compile(r"#.*exit status (?:is )?(\d+)")
_FAILURE = re.compile(r"envfs: error:|[Dd]enied|No such file|Traceback|cannot |not available")
_KEY = re.compile(r"ssh-ed25519 AAAA[\w+/=…]+")  # that a command before printed, if the page shortens it
_LEARNED = (r"(?:[A-Z2-7]{6}-){3}[A-Z2-7]{6}", r"[a-z]{5}(?: [a-z]{5}){4}")


class Ran(NamedTuple):
    """A command of a page, what it showed, and how that differs from the page, if it does."""

    line: Line
    shown: list[str]
    difference: str
    raw: str  # all that the terminal was sent


class Answers(NamedTuple):
    """What is typed at a question: by its text, else by its kind. `learned`: texts of the page as they were shown."""

    written: dict[str, str]
    learned: dict[str, str]

    def find(self, question: str) -> str:
        """Return the answer to a question."""
        question = question.rstrip(":? ")
        if question in self.written:
            return self.written[question]
        if "code of the invitation" in question:
            return next(text for text in reversed(self.learned.values()) if re.fullmatch(_LEARNED[0], text))
        return PASSPHRASE if "passphrase" in question or "same again" in question else ""


class Typist:
    """A shell at a terminal, of root (`user` is empty) or of a user."""

    def __init__(self, world: World, user: str, answers: Answers, columns: int) -> None:
        environment = world.environment(user)
        shell = ["bash", "--rcfile", f"{environment['HOME']}/.pagerc", "--noediting", "-i"]
        words = world.words(*shell, user=user, has_terminal=True)
        self._terminal = Terminal(words, environment, columns=columns)
        self._world = world
        self._answers = answers
        self._line: Line | None = None
        self._from = 0  # where the output of the last command begins
        self._asked = 0  # and what came after its last question
        self._terminal.type(_BEGIN % ("~" if user else "/root/shop"))
        self._await_prompt()

    @property
    def is_waiting(self) -> bool:
        """Whether its last command has not been seen to end."""
        return self._line is not None

    def take(self, line: Line, meanwhile: str = "") -> None:
        """Type a command, and answer its questions as they come. `meanwhile` is a script that is started then."""
        assert self._line is None, f"line {line.number}: the command before goes on"
        self._line = line
        self._from = self._asked = len(self._terminal.shown)
        self._terminal.type(_KEY.sub(self._shown_key, line.text))
        if meanwhile:
            self._world.start(meanwhile)
        self._answer(line.shown, follows=bool(line.user))

    def go_on(self, shown: tuple[str, ...]) -> None:
        """Read on what the command shows that was typed before."""
        assert self._line is not None
        self._line = self._line._replace(shown=(*self._line.shown, *shown))
        self._answer(shown, follows=True)

    def finish(self) -> Ran:
        """Wait until the command ends. Returns what it showed, and how that differs from the page."""
        line = self._line
        assert line is not None
        status, text = self._await_prompt()
        self._line = None
        shown = [text for text in clean_text(text[self._from :]) if text not in ("", "^C")]
        page = [_without_answer(text) for text in line.shown if text != "^C"]
        difference = find_difference(page, shown) if page and not line.user else ""
        expected = _STATUS.search(line.text)
        if expected or not any(_FAILURE.search(text) for text in page):
            allowed = int(expected[1]) if expected else 130 if "^C" in line.shown else 0
            difference = difference or (f"the exit status is {status}" if status != allowed else "")
        return Ran(line, shown, difference, text[self._from :])

    def screen(self) -> str:
        """Return the last lines of the terminal."""
        return "\n".join(clean_text(self._terminal.shown)[-12:])

    def end(self) -> None:
        """Close the terminal."""
        self._terminal.__exit__()

    def _answer(self, shown: tuple[str, ...], *, follows: bool) -> None:
        """Answer questions as they come. With `follows` each line of the page is waited for, as others act on it."""
        for text in shown:
            question = _QUESTION.fullmatch(text)
            if text == "^C":
                self._terminal.press("\x03")
            elif question:
                self._await(re.compile(re.escape(question["question"].rstrip())), text)
                self._asked = len(self._terminal.shown)
                self._terminal.type(question["typed"] or self._answers.find(question["question"]))
            elif follows and text != "…":
                self._learn(text)
            elif _is_awaited(text, shown):
                with suppress(AssertionError):  # then the difference is found at the end
                    self._await(line_pattern(text), text)

    def _shown_key(self, written: re.Match[str]) -> str:
        keys: list[str] = _KEY.findall(self._terminal.shown)
        return keys[-1] if "…" in written[0] else written[0]

    def _learn(self, text: str) -> None:
        found = self._await(line_pattern(text), text)
        for kind in _LEARNED:
            written, real = re.search(kind, text), re.search(kind, found)
            if written and real:
                self._answers.learned[written[0]] = real[0]

    def _await(self, pattern: re.Pattern[str], text: str) -> str:
        """Wait until a line is shown, and return it."""
        found: list[str] = []

        def is_there(shown: str) -> bool:
            lines = clean_text(shown[self._asked :])
            found[:] = [match[0] for line in lines if (match := pattern.search(line))]
            return bool(found)

        self._read_until(is_there, text)
        return found[-1]

    def _await_prompt(self) -> tuple[int, str]:
        self._read_until(lambda shown: _END.search(shown, self._from), "the prompt")
        shown = self._terminal.shown
        match = _END.search(shown, self._from)
        assert match
        text = shown[: match.start()]
        return int(match[1]), text

    def _read_until(self, is_there: Callable[[str], object], what: str) -> None:
        place = f"line {self._line.number}: $ {self._line.text}: " if self._line else ""
        self._terminal.read_until(is_there, f"{place}{what}", _SECONDS)


def _is_awaited(text: str, shown: tuple[str, ...]) -> bool:
    """Tell whether a line has to be there before a key is pressed that follows in the page."""
    return "^C" in shown[shown.index(text) :] and text != "…"


def _without_answer(text: str) -> str:
    question = _QUESTION.fullmatch(text)
    return question["question"] if question else text


def merge_answers(page: tuple[str, ...], shown: list[str]) -> list[str]:
    """Return what was shown, with what a person typed at its questions as the page has it."""
    typed = {_without_answer(text): text for text in page}
    lines = [typed.get(text.rstrip(), text.rstrip()) for text in shown]
    return [*lines, "^C"] if page[-1:] == ("^C",) else lines
