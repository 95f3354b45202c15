"""One project among those that the daemon lists."""

from envfs.errors import AuthenticationFailed, NoSuchLevel
from envfs.protocol import control

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs_cli.daemon.session import Session


def find_project(asking: "Session", name: str) -> "control.ProjectRow | None":
    """Return a project, or None.

    Raises:
        AuthenticationFailed: its key does not open
    """
    rows = asking.rows(control.ListProjects())
    for row in rows:
        if isinstance(row, control.FaultRow) and row.key == name:
            raise AuthenticationFailed(row.reason, "`envfs verify` names each record that is damaged")
    return next((row for row in rows if isinstance(row, control.ProjectRow) and row.project == name), None)


def need_project(asking: "Session", name: str) -> control.ProjectRow:
    """Return a project.

    Raises:
        AuthenticationFailed: its key does not open
        NoSuchLevel: there is none of that name
    """
    project = find_project(asking, name)
    if project is None:
        raise NoSuchLevel("there is no project of that name", "`envfs project ls` lists them")
    return project
