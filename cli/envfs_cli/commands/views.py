"""`ls`, `show`, `export`: what the levels hold and what a view is made of."""

from envfs.protocol import control
from envfs_cli import output, session
from envfs_cli.files import write_new

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs_cli.arguments import Values

_HIDDEN = "••••••"


def list_levels(values: "Values") -> int:
    """List levels."""
    rows = session.start(values).rows(control.ListLevels(str(values["level"] or "/")))
    if values["json"]:
        output.rows_json(rows)  # type: ignore[arg-type]
        return 0
    cells = [
        (row.level, str(row.version or "-"), _day(row.time), "yes" if row.allowed else "no")
        for row in rows
        if isinstance(row, control.LevelRow)
    ]
    output.table(("LEVEL", "VERSION", "CHANGED", "APPROVED"), cells)
    return 0


def show(values: "Values") -> int:
    """List the variables of a view; with --reveal, their values."""
    link, level, version = session.start(values), str(values["level"]), _version(values)
    rows = [row for row in link.rows(control.ListVariables(level, version)) if isinstance(row, control.VariableRow)]
    shown = _values(link, level, version) if values["reveal"] else {}
    if values["json"]:
        output.as_json([{**row._asdict(), **({"value": shown[row.name]} if shown else {})} for row in rows])
        return 0
    cells = [(row.name, shown.get(row.name, _HIDDEN), row.level) for row in rows]
    if not shown:
        output.table(("NAME", "SET BY"), [(name, origin) for name, _, origin in cells])
    else:
        output.table(("NAME", "VALUE", "SET BY"), cells)
    return 0


def export(values: "Values") -> int:
    """Print a view in one of many forms, or write it to a new file."""
    form = str(values["format"] or "dotenv")
    data = _exported(session.start(values), values, form)
    if values["output"]:
        write_new(str(values["output"]), data)
    else:
        output.raw(data)
    return 0


def _exported(link: session.Session, values: "Values", form: str) -> bytes:
    level, version, only = str(values["level"]), _version(values), values["only"]
    if form == "dotenv" and not only:
        return link.ask(control.ReadView(level, "dotenv", "export", (), version))[1]
    if form == "environ":
        return link.ask(control.ReadView(level, "environ", "export", only or (), version))[1]  # type: ignore[arg-type]
    variables = _values(link, level, version, "export", only or ())  # type: ignore[arg-type]
    if form == "json":
        import json

        return json.dumps(variables, ensure_ascii=False, indent=2).encode() + b"\n"
    from envfs.core import emit, formats

    if form == "github":
        output.plain_error(formats.github_masks(variables))
    text = emit.portable(variables) if form == "dotenv" else formats.FORMATS[form](level, variables)
    return text.encode()


def _values(
    link: session.Session, level: str, version: int, door: str = "show", only: "tuple[str, ...]" = ()
) -> "dict[str, str]":
    _, blob = link.ask(control.ReadView(level, "environ", door, only, version))
    pairs = (entry.partition(b"=") for entry in blob.split(b"\0")[:-1])
    return {name.decode(): content.decode() for name, _, content in pairs}


def _version(values: "Values") -> int:
    return int(str(values["version"] or 0))


def _day(time: str) -> str:
    return time[:19].replace("T", " ") or "-"
