"""The process behind tests/system/forked.py: it has loaded daemon and client, and forks one for each order.

`python forking.py SOCKET`. An order is an environment. For a daemon it comes with a descriptor that hears of the start,
and one of the log. For a client it has a folder and the words of the line, and comes with the three standard streams,
or with its terminal, and a descriptor that hears of the exit status. The daemon that a client starts is forked as well.
For a keyholder of its own a process sends its number, with the keyholder's socket, and a descriptor that hears of it.
"""

import array
import base64
import ctypes
import fcntl
import gc
import io
import json
import os
import signal
import socket
import subprocess
import sys
import termios
import textwrap
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from envfs.core.secret import Secret
from envfs.daemon import __main__ as entry
from envfs.daemon import keyholder_start, trio_start
from envfs.keyholder import __main__ as keyholder
from envfs.keyholder.crypto import age
from envfs.locations import Locations
from envfs_cli import arguments, grammar, run
from envfs_cli import main as client
from envfs_cli.daemon import launch

_LARGEST = 1 << 14
_ROOT = str(Path(__file__).parents[2])
_start_program = keyholder_start.start_part


def load() -> None:
    """Load what a daemon loads, and most of what a client does."""
    gc.disable()
    trio_start.load_trio()
    from envfs.control import dispatch
    from envfs.daemon import daemon  # noqa: F401 - loaded for those that are forked
    from envfs.fuse import binding_start

    binding_start.load_pyfuse3()
    from envfs.fuse import crowding, mount, operations, touching, withdrawal  # noqa: F401 - the same

    dispatch.load_handlers()
    for name in ("set", "get", "import", "grant", "show", "status", "ls", "log"):
        command = grammar.find_command(name)
        assert command is not None
        run.parts_of(command)
    arguments.read_values(command, [])
    sys.path.insert(0, _ROOT)
    from tests.component import cheap  # noqa: F401 - the same
    from tests.system import started_process  # noqa: F401 - the same

    sys.path.remove(_ROOT)
    gc.freeze()


def main() -> None:
    """Fork until the other end of the socket is closed."""
    load()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    orders = socket.socket(fileno=int(sys.argv[1]))
    while True:
        message, ancillary, _, _ = orders.recvmsg(_LARGEST, socket.CMSG_SPACE(16), socket.MSG_CMSG_CLOEXEC)
        if not message:
            return
        order, descriptors = json.loads(message), array.array("i", ancillary[0][2])
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            orders.close()
            if "parent" in order:
                _be_keyholder_of(order["parent"], *descriptors)
            if "words" in order:
                _be_client(order["environ"], order["folder"], order["words"], descriptors)
            ready, log = descriptors
            _be_daemon(order["environ"], log, ["serve", "--ready", str(ready)])
        for descriptor in descriptors:
            os.close(descriptor)


def _be_client(environ: Mapping[str, str], folder: str, words: list[str], descriptors: "array.array[int]") -> NoReturn:
    *streams, ended = descriptors
    if len(streams) == 1:
        streams = _made_own(streams[0])
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    _open_streams()
    os.chdir(folder)
    _take_environment(environ)
    sys.argv = ["envfs", *words]
    launch.start_daemon = _start_daemon
    try:
        status = client.main()
    except BaseException:  # noqa: BLE001 - as the interpreter does
        traceback.print_exc()
        status = 1
    os.write(ended, bytes([status]))
    os._exit(status)


def _be_keyholder_of(parent: int, descriptor: int, started: int) -> NoReturn:
    # its parent dies at once, so that it becomes a child of the process that wants to be asked who takes its orphans
    if os.fork():
        os._exit(0)
    while os.getppid() != parent:
        time.sleep(0.0005)
    os.write(started, os.getpid().to_bytes(4, sys.byteorder))
    os.close(started)
    age.seal_under = _seal_under
    _be_keyholder(descriptor, {})


def _be_keyholder(descriptor: int, environ: Mapping[str, str]) -> NoReturn:
    os.closerange(3, descriptor)
    os.closerange(descriptor + 1, 1 << 16)
    _take_environment(environ)
    sys.argv = ["-c", str(descriptor)]
    os._exit(keyholder.main())


def _open_streams() -> None:
    # as an interpreter does that begins with them
    reader = io.BufferedReader(io.FileIO(0, closefd=False))
    sys.stdin = io.TextIOWrapper(reader, encoding="utf-8", errors="surrogateescape")
    for name, number, errors in (("stdout", 1, "surrogateescape"), ("stderr", 2, "backslashreplace")):
        lines = number == 2 or os.isatty(number)
        writer = io.BufferedWriter(io.FileIO(number, "w", closefd=False))
        setattr(sys, name, io.TextIOWrapper(writer, encoding="utf-8", errors=errors, line_buffering=lines))


def _made_own(terminal: int) -> list[int]:
    os.setsid()
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
    return [terminal, os.dup(terminal), os.dup(terminal)]


def _start_daemon(mine: Locations, connection: int, lock: int, *, looks: bool, passing: bool = False) -> NoReturn:
    # as envfs_cli.daemon.launch.start_daemon does by a program
    words = ["answer", str(connection), *(["--lock", str(lock)] if lock >= 0 else [])]
    words += [*(["--look"] if looks else []), *(["--passing"] if passing else [])]
    environ = launch.daemon_environment(mine) | ({"ENVFS_HOME": mine.home} if passing else {})
    if os.fork() == 0:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        _be_daemon(environ, launch._open_log(mine), words)
    os._exit(0)


def _be_daemon(environ: Mapping[str, str], log: int, words: list[str]) -> NoReturn:
    os.setsid()
    os.dup2(log, 1)
    os.dup2(log, 2)
    _take_environment(environ)
    sys.argv = ["envfs", *words]
    keyholder_start.start_part = _start_part
    age.seal_under = _seal_under
    os._exit(entry.main())


def _start_part(module: str, descriptor: int, environ: dict[str, str]) -> "subprocess.Popen[bytes]":
    # as envfs.daemon.keyholder_start.start_part does by a program: a process with one descriptor, and nothing else
    import trio

    if module != keyholder.__name__ or trio.lowlevel.in_trio_run():  # one after the first, or another part
        return _start_program(module, descriptor, environ)
    from tests.system import started_process

    pid = os.fork()
    if pid == 0:
        _be_keyholder(descriptor, environ)
    return started_process.process_of(pid)


def _seal_under(data: bytes, passphrase: Secret[str], *, armored: bool = False) -> bytes:
    # as envfs.keyholder.crypto.age.seal_under does, for a thousandth of the work
    from tests.component import cheap

    sealed = cheap.age_file(data, passphrase.reveal())
    lines = textwrap.wrap(base64.b64encode(sealed).decode(), 64)
    begin, end = (f"-----{word} AGE ENCRYPTED FILE-----" for word in ("BEGIN", "END"))
    return "\n".join([begin, *lines, end, ""]).encode() if armored else sealed


def _take_environment(environ: Mapping[str, str]) -> None:
    _show(environ)
    os.environ.clear()
    os.environ.update(environ)


def _show(environ: Mapping[str, str]) -> None:
    """Let /proc show another environment of this process, in the place of that with which it was started."""
    fields = Path("/proc/self/stat").read_bytes().rpartition(b") ")[2].split()
    begin, end = int(fields[47]), int(fields[48])  # proc(5): env_start and env_end
    text = b"".join(os.fsencode(f"{name}={value}\0") for name, value in environ.items())
    assert len(text) < end - begin
    ctypes.memmove(begin, text.ljust(end - begin, b"\0"), end - begin)


if __name__ == "__main__":
    main()
