"""`generate`: make a new secret, and print it or write it into a level."""

from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import output, secrets
from envfs_cli.arguments import Mistake
from envfs_cli.daemon import session
from envfs_cli.generating import new_values, options
from envfs_cli.replies.written import report_written
from envfs_cli.version_message import check_message


class GenerateArguments(NamedTuple):
    """The arguments of `generate`."""

    name: str | None
    set: str | None
    length: int | None
    alphabet: str | None
    words: bool
    uuid: bool
    bytes: str | None
    key: str | None
    message: str | None
    passphrase_file: str | None
    json: bool


def run_generate(arguments: GenerateArguments) -> int:
    """Make a value. Without `--set` it is printed.

    Raises:
        Mistake: the words do not go together
    """
    kind = new_values.check_kind(options.chosen_kind(options.kind_options(arguments)))
    if (arguments.set is None) != (arguments.name is None):
        raise Mistake(
            "--set takes a level, and behind it stands a name", "such as `envfs generate --set /shop/prod DB_PASSWORD`"
        )
    if arguments.set is None:
        if arguments.json or arguments.message is not None:
            raise Mistake("--json and -m are for a version, which --set writes")
        return _print(new_values.make_value(kind))
    return _set(arguments, arguments.set, arguments.name or "", kind)


def _print(fresh: new_values.NewValue) -> int:
    output.check_writable()
    output.raw(fresh.value if fresh.value.endswith(b"\n") else fresh.value + b"\n")
    options.note_strength(fresh)
    if fresh.public:
        output.plain_error(f"public key: {fresh.public.decode().strip()}\n")
    return 0


def _set(arguments: GenerateArguments, level: str, name: str, kind: new_values.ValueKind) -> int:
    message = check_message(arguments.message)
    asking = session.start_session(arguments.passphrase_file)
    asking.reply(control.CheckWrite(level, name))
    fresh = new_values.make_value(kind)
    request = control.SetVariable(level, name, message=message)
    status = report_written(asking.reply(request, (secrets.from_bytes(fresh.value),)), as_json=arguments.json)
    options.note_strength(fresh)
    if fresh.public and not arguments.json:
        output.print_line(fresh.public.decode().strip())
    return status
