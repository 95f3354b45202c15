"""A fence for a command: prepared before anything is asked of a daemon, so that nothing is where it cannot be made."""

import contextlib
import os

from envfs import locations, safe_open
from envfs.errors import EnvFSError
from envfs_cli import output
from envfs_cli.daemon import client, new_proxies
from envfs_cli.fencing import best_effort, bubblewrap, fence, inside, masked_file, places
from envfs_cli.fencing.ambient import shipped_ambient
from envfs_cli.process import replacement

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from envfs_cli.daemon.new_proxies import StartedProxy
    from envfs_cli.fencing.places import Places

    EntriesOf = Callable[[Sequence[bytes], bytes], list[bytes]]


class PreparedFence:
    """A fence for one command, by `program`. `reason` is why there is none, where the best effort is enough."""

    def __init__(self, command: "tuple[str, ...]", there: "Places", program: str, reason: str = "") -> None:
        """Join what belongs to it."""
        self._program, self._command = program, command
        self._places = there
        self._reason = reason
        self._inherited = shipped_ambient().without_variables(replacement.inherited_entries())

    def run(self, opened: "StartedProxy", level: str, gateway: str = "") -> int:
        """Run the command behind a proxy, with the placeholders of a level. Returns its exit status.

        With a `gateway`, its token, an agent inside can ask the daemon what an agent may ask.
        """
        if self._reason:
            best_effort.fence_without_namespaces(self._reason)
            variables = new_proxies.proxied_variables(opened, new_proxies.named_entries(self._inherited))
            return inside.become_command(self._command, variables, self._inherited)
        files = masked_file.masked_files(level, opened.variables, _own_mounts())
        order = self._order(opened.variables)._replace(opened=opened, gateway=gateway)
        return self._run(fence.Fenced(order, self._places, files, level))

    def run_with(self, variables: bytes, entries_of: "EntriesOf | None" = None) -> int:
        """Run the command with variables, and without any network. Returns its exit status.

        `entries_of` makes the environment of what is inherited and of the variables.
        """
        if entries_of is not None:
            self._inherited, variables = entries_of(self._inherited, variables), b""
        if self._reason:
            best_effort.fence_without_namespaces(self._reason)
            return inside.become_command(self._command, variables, self._inherited)
        return self._run(fence.Fenced(self._order(variables), self._places, {}))

    def _order(self, variables: bytes) -> inside.FenceOrder:
        return inside.FenceOrder(self._command, tuple(self._inherited), variables, fence.ignored_signals())

    def _run(self, fenced: fence.Fenced) -> int:
        try:
            return fence.run_fenced(self._program, fenced)
        finally:
            _remove_made(self._places.unmade)


def prepare_fence(
    command: "tuple[str, ...]", writable: "Sequence[str]", *, is_best_effort: bool, agent: str = ""
) -> PreparedFence:
    """Look whether a fence can be made, and of what.

    Raises:
        EnvFSError: it cannot, and the best effort is not enough
    """
    there = places.places_for(shipped_ambient(), client.user_locations(), os.environ, agent, writable)
    try:
        program = bubblewrap.find_bubblewrap()
        bubblewrap.check_bubblewrap(program)
        fence.check_streams()
    except EnvFSError as error:
        if not is_best_effort:
            raise
        return PreparedFence(command, there, "", error.text)
    return PreparedFence(command, there, program)


def _remove_made(paths: "Sequence[str]") -> None:
    for path in filter(_is_removed, paths):
        output.note(
            f"{path} was made inside, and is removed: the next `git` would have taken its settings from elsewhere"
        )


def _is_removed(path: str) -> bool:
    with contextlib.suppress(OSError):  # it was not made
        os.unlink(path)
        return True
    return False


def _own_mounts() -> "list[str]":
    # of this user's daemon, and of the system's
    own = (_mount_here(), locations.system_locations().mount)
    return [mount for mount in places.mounts_of_views() if mount in own]


def _mount_here() -> str:
    try:
        return os.fsdecode(safe_open.read_file(client.user_locations().mounted, 1 << 12)).strip()
    except (OSError, EnvFSError):
        return ""
