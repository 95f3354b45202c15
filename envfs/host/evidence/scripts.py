"""The script that an interpreter runs: the file that its command line names, seen from where the process stands.

A process can write over its own command line, and a file can be replaced after an interpreter has read it. So a script
says what a process means to run. Its content is told only if the file has not changed since the process began.
"""

import contextlib
import os
import stat
import time
from functools import partial
from typing import NamedTuple

from envfs.core.access.evidence import ProgramFile
from envfs.host import clocks
from envfs.host.evidence.file_identity import identify_file, open_cached
from envfs.host.evidence.process_files import command_line, executable_path
from envfs.host.evidence.program_files import FileInUse, ProgramFiles
from envfs.host.evidence.script_words import Told, script_word
from envfs.host.evidence.unfinished import Unfinished

_OF_EACH_PROCESS = (b"/proc/", b"/dev/")  # /dev/fd/63 is another file for this process
# A walk brings a path into the kernel's memory. But a tmpfs never remembers that a name is missing, and a file system
# of another program remembers nothing for long.
TRIES = 3
_PLACE = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
_SECOND_NS, _TICKS_NS = 1_000_000_000, 20_000_000  # processes begin, and files change, at ticks of at most 10 ms


class NotInMemory(Unfinished):
    """The way to a script is not in the kernel's memory. It may not be there after the walk either."""


class RunningScript(NamedTuple):
    """A process that may run a script: its folder, when it began in seconds after the boot, and its command line."""

    folder: int
    began: float
    words: list[bytes]


def find_script(files: ProgramFiles, running: RunningScript, *, with_digest: bool) -> ProgramFile | Told:
    """Return the script of a process, which has to be in the daemon's own user namespace.

    Raises:
        NotInMemory: the way to it is not in the kernel's memory
        Unfinished: it is large
        OSError: the process is gone
    """
    process, began, words = running
    program = executable_path(process)
    word = script_word(os.fsencode(program), words) if program else Told.CANNOT_TELL
    if isinstance(word, Told):
        return word
    if word.startswith(_OF_EACH_PROCESS):
        return Told.CANNOT_TELL
    try:
        handle = _open_script(process, word)
    except BlockingIOError:
        raise _not_in_memory(process, word) from None
    except OSError:
        return Told.CANNOT_TELL
    try:
        return _describe(files, process, handle, began, with_digest=with_digest)
    finally:
        os.close(handle)


def read_script(files: ProgramFiles, folder: int, began: float) -> ProgramFile | Told:
    """As `find_script`, without the content, by the process's folder. In a thread: this can wait.

    Raises:
        OSError: the process is gone
    """
    running = RunningScript(folder, began, command_line(folder))
    for _ in range(TRIES):
        try:
            return find_script(files, running, with_digest=False)
        except Unfinished as unfinished:
            unfinished.finish()
    return Told.CANNOT_TELL


def _describe(files: ProgramFiles, process: int, handle: int, began: float, *, with_digest: bool) -> ProgramFile | Told:
    identity, here = identify_file(handle), f"/proc/self/fd/{handle}"
    if not stat.S_ISREG(identity.mode):
        return Told.CANNOT_TELL
    began_ns = time.time_ns() - int((clocks.boot_seconds() - began) * _SECOND_NS)
    is_of_then = identity.changed_ns <= began_ns + _TICKS_NS
    script = FileInUse(process, handle, here, os.readlink(here), identity)
    return files.describe(script, with_digest=with_digest and is_of_then)


def _open_script(process: int, word: bytes) -> int:
    is_here, place = _place(process, word)
    try:
        return open_cached(word if is_here else word.lstrip(b"/"), place, beneath=not is_here)
    finally:
        os.close(place)


def _place(process: int, word: bytes) -> tuple[bool, int]:
    # whether the process has the same root as this one, and the folder from which the word leads to the script
    is_here = identify_file(process, "root").is_same_file(identify_file(-1, "/"))
    name = "root" if word.startswith(b"/") and not is_here else "cwd"
    return is_here, os.open(name, _PLACE, dir_fd=process)


def _not_in_memory(process: int, word: bytes) -> NotInMemory:
    is_here, place = _place(process, word)
    return NotInMemory(partial(_walk, place, word if is_here else word.lstrip(b"/")), partial(os.close, place))


def _walk(place: int, path: bytes) -> None:
    # after this every step is in the kernel's memory, where the file system lets it
    with contextlib.suppress(OSError):
        os.close(os.open(path, os.O_PATH | os.O_CLOEXEC, dir_fd=place))
