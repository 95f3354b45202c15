"""`python -m envfs.daemon`: started by the client or by systemd, told everything by arguments and descriptors.

answer CONNECTION [--lock FD] [--look]             serve one client on an inherited socket
serve [--mount PATH] [--passphrase FD] [--ready FD] [--lock FD]
clear                                              remove the mounts that a killed daemon of this home left
"""

import gc

if __name__ == "__main__":
    gc.disable()  # modules stay: to look for garbage among them takes a fifteenth of the start

import argparse
import errno
import os
import socket
import sys
from functools import partial

import trio

from envfs import locations
from envfs.core.visible_text import visible_text
from envfs.daemon import daemon
from envfs.daemon.mount_place import MountPlace
from envfs.errors import EnvFSError, MountFailed, NotRunning
from envfs.host import mounts, room, surprises
from envfs.host.process import hardening, inheritance
from envfs.locations import Locations
from envfs.protocol import control, framing, wire

_LIMITS = {
    errno.EMFILE: "open files (ulimit -n)",
    errno.EAGAIN: "processes (ulimit -u)",
    errno.ENOMEM: "memory (ulimit -v, ulimit -d)",
    errno.EFBIG: "the size of a file (ulimit -f)",
}


def main() -> int:
    """Run the daemon. The exit status is that of the error that ended it."""
    gc.freeze()
    gc.enable()
    arguments = _arguments()
    inheritance.drop_inherited(_descriptors(arguments), own_session=arguments.what == "answer")
    hardening.harden()
    if arguments.what == "answer" or os.geteuid() == 0:  # any other mounts and unmounts by a setuid program
        hardening.give_up_privileges()
    try:
        if arguments.what == "clear":
            return _clear()
        room.check_limits()
        _run(arguments)
    except EnvFSError as error:
        return _report(error, arguments)
    except BaseExceptionGroup as group:
        foreseen, unforeseen = group.split(EnvFSError)
        if foreseen is None or unforeseen is not None:
            return _report_surprise(group, arguments)
        return _report(_first(foreseen), arguments)
    except Exception as error:  # noqa: BLE001 - its text may hold a value: type and places are told, and no text
        return _report_surprise(error, arguments)
    return 0


def _report_surprise(error: BaseException, arguments: argparse.Namespace) -> int:
    limit = _limit(error)
    if limit:
        return _report(MountFailed(f"this process has too low a limit on {limit}", "raise the limit"), arguments)
    surprises.report_bug(error)
    _report(EnvFSError("the daemon met a fault of its own", "its log has the details"), arguments)
    return 1


def _limit(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, MemoryError):
        return _LIMITS[errno.ENOMEM]
    if isinstance(error, RuntimeError) and "thread" in str(error):  # `can't start new thread` has no number
        return _LIMITS[errno.EAGAIN]
    return _LIMITS.get(error.errno or 0, "") if isinstance(error, OSError) else ""


def _descriptors(arguments: argparse.Namespace) -> tuple[int, ...]:
    named = (getattr(arguments, name, None) for name in ("connection", "lock", "passphrase", "ready"))
    return tuple(descriptor for descriptor in named if descriptor is not None and descriptor >= 0)


def _run(arguments: argparse.Namespace) -> None:
    if arguments.what == "answer":
        connection = socket.socket(fileno=arguments.connection)
        trio.run(partial(daemon.answer_one_client, _places(), connection, arguments.lock, looks=arguments.look))
    else:
        ready = partial(_ready, arguments.ready)
        trio.run(
            partial(daemon.serve_mount, _places(), arguments.mount, arguments.passphrase, ready, lock=arguments.lock)
        )


def _clear() -> int:
    places = _places()
    cleared = mounts.clear_dead(*mounts.mount_candidates(places))
    for path in cleared:
        MountPlace(places, path).leave()
        _say("note", f"the daemon of the mount at {path} was killed; the mount is removed")
    return 0 if cleared else NotRunning.status


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m envfs.daemon", description=__doc__)
    commands = parser.add_subparsers(dest="what", required=True)
    commands.add_parser("clear")
    answering = commands.add_parser("answer")
    answering.add_argument("connection", type=int)
    answering.add_argument("--lock", type=int, default=-1)
    answering.add_argument("--look", action="store_true")
    serving = commands.add_parser("serve")
    serving.add_argument("--mount", default="")
    serving.add_argument("--passphrase", type=int)
    serving.add_argument("--ready", type=int, default=-1)
    serving.add_argument("--lock", type=int, default=-1)
    return parser.parse_args()


def _places() -> Locations:
    return locations.find_locations(os.environ, os.geteuid(), os.path.expanduser("~"))


def _ready(descriptor: int, note: str, path: str) -> None:
    _tell(descriptor, control.Done((path, note) if note else (path,)))
    if descriptor >= 0:
        os.close(descriptor)


def _report(error: EnvFSError, arguments: argparse.Namespace) -> int:
    failed = control.Failed(error.code, error.text, error.hint, error.about)
    if arguments.what == "answer":
        _tell(arguments.connection, failed)
    elif arguments.ready >= 0:
        _tell(arguments.ready, failed)
    else:
        _say("error", error.text)
        if error.hint:
            _say("hint", error.hint)
    return error.status


def _say(kind: str, text: str) -> None:
    sys.stderr.write(f"envfs: {kind}: {visible_text(text)}\n")


def _tell(descriptor: int, message: control.Done | control.Failed) -> None:
    if descriptor >= 0:
        try:
            os.write(descriptor, framing.encode_frame(wire.to_body(message)))
        except OSError:
            return  # whoever wanted to know is gone


def _first(group: BaseExceptionGroup[EnvFSError]) -> EnvFSError:
    inner = group.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner


if __name__ == "__main__":
    sys.exit(main())
