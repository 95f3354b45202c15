"""The line editor. The only importer of prompt_toolkit.

Laws:
- The editor's own history stays empty: what is typed is recalled only if `history.History` was told to remember it.
- The terminal is asked nothing. Its answer could come late, and then be taken for a part of a hidden entry.
"""

import asyncio
import os
import shlex
import signal
import sys

from prompt_toolkit import PromptSession
from prompt_toolkit.application import run_in_terminal
from prompt_toolkit.clipboard import InMemoryClipboard
from prompt_toolkit.completion import CompleteEvent, Completion, ExecutableCompleter, PathCompleter
from prompt_toolkit.completion import Completer as EditorCompleter
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.history import History as EditorHistory
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.output import ColorDepth, Output
from prompt_toolkit.output.vt100 import Vt100_Output
from prompt_toolkit.styles import Style

from envfs_cli import output
from envfs_cli.completion.sources import Sources
from envfs_cli.shell import offers, status_line
from envfs_cli.shell.answering import ANSWER_KEYS, Answering
from envfs_cli.shell.daemon_state import SILENT_SECONDS
from envfs_cli.shell.endings import ENDING, Ended
from envfs_cli.shell.history import History
from envfs_cli.shell.shell_news import LOOK_SECONDS, ShellNews

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable

_COLOURS = {
    "level": "ansicyan bold",
    "bottom-toolbar": "noreverse bg:ansibrightblack ansiwhite",
    "head": "bold",
    "good": "ansibrightgreen",
    "warn": "ansibrightyellow bold",
    "bad": "ansibrightred bold",
    "dim": "",
}
_PLAIN = {"head": "bold", "good": "", "warn": "bold", "bad": "bold", "dim": ""}
_MOMENT = 0.1
_LATER = ("escape", "c-c", "c-g", "enter")  # leave a question for later


