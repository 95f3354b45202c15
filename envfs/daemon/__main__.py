"""The way into the daemon: started by the client or by systemd, told everything by arguments and descriptors.

answer CONNECTION [--lock FD] [--look] [--passing] serve one client on an inherited socket
serve [--mount PATH] [--passphrase FD] [--ready FD] [--lock FD] [--service] [--attached] [--locked]
clear                                              remove the mounts that a killed daemon of this home left
attach [--user UID]                                mount what a daemon with --service or --attached serves
detach [--user UID]                                take that mount away

With --service the daemon is the system's under a user of its own: root owns what it serves, and root mounts. With
--attached it is a user's, and another process of that user mounts. `--user` makes that process one of this user.
With --locked it serves although there is no passphrase, and somebody brings one.

Law: little is loaded before the keyholder is started, so the two load themselves at the same time.
"""

import errno
import gc
import os
import socket
import sys
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from envfs import locations
from envfs.core.visible_text import visible_text
from envfs.daemon import keyholder_start, trio_start
from envfs.errors import EnvFSError, MountFailed, NotRunning
from envfs.host import room, surprises
from envfs.host.process import hardening, heap, inheritance
from envfs.locations import Locations
from envfs.protocol import control, framing, wire

_OPTIONS: dict[str, tuple[str, ...]] = {
    "answer": ("lock", "look", "passing"),
    "serve": ("mount", "passphrase", "ready", "lock", "service", "attached", "locked"),
    "clear": (),
    "attach": ("user",),
    "detach": ("user",),
}
_FLAGS = ("look", "passing", "service", "attached", "locked")
_LIMITS = {
    errno.EMFILE: "open files (ulimit -n)",
    errno.EAGAIN: "processes (ulimit -u)",
    errno.ENOMEM: "memory (ulimit -v, ulimit -d)",
    errno.EFBIG: "the size of a file (ulimit -f)",
}


class Arguments(NamedTuple):
    """The words that the daemon is given. A descriptor that is not among them is -1."""

    what: str
    connection: int = -1
    lock: int = -1
    passphrase: int = -1
    ready: int = -1
    mount: str = ""
    look: bool = False
    service: bool = False
    attached: bool = False
    locked: bool = False
    passing: bool = False
    user: int = -1


def main() -> int:
    """Run the daemon. The exit status is that of the error that ended it."""
    arguments = read_arguments(sys.argv[1:])
    inheritance.drop_inherited(_descriptors(arguments), own_session=arguments.what == "answer")
    hardening.harden()
    heap.share_heap()
    try:
        if arguments.user >= 0:
            _become_user(arguments.user)
        if not _needs_fusermount(arguments):
            hardening.give_up_privileges()
        if arguments.what in _WITHOUT_DAEMON:
            return _WITHOUT_DAEMON[arguments.what](arguments)
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


def _become_user(uid: int) -> None:
    from envfs.daemon import attaching  # noqa: PLC0415 - for this alone

    attaching.become_user(uid)


def _needs_fusermount(arguments: Arguments) -> bool:
    # a setuid program, by which users mount and unmount
    return os.geteuid() != 0 and arguments.what != "answer" and not arguments.service and not arguments.attached


def _report_surprise(error: BaseException, arguments: Arguments) -> int:
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


def _descriptors(arguments: Arguments) -> tuple[int, ...]:
    named = (arguments.connection, arguments.lock, arguments.passphrase, arguments.ready)
    return tuple(descriptor for descriptor in named if descriptor >= 0)


def _run(arguments: Arguments) -> None:
    keyholder = keyholder_start.start_keyholder()
    trio_start.load_trio()
    if arguments.what == "serve":
        gc.collect()  # of the classes of trio, each a second time. What loads next takes their room
    import trio  # noqa: PLC0415 - loaded by then

    from envfs.daemon import daemon  # noqa: PLC0415 - with trio it takes longer than the whole start of the keyholder

    gc.freeze()
    gc.enable()
    if arguments.what == "answer":
        connection = socket.socket(fileno=arguments.connection)
        answer = partial(daemon.answer_one_client, _places(os.geteuid()), connection, keyholder)
        trio.run(partial(answer, arguments.lock, looks=arguments.look, passing=arguments.passing))
    else:
        ready = partial(_ready, arguments.ready)
        passphrase = arguments.passphrase if arguments.passphrase >= 0 else None
        may_be_locked = arguments.locked or arguments.service
        serving = daemon.Serving(arguments.mount, passphrase, arguments.service, arguments.attached, may_be_locked)
        places = _places(0 if arguments.service else os.geteuid())
        serve = partial(daemon.serve_mount, places, serving, ready, keyholder)
        trio.run(partial(serve, lock=arguments.lock))


def _clear(_arguments: Arguments) -> int:
    from envfs.daemon.mount_place import MountPlace  # noqa: PLC0415 - for this alone
    from envfs.host import mounts  # noqa: PLC0415 - the same

    places = _places(os.geteuid())
    cleared = mounts.clear_dead(*mounts.mount_candidates(places))
    for path in cleared:
        MountPlace(places, path).leave()
        _say("note", f"the daemon of the mount at {path} was killed; the mount is removed")
    return 0 if cleared else NotRunning.status


def _attach(_arguments: Arguments) -> int:
    from envfs.daemon import attaching  # noqa: PLC0415 - for this alone

    places = _places(os.geteuid())
    if os.geteuid() == 0:
        attaching.attach_mount(places, places.mount)
    elif note := attaching.attach_own_mount(places, _own_mount(places)):
        _say("note", note)
    return 0


def _detach(_arguments: Arguments) -> int:
    from envfs.daemon import attaching  # noqa: PLC0415 - for this alone

    places = _places(os.geteuid())
    if os.geteuid() == 0:
        attaching.detach_mount(places.mount)
    else:
        attaching.detach_own_mount(places, _own_mount(places))
    return 0


def _own_mount(places: Locations) -> str:
    from pathlib import Path  # noqa: PLC0415 - for this alone

    from envfs.settings import SettingsFile  # noqa: PLC0415 - the same

    return SettingsFile(Path(places.settings)).load().mount or places.mount


_WITHOUT_DAEMON: dict[str, Callable[[Arguments], int]] = {"clear": _clear, "attach": _attach, "detach": _detach}


def read_arguments(words: list[str]) -> Arguments:
    """Read the words behind the program: EnvFS's own, so what does not fit is a fault of EnvFS.

    Raises:
        ValueError: they do not fit
    """
    what, *left = words
    values: dict[str, int | str | bool] = {}
    if what == "answer":
        values["connection"] = int(left.pop(0))
    while left:
        name = left.pop(0).removeprefix("--")
        if name not in _OPTIONS[what]:
            raise ValueError(f"{what} takes no {name}")
        values[name] = True if name in _FLAGS else left.pop(0) if name == "mount" else int(left.pop(0))
    return Arguments(what, **values)  # type: ignore[arg-type]


def _places(uid: int) -> Locations:
    return locations.find_locations(os.environ, uid, os.path.expanduser("~"))


def _ready(descriptor: int, note: str, path: str) -> None:
    _tell(descriptor, control.Done((path, note) if note else (path,)))
    if descriptor >= 0:
        os.close(descriptor)


def _report(error: EnvFSError, arguments: Arguments) -> int:
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
    from envfs.dotenv.placeholders.redaction import redact_credentials  # noqa: PLC0415 - few daemons complain

    sys.stderr.write(f"envfs: {kind}: {visible_text(redact_credentials(text))}\n")


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
