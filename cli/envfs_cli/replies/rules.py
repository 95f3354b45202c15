"""A rule, in words: for whom it is, what it lets them do, and how long."""

from envfs.protocol import control
from envfs_cli import output

_SETS = {  # as core.access.roles has them, which a client does not wait for
    ("names",): "viewer",
    ("history", "names", "read"): "reader",
    ("history", "names", "read", "write"): "writer",
    ("history", "log"): "auditor",
    ("approve",): "approver",
    ("admin", "approve", "grant", "history", "log", "names", "read", "write"): "everything",
}


def rule_cells(row: control.GrantRow) -> "tuple[str, ...]":
    """Return a rule as the cells of a table's row: id, level, who, decision, can, until, more."""
    can = _SETS.get(tuple(sorted(row.can)), ",".join(row.can))
    until = output.shown_time(row.until) or "without end"
    return row.id, row.level, output.clean(_who(row)), row.decision, can, until, ", ".join(_more(row)) or "-"


def _who(row: control.GrantRow) -> str:
    return row.who.replace(f"uid {row.uid}", f"{row.user} ({row.uid})", 1) if row.user else row.who


def _more(row: control.GrantRow) -> "list[str]":
    parts = [
        row.only and f"only {','.join(row.only)}",
        row.max_reads and f"{row.reads} of {row.max_reads} reads",
        row.birth and f"within {row.birth} s of its start",
        row.dialect and f"dialect {row.dialect}",
        (row.exe or row.script or row.under) and not row.pinned and "not pinned",
        row.by_token and f"given by token {row.by_token}",
        row.by is not None and not row.by_token and f"given by uid {row.by}",
        row.process and f"ends with process {row.process}",
    ]
    return [str(part) for part in parts if part]