class Editor:
    """Asks for lines at the terminal."""

    def __init__(
        self,
        history: History,
        sources: Sources,
        level: "Callable[[], str]",
        news: "ShellNews | None" = None,
        terminal: "tuple[Input, Output] | None" = None,
    ) -> None:
        """Edit with `history`. Offer what `sources` knows at the level that `level` returns. Show `news`."""
        source, sink = terminal or (None, _terminal_output())
        self._level = level
        self._news = news or ShellNews()
        self._answering = Answering(self._news.questions)
        self._look: asyncio.TimerHandle | None = None
        self._silence: asyncio.TimerHandle | None = None
        self._has_colours = output.colours_are_wanted()
        self._session: PromptSession[str] = PromptSession(
            history=RecalledLines(history),
            completer=Completer(sources, level),
            complete_while_typing=False,  # names are an access that is logged: only Tab asks for them
            enable_history_search=True,
            enable_suspend=True,
            key_bindings=self._bindings(),
            bottom_toolbar=self._toolbar if news is not None else None,
            style=Style.from_dict(_COLOURS if self._has_colours else _PLAIN),
            color_depth=None if self._has_colours else ColorDepth.DEPTH_1_BIT,
            input=source,
            output=sink,
        )
        self._session.default_buffer.on_text_changed += lambda _: self._answering.leave()

    def ask(self) -> str:
        """Return a line.

        Raises:
            KeyboardInterrupt: ctrl-C
            EOFError: ctrl-D, or the terminal was closed
            Ended: by a signal
        """
        level = "class:level" if self._has_colours else ""
        prompt = FormattedText([("", "envfs "), (level, self._level()), ("", "> ")])
        self._session.app.clipboard = InMemoryClipboard()  # what was cut may have been a value
        return self._session.prompt(prompt, pre_run=self._begin)

    # -- news ----------------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        # called once the editor's loop runs, which ends with the line, and its readers with it
        loop = asyncio.get_running_loop()
        for number in ENDING:
            if signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, self._end, number)
        self._look = None  # that of the line before went with its loop
        self._listen()

    def _end(self, number: int) -> None:
        if not self._session.app.is_done:
            self._session.app.exit(exception=Ended(number))

    def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        for source in self._news.sources():
            if source >= 0:
                loop.add_reader(source, self._come, source)
        self._look = None
        self._expect_news(loop)
        if self._news.needs_look:
            self._look_later(loop)
        self._session.app.invalidate()

    def _expect_news(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._silence is not None:
            self._silence.cancel()
        self._silence = loop.call_later(SILENT_SECONDS + _MOMENT, self._session.app.invalidate)

    def _look_later(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._look is None:
            self._look = loop.call_later(LOOK_SECONDS, self._listen)

    def _come(self, source: int) -> None:
        loop, before = asyncio.get_running_loop(), self._news.facts(self._level())
        self._expect_news(loop)
        lines, may_more_come = self._news.come(source)
        if not may_more_come:
            loop.remove_reader(source)
            self._look_later(loop)
        if lines:
            _ = run_in_terminal(lambda: _print_above(lines))  # it is awaited by the editor's own loop
        if self._news.facts(self._level()) != before:
            self._session.app.invalidate()

    def _toolbar(self) -> FormattedText:
        width = self._session.app.output.get_size().columns
        if lines := self._answering.lines():
            return FormattedText([("class:warn", f" {lines[0][: width - 2]}\n"), ("class:head", f" {lines[1]}")])
        pieces = status_line.fitted_pieces(status_line.status_pieces(self._news.facts(self._level())), width)
        shown = [("", " ")]
        for style, text in pieces:
            shown += [(f"class:{style}", text), ("", "  ")]
        return FormattedText(shown)

    # -- keys ----------------------------------------------------------------------------------------------------------

    def _bindings(self) -> KeyBindings:
        bindings, answering = KeyBindings(), self._answering
        is_open = Condition(lambda: answering.question is not None)

        def begin(event: KeyPressEvent) -> None:
            if not answering.begin():
                event.app.output.bell()

        def leave(_event: KeyPressEvent) -> None:
            answering.leave()

        def answer(event: KeyPressEvent) -> None:
            key = event.key_sequence[0].data
            if answering.takes(key):
                _ = run_in_terminal(lambda: answering.answer(key))
            else:
                event.app.output.bell()

        bindings.add("f2")(begin)
        bindings.add("escape", "a")(begin)
        for key in _LATER:
            bindings.add(key, filter=is_open, eager=True)(leave)
        for key in ANSWER_KEYS:
            bindings.add(key, filter=is_open, eager=True)(answer)
        return bindings


class _Terminal(Vt100_Output):
    """A terminal of which it is not asked where its cursor is: the line stands right below what is typed."""

    @property
    def responds_to_cpr(self) -> bool:
        return False

    def get_rows_below_cursor_position(self) -> int:
        return 1


def _terminal_output() -> Output:
    # the editor draws on the terminal, also when results go into a pipe
    streams = [stream for stream in (sys.stdout, sys.stderr) if stream is not None and stream.isatty()]
    stream = streams[0] if streams else open("/dev/tty", "w", encoding="utf-8")  # noqa: SIM115 - until the end
    return _Terminal.from_pty(stream, term=os.environ.get("TERM"))


def _print_above(lines: "list[str]") -> None:
    for line in lines:
        output.print_line(line)
    output.flush()


class RecalledLines(EditorHistory):
    """The lines of a history, for the line editor. It adds none."""

    def __init__(self, history: History) -> None:
        """Recall what `history` has."""
        super().__init__()
        self._history = history

    async def load(self) -> "AsyncGenerator[str, None]":
        """Yield the lines, the newest first."""
        for line in reversed(self._history.lines):
            yield line

    def load_history_strings(self) -> "Iterable[str]":
        """Return the same."""
        return reversed(self._history.lines)

    def get_strings(self) -> list[str]:
        """Return the lines, the oldest first."""
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
