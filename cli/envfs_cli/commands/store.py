"""`store`: engines that machines share: one is made ready, a member is let in, records go from one to another."""

import os
import shlex
import shutil
import sys

from envfs.tuples import NamedTuple
from envfs_cli import output
from envfs_cli.arguments import Mistake
from envfs_cli.closed_sets import Unhandled
from envfs_cli.sharing.copying import check_copied, copy_between, own_vault, print_copied, pull_vault
from envfs_cli.sharing.typed_addresses import engine_address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from envfs_cli.deployment_ca import IssuedCertificate
    from envfs_cli.sharing.transfer import Transferred

_MEMBER_DAYS, _SERVER_DAYS, _MOST_DAYS = 90, 365, 3650


class StoreArguments(NamedTuple):
    """The arguments of `store`."""

    action: "Literal['init', 'invite', 'push', 'pull', 'copy', 'ca']"
    subject: str | None
    target: str | None
    member: tuple[str, ...]
    server: tuple[str, ...]
    days: int | None
    may_erase: bool
    append: bool
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
            _invite(subject, arguments.target or "", arguments)
        case "push":
            _copied(copy_between(own_vault(), engine_address(subject)), as_json=arguments.json)
        case "pull":
            _copied(pull_vault(engine_address(subject)), as_json=arguments.json)
        case "copy":
            report = copy_between(engine_address(subject), engine_address(arguments.target or ""))
            _copied(report, as_json=arguments.json)
        case "ca":
            _issue(subject, arguments)
        case _:
            raise Unhandled(arguments.action)
    return 0


def _check_words(arguments: StoreArguments) -> None:
    with_target = arguments.action in ("invite", "copy")
    if not arguments.subject or (with_target and not arguments.target):
        raise Mistake(f"`store {arguments.action}` takes more words", "`envfs store --help` has an example of each")
    if arguments.target and not with_target:
        raise Mistake("there are more words than the action takes", "`envfs store --help` explains each")
    if arguments.member and arguments.action not in ("init", "ca"):
        raise Mistake("--member goes with `store init` and `store ca` alone", "leave it out")
    if (arguments.server or arguments.days is not None) and arguments.action != "ca":
        raise Mistake("--server and --days go with `store ca` alone", "leave them out")
    if (arguments.may_erase or arguments.append) and arguments.action != "invite":
        raise Mistake("--may-erase and --append go with `store invite` alone", "leave them out")


def _init(subject: str, members: tuple[str, ...]) -> None:
    from envfs_cli.sharing.courier import EngineCourier

    with EngineCourier(engine_address(subject)) as courier:
        text = courier.prepare(members)
    for line in text.splitlines():
        output.print_line(output.clean(line))


def _invite(key_file: str, folder: str, arguments: StoreArguments) -> None:
    from envfs_cli.sharing import ssh_members

    text = ssh_members.read_key(key_file)
    path = _folder_of(folder)
    beside = os.path.join(os.path.dirname(sys.executable), "envfs")  # where no PATH leads to this very program
    program = shutil.which("envfs") or (beside if os.path.exists(beside) else "/usr/local/bin/envfs")
    line = ssh_members.authorized_line(text, path, os.path.abspath(program), append_only=not arguments.may_erase)
    if arguments.append:
        is_new = ssh_members.append_line(line)
        output.done("the key is let in" if is_new else "the key was let in before, and the line is as it was")
    else:
        output.print_line(line)
    if not os.path.isdir(path):
        output.note(f"there is no folder {path} yet: `envfs store init {shlex.quote(path)}` makes it")
    if not arguments.append:
        output.done("append this line to ~/.ssh/authorized_keys of the user on the server who owns the folder")


def _copied(report: "Transferred", *, as_json: bool) -> None:
    print_copied(report, as_json=as_json)
    check_copied(report)


def _issue(folder: str, arguments: StoreArguments) -> None:
    from envfs_cli import deployment_ca

    days = arguments.days
    if days is not None and not 0 < days <= _MOST_DAYS:
        raise Mistake(f"--days is a number from 1 to {_MOST_DAYS}")
    if deployment_ca.make_authority(folder):
        output.done(f"a certificate authority is in {folder}: keep ca.key there, and give ca.crt to everybody")
    for name in arguments.member:
        _print_issued(deployment_ca.issue_member(folder, name, days or _MEMBER_DAYS))
    if arguments.server:
        _print_issued(deployment_ca.issue_server(folder, arguments.server, days or _SERVER_DAYS))


def _print_issued(issued: "IssuedCertificate") -> None:
    output.done(f"the certificate {issued.certificate}, and its key {issued.key}, have this fingerprint")
    output.print_line(issued.fingerprint)


def _folder_of(text: str) -> str:
    return os.path.abspath(text.removeprefix("folder:"))
