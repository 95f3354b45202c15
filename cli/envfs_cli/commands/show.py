"""`show`: list the variables of a view, or of a level's own text."""

from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import output
from envfs_cli.daemon import session
from envfs_cli.level_versions import DatedLevel, dated_level
from envfs_cli.replies import masked
from envfs_cli.replies.variables import variables_of

_HIDDEN = "••••••"
_NONE = "no variable is set here"


class ShowArguments(NamedTuple):
    """The arguments of `show`."""

    level: str
    reveal: bool
    own: bool
    version: int | None
    passphrase_file: str | None
    json: bool


def run_show(arguments: ShowArguments) -> int:
    """List the variables of a view. With --reveal, their values. With --own, those of the level's own text, or it."""
    dated = dated_level(arguments.level, arguments.version)
    link = session.start_session(arguments.passphrase_file)
    if arguments.own:
        return _show_own(link, arguments, dated)
    sent = link.rows(control.ListVariables(*dated))
    rows = [row for row in sent if isinstance(row, control.VariableRow)]
    values = _values(link, dated) if arguments.reveal else {}
    if arguments.json:
        output.as_json([{**row._asdict(), **({"value": values[row.name]} if values else {})} for row in rows])
    elif values:
        cells = [(row.name, values.get(row.name, _HIDDEN), row.level) for row in rows]
        output.print_table(("NAME", "VALUE", "SET BY"), cells, none="", whole=True)
    else:
        output.print_table(("NAME", "SET BY"), [(row.name, row.level) for row in rows], none=_NONE)
    return 0


def _values(link: session.Session, dated: DatedLevel) -> "dict[str, str]":
    reply, blob = link.ask(control.ReadView(dated.level, "environ", "show", (), dated.version, moment=dated.moment))
    masked.note_if_masked(reply)
    return variables_of(blob)


def _show_own(link: session.Session, arguments: ShowArguments, dated: DatedLevel) -> int:
    request = control.ReadView(dated.level, "own", "show", (), dated.version, moment=dated.moment)
    reply, blob = link.ask(request)
    level, version = (reply.level, reply.version) if isinstance(reply, control.ViewSent) else ("", 0)
    if arguments.reveal:
        if arguments.json:
            output.as_json({"level": level, "version": version, "text": blob.decode()})
        else:
            output.raw(blob)
        return 0
    from envfs.dotenv.document import parse_document

    names = list(parse_document(blob.decode()).variables())
    if arguments.json:
        output.as_json([{"name": name, "level": level} for name in names])
    else:
        output.print_table(("NAME", "SET BY"), [(name, level) for name in names], none=_NONE)
    return 0
