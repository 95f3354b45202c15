"""A rule in words: whom it is about, what it decides, what it gives, until when, and what else it says."""

from envfs.protocol import control

_SETS = {  # as core.access.roles has them, which a client does not wait for
    ("names",): "viewer",
    ("history", "names", "read"): "reader",
    ("history", "names", "read", "write"): "writer",
    ("history", "log"): "auditor",
    ("approve",): "approver",
    ("admin", "approve", "grant", "history", "log", "names", "read", "write"): "everything",
}


def rule_cells(row: control.GrantRow, until: str) -> "tuple[str, str, str, str, str]":
    """Return what a rule says. `until` is the time of its end, as it is shown, empty for none."""
    can = _SETS.get(tuple(sorted(row.can)), ",".join(row.can))
    return _who(row), row.decision, can, until or "without end", ", ".join(_more(row)) or "-"


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
