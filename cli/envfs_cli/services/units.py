"""The texts of units: the system's service, that of one user, a user's own, and a drop-in for one that needs a view.

Laws: a text is made of what it is given alone, so that `show` prints what `install` writes. The units of the system
have every restriction of systemd.exec(5) that the daemon works under, each tried (docs/service.md says why each
exception is one). A user's own has those that need no namespace: in a namespace of users, the kernel would hide which
program a caller runs.
"""

from envfs.tuples import NamedTuple
from envfs_cli.services.users import ServiceUser

NAME = "envfs.service"
USER = "envfs"
DROP_IN_MARK = "reads the view of"  # in the first line
CREDENTIAL = "/etc/envfs/identity.cred"
_UNIT_SIGNS = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789:-_.\\@")  # systemd.unit(5)
_HEAD = """\
# written by `envfs service install`, and removed by `envfs service uninstall`
[Unit]
Description=EnvFS: .env views from memory
Documentation=man:envfs(1)
"""
_KEEPING = """\
# ready when the mount answers: a unit with After=envfs.service can read there
Type=notify
NotifyAccess=main
WatchdogSec=30
Restart=on-failure
RestartSec=2
UMask=0077
LimitCORE=0
"""
_PLACES = """\
User=envfs
Group=envfs
RuntimeDirectory=envfs
StateDirectory=envfs
StateDirectoryMode=0700
ReadWritePaths=/etc/envfs
RemoveIPC=yes
ProtectProc=invisible
# to see which program a caller runs, and to read it, for rules that name programs: nothing else
CapabilityBoundingSet=CAP_SYS_PTRACE CAP_DAC_READ_SEARCH
AmbientCapabilities=CAP_SYS_PTRACE CAP_DAC_READ_SEARCH
"""
_PLACES_OF_USER = """\
User={user}
Environment=XDG_RUNTIME_DIR={session} DBUS_SESSION_BUS_ADDRESS=unix:path={session}/bus
ReadWritePaths={folders}
CapabilityBoundingSet=
"""
_SANDBOX = """\
LimitMEMLOCK=1G
PrivateDevices=yes
BindPaths=/dev/fuse
DeviceAllow=/dev/fuse rw
PrivateMounts=yes
PrivateTmp=yes
ProtectSystem=strict
ProtectHome=read-only
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
# the file that ends a connection whose daemon is stuck
ReadWritePaths=-/sys/fs/fuse/connections
"""
_RESTRICTIONS = """\
NoNewPrivileges=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictNamespaces=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service memfd_secret
SystemCallFilter=landlock_create_ruleset landlock_add_rule landlock_restrict_self seccomp
SystemCallFilter=~@privileged @resources @clock @mount @debug @obsolete
SystemCallErrorNumber=EPERM
"""
_WITH_NETWORK = """\
# for the proxy and for engines of shared vaults, which are processes of their own
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
"""
_WITHOUT_NETWORK = """\
PrivateNetwork=yes
IPAddressDeny=any
RestrictAddressFamilies=AF_UNIX
"""
_DROP_IN = """\
# {unit} reads the view of {level}, and no other one
[Unit]
Requires=envfs.service
After=envfs.service

[Service]
TemporaryFileSystem={mount}:ro
BindReadOnlyPaths={mount}{level}
"""


class UnitChoices(NamedTuple):
    """How a unit is to be: `program` is the path of `envfs`, the others as the options of the same names."""

    program: str
    credential: bool = False
    network: bool = True


def is_unit_name(text: str) -> bool:
    """Tell whether a text can be the name of a service, as a folder of drop-ins bears it."""
    return text.endswith(".service") and not set(text) - _UNIT_SIGNS and not text.startswith(".")


def system_unit(choices: UnitChoices) -> str:
    """Return the unit of the system's service."""
    program = _word(choices.program)
    credential = f"LoadCredentialEncrypted=envfs-identity:{CREDENTIAL}\n" if choices.credential else ""
    service = f"{_KEEPING}{_commands(program)}{credential}{_PLACES}{_SANDBOX}{_RESTRICTIONS}{_network(choices)}"
    return f"{_HEAD}After=local-fs.target\n\n[Service]\n{service}\n[Install]\nWantedBy=multi-user.target\n"


def unit_of_user(choices: UnitChoices, user: ServiceUser) -> str:
    """Return the unit of the system that runs the daemon of one user, who need not be logged in for it."""
    places, session = user.places, f"user-runtime-dir@{user.uid}.service"
    folders = (places.home, places.settings.rpartition("/")[0], places.state, user.session)
    place = _PLACES_OF_USER.format(user=user.name, session=user.session, folders=" ".join(map(_word, folders)))
    commands = _commands(_word(choices.program), f" --user {user.uid}")
    service = f"{_KEEPING}{commands}{place}{_SANDBOX}{_RESTRICTIONS}{_network(choices)}"
    head = f"{_HEAD}After=local-fs.target {session}\nRequires={session}\n"
    return f"{head}\n[Service]\n{service}\n[Install]\nWantedBy=multi-user.target\n"


def user_unit(choices: UnitChoices) -> str:
    """Return the unit of a user's own service manager."""
    # a manager of a user cannot ask a person at a terminal: the passphrase comes by `envfs unlock`, or from a keyring
    service = f"{_KEEPING}{_commands(_word(choices.program))}{_RESTRICTIONS}{_network(choices, is_users=True)}"
    return f"{_HEAD}\n[Service]\n{service}\n[Install]\nWantedBy=default.target\n"


def name_of(user: ServiceUser | None) -> str:
    """Return the name of a user's unit of the system, or of the system's own."""
    return NAME if user is None else NAME.replace(".", f"@{user.uid}.")


def _commands(program: str, words: str = "") -> str:
    return f"""\
ExecStart={program} service run
# outside of the sandbox, for the moment that it takes
ExecStartPost=+{program} service attach{words}
ExecStopPost=+{program} service detach{words}
"""


def _network(choices: UnitChoices, *, is_users: bool = False) -> str:
    if choices.network:
        return _WITH_NETWORK
    return _WITHOUT_NETWORK.partition("\n")[2].partition("\n")[2] if is_users else _WITHOUT_NETWORK


def drop_in(unit: str, level: str, mount: str) -> str:
    """Return the drop-in with which a unit sees the view of a level, and of no other."""
    return _DROP_IN.format(unit=unit, level=level.replace("%", "%%"), mount=mount)


def _word(text: str) -> str:
    # systemd.syntax(7): a word in quotes, and its specifiers doubled
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if escaped != text or " " in text else text
