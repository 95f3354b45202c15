"""`store`: prepare an engine for a vault that machines share, and certificates for it."""

import os
import subprocess
import sys

from envfs import interpreter
from envfs.errors import BadRequest, EnvFSError
from envfs.protocol import jsontext
from envfs.protocol.courier_requests import RequestFailed, error_of
from envfs.tuples import NamedTuple
from envfs_cli import deployment_ca, output
from envfs_cli.arguments import Mistake
from envfs_cli.closed_sets import Unhandled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

_SECONDS = 120
_MEMBER_DAYS, _SERVER_DAYS = 90, 365
_MOST_DAYS = 3650


class StoreArguments(NamedTuple):
    """The arguments of `store`."""

    action: "Literal['init', 'ca']"
    place: str
    member: tuple[str, ...] | None
    server: tuple[str, ...] | None
    days: int | None


def run_store(arguments: StoreArguments) -> int:
    """Prepare an engine, or make certificates."""
    match arguments.action:
        case "init":
            return _init(arguments)
        case "ca":
            return _ca(arguments)
        case _:
            raise Unhandled(arguments.action)


def _init(arguments: StoreArguments) -> int:
    if arguments.server or arguments.days:
        raise Mistake("--server and --days are for `envfs store ca`")
    address = _address(arguments.place)
    request = jsontext.encode_json({"address": address, "members": list(arguments.member or ())})
    try:
        done = subprocess.run(
            interpreter.start_command("envfs.courier.setting_up"),
            input=request,
            stdout=subprocess.PIPE,
            check=False,
            timeout=_SECONDS,
        )
        answer = jsontext.decode_json(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        answer = None
    if not isinstance(answer, dict):
        raise EnvFSError("the engine could not be prepared")
    if "told" not in answer:
        failure = RequestFailed(0, *(str(answer.get(name, "")) for name in ("code", "text", "hint")))
        raise error_of(failure)
    for line in str(answer["told"]).splitlines():
        output.print_line(output.clean(line))
    return 0


def _address(text: str) -> str:
    if text != "-":
        login = text.partition("://")[2].partition("/")[0].rpartition("@")[0]
        if ":" in login:
            raise BadRequest("an argument is no place for a password", "give - and the address on standard input")
        return _absolute(text)
    return sys.stdin.readline(1 << 12).strip()


def _absolute(text: str) -> str:
    # the files of an address are the caller's, and the process that opens them is elsewhere
    start, mark, query = text.partition("?")
    pairs = [pair.partition("=") for pair in query.split("&")] if mark else []
    return start + mark + "&".join(f"{name}{sign}{_path(value)}" for name, sign, value in pairs)


def _path(value: str) -> str:
    return os.path.abspath(value) if value else value


def _ca(arguments: StoreArguments) -> int:
    days = arguments.days
    if days is not None and not 0 < days <= _MOST_DAYS:
        raise Mistake(f"--days is a number from 1 to {_MOST_DAYS}")
    if deployment_ca.make_authority(arguments.place):
        output.done(f"a certificate authority is in {arguments.place}: keep ca.key there, and give ca.crt to everybody")
    for name in arguments.member or ():
        _tell(deployment_ca.issue_member(arguments.place, name, days or _MEMBER_DAYS), f"member {name}")
    if arguments.server:
        issued = deployment_ca.issue_server(arguments.place, arguments.server, days or _SERVER_DAYS)
        _tell(issued, f"server {arguments.server[0]}")
    return 0


def _tell(issued: deployment_ca.IssuedCertificate, owner: str) -> None:
    output.done(f"the certificate of {owner} is {issued.certificate}, its key {issued.key}")
    output.print_line(issued.fingerprint)
