"""The commands for vaults that machines share."""

from envfs_cli.grammar.words import JSON, Argument, Command, Option, action_argument

COMMANDS = (
    Command(
        "store",
        "vault",
        "engines that machines share: make one ready, let members in, copy records",
        (
            action_argument(
                init="make an engine ready for a vault, and say what it enforces",
                invite="print the line of authorized_keys for a member's public key of ssh, and a folder",
                push="copy the records of this vault to an engine",
                pull="copy the records of an engine to this vault",
                copy="copy the records of one engine to another",
            ),
            Argument("subject", "text", "a folder, an engine's address; for invite the file of a key", optional=True),
            Argument("target", "text", "for invite the folder, for copy the engine that gets them", optional=True),
        ),
        (
            Option(("--member",), "list", "A,B", "init of PostgreSQL: admit members of these names"),
            Option(("--may-erase",), "flag", "", "invite: let the key erase records too, as forgetting takes it"),
            JSON,
        ),
        (
            "envfs store init ssh://vault@server/srv/vault",
            "envfs store invite alice.pub /srv/vault >> ~/.ssh/authorized_keys",
            "envfs store push ssh://alice@server/srv/vault",
            "envfs store copy /media/stick/vault postgres://alice@db/vault",
        ),
        details="An engine is a folder (/srv/vault, on NFS or a USB stick too), ssh://USER@HOST/FOLDER, "
        "postgres://USER@HOST/DATABASE or etcd://HOST/PREFIX. It holds sealed records and can open none. Nothing is "
        "overwritten: a record that differs on the two sides is named, and the exit status is 123. A copy that was "
        "interrupted goes on when it is started again. docs/sharing.md says whom each engine trusts.",
    ),
    Command(
        "store-serve",
        "vault",
        "serve a folder that machines share, as ssh starts it for a member",
        (Argument("folder", "folder", "the folder with the shared vault"),),
        (Option(("--append-only",), "flag", "", "let the member add and read records, and take none away"),),
        ('command="envfs store-serve --append-only /srv/vault",restrict ssh-ed25519 AAAA… alice',),
        details="It stands in a line of ~/.ssh/authorized_keys on the server, as `envfs store invite` prints it, and "
        "speaks to the courier of a member's machine on standard input and output. It has no key and reads nothing "
        "but that folder.",
    ),
)
