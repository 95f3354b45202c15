"""The container of a cgroup, by the names that runtimes give.

Docker, podman, containerd and CRI-O name the cgroup of a container after its id, 64 hexadecimal digits:
`docker-ID.scope`, `libpod-ID.scope`, `cri-containerd-ID.scope`, or the id alone below a folder of the runtime's name. A
user may make cgroups of any name below the ones that were given to it, so nothing is decided by it.
"""

import re

_ID = re.compile(r"(?:^|[-/:])([0-9a-f]{64})(?:\.scope)?$")
_SHOWN = 12  # digits, as `docker ps` shows it


def container_of(cgroup: str) -> str:
    """Return the short id of the innermost container of a cgroup. Empty where it is of none that is known."""
    for step in reversed(cgroup.split("/")):
        match = _ID.search(step)
        if match:
            return match[1][:_SHOWN]
    return ""
