"""The command that has a service manager run the daemon."""

from envfs_cli.grammar.words import JSON, USER, Argument, Command, Option, action_argument

COMMANDS = (
    Command(
        "service",
        "vault",
        "have systemd run the daemon, and give units a view",
        (
            action_argument(
                install="write the unit, have it start with the system, and start it",
                uninstall="stop the unit and remove it; the vault stays, and the system's is root's again",
                status="say whether it is installed, enabled and running",
                show="print the unit that install would write",
                **{"drop-in": "print lines that let another unit need a view: UNIT LEVEL"},
                run="serve, without the right to mount: what the unit runs",
                attach="mount for the unit's main process: what the unit runs next, outside of the sandbox",
                detach="take that mount away: what the unit runs at its end",
            ),
            Argument("unit", "text", "for drop-in: the unit that needs a view, such as shop.service", optional=True),
            Argument("level", "level", "for drop-in: the level, such as /shop/prod", optional=True),
        ),
        (
            USER._replace(help="for root: the service of this user, confined as the system's is"),
            Option(("--credential",), "flag", "", "let it start unlocked, by /etc/envfs/identity.cred"),
            Option(("--no-network",), "flag", "", "no network for the daemon: no proxy, and no engine over a network"),
            Option(("--write",), "flag", "", "for drop-in: write it below /etc/systemd/system"),
            JSON._replace(help="for status: print JSON"),
        ),
        (
            "sudo envfs service install",
            "sudo envfs service install --user anna",
            "envfs service show | less",
            "sudo envfs service drop-in --write shop.service /shop/prod",
        ),
        details="As root the unit is the system's: it runs as the user `envfs`, without the right to mount, to write "
        "outside of its own folders, or to gain privileges. With --user it has the vault of that user and is confined "
        "as much, and that user need not be logged in. As any other user it is a unit of their own service manager, "
        "which can confine it less. A service starts locked: `envfs unlock` brings the passphrase. To have that of the "
        "system start unlocked, first encrypt the identity to the machine (age -d /etc/envfs/identity.age | "
        "systemd-creds encrypt --name=envfs-identity - /etc/envfs/identity.cred), and install with --credential. "
        "docs/service.md has OpenRC and other supervisors.",
    ),
)
