"""The line editor. The only importer of prompt_toolkit.

Law: the editor's own history stays empty: what is typed is recalled only if `history.History` was told to remember it.
"""

import asyncio
import os
import shlex

from prompt_toolkit import PromptSession
from prompt_toolkit.application import run_in_terminal
from prompt_toolkit.completion import CompleteEvent, Completion, ExecutableCompleter, PathCompleter
from prompt_toolkit.completion import Completer as EditorCompleter
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.history import History as EditorHistory
from prompt_toolkit.input import Input
from prompt_toolkit.output import ColorDepth, Output
from prompt_toolkit.output.defaults import create_output
from prompt_toolkit.styles import Style

from envfs_cli import output
from envfs_cli.completion.sources import Sources
from envfs_cli.shell import offers
from envfs_cli.shell.history import History
from envfs_cli.shell.questions import Questions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable

_STYLE = Style.from_dict({"level": "ansicyan bold", "dim": "ansibrightblack"})


class Editor:
    """Asks for lines at the terminal."""

    def __init__(
        self,
        history: History,
        sources: Sources,
        level: "Callable[[], str]",
        questions: "Questions | None" = None,
        terminal: "tuple[Input, Output] | None" = None,
    ) -> None:
        """Edit with `history`. Offer what `sources` knows at the level that `level` returns. Show `questions`."""
        # the editor draws on the terminal, also when results go into a pipe
        source, sink = terminal or (None, create_output(always_prefer_tty=True))
        self._level = level
        self._questions = questions
        self._session: PromptSession[str] = PromptSession(
            history=_Recalled(history),
            completer=Completer(sources, level),
            complete_while_typing=False,  # names are an access that is logged: only Tab asks for them
            enable_history_search=True,
            style=_STYLE,
            color_depth=ColorDepth.DEPTH_1_BIT if os.environ.get("NO_COLOR") else None,
            input=source,
            output=sink,
        )

    def ask(self) -> str:
        """Return a line. KeyboardInterrupt on ctrl-C, EOFError on ctrl-D."""
        level = "" if os.environ.get("NO_COLOR") else "class:level"
        prompt = FormattedText([("", "envfs "), (level, self._level()), ("", "> ")])
        return self._session.prompt(prompt, pre_run=self._listen)

    def _listen(self) -> None:
        # called once the editor's loop runs, which ends with the line, and its readers with it
        source = self._questions.source() if self._questions is not None else -1
        if source >= 0:
            asyncio.get_running_loop().add_reader(source, self._show_questions, source)

    def _show_questions(self, source: int) -> None:
        if self._questions is None:
            return
        lines = self._questions.lines()
        if not self._questions.is_open:
            asyncio.get_running_loop().remove_reader(source)
        if lines:
            _ = run_in_terminal(lambda: _print_above(lines))  # it is awaited by the editor's own loop


def _print_above(lines: "list[str]") -> None:
    for line in lines:
        output.print_line(line)
    output.flush()


class _Recalled(EditorHistory):
    def __init__(self, history: History) -> None:
        super().__init__()
        self._history = history

    async def load(self) -> "AsyncGenerator[str, None]":
        for line in reversed(self._history.lines):
            yield line

    def load_history_strings(self) -> "Iterable[str]":
        return reversed(self._history.lines)

    def get_strings(self) -> list[str]:
        return list(self._history.lines)

    def append_string(self, string: str) -> None:
        """Keep nothing: whether the line parses is not known yet."""

    def store_string(self, string: str) -> None:
        """Keep nothing, as above."""


class Completer(EditorCompleter):
    """Offers what `wanted` finds, and lists files and programs itself."""

    def __init__(self, sources: Sources, level: "Callable[[], str]") -> None:
        """Offer what `sources` knows at the level that `level` returns."""
        self._sources = sources
        self._level = level

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> "Iterable[Completion]":
        """Yield the ways in which the word at the cursor may go on."""
        text = document.text_before_cursor
        typed = "" if not text or text[-1].isspace() else text.split()[-1]
        try:
            words = shlex.split(text.removesuffix(typed))
        except ValueError:
            return
        answer = offers.completion_offers(offers.LinePlace(words, typed, self._level()), self._sources)
        if isinstance(answer, str):
            lister = PathCompleter(expanduser=True) if answer == offers.FILES or "/" in typed else ExecutableCompleter()
            yield from lister.get_completions(Document(typed), complete_event)
            return
        for offer in answer:
            yield Completion(offer.text, -len(typed), display_meta=offer.note)
