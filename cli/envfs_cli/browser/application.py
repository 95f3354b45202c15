"""The browser itself: a state, a screen that draws it, keys that change it, and the terminal for as long as it runs.

Laws: whatever ends the browser, the terminal is left as it was found. A value that is shown is wiped by the next key,
by a text or a command that takes the screen, and after some seconds. Nothing looks for changes: the daemon reports
them.
"""

import asyncio
import os
import signal

from prompt_toolkit.application import Application, run_in_terminal
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.history import DummyHistory
from prompt_toolkit.input import Input
from prompt_toolkit.output import ColorDepth, Output

from envfs.errors import EnvFSError
from envfs_cli import exit_status
from envfs_cli.browser import screen
from envfs_cli.browser.asker import DaemonAsker
from envfs_cli.browser.entry import EntryRequest, WordCompleter
from envfs_cli.browser.loader import Loader
from envfs_cli.browser.runner import Caught, CommandRunner, ordinary_signals, wait_for_enter
from envfs_cli.browser.state import BrowserState, KeyChoice, Mode, Revealed, ShownText
from envfs_cli.shell.endings import ENDING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from prompt_toolkit.key_binding import KeyBindings

SHOWN_SECONDS = 10.0  # how long a value is shown
_ESCAPE_SECONDS = 0.05  # within which what follows an escape belongs to it
_ONE_LINE = 1


