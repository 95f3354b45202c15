"""The texts of units: the system's service, a user's own, and a drop-in for a unit that needs a view.

Laws: a text is made of what it is given alone, so that `show` prints what `install` writes. The system's unit has every
restriction of systemd.exec(5) that the daemon works under, each tried (docs/service.md says why each exception is one).
"""

from envfs.tuples import NamedTuple

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
# the file that ends a connection whose daemon is stuck
ReadWritePaths=-/sys/fs/fuse/connections
LimitMEMLOCK=1G
"""
_RESTRICTIONS = """\
# to see which program a caller runs, and to read it, for rules that name programs: nothing else
CapabilityBoundingSet=CAP_SYS_PTRACE CAP_DAC_READ_SEARCH
AmbientCapabilities=CAP_SYS_PTRACE CAP_DAC_READ_SEARCH
NoNewPrivileges=yes
PrivateDevices=yes
BindPaths=/dev/fuse
DeviceAllow=/dev/fuse rw
PrivateMounts=yes
PrivateTmp=yes
ProtectSystem=strict
ProtectHome=read-only
ProtectProc=invisible
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
RemoveIPC=yes
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
    commands = f"""\
ExecStart={program} service run
# outside of the sandbox, as root, for the moment that it takes
ExecStartPost=+{program} service attach
ExecStopPost=+{program} service detach
"""
    credential = f"LoadCredentialEncrypted=envfs-identity:{CREDENTIAL}\n" if choices.credential else ""
    network = _WITH_NETWORK if choices.network else _WITHOUT_NETWORK
    service = f"[Service]\n{_KEEPING}{commands}{credential}{_PLACES}{_RESTRICTIONS}{network}"
    return f"{_HEAD}After=local-fs.target\n\n{service}\n[Install]\nWantedBy=multi-user.target\n"


def user_unit(choices: UnitChoices) -> str:
    """Return the unit of a user's own service manager, whose daemon mounts by fusermount3 and so keeps that right."""
    program = _word(choices.program)
    # a manager of a user cannot ask a person at a terminal: the passphrase comes by `envfs unlock`, or from a keyring
    service = f"[Service]\n{_KEEPING}ExecStart={program} service run\n"
    return f"{_HEAD}\n{service}\n[Install]\nWantedBy=default.target\n"


def drop_in(unit: str, level: str, mount: str) -> str:
    """Return the drop-in with which a unit sees the view of a level, and of no other."""
    return _DROP_IN.format(unit=unit, level=level.replace("%", "%%"), mount=mount)


def _word(text: str) -> str:
    # systemd.syntax(7): a word in quotes, and its specifiers doubled
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if escaped != text or " " in text else text
