"""Copies between engines, and between one and this machine's vault, with a sign of life and a report."""

import os

from envfs.errors import Conflict, EnvFSError
from envfs_cli import output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from envfs_cli.sharing.courier import EngineCourier
    from envfs_cli.sharing.transfer import Transferred

_NAMED = 8  # of conflicts


def own_vault() -> str:
    """Return the address of this machine's vault."""
    from envfs_cli.daemon import client

    return f"folder:{client.user_locations().vault}"


def copy_between(source: str, target: str, prefixes: "Sequence[str]" = ("",)) -> "Transferred":
    """Copy the records of one engine to another one, or those whose keys start so.

    Raises:
        Conflict: they hold two vaults
        EnvFSError: one of them cannot be used
    """
    from envfs_cli.sharing.courier import EngineCourier

    with EngineCourier(source) as reader, EngineCourier(target) as writer:
        return copy_records(reader.begin(), writer.begin(), prefixes)


def copy_records(reader: "EngineCourier", writer: "EngineCourier", prefixes: "Sequence[str]" = ("",)) -> "Transferred":
    """Copy records between two engines that are served. Raises as `copy_between` does."""
    from envfs_cli.sharing.transfer import transfer_records
    from envfs_cli.terminal.prompts import Waiting

    with Waiting("copying"):
        return transfer_records(
            reader, writer, lambda place, total: Waiting.tell(f"{place:,} of {total:,} records"), prefixes
        )


def pull_vault(address: str, prefixes: "Sequence[str]" = ("",)) -> "Transferred":
    """Copy the records of an engine to this machine's vault, or those whose keys start so. Its folder is made.

    Raises as `copy_between` does.
    """
    vault = own_vault()
    try:
        os.makedirs(vault.removeprefix("folder:"), 0o700, exist_ok=True)
    except OSError as error:
        raise EnvFSError(f"cannot make the vault's folder: {error.strerror}") from None
    return copy_between(address, vault, prefixes)


def check_copied(report: "Transferred") -> None:
    """Refuse records that differ on the two sides, or that one of them does not give. Raises Conflict."""
    if report.conflicts:
        raise Conflict(f"other records stand there under {_some(report.conflicts)}", "nothing was overwritten")
    if report.withheld:
        raise Conflict(
            f"one side names records and does not give them: {_some(report.withheld)}",
            "a machine that has them brings them back: envfs store push ADDRESS",
        )


def _some(keys: "Sequence[str]") -> str:
    more = len(keys) - _NAMED
    return ", ".join(keys[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")


def print_copied(report: "Transferred", *, as_json: bool) -> None:
    """Say how much was copied."""
    if as_json:
        output.as_json(report._asdict())
        return
    output.print_line(f"{report.copied:,} copied, {report.there:,} were there, each compared")
    if report.beyond:
        output.note(f"{report.beyond:,} records are there and not here: `envfs store pull` brings them")
    if report.forgotten:
        output.note(f"{len(report.forgotten):,} records were forgotten on one side, and were left as they are")
