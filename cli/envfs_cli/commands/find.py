"""`find`: say which levels set a variable, or where a value stands. A value is asked for, and never an argument."""

import os

from envfs.core import limits
from envfs.errors import Malformed
from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import output, secrets
from envfs_cli.arguments import Mistake
from envfs_cli.daemon import session
from envfs_cli.replies import damage
from envfs_cli.replies.written import print_notes
from envfs_cli.terminal import prompts

_WORDS = {"set": "", "same": "is the value", "within": "the value stands in it", "comment": "the value is in a comment"}


class FindArguments(NamedTuple):
    """The arguments of `find`."""

    pattern: str
    level: str | None
    value: bool
    from_file: str | None
    passphrase_file: str | None
    json: bool


def run_find(arguments: FindArguments) -> int:
    """List levels and variables.

    Raises:
        Mistake: a file is named, and no value is to be found
    """
    if arguments.from_file is not None and not arguments.value:
        raise Mistake("--from-file holds the value for --value")
    asking, level = session.start_session(arguments.passphrase_file), arguments.level or "/"
    descriptors: tuple[int, ...] = ()
    trim = False
    if arguments.value:
        if secrets.is_typed(arguments.from_file):
            asking.ask(control.ListLevels(level))  # what can be refused is refused before a person is asked
            asking.let_go()
        descriptors, trim = (_value(arguments.from_file),), arguments.from_file in (None, "-")
    request = control.FindVariables(arguments.pattern, level, arguments.value, trim)
    rows: list[object] = []
    reply, _ = asking.ask(request, descriptors, rows)
    found, status = damage.intact_rows(rows, control.LocationRow)
    if arguments.json:
        output.rows_json(found)
    else:
        heads = ("LEVEL", "VARIABLE", "VERSION", *(("FOUND",) if arguments.value else ()))
        output.print_table(heads, [_cells(row)[: len(heads)] for row in found], none="no variable is found")
    print_notes(reply)
    return status


def _value(file: str | None) -> int:
    if secrets.is_typed(file):
        most = limits.VALUE_BYTES + limits.LINE_END_BYTES
        handle = secrets.from_bytes(prompts.ask_hidden("value to look for: ", "the value", most, lines=True))
    else:
        handle = secrets.from_file(file or "-", "the value", limits.VALUE_BYTES, limits.LINE_END_BYTES)
    if not os.fstat(handle).st_size:
        raise Malformed("the value to look for is empty")
    return handle


def _cells(row: control.LocationRow) -> "tuple[str, ...]":
    return row.level, row.name or "-", str(row.version), _WORDS.get(row.what, row.what)
