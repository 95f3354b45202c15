"""`set`, `get`, `unset`, `rename`: one variable."""

import os

from envfs.protocol import control
from envfs_cli import output, secrets, session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple

    from envfs_cli.arguments import Values


def set_value(values: "Values") -> int:
    """Set one variable."""
    name, file = str(values["name"]), values["from_file"]
    descriptor, trim = secrets.value(name, None if file is None else str(file))
    request = control.SetVariable(str(values["level"]), name, trim, bool(values["template"]))
    return _write(values, request, descriptor)


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


def _write(values: "Values", request: "NamedTuple", descriptor: int = -1) -> int:
    reply = session.start(values).reply(request, () if descriptor < 0 else (descriptor,))
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
