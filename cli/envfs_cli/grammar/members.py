"""The command on the members of a shared vault."""

from envfs_cli.grammar.words import JSON, PASSPHRASE, YES, Argument, Command, Option, action_argument

ROLES = ("owner", "admin", "writer", "reader")
COMMANDS = (
    Command(
        "member",
        "access",
        "share the vault with other people and machines",
        (
            action_argument(
                invite="invite a person or a machine; the code that is printed goes to them by any way",
                join="fetch the vault from an engine, make an identity, and join with a code",
                approve="let somebody in who joined, once both have compared the words of the fingerprint",
                ls="list members, invitations, and those who wait",
                role="give a member another role, other levels or another end",
                revoke="take a member out, make new keys, and list what they could read",
                devices="list devices, add one, take one out, or give this one a new key",
                heads="print the newest entry of the list, to read to each other",
            ),
            Argument("name", "text", "a member's name; for join the address of the engine", optional=True),
        ),
        (
            Option(("--role",), "text", "ROLE", "owner, admin, writer (the default) or reader", ROLES),
            Option(("--level",), "list", "A,B", "the levels of a writer or a reader; / is all of them", offers="level"),
            Option(("--machine",), "flag", "", "invite a machine, such as the jobs of a CI: prints its join secret"),
            Option(("--engine",), "text", "ADDRESS", "the machine's own address of the engine; its files go along"),
            Option(("--code",), "flag", "", "with --machine: print a code for `member join` in place of a join secret"),
            Option(("--ttl",), "duration", "TIME", "how long the member stays; default: 90d for a machine"),
            Option(
                ("--renew",), "duration", "TIME", "with --machine: it renews itself by its --ttl, for so long in all"
            ),
            Option(("--valid",), "duration", "TIME", "how long the invitation stands; default: 7d"),
            Option(("--add",), "flag", "", "with devices: invite one more device of yours, or of NAME"),
            Option(("--remove",), "text", "KEY", "with devices: the beginning of the key of the one to take out"),
            Option(("--rotate",), "flag", "", "with devices: give this device a new key; the old one counts no more"),
            Option(("--no-rekey",), "flag", "", "with revoke: leave the keys as they are; they open what comes, too"),
            Option(("--code-file",), "file", "FILE", "with join: read the code from a file, - for standard input"),
            Option(("--identity-file",), "file", "FILE", "with join: keep the identity here, without a passphrase"),
            Option(("--ssh-key",), "file", "FILE", "with invite: let this public key onto the engine's server, too"),
            Option(("--no-wait",), "flag", "", "with join: wait for no approval; with invite: wait for nobody"),
            YES,
            PASSPHRASE,
            JSON,
        ),
        (
            "envfs member invite ben --level /shop --ssh-key ben.pub",
            "envfs member invite ci --machine --ttl 90d --role reader --level /shop/prod",
            "envfs member join ssh://vault@server/srv/vault",
            "envfs member approve ben",
            "envfs member role ben --role admin",
            "envfs member revoke ben",
            "envfs member devices --add",
            "envfs member devices --rotate",
            "envfs member heads",
        ),
        details="Owners and admins change members and keys, writers change variables at and below their levels, and "
        "readers read. A key is a project's: a member of /shop/prod can open all of /shop. Names and roles are in the "
        "vault unencrypted. A revoked member keeps what they have read, and what a copy of the vault had then: revoke "
        "lists it, with a command to rotate each value. A revoke that was interrupted goes on when it is run again.",
    ),
)
