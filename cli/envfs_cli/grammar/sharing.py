"""The commands for vaults that machines share."""

from envfs_cli.grammar.words import Argument, Command, Option, action_argument

COMMANDS = (
    Command(
        "store",
        "vault",
        "prepare an engine for a vault that machines share, and certificates for it",
        (
            action_argument(
                init="prepare a PostgreSQL or etcd server, as its administrator, and say what is left to do",
                ca="make a certificate authority in a folder, or certificates by the one that is there",
            ),
            Argument("place", "text", "init: the address of the engine; ca: the folder"),
        ),
        (
            Option(("--member",), "list", "NAMES", "init: admit these to PostgreSQL; ca: a certificate for each"),
            Option(("--server",), "list", "HOSTS", "ca: a certificate for one server with these names or addresses"),
            Option(("--days",), "number", "N", "ca: how long a certificate is good for; default: 90, a server's 365"),
        ),
        (
            "envfs store ca ~/deployment-ca --server db.example.com",
            "envfs store ca ~/deployment-ca --member alice,bob",
            "envfs store init 'postgres://admin@db/vault?ca=ca.crt&cert=admin.crt&key=admin.key' --member alice,bob",
        ),
        details="A member of PostgreSQL signs in by the name in the certificate, adds records and reads them. The "
        "server refuses everything else. etcd refuses nothing to those whom it admits: `init` says so. An address "
        "with a password is read from standard input: give - in its place. docs/engines.md has the steps.",
    ),
    Command(
        "store-serve",
        "vault",
        "serve a folder that machines share, as ssh starts it for a member",
        (Argument("folder", "folder", "the folder with the shared vault"),),
        (
            Option(("--append-only",), "flag", "", "let the member add and read records, and take none away"),
            Option(("--http",), "text", "ADDRESS", "serve plain HTTP on this loopback address and port, to debug"),
        ),
        (
            "envfs store-serve --http 127.0.0.1:8080 /srv/vault",
            'command="envfs store-serve --append-only /srv/vault",restrict ssh-ed25519 AAAA… alice',
        ),
        details="It stands in a line of ~/.ssh/authorized_keys on the server, as `envfs store invite` prints it, and "
        "speaks to the courier of a member's machine on standard input and output. It has no key and reads nothing "
        "but that folder.",
    ),
)
