"""`store-serve`: become the program that serves a shared folder to one member, as ssh starts it."""

import os

from envfs import interpreter
from envfs.tuples import NamedTuple
from envfs_cli.arguments import Mistake


class StoreServeArguments(NamedTuple):
    """The arguments of `store-serve`."""

    folder: str
    append_only: bool
    http: str | None


def run_store_serve(arguments: StoreServeArguments) -> int:
    """Replace this process by the server.

    Raises:
        Mistake: a person started it, or it is to serve in two ways
    """
    command = _http_command(arguments) if arguments.http else _ssh_command(arguments)
    os.execv(command[0], command)  # noqa: S606 - no shell


def _ssh_command(arguments: StoreServeArguments) -> list[str]:
    if os.isatty(0) or os.isatty(1):
        raise Mistake("ssh starts this for a member", "`envfs store invite` prints the line of authorized_keys for it")
    options = ("--append-only",) if arguments.append_only else ()
    return interpreter.start_command("envfs.courier.store_server", *options, arguments.folder)


def _http_command(arguments: StoreServeArguments) -> list[str]:
    if arguments.append_only:
        raise Mistake("--append-only is for members, and plain HTTP knows none", "leave one of them out")
    return interpreter.start_command("envfs.courier.http_server", arguments.http or "", arguments.folder)
