"""Where everything lives: one table for root, one for a user, one for ENVFS_HOME.

Law: nothing here touches the disk. The environment is a parameter.
"""

from envfs.tuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class Locations(NamedTuple):
    """Absolute paths: folders `home`, `vault`, `state`, `runtime` and `mount`, files `settings` and `identity`.

    `link` is a name in the user's home folder that leads to `mount`, or empty where there is none.
    """

    home: str
    vault: str
    settings: str
    identity: str
    state: str
    runtime: str
    mount: str
    link: str = ""

    @property
    def socket(self) -> str:
        """The control socket, in a folder of the daemon's own."""
        return f"{self.runtime}/control.sock"

    @property
    def attaching(self) -> str:
        """The socket of a daemon that waits for somebody else to mount."""
        return f"{self.runtime}/attach.sock"

    @property
    def rules(self) -> str:
        """The rules that commands gave, beside the settings."""
        return f"{self.settings.rpartition('/')[0]}/grants.toml"

    @property
    def uses(self) -> str:
        """The processes that have read by a rule that lets so many read."""
        return f"{self.state}/uses.jsonl"

    @property
    def lock(self) -> str:
        """The file whose lock says that a daemon is at work here."""
        return f"{self.state}/daemon.lock"

    @property
    def log(self) -> str:
        """The access log."""
        return f"{self.state}/access.jsonl"

    @property
    def log_end(self) -> str:
        """Where the access log ended."""
        return f"{self.log}.end"

    @property
    def seen(self) -> str:
        """The high-water marks of this machine, against rollback."""
        return f"{self.state}/seen.jsonl"

    @property
    def outbox(self) -> str:
        """The folder of versions that wait for the engine that machines share."""
        return f"{self.state}/outbox"

    @property
    def aside(self) -> str:
        """The folder of records that an engine's took the places of."""
        return f"{self.state}/aside"

    @property
    def engine(self) -> str:
        """When this machine had contact with which engine."""
        return f"{self.state}/engine.json"

    @property
    def last_times(self) -> str:
        """When the vault was verified and backed up last."""
        return f"{self.state}/last-times.json"

    @property
    def witness(self) -> str:
        """The newest checkpoint of the access log, apart from log and vault."""
        return f"{self.runtime}/witness"

    @property
    def linked(self) -> str:
        """Which folders this user linked to which levels, so that no repository can choose one."""
        return f"{self.state}/linked.json"

    @property
    def mounted(self) -> str:
        """Where the running daemon's mount is, or that of one that was killed."""
        return f"{self.state}/mounted"

    @property
    def daemon_log(self) -> str:
        """The output of a daemon in the background."""
        return f"{self.state}/daemon.log"


def find_locations(environ: "Mapping[str, str]", uid: int, home_folder: str) -> Locations:
    """Choose the table: ENVFS_HOME if set, the system's for root, else the XDG base directories."""
    home = environ.get("ENVFS_HOME", "")
    if home:
        return _under(home.rstrip("/") if home.startswith("/") else f"{environ.get('PWD', '')}/{home}".rstrip("/"))
    if uid == 0:
        return system_locations()
    data = environ.get("XDG_DATA_HOME") or f"{home_folder}/.local/share"
    config = environ.get("XDG_CONFIG_HOME") or f"{home_folder}/.config"
    state = environ.get("XDG_STATE_HOME") or f"{home_folder}/.local/state"
    session = environ.get("XDG_RUNTIME_DIR")
    return Locations(
        home=f"{data}/envfs",
        vault=f"{data}/envfs/vault",
        settings=f"{config}/envfs/envfs.toml",
        identity=f"{config}/envfs/identity.age",
        state=f"{state}/envfs",
        runtime=f"{session or state}/envfs",
        # a backup of the home folder that root makes would fail at a mount that refuses root
        mount=f"{session}/envfs/mnt" if session else f"/tmp/envfs-{uid}/mnt",  # noqa: S108 - its owner is looked at
        link=f"{home_folder}/envfs",
    )


def system_locations() -> Locations:
    """Return the table of the system's own daemon."""
    return Locations(
        home="/var/lib/envfs",
        vault="/var/lib/envfs/vault",
        settings="/etc/envfs/envfs.toml",
        identity="/etc/envfs/identity.age",
        state="/var/lib/envfs/state",
        runtime="/run/envfs",
        mount="/mnt/envfs",
    )


def _under(home: str) -> Locations:
    return Locations(
        home=home,
        vault=f"{home}/vault",
        settings=f"{home}/envfs.toml",
        identity=f"{home}/identity.age",
        state=f"{home}/state",
        runtime=f"{home}/run",
        mount=f"{home}/mnt",
    )