class Browser:
    """A browser that begins with `state`. `terminal` is what it reads and draws on, if not this process's own."""

    def __init__(
        self,
        state: BrowserState,
        asker: DaemonAsker,
        runner: CommandRunner,
        terminal: "tuple[Input, Output] | None" = None,
    ) -> None:
        """Ask by `asker`, and change something by `runner`."""
        self.state = state
        self.asker = asker
        self.runner = runner
        self.ended_by = 0  # the number of a signal
        self._request: EntryRequest | None = None
        self._buffer = Buffer(multiline=False, accept_handler=self._accept, on_text_changed=self._text_changed)
        self._screen = screen.Screen(state, self._buffer)
        self._catching: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        source, sink = terminal or (None, None)
        self.application: Application[int] = Application(
            layout=self._screen.layout,
            style=screen.STYLE,
            full_screen=True,
            color_depth=ColorDepth.DEPTH_1_BIT if screen.is_colourless() else None,
            terminal_size_polling_interval=None,  # the kernel tells of a change
            input=source,
            output=sink,
        )
        self.application.ttimeoutlen = self.application.timeoutlen = _ESCAPE_SECONDS
        self.loader = Loader(state, asker, self._start, self.application.invalidate)

    async def run_until_left(self) -> int:
        """Run until the person leaves. Return the exit status.

        Raises:
            EnvFSError: the terminal was closed
        """
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._fail)
        for number in ENDING:
            loop.add_signal_handler(number, self._end_by, number)
        loop.add_signal_handler(signal.SIGCONT, self.clear_screen)
        loop.add_signal_handler(signal.SIGTSTP, self.suspend)
        try:
            return await self.application.run_async(self.loader.begin, set_exception_handler=False)
        except EOFError:
            raise EnvFSError("the terminal was closed") from None
        finally:
            self.state.hide_value()
            self.loader.close()
            for number in (*ENDING, signal.SIGCONT, signal.SIGTSTP):
                loop.remove_signal_handler(number)

    # -- what actions use ----------------------------------------------------------------------------------------------

    def page_rows(self) -> int:
        """Return how many rows one page of the list has."""
        return self._screen.page_rows()

    def focus(self) -> None:
        """Send keys to where the state says that they go."""
        self._screen.focus()

    def go_to_pane(self) -> None:
        """Move in the list at the right from now on."""
        self.state.in_pane = True
        self.focus()
        self.loader.read_details()

    def go_to_tree(self) -> None:
        """Move in the tree from now on."""
        self.state.in_pane = False
        self.focus()

    def bind_keys(self, bindings: "KeyBindings") -> None:
        """Have keys do what `bindings` say."""
        self.application.key_bindings = bindings

    def attempt(self, action: "Callable[[], None]") -> None:
        """Do something, and say what is wrong with what was typed for it."""
        try:
            action()
        except EnvFSError as error:
            self.state.say(f"{error.text}; {error.hint}" if error.hint else error.text, "bad")

    def clear_screen(self) -> None:
        """Draw all of the screen again."""
        self.application.renderer.clear()
        self.application.invalidate()

    def leave(self, status: int) -> None:
        """End the browser, and the command that runs."""
        self.stop_command()
        if not self.application.is_done:
            self.application.exit(result=status)

    def interrupt(self) -> None:
        """End the command that runs. Where none does, leave as a command does that is interrupted."""
        if not self.stop_command():
            self.leave(exit_status.INTERRUPTED)

    def suspend(self) -> None:
        """Stop this job. The screen is left before."""
        self.state.hide_value()

        def stop() -> None:
            old_handler = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
            os.kill(0, signal.SIGTSTP)  # the whole job, as the terminal does
            signal.signal(signal.SIGTSTP, old_handler)

        _ = run_in_terminal(stop)  # it is awaited by the application

    # -- texts, questions and lines ------------------------------------------------------------------------------------

    def show_text(self, text: ShownText) -> None:
        """Show a text over the lists."""
        self.state.text, self.state.text_top = text, 0
        self._set_mode(Mode.TEXT)

    def close_text(self) -> None:
        """Show the lists again."""
        self.state.text = self.state.choice = None
        self._set_mode(Mode.LISTS)

    def ask_choice(self, choice: KeyChoice) -> None:
        """Ask a question that one key answers."""
        self.state.choice = choice
        self._set_mode(Mode.CHOICE)

    def answer_choice(self, key: str) -> None:
        """Answer the question. A key that is no answer changes nothing."""
        choice = self.state.choice
        self.close_text()
        if choice is not None and (act := choice.answers.get(key)) is not None:
            self.attempt(act)
        else:
            self.state.say("nothing was changed")

    def ask_line(self, request: EntryRequest) -> None:
        """Ask for a line."""
        self._request = request
        self._screen.label = request.label
        self._buffer.completer = request.completer or WordCompleter(request.offers or (lambda _: []))
        self._buffer.history = request.history or DummyHistory()
        self._buffer.reset()
        self._buffer.text = request.text
        self._buffer.cursor_position = len(request.text)
        self._set_mode(Mode.ENTRY)

    @property
    def is_filtering(self) -> bool:
        """Tell whether the line that is typed narrows a list while it is typed."""
        return self._request is not None and self._request.on_change is not None

    def cancel_line(self) -> None:
        """Leave the line as if nothing had been typed."""
        request = self._request
        self._close_line()
        if request is not None and request.on_change is not None:
            request.on_change("")

    def _accept(self, buffer: Buffer) -> bool:
        request, text = self._request, buffer.text
        self._close_line()
        if request is not None and (text.strip() or request.on_change is not None or request.offers is None):
            self.attempt(lambda: request.on_done(text))
        return False

    def _text_changed(self, buffer: Buffer) -> None:
        if self._request is not None and self._request.on_change is not None:
            self._request.on_change(buffer.text)

    def _close_line(self) -> None:
        self._request = None
        self._buffer.reset()
        self._set_mode(Mode.LISTS)

    def _set_mode(self, mode: Mode) -> None:
        self.state.mode = mode
        self.focus()

    # -- commands ------------------------------------------------------------------------------------------------------

    def run_at_terminal(self, words: "Sequence[str]") -> None:
        """Run a command that asks or shows something at the terminal itself."""
        self.use_terminal(lambda: self.runner.run_words(words), words[0])

    def unlock_private(self) -> None:
        """Unlock the daemon that this process keeps."""
        self.use_terminal(self.runner.unlock_private, "unlock")

    def use_terminal(self, act: "Callable[[], int]", name: str, *, pauses: bool = False) -> None:
        """Leave the terminal to a command. `pauses`: what it wrote is to be read before the screen is drawn again."""
        self.state.hide_value()

        def run() -> None:
            with ordinary_signals():
                status = act()
            if pauses or status not in (0, exit_status.INTERRUPTED):
                wait_for_enter()
            if status == exit_status.INTERRUPTED:
                self.state.say(f"{name}: interrupted", "warn")
            elif status:
                self.state.say(f"{name} ended with status {status}", "bad")
            elif pauses:
                self.state.say("")
            else:
                self.state.say(f"{name}: done{'; u undoes it' * (name == 'set')}", "good")

        async def run_and_read() -> None:
            await run_in_terminal(run)
            self.clear_screen()
            self.loader.begin()

        _ = self._start(run_and_read())

    def catch(self, words: "Sequence[str]") -> None:
        """Run a command that asks nothing, and say below the lists what it says."""
        self._catch(words, self._say_caught)

    def reveal(self, level: str, name: str) -> None:
        """Show a value for a while."""

        def show(caught: Caught) -> None:
            if caught.status:
                self._say_caught(caught)
                return
            self.state.say(" ".join(caught.lines))
            self.state.revealed = Revealed(name, caught.value)
            self._timer = asyncio.get_running_loop().call_later(SHOWN_SECONDS, self.hide_value)

        self._catch(["get", level, name], show, has_value=True)

    def hide_value(self) -> None:
        """Show no value any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.state.revealed is not None:
            self.state.hide_value()
            self.application.invalidate()

    def stop_command(self) -> bool:
        """End the command that runs. Tell whether one does."""
        if self._catching is None or self._catching.done():
            return False
        self._catching.cancel()
        self.state.say("interrupted", "warn")
        return True

    def _catch(self, words: "Sequence[str]", show: "Callable[[Caught], None]", *, has_value: bool = False) -> None:
        if self._catching is not None and not self._catching.done():
            self.state.say("a command runs: Ctrl-C ends it", "warn")
            return
        self.state.say(f"{words[0]} …", "dim")

        def tell(line: str) -> None:
            self.state.say(line, "dim")
            self.application.invalidate()

        async def run() -> None:
            columns = self.application.output.get_size().columns
            try:
                caught = await self.runner.catch_words(words, columns, tell, has_value=has_value)
            except EnvFSError as error:
                self.state.say(error.text, "bad")
            else:
                show(caught)
                if not has_value:
                    self.loader.read_everything()
            self.application.invalidate()

        self._catching = self._start(run())

    def _say_caught(self, caught: Caught) -> None:
        style = "bad" if caught.status else "good"
        if len(caught.lines) > _ONE_LINE + 3:
            self.show_text(ShownText("what the command says", tuple([("", line)] for line in caught.lines)))
        self.state.say("\n".join(caught.lines) or ("refused" if caught.status else "done"), style)

    # -- ends ----------------------------------------------------------------------------------------------------------

    def _start(self, work: "Coroutine[object, object, None]") -> "asyncio.Task[None]":
        return self.application.create_background_task(work)

    def _end_by(self, number: int) -> None:
        self.ended_by = number
        self.leave(exit_status.SIGNALLED + number)

    def _fail(self, _loop: asyncio.AbstractEventLoop, context: "dict[str, object]") -> None:
        error = context.get("exception")
        if isinstance(error, BaseException) and not self.application.is_done:
            self.application.exit(exception=error)
