"""Commands of the grammar, each in a child of its own: at the terminal, or with its words caught for the screen.

Laws: a command that is caught has no terminal, so it can ask nobody, and shows nothing over the screen. Here too a
child is what sees values. The one value that a person asked to see comes back in a buffer that its owner wipes.
"""

import asyncio
import fcntl
import os
import re
import shlex
import signal
import struct
import sys
import termios
from contextlib import contextmanager, suppress

from envfs.tuples import NamedTuple
from envfs_cli import arguments, exit_status, grammar, output
from envfs_cli.arguments import Mistake
from envfs_cli.browser.readiness import wait_until_readable
from envfs_cli.daemon import session
from envfs_cli.process import forking
from envfs_cli.process.child import be_child
from envfs_cli.run import run_command
from envfs_cli.shell import children, private_daemon

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from envfs_cli.arguments import Values

_PIECE = 1 << 16
_ALONE = ("init", "mount")  # these start a daemon in their own way, so the vault must be free for it
_SIGNALS = (signal.SIGHUP, signal.SIGTERM, signal.SIGTSTP, signal.SIGCONT, signal.SIGWINCH)
_CONTROLS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_SPEAKER = "envfs: "  # of whom it is plain on this screen who speaks
_ANSWERING = "approvals"  # asks for nothing, and an answer counts from a terminal alone
_PROMPT = "\nEnter leads back to the browser: "


class Caught(NamedTuple):
    """How a command ended, the lines that it wrote, and with `get` the value."""

    status: int
    lines: tuple[str, ...]
    value: bytearray


