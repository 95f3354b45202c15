"""Many checkpoints in a home without the commands that would have made them: entries, signatures, records.

As an older release left them, which kept an empty file for each checkpoint before the newest thousand.
"""

import json
from pathlib import Path

from envfs.core import audit, checkpoint, record, statements
from envfs.core.access_request import Channel
from envfs.core.audit import Tip
from envfs.core.checkpoint import Claim, StoredCheckpoint
from envfs.core.events import Event, EventKind
from envfs.core.statements import StatementHeader, StatementType
from tests.system.bending import checkpoints
from tests.system.forger import owners_key, public
from tests.system.home import Home

_TIME = "2026-11-21T08:09:10.123456Z"
_KEPT = 1000


def lengthen(home: Home, identity: Path, count: int) -> None:
    """Go on from a home's newest checkpoint, up to number `count`; nothing may run there."""
    path = max(checkpoints(home), key=lambda path: path.stat().st_mtime_ns)  # a copied home has a stream of its own
    newest = checkpoint.parse_checkpoint(path.read_bytes())
    key, author = owners_key(identity), newest.header.author
    assert public(key) == author
    folder = path.parent
    lines = home.log_file.read_bytes().splitlines(keepends=True)
    tip, size = audit.tip_after(Tip(len(lines) - 1), lines[-1]), sum(map(len, lines))
    data, more = path.read_bytes(), []
    for number in range(newest.header.seq + 1, count + 1):
        entry = audit.entry_line(tip, _TIME, Event(EventKind.READ, Channel.GET, "/a", 1), None)
        tip, size = audit.tip_after(tip, entry), size + len(entry)
        claim = Claim(newest.claim.begin, tip.seq, tip.digest, size, number, newest.claim.heads)
        header = StatementHeader(newest.header.vault, newest.header.stream, number, record.digest(data), author, _TIME)
        protected, payload = (
            statements.protect_statement(header, StatementType.CHECKPOINT),
            checkpoint.render_claim(claim),
        )
        data = statements.render_statement(
            protected, payload, key.sign(statements.statement_signed_text(protected, payload))
        )
        (folder / f"@{number:08d}.json").write_bytes(data if number > count - _KEPT else b"")
        signature = record.to_base64(key.sign(audit.checkpoint_text(tip.seq, tip.digest)))
        line = audit.checkpoint_line(tip, _TIME, audit.LoggedCheckpoint(tip.seq, tip.digest, signature, number))
        tip, size = audit.tip_after(tip, line), size + len(line)
        more += [entry, line]
    for path in folder.glob("@*.json"):
        if int(path.stem[1:]) <= count - _KEPT:
            path.write_bytes(b"")
    _remember(home, more, tip, size, checkpoint.parse_checkpoint(data), record.digest(data))


def _remember(home: Home, more: list[bytes], tip: Tip, size: int, newest: StoredCheckpoint, digest: str) -> None:
    with home.log_file.open("ab") as file:
        file.write(b"".join(more))
    end = home.state / "access.jsonl.end"
    end.write_text(f"{tip.seq} {tip.digest} {size} {newest.header.seq}\n", encoding="ascii")
    mark = {"stream": newest.header.stream, "seq": newest.header.seq, "digest": digest}
    with (home.state / "seen.jsonl").open("a", encoding="ascii") as file:
        file.write(json.dumps(mark, separators=(",", ":")) + "\n")
    home.forget_witness()
