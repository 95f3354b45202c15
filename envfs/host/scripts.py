"""The file that an interpreter runs, from its command line.

Laws: a command line is memory of its process. To read it can wait for a lock that another thread of that process holds,
while that thread waits for this daemon. So a thread reads it, and the daemon waits for a moment at most. A user whose
process let it wait is not looked at for a while. An argument is only returned if it names a file: no code and no secret
of a command line gets into the log.
"""

import os
import queue
import re
import stat
import threading
import time
from collections.abc import Callable
from contextlib import suppress

_INTERPRETER = re.compile(
    r"(python|pypy|node|nodejs|deno|bun|ruby|perl|php|bash|dash|sh|ash|zsh|ksh|fish|lua|tclsh|Rscript)[\d.]*(-\w+)?",
    re.ASCII,
)
_TAKES_ANOTHER = ("-X", "-W", "-o", "-O", "-r", "--require", "--import", "--loader", "--rcfile", "--init-file")
_HAS_CODE = ("-c", "-e", "--eval", "-p", "--print", "-E")
_MODULE = re.compile(r"[\w.]{1,100}", re.ASCII)
_ARGUMENTS = 16
_BYTES = 4096
_WAIT_SECONDS, _SILENT_SECONDS = 0.02, 60.0
_MOST_USERS = 1024


def is_interpreter(executable: str) -> bool:
    """Tell whether a program runs the text of another file."""
    return _INTERPRETER.fullmatch(executable.rpartition("/")[2].removesuffix(" (deleted)")) is not None


class Scripts:
    """Reads command lines in a thread of its own, one at a time."""

    def __init__(self) -> None:
        """Start no thread yet."""
        self._questions: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._silent_until: dict[int, float] = {}
        self._is_busy = False

    def look(self, pid: int, uid: int) -> str:
        """Return the script that a process runs, as a path, or `-c` or `-m NAME`. Empty where that cannot be seen."""
        now = time.monotonic()
        if self._is_busy or self._silent_until.get(uid, 0.0) > now:
            return ""
        answers: queue.SimpleQueue[str] = queue.SimpleQueue()
        try:
            self._ask(lambda: self._answer(answers, pid))
        except RuntimeError:  # no thread can be started
            return ""
        try:
            return answers.get(timeout=_WAIT_SECONDS)
        except queue.Empty:
            if len(self._silent_until) >= _MOST_USERS:
                self._silent_until.clear()
            self._silent_until[uid] = now + _SILENT_SECONDS
            return ""

    def _ask(self, question: Callable[[], None]) -> None:
        if self._thread is None:
            thread = threading.Thread(target=self._serve, name="scripts", daemon=True)
            thread.start()
            self._thread = thread
        self._is_busy = True
        self._questions.put(question)

    def _serve(self) -> None:
        while True:
            self._questions.get()()

    def _answer(self, answers: "queue.SimpleQueue[str]", pid: int) -> None:
        text = script_of(pid)
        self._is_busy = False
        answers.put(text)


def script_of(pid: int) -> str:
    """Return the script of a process. This may wait: for `Scripts` and tests."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb", buffering=0) as file:
            data = file.read(_BYTES) or b""
        folder = os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return ""
    arguments = [os.fsdecode(argument) for argument in data.split(b"\0")[1 : _ARGUMENTS + 1]]
    return script_in(arguments, lambda name: _file(folder, name))


def script_in(arguments: list[str], file_named: Callable[[str], str]) -> str:
    """Return the script that an interpreter's arguments name. `file_named` returns the path of a file, or nothing."""
    skipped = False
    for at, argument in enumerate(arguments):
        if skipped:
            skipped = False
        elif argument in _HAS_CODE:
            return argument
        elif argument == "-m":
            name = arguments[at + 1] if at + 1 < len(arguments) else ""
            return f"-m {name}" if _MODULE.fullmatch(name) else ""
        elif argument in _TAKES_ANOTHER:
            skipped = True
        elif not argument.startswith("-") and argument and (path := file_named(argument)):
            return path
    return ""


def _file(folder: str, name: str) -> str:
    path = os.path.normpath(os.path.join(folder, name))
    with suppress(OSError, ValueError):
        return path if stat.S_ISREG(os.stat(path).st_mode) else ""
    return ""