class CommandRunner:
    """Runs commands. `passphrase_file` is the vault's, for those that are given none."""

    def __init__(self, passphrase_file: "str | None", *, keeps_vault: bool) -> None:
        """Run nothing yet. `keeps_vault`: commands use the private daemon of this process, if it has one."""
        self.passphrase_file = passphrase_file
        self._keeps_vault = keeps_vault

    # -- at the terminal -----------------------------------------------------------------------------------------------

    def run_words(self, words: "Sequence[str]") -> int:
        """Run a command at the terminal, which is this process's for as long as that takes. Return its exit status."""
        output.plain_note(output.clean(f"envfs {shlex.join(words)}"))
        return self._at_terminal(words[0], lambda: self._run(words))

    def unlock_private(self) -> int:
        """Unlock the private daemon of this process, at the terminal."""

        def unlock() -> int:
            session.start_session(self.passphrase_file).unlock()
            return 0

        return self._at_terminal("unlock", unlock)

    def _at_terminal(self, name: str, action: "Callable[[], int]") -> int:
        self._prepare(name)
        try:
            return children.in_child(action, with_input=True)
        finally:
            self._tidy_up()

    def _prepare(self, name: str) -> None:
        if not self._keeps_vault:
            return
        if name in _ALONE:
            private_daemon.release_daemon()
        else:
            private_daemon.hold_daemon()

    def _tidy_up(self) -> None:
        if (link := session.shared_link()) is not None:
            private_daemon.done_with(link)

    def _run(self, words: "Sequence[str]") -> int:
        command = grammar.find_command(words[0])
        if command is None:
            raise Mistake("there is no such command", "`envfs --help` lists the commands")
        try:
            values = arguments.read_values(command, words[1:])
        except SystemExit as end:  # argparse has said why
            return end.code if isinstance(end.code, int) else Mistake.status
        return run_command(command, self._with_file(values))

    def _with_file(self, values: "Values") -> "Values":
        if values.get("passphrase_file", "") is None and not values.get("project"):
            values["passphrase_file"] = self.passphrase_file
        return values

    # -- caught --------------------------------------------------------------------------------------------------------

    async def catch_words(
        self, words: "Sequence[str]", columns: int, on_line: "Callable[[str], None]", *, has_value: bool = False
    ) -> Caught:
        """Run a command that asks nothing. `on_line` gets the newest line that it wrote. `has_value`: `get` alone."""
        self._prepare(words[0])
        shown, writes = os.openpty()
        fcntl.ioctl(writes, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        value_end, value_writes = os.pipe() if has_value else (-1, writes)
        _flush()
        child = forking.fork()
        if child == 0:
            be_child(lambda: self._be_caught(words, writes, value_writes))
        os.close(writes)
        if has_value:
            os.close(value_writes)
        catcher = _Catcher(shown, value_end, on_line)
        try:
            status = await _ended(child)
        finally:
            catcher.close()
            self._tidy_up()
        return Caught(exit_status.of_child(status), catcher.lines(), catcher.value)

    def _be_caught(self, words: "Sequence[str]", writes: int, value_writes: int) -> int:
        if words[0] != _ANSWERING:
            os.setsid()  # there is no terminal to ask at
        _be_ordinary()
        signal.signal(signal.SIGINT, lambda *_: os._exit(exit_status.INTERRUPTED))
        os.environ["NO_COLOR"] = "1"
        os.environ.pop("COLUMNS", None)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(value_writes, 1)
        os.dup2(writes, 2)
        return self._run(words)


def wait_for_enter() -> None:
    """Wait until the person has read what a command wrote to the terminal."""
    with suppress(OSError):
        os.write(2, _PROMPT.encode())
        while os.read(0, _PIECE)[-1:] not in (b"", b"\n"):
            pass


def clean_lines(data: bytes) -> tuple[str, ...]:
    """Return lines as a terminal would show them in the end: without what was written over, and without colours."""
    lines = [line.rstrip("\r").rpartition("\r")[2] for line in data.decode(errors="replace").split("\n")]
    shown = (_CONTROLS.sub("", line).rstrip().removeprefix(_SPEAKER) for line in lines)
    return tuple(line for line in shown if line)


class _Catcher:
    """Reads the output of a child while it runs."""

    def __init__(self, shown: int, value_end: int, on_line: "Callable[[str], None]") -> None:
        self.value = bytearray()
        self._shown, self._value_end = shown, value_end
        self._on_line = on_line
        self._text = bytearray()
        self._loop = asyncio.get_running_loop()
        for descriptor, read in ((shown, self._read_text), (value_end, self._read_value)):
            if descriptor >= 0:
                os.set_blocking(descriptor, False)
                self._loop.add_reader(descriptor, read)

    def lines(self) -> tuple[str, ...]:
        return clean_lines(bytes(self._text))

    def close(self) -> None:
        for descriptor, read in ((self._shown, self._read_text), (self._value_end, self._read_value)):
            if descriptor >= 0:
                while read():
                    pass
                self._loop.remove_reader(descriptor)
                os.close(descriptor)

    def _read_text(self) -> bool:
        data = _read(self._shown)
        self._text += data
        if not data:
            self._loop.remove_reader(self._shown)
        elif lines := self.lines()[-1:]:
            self._on_line(lines[0])
        return bool(data)

    def _read_value(self) -> bool:
        data = _read(self._value_end)
        self.value += data
        if not data:
            self._loop.remove_reader(self._value_end)
        return bool(data)


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, _PIECE)
    except OSError:  # EIO: nobody writes to it any more. EAGAIN: not now
        return b""


async def _ended(child: int) -> int:
    # how it ended, as waitpid(2) says. Given up, the child is told as by ctrl-C, and waited for
    handle = os.pidfd_open(child)
    try:
        await wait_until_readable(handle)
    except asyncio.CancelledError:
        os.kill(child, signal.SIGINT)
        raise
    finally:
        os.close(handle)
        ended = _reap(child)
    return ended


def _reap(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@contextmanager
def ordinary_signals() -> "Iterator[None]":
    """Have signals act as on any program, for as long as a command has the terminal."""
    wakeup = signal.set_wakeup_fd(-1)
    old_handlers = [(number, signal.signal(number, signal.SIG_DFL)) for number in _SIGNALS]
    try:
        yield
    finally:
        for number, handler in old_handlers:
            signal.signal(number, handler)
        signal.set_wakeup_fd(wakeup)


def _be_ordinary() -> None:
    # a loop's signals would go on to the parent's loop, by a descriptor that both have
    signal.set_wakeup_fd(-1)
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_DFL)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            with suppress(OSError):
                stream.flush()
