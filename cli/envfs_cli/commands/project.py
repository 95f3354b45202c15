"""`project`: make a project, list all, change who can open one."""

import os

from envfs.core import limits, names
from envfs.core.keyfile import Custody
from envfs.errors import EnvFSError
from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import output, secrets
from envfs_cli.arguments import Mistake
from envfs_cli.closed_sets import Unhandled
from envfs_cli.daemon import session
from envfs_cli.files import read_text
from envfs_cli.replies import damage
from envfs_cli.replies.projects import find_project, need_project
from envfs_cli.terminal import prompts
from envfs_cli.version_message import check_message

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal


class ProjectArguments(NamedTuple):
    """The arguments of `project`."""

    action: "Literal['new', 'ls', 'custody', 'recipients']"
    project: str | None
    zero_knowledge: bool
    managed: bool
    add: str | None
    add_from: str | None
    remove: str | None
    message: str | None
    passphrase_file: str | None
    yes: bool
    json: bool


def run_project(arguments: ProjectArguments) -> int:
    """Do what the action says.

    Raises:
        Mistake: the action needs a project, and none is named
    """
    if arguments.action == "ls":
        return _list(arguments)
    if not arguments.project:
        raise Mistake(f"`envfs project {arguments.action}` needs a project", "name it, as in `shop`")
    name = names.parse_level(arguments.project)
    match arguments.action:
        case "new":
            return _make(arguments, name)
        case "custody":
            return _change_custody(arguments, name)
        case "recipients":
            return _recipients(arguments, name)
        case _:
            raise Unhandled(arguments.action)


def _start(arguments: ProjectArguments) -> session.Session:
    return session.start_session(arguments.passphrase_file, arguments.project)


def _make(arguments: ProjectArguments, name: str) -> int:
    custody = _custody(arguments) or Custody.MANAGED
    asking = _start(arguments)
    if find_project(asking, name) is not None:
        raise EnvFSError(
            f"project {name} is there already",
            f"`envfs project ls` lists it; `envfs project custody {name} --managed` changes it, or --zero-knowledge",
        )
    descriptors: tuple[int, ...] = ()
    if custody == Custody.ZERO_KNOWLEDGE:
        descriptors = (_new_passphrase(asking, name, arguments),)
    with prompts.Waiting("making the key"):
        asking.reply(control.NewProject(name, custody), descriptors)
    output.done(f"{name} is made, {custody}")
    return 0


def _list(arguments: ProjectArguments) -> int:
    rows, status = damage.intact_rows(_start(arguments).rows(control.ListProjects()), control.ProjectRow)
    if arguments.json:
        output.rows_json(rows)
        return status
    heads = ("PROJECT", "CUSTODY", "STATE", "LEVELS", "KEYS", "RECIPIENTS")
    output.print_table(
        heads, [_cells(row) for row in rows], none="there is no project; `envfs set /app NAME` makes one"
    )
    for row in rows:
        if row.unfinished:
            output.note(
                f"a change of the key of {row.project} was interrupted; `envfs unlock {row.project}` finishes it"
            )
    return status


def _cells(row: control.ProjectRow) -> "tuple[str, ...]":
    return (
        row.project,
        row.custody,
        "unlocked" if row.unlocked else "locked",
        str(row.levels),
        str(row.keys or "-"),
        str(len(row.recipients) or "-"),
    )


def _change_custody(arguments: ProjectArguments, name: str) -> int:
    custody = _custody(arguments)
    if not custody:
        raise Mistake("which custody?", "say --zero-knowledge or --managed")
    message = check_message(arguments.message)
    asking = _start(arguments)
    old_custody = need_project(asking, name).custody
    request = control.ChangeCustody(name, custody, message)
    if custody == Custody.ZERO_KNOWLEDGE != old_custody:
        secret = _new_passphrase(asking, name, arguments)
        with prompts.Waiting("sealing everything again"):
            asking.ask(request, (secret,))
        os.close(secret)
        output.note(
            "backups and copies of the vault from before still open with the identity; change values that matter"
        )
    else:
        if custody == Custody.MANAGED != old_custody and not arguments.yes:
            asking.let_go()
            prompts.need_yes(f"the vault's identity and recipients will open {name}; go on?")
        asking.with_passphrase(request, "sealing everything again")
    output.done(f"{name} is {custody}")
    return 0


def _recipients(arguments: ProjectArguments, name: str) -> int:
    message = check_message(arguments.message)
    asking = _start(arguments)
    add = [arguments.add] if arguments.add else []
    if arguments.add_from:
        add += _recipients_in(arguments.add_from)
    remove = (arguments.remove,) if arguments.remove else ()
    if add or remove:
        asking.reply(control.ChangeRecipients(name, tuple(add), remove, message))
    recipients = need_project(asking, name).recipients
    if arguments.json:
        output.as_json(list(recipients))
        return 0
    for recipient in recipients:
        output.print_line(output.clean(recipient))
    if not recipients:
        output.done(f"{name} has no recipient of its own")
    return 0


def _recipients_in(path: str) -> list[str]:
    lines = [line.strip() for line in read_text(path, limits.FRAME_BYTES).splitlines()]
    recipients = [line for line in lines if line and not line.startswith("#")]
    if any("PRIVATE KEY" in line or line.startswith("AGE-SECRET-KEY") for line in recipients):
        raise EnvFSError(f"{path} holds a private key", "name the public one, which ends in .pub")
    return recipients


def _custody(arguments: ProjectArguments) -> str:
    if arguments.zero_knowledge and arguments.managed:
        raise Mistake("a project is either --zero-knowledge or --managed")
    return Custody.ZERO_KNOWLEDGE if arguments.zero_knowledge else Custody.MANAGED if arguments.managed else ""


def _new_passphrase(asking: session.Session, name: str, arguments: ProjectArguments) -> int:
    file = arguments.passphrase_file or secrets.named_file(name)
    if not file:
        prompts.check_terminal(secrets.NAME_A_FILE)
    asking.let_go()
    output.note(f"only its passphrase will open {name}: not the identity, not the recovery sheet, nor anything else")
    if not arguments.yes:
        prompts.need_yes("if it is lost, everything in the project is lost; go on?")
    return secrets.new_passphrase(file, name)
