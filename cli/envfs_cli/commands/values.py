"""`set`, `get`, `unset`, `rename`: one variable."""

import os

from envfs.errors import BadName
from envfs.protocol import control
from envfs_cli import output, secrets
from envfs_cli.arguments import Mistake
from envfs_cli.daemon import session
from envfs_cli.terminal import prompts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple

    from envfs_cli.arguments import Values


def set_value(values: "Values") -> int:
    """Set one variable."""
    level, name = str(values["level"]), str(values["name"])
    if "=" in name:
        raise BadName("not a variable name", "name it alone: the value is asked for, and is never an argument")
    if level.isupper() and "/" not in level:
        _check_is_a_level(values, level)
    asking, descriptor, trim = _value(values, level, name)
    request = control.SetVariable(level, name, trim, bool(values["template"]))
    return _report(asking.reply(request, (descriptor,)), values)


def _check_is_a_level(values: "Values", level: str) -> None:
    # NAME VALUE, as other tools have it, would put the value into the vault as a name
    asking = session.start(values)
    rows = asking.rows(control.ListLevels())
    asking.close()
    if f"/{level}" not in (row.level for row in rows if isinstance(row, control.LevelRow)):
        raise Mistake(
            "a value is never an argument: it is asked for, or read from standard input",
            "the words of `set` are a level and a name; write a new level in capitals with its slash",
        )


def _value(values: "Values", level: str, name: str) -> "tuple[session.Session, int, bool]":
    file = None if values["from_file"] is None else str(values["from_file"])
    if values["empty"]:
        if file is not None:
            raise Mistake("a value is either --empty or --from-file")
        return session.start(values), secrets.from_bytes(b""), False
    if not secrets.is_typed(file):
        # whoever writes into the pipe may take its time: nothing is started, and so nothing locked, before
        descriptor, trim = secrets.value(name, file)
        return session.start(values), descriptor, trim
    prompts.check("pipe the value in, or name a file that holds it with --from-file")
    asking = session.start(values)
    asking.reply(control.CheckWrite(level, name))
    asking.let_go()
    return asking, *secrets.value(name, file)


def unset_value(values: "Values") -> int:
    """Remove one variable."""
    return _write(values, control.UnsetVariable(str(values["level"]), str(values["name"])))


def rename(values: "Values") -> int:
    """Give one variable another name."""
    request = control.RenameVariable(str(values["level"]), str(values["name"]), str(values["new_name"]))
    return _write(values, request)


def get_value(values: "Values") -> int:
    """Print one value, with a line end on a terminal only."""
    version = values["version"] or 0
    request = control.ReadView(str(values["level"]), "value", "get", (str(values["name"]),), version)  # type: ignore[arg-type]
    _, blob = session.start(values).ask(request)
    output.raw(blob + b"\n" if os.isatty(1) or not blob.endswith(b"\n") else blob)
    return 0


def _write(values: "Values", request: "NamedTuple") -> int:
    return _report(session.start(values).reply(request), values)


def _report(reply: object, values: "Values") -> int:
    if isinstance(reply, control.Written):
        report(reply, as_json=bool(values.get("json")))
    return 0


def report(written: control.Written, *, as_json: bool) -> None:
    """Say which version was written, and what it changed."""
    if as_json:
        output.message_json(written)
        return
    counts = [
        f"{len(found)} {word}"
        for word, found in (("added", written.added), ("changed", written.changed), ("removed", written.removed))
        if found
    ]
    output.done(f"{written.level} is at version {written.version}" + (f": {', '.join(counts)}" if counts else ""))
    for text in written.notes:
        output.note(text)
