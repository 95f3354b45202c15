"""`ls`, `show`, `export`: what the levels hold and what a view is made of."""

import os

from envfs.errors import BadRequest
from envfs.protocol import control
from envfs_cli import damage, output
from envfs_cli.daemon import session
from envfs_cli.files import check_new, write_new

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs_cli.arguments import Values

_OWN = "own"
_HIDDEN = "••••••"


def list_levels(values: "Values") -> int:
    """List levels."""
    sent = session.start(values).rows(control.ListLevels(str(values["level"] or "/")))
    rows, status = damage.intact(sent, control.LevelRow)
    if values["json"]:
        output.rows_json(rows)
        return status
    cells = [(row.level, str(row.version or "-"), _day(row.time), "yes" if row.allowed else "no") for row in rows]
    output.table(("LEVEL", "VERSION", "CHANGED", "APPROVED"), cells)
    return status


def show(values: "Values") -> int:
    """List the variables of a view; with --reveal, their values. With --own, those of the level's own text, or it."""
    if values["own"]:
        return _show_own(session.start(values), values)
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


def _show_own(link: session.Session, values: "Values") -> int:
    reply, blob = link.ask(control.ReadView(str(values["level"]), _OWN, "show", (), _version(values)))
    level, version = (reply.level, reply.version) if isinstance(reply, control.ViewSent) else ("", 0)
    if values["reveal"]:
        if values["json"]:
            output.as_json({"level": level, "version": version, "text": blob.decode()})
        else:
            output.raw(blob)
        return 0
    from envfs.dotenv.document import parse_document

    names = list(parse_document(blob.decode()).variables())
    if values["json"]:
        output.as_json([{"name": name, "level": level} for name in names])
    else:
        output.table(("NAME", "SET BY"), [(name, level) for name in names])
    return 0


def export(values: "Values") -> int:
    """Print a view in one of many forms, or write it to a new file."""
    form = str(values["format"] or "dotenv")
    _check_form(values, form)
    if values["output"]:
        check_new(str(values["output"]))
    data = _exported(session.start(values), values, form)
    if values["output"]:
        write_new(str(values["output"]), data)
    else:
        output.raw(data)
    return 0


def _check_form(values: "Values", form: str) -> None:
    if values["own"] and (form != "dotenv" or values["only"] or values["dialect"]):
        raise BadRequest("a level's own text is given as it was written", "leave out --format, --only and --dialect")
    if values["dialect"] and form != "dotenv":
        raise BadRequest("a dialect is one of dotenv text", f"leave out --format {form}, or --dialect")


def _exported(link: session.Session, values: "Values", form: str) -> bytes:
    level, version, dialect = str(values["level"]), _version(values), str(values["dialect"] or "")
    only: tuple[str, ...] = values["only"] or ()  # type: ignore[assignment]
    if values["own"]:
        return link.ask(control.ReadView(level, _OWN, "export", (), version))[1]
    if form == "environ" or (form in ("dotenv", "json", "example") and not only):
        return link.ask(control.ReadView(level, form, "export", only, version, dialect))[1]
    reply, blob = link.ask(control.ReadView(level, "environ", "export", only, version, dialect))
    variables = _pairs(blob)
    from envfs.dotenv import dialects, formats

    if form == "dotenv" and isinstance(reply, control.ViewSent):
        return dialects.text(variables, reply.dialect).encode()
    if form == "github":
        _mask(formats.github_masks(variables))
    return formats.FORMATS[form](level, variables).encode()


def _mask(masks: str) -> None:
    # a runner hides these lines and what they name; everybody else would be shown the values
    if os.environ.get("GITHUB_ACTIONS") == "true":
        output.plain_error(masks)
    else:
        output.note("no masks were printed: they name the values, so they are for a runner of GitHub Actions alone")


def _values(link: session.Session, level: str, version: int) -> "dict[str, str]":
    return _pairs(link.ask(control.ReadView(level, "environ", "show", (), version))[1])


def _pairs(environ: bytes) -> "dict[str, str]":
    pairs = (entry.partition(b"=") for entry in environ.split(b"\0")[:-1])
    return {name.decode(): content.decode() for name, _, content in pairs}


def _version(values: "Values") -> int:
    return int(str(values["version"] or 0))


def _day(time: str) -> str:
    return time[:19].replace("T", " ") or "-"
