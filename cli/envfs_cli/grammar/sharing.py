"""The commands for vaults that machines share."""

from envfs_cli.grammar.words import Argument, Command, Option

COMMANDS = (
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
