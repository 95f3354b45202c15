"""The commands of a rotation: found, shown to the person, and run.

Laws: a command from a level's text runs only after it was shown and confirmed, and never in the current folder by
chance: a relative path is below a folder that is linked to the level, or below `--folder`. No shell reads it. Ctrl-C
ends the command, and this process goes on to say what became of the rotation.
"""

import os
import shlex
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress

from envfs.core import limits
from envfs.errors import EnvFSError, Malformed, TooLarge
from envfs_cli import exit_status, output, secrets
from envfs_cli.arguments import Mistake
from envfs_cli.process import own_variables
from envfs_cli.terminal import prompts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import NamedTuple, Self
else:
    from envfs.tuples import NamedTuple

_KEYS = (signal.SIGINT, signal.SIGQUIT)
_ENDS = (signal.SIGTERM, signal.SIGHUP)
_MOST = limits.VALUE_BYTES + limits.LINE_END_BYTES
_CHUNK = 1 << 16
_LOST = b"envfs: note: interrupted: if the command made a value, it may be in no vault\n"


class RotationCommand(NamedTuple):
    """A command: its words, the folder that it runs in, and whether a level's text names it.

    `option` is what a command line needs to name it again, with a blank before it.
    """

    words: "tuple[str, ...]"
    folder: str
    is_of_text: bool
    option: str

    @property
    def shown(self) -> str:
        """The command as a shell would have it, which is how a person reads it."""
        return shlex.join(self.words)


class HookFailed(EnvFSError):
    """A command did not do what it is for."""


def typed_hook(command: str) -> RotationCommand:
    """Return a command that the person wrote into the command line.

    Raises:
        Mistake: it is empty, or has a quote without an end
    """
    words = _words(command)
    option = f" --rotate-with {shlex.quote(shlex.join(words))}"
    return RotationCommand(words, os.getcwd(), is_of_text=False, option=option)


def hook_of_text(command: str, level: str, folder: "str | None") -> RotationCommand:
    """Return a command that a level's text names.

    Raises:
        Malformed: it has a quote without an end
        EnvFSError: it is relative, and there is no folder that it could be relative to
    """
    try:
        words = _words(command)
    except Mistake as error:  # of whoever wrote the text, and not of the command line
        text = f"the text of {level} names a command that cannot be run: {error.text}"
        raise Malformed(
            text, f"`envfs check {level}` says where, and --rotate-with or --no-hook takes its place"
        ) from None
    below = os.path.abspath(folder) if folder else "/"
    if "/" in words[0] and not os.path.isabs(words[0]):
        below = below if folder else _linked_folder(level)
        words = (os.path.join(below, words[0].removeprefix("./")), *words[1:])
    return RotationCommand(words, below, is_of_text=True, option=f" --folder {shlex.quote(below)}" if folder else "")


def _words(command: str) -> "tuple[str, ...]":
    try:
        words = tuple(shlex.split(command))
    except ValueError:
        raise Mistake("the command has a quote without an end") from None
    if not words:
        raise Mistake("the command is empty")
    return words


def _linked_folder(level: str) -> str:
    from envfs_cli.folder_links import state

    folders = [
        folder
        for folder, link in state.remembered_folders().items()
        if link.level == level and os.path.isdir(folder) and state.folder_number(folder) == link.number
    ]
    here = f"{os.getcwd()}/"
    nearest = [folder for folder in folders if here.startswith(f"{folder.rstrip('/')}/")]
    if len(folders) == 1 or nearest:
        return max(nearest or folders, key=len)
    which = "several folders are" if folders else "no folder is"
    raise EnvFSError(
        f"the level's text names a command by a relative path, and {which} linked to {level}",
        "name the folder with --folder",
    )


def confirm_hooks(hooks: "tuple[RotationCommand, ...]", level: str, *, yes: bool) -> None:
    """Show the commands, and have those of the level's text confirmed.

    Raises:
        EnvFSError: the answer is no, or there is nobody to ask
    """
    of_text = [hook for hook in hooks if hook.is_of_text]
    for hook in of_text:
        output.note(f"the command that the text of {level} names: {hook.shown} (in {hook.folder})")
    if of_text and not yes:
        prompts.need_yes("run it?" if len(of_text) == 1 else "run them?")


