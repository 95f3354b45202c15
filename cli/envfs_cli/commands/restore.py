"""`restore`: put a backup in its place, without a daemon."""

import os

from envfs.errors import Conflict
from envfs.tuples import NamedTuple
from envfs_cli import backup_archive, output, restoring
from envfs_cli.daemon import client
from envfs_cli.terminal import prompts


class RestoreArguments(NamedTuple):
    """The arguments of `restore`."""

    file: str
    replace: bool
    json: bool


def run_restore(arguments: RestoreArguments) -> int:
    """Check a backup, and put it in its place.

    Raises:
        Conflict: a daemon serves the vault that is there
    """
    places = client.user_locations()
    if os.path.exists(places.vault) and client.running_daemon() is not None:
        raise Conflict("a daemon serves the vault that is there", "end it with `envfs unmount`, and try again")
    with prompts.Waiting("checking the backup"):
        index = backup_archive.check_backup(arguments.file)
    with prompts.Waiting("restoring"):
        aside = restoring.restore_backup(arguments.file, index, places, replace=arguments.replace)
    if arguments.json:
        output.as_json({"vault": index.vault, "time": index.time, "files": len(index.files), "aside": aside})
        return 0
    output.done(f"vault {index.vault} is as it was at {output.local_time(index.time)}")
    for path in aside:
        output.note(f"what was there is {path} now")
    output.note("rules and settings are those of the backup: `envfs grants` lists the rules")
    output.note("`envfs verify` checks it. A machine that has seen more refuses the older log and vault:")
    output.note("`envfs log restart` begins a log, and `envfs accept /` takes the vault as it is")
    return 0
