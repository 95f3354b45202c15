"""`store-serve`: become the program that serves a shared folder to one member, as ssh starts it."""

import os

from envfs import interpreter
from envfs.tuples import NamedTuple
from envfs_cli.arguments import Mistake


class StoreServeArguments(NamedTuple):
    """The arguments of `store-serve`."""

    folder: str
    append_only: bool


def run_store_serve(arguments: StoreServeArguments) -> int:
    """Replace this process by the server.

    Raises:
        Mistake: a person started it
    """
    if os.isatty(0) or os.isatty(1):
        raise Mistake("ssh starts this for a member", "`envfs store invite` prints the line of authorized_keys for it")
    options = ("--append-only",) if arguments.append_only else ()
    command = interpreter.start_command("envfs.courier.store_server", *options, arguments.folder)
    os.execv(command[0], command)  # noqa: S606 - no shell
