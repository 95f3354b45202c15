"""`exec --watch`: a command that is started again whenever its view has changed.

This process is a loop without a value in it: it hears signals, the daemon's news of the view, and how children end.
They fetch the view themselves (`envfs_cli.watch.child`), and a digest says whether it is another one.

Laws: the last change is never lost. A change that the command does not get restarts nothing; whatever happens to the
daemon, to the vault or to the grant, the command goes on with what it has. When it ends by itself, that is the end.
"""

import os
import select
import signal
import time

from envfs.tuples import NamedTuple
from envfs_cli import exit_status, output
from envfs_cli.closed_sets import Unhandled
from envfs_cli.daemon import client, session
from envfs_cli.process.foreground import Foreground
from envfs_cli.watch.child import Child, Family
from envfs_cli.watch.news import Happening, News

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Ask = Callable[[NamedTuple], tuple[object, bytes]]

_SETTLE, _LONGEST = 0.2, 2.0  # how long it must be quiet before a restart, and for how long that can put it off
_RETRY = 5.0
_DRAIN = 0.05
_ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
_STOPS = (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)  # by the terminal; who sends SIGSTOP knows what they do
_FROM_KEYS = (signal.SIGINT, signal.SIGQUIT)


class Watched(NamedTuple):
    """A command over the view at a level: `fetch` asks for its variables, `become` makes a process the command.

    `grace` is how many seconds it has to end after SIGTERM.
    """

    level: str
    fetch: "Callable[[Ask], bytes]"
    become: "Callable[[bytes], int]"
    grace: int
    passphrase_file: str | None


def watch_command(watched: Watched) -> int:
    """Run the command, and again whenever what it gets has changed. Returns how it ended."""
    watcher = _Watcher(watched, News(watched.level))
    try:
        return watcher.run()
    finally:
        watcher.close()


