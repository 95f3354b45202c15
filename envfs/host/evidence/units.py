"""The name that systemd has for a cgroup.

A user may make cgroups of any name below the ones that were given to it. So the name is read from the top: it is that
of the manager's own unit, and what a user made below that is told behind it.

Source: systemd.slice(5), "the control group APIs and delegation" in systemd's documentation.
"""

from collections.abc import Iterator

_SLICE = ".slice"
_UNITS = (".service", ".scope")
_USER_MANAGER = "user@"


def unit_of(cgroup: str) -> str:
    """Return the unit of a cgroup: `nginx.service`. Below a user's own manager, `user@1000.service/app.service`.

    Empty where no systemd made it.
    """
    steps = iter(step for step in cgroup.split("/") if step)
    unit = _first_unit(steps)
    if not unit.startswith(_USER_MANAGER):
        return unit
    own = _first_unit(steps)
    return f"{unit}/{own}" if own else unit


def _first_unit(steps: Iterator[str]) -> str:
    for step in steps:
        name = step.removeprefix("_")
        if not name.endswith(_SLICE):
            return name if name.endswith(_UNITS) else ""
    return ""
