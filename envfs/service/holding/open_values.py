"""The files of the mount that are open now, and have values: who opened each, and where it is found by others.

A descriptor can be handed to a process that opened nothing. Its link in /proc has the path in the mount.
"""

from collections.abc import Iterator
from typing import NamedTuple

from envfs.core import names
from envfs.core.access_request import AccessRequest, Format
from envfs.core.logged_reads import LoggedRead
from envfs.gate.readings import LevelReading
from envfs.host import clocks
from envfs.service.holding.live_reads import Times
from envfs.service.service import Service

_FILES = {Format.DOTENV: ".env", Format.JSON: ".env.json", Format.ENVIRON: ".environ"}


class OpenValue(NamedTuple):
    """An open file with values: its path, what was read as the log would say it, and when it was opened (UTC)."""

    path: str
    read: LoggedRead
    times: Times


def open_values(service: Service, name: str) -> Iterator[OpenValue]:
    """Yield the files that processes have open and that have the values of a level, or of one variable alone."""
    for reading in service.open_files():
        path = _path(service.mount, reading.request)
        if path and not reading.request.face.masked and reading.request.variables in ((), (name,)):
            time = clocks.time_of_boot_seconds(reading.seconds)
            yield OpenValue(path, _read(reading), Times(time, time))


def _path(mount: str, request: AccessRequest) -> str:
    name = _FILES.get(request.format, "")
    if request.format is Format.VALUE:
        name = f".vars/{request.variables[0]}" if request.variables else ""
    if not mount or not name:
        return ""
    level = "" if request.level == names.ROOT else request.level
    return f"{mount}{level}/{f'.history/{request.version}/' if request.version else ''}{name}"


def _read(reading: LevelReading) -> LoggedRead:
    # of no process: the one that opened it may have ended
    caller, request = reading.caller, reading.request
    return LoggedRead(
        uid=caller.uid,
        pid=0,
        process="",
        executable=caller.executable,
        cgroup=caller.cgroup,
        script="",
        command="",
        unit="",
        session=0,
        level=request.level,
        version=reading.version,
        above=None,
        channel=request.channel,
        format=Format.DOTENV,  # all forms of a view have its values, and a variable's file has the one that is meant
        places=(),
        past=request.is_past,
        some=bool(request.face.only),
        rule="",
    )
