"""A command inside a fence, and this process outside: it hands signals on and bridges the port of the proxy.

Laws: the command has a process group of its own. A signal of the terminal is handed on to all of it, and one of another
process to the command alone. Where a fence cannot be made, nothing is started.
"""

import _socket
import os
import signal
import sys

from envfs import interpreter
from envfs.errors import EnvFSError
from envfs.tuples import NamedTuple
from envfs_cli import exit_status
from envfs_cli.fencing import bubblewrap, file_input, inside, system_calls
from envfs_cli.fencing.process_group import FenceGroup
from envfs_cli.process import core_limit, forking
from envfs_cli.process.child import be_child

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from envfs_cli.fencing.places import Places

_HANDED_ON = (
    *(signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2),
    *(signal.SIGALRM, signal.SIGVTALRM, signal.SIGPROF, signal.SIGXCPU, signal.SIGWINCH, signal.SIGURG, signal.SIGIO),
    *(signal.SIGPWR, *range(signal.SIGRTMIN, signal.SIGRTMAX + 1)),
)
_STOPS = (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)
_WAITED = (*_HANDED_ON, *_STOPS, signal.SIGCHLD)
_CREDENTIALS = 12  # bytes of a struct ucred
_OF_THE_KERNEL = 0x80  # SI_KERNEL: it is of the terminal
_CALLERS = ("envfs-sigpipe", "envfs-sigxfsz")  # options of this interpreter, which the one inside needs as well
# ignored by the interpreter alone, unless its option says otherwise
_OF_PYTHON: "Mapping[int, str]" = dict(zip((signal.SIGPIPE, signal.SIGXFSZ), _CALLERS, strict=True))


class Fenced(NamedTuple):
    """A command for a fence: the order for the process inside, the places, and files with content of ours."""

    order: inside.FenceOrder
    places: "Places"
    files: "Mapping[str, bytes]"
    level: str = ""


def run_fenced(program: str, fenced: Fenced) -> int:
    """Run a command in a fence, by bubblewrap. Returns its exit status as a shell counts it.

    Raises:
        EnvFSError: the fence cannot be made
    """
    ours, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_STREAM)
    ours.setsockopt(_socket.SOL_SOCKET, _socket.SO_PASSCRED, 1)
    words = bubblewrap.fence_words(fenced.places, system_calls.filter_program(), fenced.files)
    given = file_input.file_input()
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, _WAITED)
    job = FenceGroup()
    child = forking.fork()
    if child == 0:
        be_child(lambda: _become_bubblewrap(program, words, theirs.fileno(), mask, (job, given)))
    theirs.close()
    if given is not None:
        given.start()
    for descriptor in words.descriptors:
        os.close(descriptor)
    try:
        ours.sendall(inside.encode_order(fenced.order))
        command, listeners = _answer(ours)
        _start_threads(listeners, fenced)
        return _supervise(child, command, job)
    except ConnectionError:  # it has ended, and said why on standard error
        return _ended(os.waitpid(child, 0)[1])
    finally:
        job.end()
        if given is not None:
            given.end()
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _start_threads(listeners: "tuple[int, ...]", fenced: Fenced) -> None:
    order = fenced.order
    if order.opened is not None and listeners:
        from envfs_cli.fencing import bridge

        bridge.Bridge(listeners[0], order.opened.port).start()
    if order.gateway and len(listeners) > 1:
        from envfs_cli.fencing import gateway

        gateway.AgentGateway(gateway.FenceGateway(order.gateway, fenced.level), listeners[1], listeners[2:]).start()


def check_streams() -> None:
    """Look whether the standard streams lead nowhere else than where they lead now.

    Raises:
        EnvFSError: one is a socket that can be connected to something else, in the network that it was made in
    """
    for number in (0, 1, 2):
        try:
            stream = _socket.socket(-1, -1, -1, os.dup(number))
        except OSError:
            continue  # it is no socket, or closed
        leads_out = stream.family != _socket.AF_UNIX or stream.type == _socket.SOCK_DGRAM
        stream.close()
        if leads_out:
            raise EnvFSError(
                f"the standard stream {number} is a socket, and leads out of the fence",
                "put a pipe between: `cat | envfs exec … | cat`",
            )


