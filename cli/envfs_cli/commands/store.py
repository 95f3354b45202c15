"""`store`: engines that machines share: one is made ready, a member is let in, records go from one to another."""

import os
import shlex
import shutil

from envfs import safe_open
from envfs.errors import Conflict, EnvFSError
from envfs.tuples import NamedTuple
from envfs_cli import output
from envfs_cli.arguments import Mistake
from envfs_cli.closed_sets import Unhandled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from envfs_cli.sharing.transfer import Transferred

_KEY_BYTES = 16 * 1024
_NAMED = 8  # of conflicts


class StoreArguments(NamedTuple):
    """The arguments of `store`."""

    action: "Literal['init', 'invite', 'push', 'pull', 'copy']"
    subject: str | None
    target: str | None
    member: tuple[str, ...]
    may_erase: bool
    json: bool


def run_store(arguments: StoreArguments) -> int:
    """Make an engine ready, or print a member's line, or copy records.

    Raises:
        Mistake: a word is missing, or there are more
        Conflict: records differ on the two sides
    """
    _check_words(arguments)
    subject = arguments.subject or ""
    match arguments.action:
        case "init":
            _init(subject, arguments.member)
        case "invite":
            _invite(subject, arguments.target or "", append_only=not arguments.may_erase)
        case "push":
            _copy(_own_vault(), _address_of(subject), as_json=arguments.json)
        case "pull":
            _pull(subject, as_json=arguments.json)
        case "copy":
            _copy(_address_of(subject), _address_of(arguments.target or ""), as_json=arguments.json)
        case _:
            raise Unhandled(arguments.action)
    return 0


def _check_words(arguments: StoreArguments) -> None:
    with_target = arguments.action in ("invite", "copy")
    if not arguments.subject or (with_target and not arguments.target):
        raise Mistake(f"`store {arguments.action}` takes more words", "`envfs store --help` has an example of each")
    if arguments.target and not with_target:
        raise Mistake("there are more words than the action takes", "`envfs store --help` explains each")
    if arguments.member and arguments.action != "init":
        raise Mistake("--member goes with `store init` alone", "leave it out")
    if arguments.may_erase and arguments.action != "invite":
        raise Mistake("--may-erase goes with `store invite` alone", "leave it out")


def _init(subject: str, members: tuple[str, ...]) -> None:
    from envfs_cli.sharing.courier import EngineCourier

    with EngineCourier(_address_of(subject)) as courier:
        text = courier.prepare(members)
    for line in text.splitlines():
        output.print_line(output.clean(line))


def _invite(key_file: str, folder: str, *, append_only: bool) -> None:
    from envfs_cli.sharing.ssh_members import authorized_line

    try:
        text = safe_open.read_file(key_file, _KEY_BYTES, follow=True).decode("utf-8", "replace")
    except OSError as error:
        raise EnvFSError(f"cannot read {key_file}: {safe_open.error_words(error)}") from None
    path = _folder_of(folder)
    program = shutil.which("envfs") or "/usr/local/bin/envfs"
    output.print_line(authorized_line(text, path, os.path.abspath(program), append_only=append_only))
    if not os.path.isdir(path):
        output.note(f"there is no folder {path} yet: `envfs store init {shlex.quote(path)}` makes it")
    output.done("append this line to ~/.ssh/authorized_keys of the user on the server who owns the folder")


def _pull(subject: str, *, as_json: bool) -> None:
    address = _address_of(subject)
    vault = _own_vault()
    try:
        os.makedirs(vault.removeprefix("folder:"), 0o700, exist_ok=True)
    except OSError as error:
        raise EnvFSError(f"cannot make the vault's folder: {safe_open.error_words(error)}") from None
    _copy(address, vault, as_json=as_json)


def _copy(source: str, target: str, *, as_json: bool) -> None:
    from envfs_cli.sharing.courier import EngineCourier
    from envfs_cli.sharing.transfer import transfer_records
    from envfs_cli.terminal.prompts import Waiting

    with EngineCourier(source) as reader, EngineCourier(target) as writer, Waiting("copying"):
        report = transfer_records(
            reader.begin(), writer.begin(), lambda place, total: Waiting.tell(f"{place:,} of {total:,} records")
        )
    _print_report(report, as_json=as_json)
    if report.conflicts:
        more = len(report.conflicts) - _NAMED
        named = ", ".join(report.conflicts[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")
        raise Conflict(f"other records stand there under {named}", "nothing was overwritten")


def _print_report(report: "Transferred", *, as_json: bool) -> None:
    if as_json:
        output.as_json(report._asdict())
        return
    output.print_line(f"{report.copied:,} copied, {report.there:,} were there, each compared")
    if report.beyond:
        output.note(f"{report.beyond:,} records are there and not here: `envfs store pull` brings them")
    if report.forgotten:
        output.note(f"{len(report.forgotten):,} records were forgotten on one side, and were left as they are")


def _own_vault() -> str:
    from envfs_cli.daemon import client

    return f"folder:{client.user_locations().vault}"


def _address_of(text: str) -> str:
    return text if ":" in text.partition("/")[0] else f"folder:{os.path.abspath(text)}"


def _folder_of(text: str) -> str:
    return os.path.abspath(text.removeprefix("folder:"))
