"""The contents of the screen are read from the daemon, and again whenever the daemon says that they have changed.

Laws: nothing is asked twice for one change, and nothing in a loop. A level is read once the selection rests on it, for
listing names is an access that is logged. If the daemon ends or is locked, what was read of a level is forgotten.
"""

import asyncio

from envfs.core import names
from envfs.errors import EnvFSError
from envfs.protocol import control
from envfs_cli.browser.asker import DaemonAsker, is_private
from envfs_cli.browser.readers_pane import LOG_LINES
from envfs_cli.browser.watch_link import WatchLink
from envfs_cli.replies import log_entries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from envfs_cli.browser.state import BrowserState

    Start = Callable[[Coroutine[object, object, None]], asyncio.Task[None]]

_REST = 0.15  # seconds that the selection has to rest on a level
_AGAIN = 1.0  # between two looks for a daemon that has ended, and two lists of processes
_OWNER = "owner"
_NEWS = ("changed", "locked", "unlocked")  # of a view. A project can be locked alone
_RESHAPES = ("move", "remove", "merge", "rebase")  # writes by which levels may be gone


class Loader:
    """Keeps a state up to date. `start` starts a task, and `redraw` has the screen drawn."""

    def __init__(self, state: "BrowserState", asker: DaemonAsker, start: "Start", redraw: "Callable[[], None]") -> None:
        """Read nothing yet."""
        self._state, self._asker = state, asker
        self._start, self._redraw = start, redraw
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._views = self._watch(self._take_news, self._lose_views)
        self._writes = self._watch(self._take_writes, self._lose_writes)
        self._questions = self._watch(self._take_questions, self._lose_questions)
        self._status = self._watch(self._take_status, self._lose_status)
        self._log = self._watch(self._take_entries, self._lose_log)
        self._is_ignoring_first = self._is_watching_writes = False
        self._watched = self._followed = ""  # levels

    def _watch(
        self, on_rows: "Callable[[Sequence[object]], None]", on_end: "Callable[[EnvFSError | None], None]"
    ) -> WatchLink:
        return WatchLink(on_rows, on_end, self._take_silence)

    # -- what is asked for by keys -------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Read all there is, and watch it."""
        self.read_everything()
        self._watch_vault()

    def read_everything(self) -> None:
        """Read status, levels and the pane again."""
        self._run("all", self._read_everything())

    def read_level(self, rest: float = _REST) -> None:
        """Read what the pane shows of the selected level, once the selection has rested on it."""
        if self._state.pane.level != self._state.level:
            self._state.pane.clear()
        self._run("pane", self._read_pane(rest))

    def read_details(self) -> None:
        """Read what is to be said of the selected row, and more rows behind the last one."""
        self._run("details", self._read_details())

    def close(self) -> None:
        """Ask and watch no more."""
        for watch in (self._status, self._views, self._writes, self._questions, self._log):
            watch.close()
        self._asker.close()

    # -- reading -------------------------------------------------------------------------------------------------------

    def _run(self, name: str, work: "Coroutine[object, object, None]") -> None:
        # of two tasks of one name the newer one counts
        if (task := self._tasks.get(name)) is not None:
            task.cancel()
        self._tasks[name] = self._start(work)

    async def _read_everything(self) -> None:
        await self._read_status()
        await self._read_levels()
        await self._read_pane(0)

    async def _read_status(self) -> None:
        state = self._state
        if self._asker.keeps_vault or state.row is None:
            try:
                report = (await self._asker.ask(control.Status())).reply
            except EnvFSError as error:
                self._refused(error)
                return
            if isinstance(report, control.StatusReport):
                state.row = control.StatusRow(report.audience, report.unlocked, problems=report.problems)
        state.is_private = is_private()
        self._redraw()

    async def _read_levels(self) -> None:
        state = self._state
        try:
            answer = await self._asker.ask(control.ListLevels())
        except EnvFSError as error:
            self._refused(error)
            return
        state.tree.set_levels(row for row in answer.rows if isinstance(row, control.LevelRow))
        while state.level not in state.tree:
            state.level = state.level.rpartition("/")[0] or names.ROOT
        state.tree.reveal_level(state.level)
        state.refresh_tree()
        state.levels.select(state.level)
        self._redraw()

    async def _read_pane(self, rest: float) -> None:
        await asyncio.sleep(rest)
        state, pane, level = self._state, self._state.pane, self._state.level
        self._watch_level()  # before it is read, so that no change is missed
        if state.is_gone:
            return
        await pane.load(self._asker, level)
        self._redraw()
        await self._read_details()

    async def _read_details(self) -> None:
        state = self._state
        if state.pane is state.names and state.in_pane:
            await state.names.load_facts(self._asker)
        elif state.pane is state.history:
            await state.history.load_more(self._asker)
            await state.history.load_difference(self._asker)
        self._redraw()

    def _refused(self, error: EnvFSError) -> None:
        self._state.say(f"{error.text}; {error.hint}" if error.hint else error.text, "bad")
        self._redraw()

    # -- watching ------------------------------------------------------------------------------------------------------

    def _watch_vault(self) -> None:
        if is_private():
            self._state.approvals.forget_questions("only a daemon that runs asks: `envfs mount` starts one")
            return
        self._status.begin(control.WatchStatus())
        self._questions.begin(control.WatchApprovals())
        self._writes.close()
        self._is_watching_writes = False

    def _watch_level(self) -> None:
        level, shows_log = self._state.level, self._state.pane is self._state.readers
        if is_private():
            if shows_log:
                self._run("log", self._read_log())
            return
        if self._watched != level:
            self._watched = level
            if not self._views.begin(control.WatchView(level)):
                self._daemon_ended()
                return
        if not shows_log:
            self._followed = ""
            self._log.close()
            self._state.readers.clear()  # its entries are sent again
        elif self._followed != level:
            self._followed = level
            self._log.begin(control.ReadLog(LOG_LINES, follow=True, level=level))

    async def _read_log(self) -> None:
        try:
            answer = await self._asker.ask(control.ReadLog(LOG_LINES, level=self._state.level))
        except EnvFSError as error:
            self._state.readers.note_log(error.text)
        else:
            self._state.readers.take_entries(answer.rows)
        self._redraw()

    def _take_status(self, rows: "Sequence[object]") -> None:
        state, was_locked = self._state, self._state.is_locked
        state.row = next((row for row in reversed(rows) if isinstance(row, control.StatusRow)), state.row)
        if state.row is not None and state.row.audience == _OWNER and not self._is_watching_writes:
            # others would be refused, and that is logged
            self._is_watching_writes = self._is_ignoring_first = True
            self._writes.begin(control.ReadLog(1, follow=True, event="write"))
        if state.is_locked and not was_locked:
            state.forget_contents("locked: U unlocks")
            state.say("the vault was locked: U unlocks it", "warn")
        elif was_locked and not state.is_locked:
            state.say("the vault was unlocked", "good")
            self.read_everything()
        self._redraw()

    def _take_news(self, rows: "Sequence[object]") -> None:
        if any(isinstance(row, control.NewsRow) and row.what in _NEWS for row in rows):
            self.read_level()

    def _take_writes(self, rows: "Sequence[object]") -> None:
        if self._is_ignoring_first:
            self._is_ignoring_first = False
            rows = rows[1:]  # the newest one of before
        entries = [log_entries.parse_entry(row.line) or {} for row in rows if isinstance(row, control.LogRow)]
        if any(entry.get("operation") in _RESHAPES for entry in entries):
            self._run("levels", self._read_levels())
        elif self._state.tree.add_levels({str(entry["level"]) for entry in entries if "level" in entry}):
            self._state.refresh_tree()
        if any(entry.get("level") == self._state.level for entry in entries):
            self.read_level()
        self._redraw()

    def _take_questions(self, rows: "Sequence[object]") -> None:
        for text in self._state.approvals.take_changes(rows):
            self._state.say(text, "warn")
        self._redraw()

    def _take_entries(self, rows: "Sequence[object]") -> None:
        if self._state.readers.take_entries(rows):
            task = self._tasks.get("readers")
            if task is None or task.done():  # one that waits already reads what is new now, too
                self._run("readers", self._read_readers())
        self._redraw()

    async def _read_readers(self) -> None:
        await asyncio.sleep(_AGAIN)
        await self._state.readers.load(self._asker, self._state.level)
        self._redraw()

    def _take_silence(self, is_silent: bool) -> None:
        self._state.is_silent = is_silent
        if is_silent:
            self._state.say("the daemon does not answer: is its process stopped, or the machine very busy?", "bad")
        self._redraw()

    # -- ends ----------------------------------------------------------------------------------------------------------

    def _lose_views(self, error: EnvFSError | None) -> None:
        if error is None:
            self._daemon_ended()

    def _lose_status(self, error: EnvFSError | None) -> None:
        if error is None:
            self._daemon_ended()

    def _lose_writes(self, error: EnvFSError | None) -> None:
        if error is None:
            self._daemon_ended()

    def _lose_questions(self, error: EnvFSError | None) -> None:
        self._state.approvals.forget_questions(error.text if error is not None else "no daemon runs that could ask")
        if error is None:
            self._daemon_ended()

    def _lose_log(self, error: EnvFSError | None) -> None:
        if error is not None:
            self._state.readers.note_log(error.text)
            self._redraw()

    def _daemon_ended(self) -> None:
        if self._state.is_gone:
            return
        self._state.is_gone = True
        self._state.row = None
        for watch in (self._status, self._views, self._writes, self._questions, self._log):
            watch.close()
        self._watched = self._followed = ""
        self._asker.close()
        self._state.forget_contents("no daemon runs: `:mount` starts one")
        self._state.say("the daemon has ended; it is looked for, and `:mount` starts one", "bad")
        self._redraw()
        self._run("again", self._look_for_daemon())

    async def _look_for_daemon(self) -> None:
        while self._state.is_gone:
            await asyncio.sleep(_AGAIN)
            try:
                await self._asker.ask(control.Status())
            except EnvFSError:
                continue
            self._state.is_gone = False
            self._state.say("there is a daemon again", "good")
            self.begin()