def ignored_signals() -> "tuple[int, ...]":
    """Return the signals that the caller of this process ignores, and its command is to ignore as well."""
    mask = _ignored_mask()
    numbers = (number for number in range(1, 65) if mask >> (number - 1) & 1)
    return tuple(number for number in numbers if _OF_PYTHON.get(number) not in _unasked())


def _unasked() -> "tuple[str, ...]":
    return tuple(name for name in _CALLERS if name not in sys._xoptions)  # noqa: SLF001 - their documented name


def _ignored_mask() -> int:
    with open("/proc/self/status", "rb") as file:
        line = next(line for line in file if line.startswith(b"SigIgn:"))
    return int(line.split()[1], 16)


def _become_bubblewrap(
    program: str,
    words: bubblewrap.Words,
    channel: int,
    mask: "set[int | signal.Signals]",
    joined: "tuple[FenceGroup, file_input.FileInput | None]",
) -> int:
    job, given = joined
    job.enter()
    if given is not None:
        os.dup2(given.descriptor, 0)
    for number in (0, 1, 2):
        _fill_stream(number)
    for number in _HANDED_ON:
        signal.signal(number, signal.SIG_IGN)  # the process inside gives the command what the caller had
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    options = [word for name in _CALLERS if name in sys._xoptions for word in ("-X", name)]  # noqa: SLF001
    if limit := core_limit.given_limit():
        options += ["-X", f"{core_limit.OPTION}={limit}"]
    python, *start = interpreter.start_command(inside.__name__, str(channel))
    command = [python, "-X", "utf8", *options, *start]
    arguments = bubblewrap.argument_memory(words.words)
    for descriptor in (*words.descriptors, channel, arguments):
        os.set_inheritable(descriptor, True)
    keep = {*words.descriptors, channel, arguments}
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2 and int(name) not in keep:  # noqa: PLR2004
            try:
                os.set_inheritable(int(name), False)
            except OSError:
                continue
    os.execve(program, [program, "--args", str(arguments), "--", *command], {})  # noqa: S606 - there is no shell


def _fill_stream(number: int) -> None:
    # one that was closed, or is a folder, is held by a descriptor of a path here, and that leads out
    if _flags_of(number) & os.O_PATH:
        os.dup2(os.open(os.devnull, os.O_RDWR), number)


def _flags_of(number: int) -> int:
    try:
        with open(f"/proc/self/fdinfo/{number}", "rb") as file:
            return next(int(line.split()[1], 8) for line in file if line.startswith(b"flags:"))
    except OSError:
        return os.O_PATH


def _answer(ours: "_socket.socket") -> "tuple[int, tuple[int, ...]]":
    # the number of the process inside, as it is here, and the listeners that it made
    space = _socket.CMSG_SPACE(_CREDENTIALS) + _socket.CMSG_SPACE(4 * (2 + inside.SPARE_PORTS))
    data, ancillary, _, _ = ours.recvmsg(1, space, _socket.MSG_CMSG_CLOEXEC)
    if not data:
        raise ConnectionResetError
    number, listeners = 0, tuple[int, ...]()
    for _, kind, content in ancillary:
        if kind == _socket.SCM_RIGHTS:
            listeners = tuple(
                int.from_bytes(content[at : at + 4], sys.byteorder) for at in range(0, len(content) - 3, 4)
            )
        elif kind == _socket.SCM_CREDENTIALS:
            number = int.from_bytes(content[:4], sys.byteorder)
    ours.close()
    return number, listeners


def _supervise(child: int, command: int, job: FenceGroup) -> int:
    try:
        handle = os.pidfd_open(command)
    except OSError:
        handle = -1  # it has ended
    while True:
        told = signal.sigwaitinfo(_WAITED)
        if told.si_signo == signal.SIGCHLD:
            number, status = os.waitpid(child, os.WNOHANG | os.WUNTRACED)
            if number == child and os.WIFSTOPPED(status):
                job.stopped(child, os.WSTOPSIG(status))
            elif number == child:
                return _ended(status)
        elif told.si_code == _OF_THE_KERNEL or told.si_signo in _STOPS:
            job.signal(child, told.si_signo)
        elif handle >= 0:
            try:
                signal.pidfd_send_signal(handle, told.si_signo)
            except OSError:
                continue  # it has ended


def _ended(status: int) -> int:
    return exit_status.of_child(os.waitstatus_to_exitcode(status))
