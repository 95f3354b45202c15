"""`service`: systemd runs the daemon, and binds a view into a unit that needs it."""

import os
import pwd
import sys

from envfs import locations
from envfs.tuples import NamedTuple
from envfs_cli import output
from envfs_cli.arguments import Mistake
from envfs_cli.closed_sets import Unhandled
from envfs_cli.daemon import join_refusals
from envfs_cli.services import installing, running, units, users
from envfs_cli.services.users import ServiceUser

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal


class ServiceArguments(NamedTuple):
    """The arguments of `service`."""

    action: "Literal['install', 'uninstall', 'status', 'show', 'drop-in', 'run', 'attach', 'detach']"
    unit: str | None
    level: str | None
    user: str | None
    credential: bool
    no_network: bool
    write: bool
    json: bool


def run_service(arguments: ServiceArguments) -> int:
    """Install or remove a unit, or be what it runs.

    Raises:
        Mistake: a word is missing, or there are more
    """
    _check_words(arguments)
    user = users.find_user(arguments.user) if arguments.user is not None else None
    match arguments.action:
        case "install":
            return _install(arguments, user)
        case "uninstall":
            installing.remove_unit(user)
            output.done("the service is removed; the vault stays")
        case "status":
            return _print_status(user, as_json=arguments.json)
        case "show":
            output.print_line(installing.unit_text(_choices(arguments), user).rstrip("\n"))
        case "drop-in":
            _drop_in(arguments.unit or "", arguments.level or "", writes=arguments.write)
        case "run":
            running.become_service()
        case "attach" | "detach":
            return running.run_outside(arguments.action, user)
        case _:
            raise Unhandled(arguments.action)
    return 0


def _check_words(arguments: ServiceArguments) -> None:
    is_drop_in = arguments.action == "drop-in"
    if is_drop_in and not (arguments.unit and arguments.level):
        raise Mistake("`service drop-in` takes a unit and a level", "envfs service drop-in shop.service /shop/prod")
    if not is_drop_in and (arguments.unit or arguments.write):
        raise Mistake("there are more words than the action takes", "`envfs service --help` explains each")
    if (arguments.credential or arguments.no_network) and arguments.action not in ("install", "show"):
        raise Mistake("--credential and --no-network go with install and show alone", "leave them out")
    if arguments.user is not None and arguments.action in ("drop-in", "run"):
        raise Mistake("--user does not go with drop-in and run", "leave it out")
    if arguments.user is not None and arguments.credential:
        raise Mistake("--credential goes with the service of the system alone", "leave it out: `envfs unlock` unlocks")
    if arguments.user is not None and not installing.is_system():
        raise Mistake("--user is for root", "sudo envfs service install --user NAME, or leave it out")
    if arguments.json and arguments.action != "status":
        raise Mistake("--json goes with status alone", "leave it out")


def _choices(arguments: ServiceArguments) -> units.UnitChoices:
    return units.UnitChoices(_own_program(), arguments.credential, not arguments.no_network)


def _own_program() -> str:
    beside = os.path.join(os.path.dirname(sys.executable), "envfs")
    packaged = "/usr/bin/envfs"
    return packaged if os.path.realpath(packaged) == os.path.realpath(beside) else beside


def _install(arguments: ServiceArguments, user: ServiceUser | None) -> int:
    join_refusals.refuse_join_secret("a service has a home of its own")
    installing.install_unit(_choices(arguments), user)
    output.done("the service is installed")
    if not arguments.credential:
        output.note("it starts locked: `envfs unlock` brings the passphrase")
    if not installing.is_system():
        name = pwd.getpwuid(os.geteuid()).pw_name
        output.note(f"to have it run while you are not logged in: loginctl enable-linger {name}")
        output.note(f"root can confine it more, and have it run then, too: envfs service install --user {name}")
    return 0


def _print_status(user: ServiceUser | None, *, as_json: bool) -> int:
    state = installing.installed_unit(user)
    if as_json:
        output.as_json(state._asdict())
    else:
        output.print_table(state._fields, [[text or "-" for text in state]], none="")
    return 0 if state.active == "active" else 1


def _drop_in(unit: str, level: str, *, writes: bool) -> None:
    from envfs.core import names

    if not units.is_unit_name(unit):
        raise Mistake("the first word is no name of a service", "envfs service drop-in shop.service /shop/prod")
    path = str(names.parse_level(level))
    if path == "/":
        raise Mistake("/ is above every level: a unit that sees it sees all", "name the level that the unit needs")
    text = units.drop_in(unit, path, locations.system_locations().mount)
    if not writes:
        output.print_line(text.rstrip("\n"))
    else:
        output.done(f"{installing.write_drop_in(unit, text)} is written: systemctl restart {unit}")
    output.note(f"its user needs a rule: envfs grant {path} --user NAME --unit {unit}")
