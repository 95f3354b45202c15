"""A process that reads a level, in words."""

from envfs.protocol import control


def reader_cells(row: control.ReaderRow) -> "tuple[str, ...]":
    """Return a process as the cells of a table's row."""
    user = row.user or str(row.uid)
    program = row.executable or "-"
    return row.state, row.level, str(row.version), row.format, user, str(row.pid), program, str(row.seconds)
