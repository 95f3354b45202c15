"""`backup`: write vault, settings, rules and log as they are now into one file."""

import os

from envfs import safe_open
from envfs.errors import EnvFSError
from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import files, output, secrets
from envfs_cli.daemon import session
from envfs_cli.terminal import prompts


class BackupArguments(NamedTuple):
    """The arguments of `backup`."""

    file: str
    passphrase_file: str | None
    json: bool


def run_backup(arguments: BackupArguments) -> int:
    """Write a backup. A file that could not be finished is removed.

    Raises:
        AlreadyExists: there is a file of that name
    """
    link = session.start_session(arguments.passphrase_file)
    handle = files.open_new(arguments.file)
    try:
        with prompts.Waiting("writing the backup"):
            reply = _written(link, handle)
    except OSError as error:
        os.unlink(arguments.file)
        raise EnvFSError(f"cannot write {arguments.file}: {safe_open.error_words(error)}") from None
    except (EnvFSError, KeyboardInterrupt):
        os.unlink(arguments.file)
        raise
    finally:
        os.close(handle)
    if isinstance(reply, control.BackedUp):
        if arguments.json:
            output.message_json(reply)
        else:
            output.done(f"{arguments.file} has {reply.files} files of vault {reply.vault}")
            output.note("an identity that is kept in a file of its own is not in it: keep a copy of that elsewhere")
    return 0


def _written(link: session.Session, handle: int) -> object:
    if link.takes_files:
        return link.reply(control.Backup(), (handle,))
    memory = secrets.from_bytes(b"")
    try:
        reply = link.reply(control.Backup(), (memory,))
        at, size = 0, os.fstat(memory).st_size
        while at < size:
            at += os.sendfile(handle, memory, at, size - at)
        os.fsync(handle)
    finally:
        os.close(memory)
    return reply
