"""`set`: set a variable, or several in one version. A value is never an argument."""

from envfs.errors import BadName
from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import secrets
from envfs_cli.arguments import Mistake
from envfs_cli.daemon import session
from envfs_cli.replies.written import report_written
from envfs_cli.terminal import prompts
from envfs_cli.version_message import check_message

_SEED_BYTES = 32


class SetArguments(NamedTuple):
    """The arguments of `set`."""

    level: str
    name: str
    from_file: str | None
    empty: bool
    template: bool
    canary: bool
    message: str | None
    passphrase_file: str | None
    json: bool


def run_set(arguments: SetArguments) -> int:
    """Set a variable, or several in one version.

    Raises:
        BadName: there is a `=` in the name, so it may hold the value
    """
    level, name = arguments.level, arguments.name
    if "=" in name:
        raise BadName("not a variable name", "name it alone: the value is asked for, and is never an argument")
    if level.isupper() and "/" not in level:
        _check_is_a_level(arguments)
    message = check_message(arguments.message)
    if "," in name:
        return _set_several(arguments, message)
    asking, descriptor, trim = _value(arguments)
    request = control.SetVariable(level, name, trim, arguments.template, message, arguments.canary)
    return report_written(asking.reply(request, (descriptor,)), as_json=arguments.json)


def _check_is_a_level(arguments: SetArguments) -> None:
    # NAME VALUE, as other tools have it, would put the value into the vault as a name
    asking = session.start_session(arguments.passphrase_file)
    rows = asking.rows(control.ListLevels())
    asking.close()
    if f"/{arguments.level}" not in (row.level for row in rows if isinstance(row, control.LevelRow)):
        raise Mistake(
            "a value is never an argument: it is asked for, or read from standard input",
            "the words of `set` are a level and a name; write a new level in capitals with its slash",
        )


def _set_several(arguments: SetArguments, message: str) -> int:
    from envfs_cli import several_values

    if arguments.empty or arguments.canary:
        raise Mistake("--empty and --canary are for one variable")
    level, file = arguments.level, arguments.from_file
    several = several_values.parse_names(arguments.name)
    is_typed = secrets.is_typed(file)
    if is_typed:
        prompts.check_terminal("pipe lines of the form NAME=value in, or name a file of them with --from-file")
        asking = session.start_session(arguments.passphrase_file)
        for name in several:
            asking.reply(control.CheckWrite(level, name))
        asking.let_go()
        descriptor = several_values.ask_values(several)
    else:
        # as for one value: nothing is started, and so nothing locked, while somebody writes into the pipe
        descriptor = several_values.take_values(several, file or "-", template=arguments.template)
        asking = session.start_session(arguments.passphrase_file)
    request = control.SetVariables(level, several, is_typed, arguments.template, message)
    return report_written(asking.reply(request, (descriptor,)), as_json=arguments.json)


def _value(arguments: SetArguments) -> "tuple[session.Session, int, bool]":
    name, file = arguments.name, arguments.from_file
    if arguments.canary:
        return _canary(arguments)
    if arguments.empty:
        if file is not None:
            raise Mistake("a value is either --empty or --from-file")
        return session.start_session(arguments.passphrase_file), secrets.from_bytes(b""), False
    if not secrets.is_typed(file):
        # whoever writes into the pipe may take its time: nothing is started, and so nothing locked, before
        descriptor, trim = secrets.value_descriptor(name, file)
        return session.start_session(arguments.passphrase_file), descriptor, trim
    prompts.check_terminal("pipe the value in, or name a file that holds it with --from-file")
    asking = session.start_session(arguments.passphrase_file)
    asking.reply(control.CheckWrite(arguments.level, name))
    asking.let_go()
    return asking, *secrets.value_descriptor(name, file)


def _canary(arguments: SetArguments) -> "tuple[session.Session, int, bool]":
    # nothing is asked for and nothing read from standard input: a value that opens nothing does not matter
    import os

    from envfs.dotenv.placeholders.value_by_name import value_by_name

    if arguments.empty or arguments.template:
        raise Mistake("a canary has a random value, or one --from-file")
    if arguments.from_file is not None:
        descriptor, trim = secrets.value_descriptor(arguments.name, arguments.from_file)
    else:
        descriptor, trim = secrets.from_bytes(value_by_name(arguments.name, os.urandom(_SEED_BYTES)).encode()), False
    return session.start_session(arguments.passphrase_file), descriptor, trim
