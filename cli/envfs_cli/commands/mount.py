"""`mount`: start the daemon and mount the views."""

import os
import sys

from envfs import interpreter, safe_open
from envfs.errors import AlreadyExists, MountFailed, NotApproved, NoVault, WrongPassphrase
from envfs.tuples import NamedTuple
from envfs_cli import output, secrets, standard_streams
from envfs_cli.daemon import background, client, join_refusals, launch, mount_lock, other_session
from envfs_cli.terminal import prompts
from envfs_cli.terminal.unseen_typing import UnseenTyping

_LARGEST = 1 << 20


class MountArguments(NamedTuple):
    """The arguments of `mount`."""

    path: str | None
    foreground: bool
    passphrase_file: str | None


def run_mount(arguments: MountArguments) -> int:
    """Start the daemon and wait until it serves, or become it, with --foreground.

    Raises:
        AlreadyExists: a daemon runs here
        BadRequest: this command acts by a join secret
        NoVault: there is no vault
    """
    mine = client.user_locations()
    join_refusals.refuse_join_secret("has no home to mount")
    if client.running_daemon() is not None and (os.path.exists(mine.socket) or other_session.socket_by_link(mine)):
        raise AlreadyExists("a daemon runs here already", "`envfs status` shows it; `envfs unmount` ends it")
    if not os.path.exists(mine.vault):
        raise NoVault(f"there is no vault at {mine.vault}", "make one with `envfs init`")
    path = os.path.abspath(arguments.path) if arguments.path else ""
    command = interpreter.start_command("envfs.daemon.__main__", "serve", "--mount", path)
    _check(path)
    file = arguments.passphrase_file
    secret = _passphrase(file)
    if arguments.foreground:
        lock = mount_lock.lock_for_mount()
        standard_streams.give_nothing()
        os.execve(sys.executable, _with(command, secret, lock), launch.daemon_environment(client.user_locations()))  # noqa: S606
    with UnseenTyping():
        where = _served(command, secret, asks=not (file or secrets.named_file("")))
    output.done(f"mounted at {where}")
    return 0


def _check(path: str) -> None:
    # what would refuse the mount is said before a passphrase is asked for
    vault = client.user_locations().vault
    owner = os.stat(vault).st_uid
    if owner != os.geteuid():
        raise NotApproved(f"the vault at {vault} belongs to uid {owner}", "its owner mounts it")
    if path and os.path.lexists(path) and not os.path.isdir(path):
        raise MountFailed("the place to mount is not a folder", "name one that is empty, or none for the usual place")


def _served(command: "list[str]", secret: int, *, asks: bool) -> str:
    for left in reversed(range(secrets.TRIES)):
        try:
            with prompts.Waiting("starting"):
                return _start(command, secret)
        except WrongPassphrase as error:
            if not asks or (secret >= 0 and not left):
                raise
            if secret >= 0:  # else the keyring did not have the identity
                output.note(f"{error.text}: try again")
                os.close(secret)
            secret = secrets.passphrase_descriptor(None)
    raise WrongPassphrase("the passphrase is wrong", "nothing was changed")


def _start(command: "list[str]", secret: int) -> str:
    lock = mount_lock.lock_for_mount()  # not before the passphrase is there: a person may take long
    try:
        where, *notes = background.start_in_background(_with(command, secret, lock), client.user_locations())
    finally:
        if lock >= 0:
            os.close(lock)
    for note in notes:
        output.note(note)
    return where


def _with(command: "list[str]", secret: int, lock: int) -> "list[str]":
    if lock >= 0:
        command = [*command, "--lock", str(lock)]
    if secret < 0:
        return command
    os.set_inheritable(secret, True)
    return [*command, "--passphrase", str(secret)]


def _passphrase(file: "str | None") -> int:
    # whether one is needed is known by looking for the identity file in its usual place, under a passphrase
    if file or secrets.named_file(""):
        return secrets.passphrase_descriptor(file)
    if os.environ.get("CREDENTIALS_DIRECTORY") or not os.path.exists(client.user_locations().identity) or _in_keyring():
        return -1
    return secrets.passphrase_descriptor(None)


def _in_keyring() -> bool:
    # a look at the settings: the daemon reads them as they should be read, and a mistake here costs one start of it
    try:
        lines = safe_open.read_file(client.user_locations().settings, _LARGEST, follow=True).splitlines()
        return any(line.strip().startswith(b"keyring") for line in lines)
    except OSError:
        return False
