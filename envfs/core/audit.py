"""The access log: one JSON line an entry, each naming the hash of the line before (docs/format.md §7).

Laws: an entry never holds a value or a variable's name. Changing, dropping, adding or reordering a line breaks the
chain at that line. A signed checkpoint makes rewriting the whole chain visible too.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from envfs.core import record
from envfs.core.access.caller import Caller
from envfs.core.events import Event, EventKind
from envfs.core.origin import UNSEEN, Origin
from envfs.errors import LogBroken

Clean = Callable[[str], str]  # of a whole text, before it is cut and before it is JSON
START = "0" * 64
_encoder = json.JSONEncoder(separators=(",", ":"), ensure_ascii=True)
_DETAILS = Event._fields[1:-1]
_LONGEST_TEXT, _LONGEST_ANCESTOR = 512, 128  # in characters: what a process chose must not fill the log


class Tip(NamedTuple):
    """The end of a log: how many entries, and the SHA-256 of the last line with its line feed, in hexadecimal."""

    seq: int = 0
    digest: str = START


def entry_line(tip: Tip, time: str, event: Event, caller: Caller | None, origin: Origin = UNSEEN) -> bytes:
    """Write the entry that follows `tip`, ending in a line feed. Empty fields are left out, long texts are cut."""
    return line_of(tip, time, entry_middle(event, caller, origin))


def line_of(tip: Tip, time: str, middle: str) -> bytes:
    """Write the entry that follows `tip`. `middle` is all of it that another entry may have as well."""
    return f'{{"seq":{tip.seq + 1},"time":"{time}",{middle},"prev":"{tip.digest}"}}\n'.encode()


def entry_middle(event: Event, caller: Caller | None, origin: Origin, clean: Clean = str) -> str:
    """Write what is the same in all entries of this event, caller and origin. Each text goes through `clean`."""
    body: dict[str, object] = {"event": event.kind}
    if caller is not None:
        uid, gid, pid, executable, cgroup = caller[:5]
        origins = {"script": origin.script, "command": origin.command, "unit": origin.unit, "process": origin.process}
        texts = {"executable": executable, "cgroup": cgroup, **origins}
        body |= {"uid": uid, "gid": gid, "pid": pid}
        body |= {name: _cut(clean(text), _LONGEST_TEXT) for name, text in texts.items() if text}
        body |= {"session": origin.session} if origin.session else {}
        ancestors = [_cut(clean(name), _LONGEST_ANCESTOR) for name in origin.ancestors]
        body |= {"ancestors": ancestors} if ancestors else {}
    details = zip(_DETAILS, event[1:-1], strict=True)
    body |= {name: clean(value) if isinstance(value, str) else value for name, value in details if value}
    if event.times > 1:
        body["times"] = event.times
    return _ascii(body)[1:-1]


def _cut(text: str, most: int) -> str:
    # both ends of a path tell something
    return text if len(text) <= most else f"{text[: most // 2]}\u2026{text[-(most // 2) :]}"


def _ascii(body: dict[str, object]) -> str:
    return _encoder.encode(body).replace("\x7f", "\\u007f")  # the one control character that JSON leaves as it is


def checkpoint_line(end: Tip, time: str, signed: "LoggedCheckpoint") -> bytes:
    """Write the entry that carries the keyholder's signature. `end` is where the log ends now."""
    body: dict[str, object] = {"seq": end.seq + 1, "time": time, "event": EventKind.CHECKPOINT}
    if (signed.seq, signed.digest) != end:  # entries came while it was signed
        body |= {"entry": signed.seq, "digest": signed.digest}
    if signed.record:
        body["record"] = signed.record
    return _text({**body, "signature": signed.signature, "prev": end.digest})


def tip_after(tip: Tip, text: bytes) -> Tip:
    """Return the tip of the log once `text` has been added to it."""
    return Tip(tip.seq + 1, hashlib.sha256(text).hexdigest())


def checkpoint_text(seq: int, digest: str) -> bytes:
    """Return the bytes that a checkpoint signs."""
    return f"envfs/1/log {seq} {digest}".encode()


class LoggedCheckpoint(NamedTuple):
    """A signature over the log's first `seq` entries, as an entry has it.

    `digest` is the tip's, in hexadecimal, and `signature` an Ed25519 signature in base64url. `record` is the number of
    the checkpoint in the vault that says the same, 0 if it could not be stored.
    """

    seq: int
    digest: str
    signature: str
    record: int = 0


def walk_chain(lines: Iterable[bytes], tip: Tip = Tip()) -> Iterator[tuple[Tip, dict[str, object]]]:  # noqa: B008
    """Follow the chain. Yields the tip after each line, and the line as an object.

    Raises:
        LogBroken: naming the first line that does not follow from the one before
    """
    for number, text in enumerate(lines, tip.seq + 1):
        body = parse_log_entry(text, number)
        if type(body.get("seq")) is not int or body["seq"] != number or body.get("prev") != tip.digest:
            raise LogBroken(f"the access log is broken at line {number}: it does not follow from the line before")
        tip = tip_after(tip, text)
        yield tip, body


def find_checkpoint(body: dict[str, object]) -> LoggedCheckpoint | None:
    """Return the checkpoint that an entry is, or None.

    Raises:
        LogBroken: it is one with a member of another type
    """
    if body.get("event") != EventKind.CHECKPOINT:
        return None
    entry, number = body.get("entry", body["seq"]), body.get("record", 0)
    if type(entry) is not int or type(number) is not int:
        raise LogBroken(f"the access log is broken at line {body['seq']}: it is no checkpoint")
    seq, digest = (entry, str(body.get("digest"))) if "entry" in body else (entry - 1, str(body["prev"]))
    return LoggedCheckpoint(seq, digest, str(body.get("signature", "")), number)


def parse_log_entry(text: bytes, number: int) -> dict[str, object]:
    """Read one line, the `number`th, as an object.

    Raises:
        LogBroken: it is no entry
    """
    try:
        body = record.from_json(text)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict) or not text.endswith(b"\n"):
        raise LogBroken(f"the access log is broken at line {number}: it is no entry")
    return body


def _text(body: dict[str, object]) -> bytes:
    return _ascii(body).encode() + b"\n"
