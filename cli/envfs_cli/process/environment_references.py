"""Values that refer to the environment of the command that gets them, completed from it.

Laws: the environment stays in this process; what stands in it, or in a level, is text and never looked at for
references again. A name that any level sets is not asked of the environment.
"""

from envfs.errors import BadRequest, Malformed
from envfs.protocol import jsontext

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def complete_entries(variables: bytes, opened: bytes, environ: "Mapping[bytes, bytes]") -> bytes:
    """Return NAME=value entries with what is `opened` (docs/protocol.md) worked out.

    Raises:
        Malformed: a name that is required is not in the environment either
        BadRequest: the daemon sent something else
    """
    try:
        return _completed(variables, jsontext.decode_json(opened), environ)
    except (ValueError, TypeError, AttributeError, LookupError, RecursionError):
        raise BadRequest("the daemon's answer is not understood") from None  # without what stands in it


def _completed(variables: bytes, residues: object, environ: "Mapping[bytes, bytes]") -> bytes:
    if not isinstance(residues, dict):
        raise TypeError
    entries = []
    for entry in variables.split(b"\0")[:-1]:
        name = entry.partition(b"=")[0].decode()
        residue = residues.get(name)
        entries.append(entry if residue is None else name.encode() + b"=" + _joined(residue, name, environ))
    return b"".join(entry + b"\0" for entry in entries)


def _joined(residue: "list[object]", name: str, environ: "Mapping[bytes, bytes]") -> bytes:
    pieces = (piece.encode() if isinstance(piece, str) else _value(piece, name, environ) for piece in residue)
    return b"".join(pieces)


def _value(piece: object, name: str, environ: "Mapping[bytes, bytes]") -> bytes:
    if not isinstance(piece, dict):
        raise TypeError
    operator, subject = piece["operator"], piece.get("subject")
    value = environ.get(piece["name"].encode()) if subject is None else _joined(subject, name, environ)
    counts = bool(value) if operator[:1] == ":" else value is not None
    if operator[-1:] == "-" and not counts:
        return _joined(piece["word"], name, environ)
    if operator[-1:] == "+":
        return _joined(piece["word"], name, environ) if counts else b""
    if operator[-1:] == "?" and not counts:
        # a name that is set nowhere may be a part of the value
        required = "a variable that is not set" if value is None else f"{piece['name']}, which is empty"
        raise Malformed(f"{name} requires {required}", "set it at the level, or in the environment of this command")
    return value or b""