def made_by(hook: RotationCommand, level: str, name: str, old: int = -1) -> bytes:
    """Run a command that makes a value, and return what it printed. `old` is a descriptor with the value before.

    Raises:
        HookFailed: it failed, or printed nothing
        TooLarge: it printed more than a value may have
    """
    printed: list[bytes] = []
    with Interruptions(makes=True):
        status = _run(hook, level, name, given=-1, old=old, taken=printed)
    if status:
        raise HookFailed(f"{_ended(status)}, so nothing was changed", "its own message says more")
    data = b"".join(printed)
    if len(data) > _MOST:
        raise TooLarge("the value that the command printed is too large", f"at most {limits.VALUE_BYTES} bytes")
    if not data.strip(b"\r\n"):
        raise HookFailed("the command printed nothing, so nothing was changed")
    return data


def apply_by(hook: RotationCommand, level: str, name: str, value: bytes, old: int = -1) -> None:
    """Run the command that makes a value count. It reads the value on standard input.

    Raises:
        HookFailed: it failed, so it is not known whether the value counts
    """
    given = secrets.from_bytes(value)
    os.lseek(given, 0, os.SEEK_SET)
    status = _run(hook, level, name, given=given, old=old)
    os.close(given)
    if status:
        raise HookFailed(_ended(status))


def _ended(status: int) -> str:
    if status < 0:
        try:
            return f"the command was ended by {signal.Signals(-status).name}"
        except ValueError:
            return f"the command was ended by signal {-status}"
    return f"the command ended with status {status}"


def _run(
    hook: RotationCommand, level: str, name: str, *, given: int, old: int, taken: "list[bytes] | None" = None
) -> int:
    environ = own_variables.without_own(os.environ)
    environ |= {"ENVFS_LEVEL": level, "ENVFS_NAME": name}
    if old >= 0:
        os.lseek(old, 0, os.SEEK_SET)
        environ["ENVFS_OLD_FILE"] = f"/dev/fd/{old}"
    with _passing_on() as begun:
        try:
            child = subprocess.Popen(  # the command that the person saw
                hook.words,
                stdin=given if given >= 0 else subprocess.DEVNULL,
                stdout=subprocess.PIPE if taken is not None else 2,  # what it says goes where notes go
                cwd=hook.folder,
                env=environ,
                pass_fds=(old,) if old >= 0 else (),
            )
        except OSError as error:
            raise _not_run(hook, error) from None
        begun(child)
        if taken is not None:
            _take(child, taken)
        return child.wait()


def _not_run(hook: RotationCommand, error: OSError) -> HookFailed:
    from envfs import safe_open

    words = safe_open.error_words(error)
    return HookFailed(f"cannot run {output.clean(hook.words[0])}: {words}, so nothing was done")


def _take(child: "subprocess.Popen[bytes]", taken: "list[bytes]") -> None:
    # to its end, so that a command that prints too much does not stop in the middle of its work
    size = 0
    if child.stdout is None:
        return
    with child.stdout as printed:
        while chunk := printed.read(_CHUNK):
            size += len(chunk)
            if size - len(chunk) <= _MOST:
                taken.append(chunk)


def _heeded(numbers: "tuple[int, ...]") -> "tuple[int, ...]":
    # the others are ignored here, by nohup or in the background of a script, and so by the command
    return tuple(number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN)


@contextmanager
def _passing_on() -> "Iterator[Callable[[subprocess.Popen[bytes]], None]]":
    # what comes before the command has begun is passed on when it has
    children: list[subprocess.Popen[bytes]] = []
    early: list[int] = []

    def pass_on(number: int, _frame: object) -> None:
        early.append(number)
        for child in children:
            child.send_signal(number)

    def begun(child: "subprocess.Popen[bytes]") -> None:
        children.append(child)
        for number in early:
            child.send_signal(number)

    previous = {number: signal.signal(number, pass_on) for number in _heeded(_ENDS)}
    try:
        yield begun
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


class Interruptions:
    """Ctrl-C between the first step of a rotation and the last: noted, and for a command that runs meanwhile.

    With `ends` the other ways to end a command are noted as well. With `makes`, a command makes a value meanwhile.
    """

    def __init__(self, *, ends: bool = False, makes: bool = False) -> None:
        """Begin with none."""
        self.came = False
        self._makes = makes
        self._numbers = (*_KEYS, *(_ENDS if ends else ()))
        self._before: dict[int, object] = {}

    def __enter__(self) -> "Self":
        """Note them from now on."""
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._note) for number in _heeded(self._numbers)}
        return self

    def __exit__(self, *_: object) -> None:
        """Handle them as before."""
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _note(self, _number: int, _frame: object) -> None:
        if self.came:  # the person means it, and what is asked of the daemon goes on there
            if self._makes:
                with suppress(OSError):
                    os.write(2, _LOST)  # not by the stream, which may be written to at this moment
            sys.stderr.flush()
            os._exit(exit_status.INTERRUPTED)
        self.came = True