class _Watcher:
    """The loop and its state.

    `_child` is the command, None while it cannot be started. `_look` is a child that looks what it would get now.
    `_digest` is of what it got. While `_stopping`, the command is being ended to be started again. `_kept` is a signal
    that may have come from keys, until it is known whether it reached the child.
    """

    def __init__(self, watched: Watched, news: News) -> None:
        self._watched = watched
        self._news = news
        self._family = Family()
        self._foreground = Foreground()
        self._child: Child | None = None
        self._look: Child | None = None
        self._digest = b""
        self._failure = ""
        self._first, self._stopping, self._ending = True, False, False
        self._kept = 0
        self._look_at = self._look_by = self._kill_at = 0.0
        self._status: int | None = None

    def run(self) -> int:
        """Go round until the command has ended by itself. Returns its status as a shell counts it."""
        self._child = self._family.start(self._first_view, self._watched.become, self._foreground)
        while self._status is None:
            self._hear(self._wait())
            self._act(time.monotonic())
        return self._status

    def close(self) -> None:
        """Leave nothing behind, whatever went wrong."""
        for child in (self._child, self._look):
            if child is not None and child.status is None:
                child.end()
        if self._child is not None:
            self._foreground.take(self._child.number)

    # -- what children do ----------------------------------------------------------------------------------------------

    def _first_view(self) -> bytes:
        asking = session.session_over(client.need_running(), self._watched.passphrase_file)
        return self._watched.fetch(asking.ask)  # may ask a passphrase

    def _view(self) -> bytes:
        return self._watched.fetch(client.need_running().ask)

    # -- hearing -------------------------------------------------------------------------------------------------------

    def _wait(self) -> set[int]:
        poll = select.poll()
        pipes = [child.said for child in (self._child, self._look) if child is not None and child.said >= 0]
        for source in (self._family.heard, *pipes, *self._news.sources()):
            poll.register(source, select.POLLIN)
        moments = [at for at in (self._kill_at, self._news.wanted_at, self._news.silent_at) if at]
        if self._may_look():
            moments.append(self._look_at)
        if self._is_draining():
            moments.append(time.monotonic() + _DRAIN)
        wait = max(0.0, min(moments) - time.monotonic()) * 1000 + 1 if moments else None
        return {source for source, _ in poll.poll(wait)}

    def _hear(self, ready: set[int]) -> None:
        if not ready.isdisjoint(self._news.sources()):
            for happening in self._news.hear():
                self._hear_news(happening, time.monotonic())
        if self._child is not None and self._child.said in ready and self._child.listen():
            self._become_known(self._child)
        if self._look is not None and self._look.said in ready and self._look.listen():
            look, self._look = self._look, None
            self._judge(look)
        if self._family.heard in ready:
            for number in os.read(self._family.heard, 1 << 10):
                self._hear_signal(number)

    def _become_known(self, child: Child) -> None:
        self._digest = child.digest
        if child.digest and self._kept:  # it was sent to this process alone, for a child that had it has ended
            child.signal(self._kept)
        self._kept = 0

    def _hear_news(self, happening: Happening, now: float) -> None:
        match happening:
            case Happening.LOCKED:
                output.note("the vault was locked: the command goes on with what it has")
            case Happening.CHANGED:
                self._look_by = self._look_by if self._look_at else now + _LONGEST
                self._look_at = min(now + _SETTLE, self._look_by)
            case Happening.WATCHED | Happening.UNLOCKED:
                self._look_at = self._look_at or now
            case _:
                raise Unhandled(happening)

    def _hear_signal(self, number: int) -> None:
        if number == signal.SIGCHLD:
            self._reap()
            return
        self._ending = self._ending or number == signal.SIGTERM or (self._stopping and number in _ENDING)
        if self._child is None:
            self._status = exit_status.SIGNALLED + number if number in _ENDING else None
        elif self._child.group or number not in _FROM_KEYS:
            self._child.signal(number)
        else:
            self._kept = number  # until it has a group of its own, keys reach it anyhow

    def _judge(self, look: Child) -> None:
        if look.failure and look.failure != self._failure:
            output.note(f"{look.failure}: the command goes on with what it has")
        self._failure = look.failure
        if look.digest and look.digest != self._digest and not self._ending:
            self._restart()

    # -- children that stop and end ------------------------------------------------------------------------------------

    def _reap(self) -> None:
        while True:
            try:
                number, ended = os.waitpid(-1, os.WNOHANG | os.WUNTRACED)
            except ChildProcessError:
                return
            if number == 0:
                return
            if self._child is not None and number == self._child.number:
                if not os.WIFSTOPPED(ended):
                    self._end(self._child, os.waitstatus_to_exitcode(ended))
                elif os.WSTOPSIG(ended) in _STOPS:
                    self._pause(self._child)

    def _pause(self, child: Child) -> None:
        # a command that stops for want of the terminal may have it. With any other, this whole job stops
        ours = os.getpgrp()
        if not self._foreground.is_of(ours):
            self._foreground.take(child.number)
            os.killpg(ours, signal.SIGTSTP)  # it goes on here once the job does
        if (
            child.group
        ):  # one that asks for a passphrase is in this group still: the kernel would take its number for one
            self._foreground.give(child.number)
        child.signal(signal.SIGCONT)

    def _end(self, child: Child, status: int) -> None:
        if child.said >= 0:
            while not child.listen():
                pass
            self._digest = child.digest
        child.status = exit_status.of_child(status)
        self._foreground.take(child.number)
        if self._stopping and not self._ending:
            return
        if child.digest or self._first or self._ending:
            self._status = child.status
            return
        output.note("the command is not running; it starts as soon as it can")
        self._child, self._look_at = None, time.monotonic() + _RETRY

    # -- acting --------------------------------------------------------------------------------------------------------

    def _act(self, now: float) -> None:
        self._news.give_up_silent()
        self._news.look_for_daemon()
        if self._kill_at and now >= self._kill_at and self._child is not None:
            self._child.signal(signal.SIGKILL)
            self._kill_at = 0.0
        if self._is_draining() and self._child is not None and (not self._kill_at or self._child.is_empty()):
            self._start()
        if self._may_look() and now >= self._look_at:
            self._look_at = 0.0
            self._look = self._family.look(self._view)

    def _is_draining(self) -> bool:
        return self._stopping and not self._ending and self._child is not None and self._child.status is not None

    def _may_look(self) -> bool:
        started = self._child is None or self._child.said < 0
        return bool(self._look_at) and self._look is None and started and not self._stopping and not self._ending

    def _restart(self) -> None:
        if self._child is None:
            self._start()
            return
        output.note("its variables have changed: the command is started again")
        self._stopping = True
        self._kill_at = time.monotonic() + self._watched.grace
        self._child.end()

    def _start(self) -> None:
        self._first, self._stopping, self._kill_at, self._digest = False, False, 0.0, b""
        self._foreground.restore_modes()
        self._child = self._family.start(self._view, self._watched.become, self._foreground)
