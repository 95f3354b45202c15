"""The commands for vaults that machines share."""

from envfs_cli.grammar.words import JSON, PASSPHRASE, Argument, Command, Option, action_argument

COMMANDS = (
    Command(
        "store",
        "vault",
        "engines that machines share: make ready, admit members, copy",
        (
            action_argument(
                init="make an engine ready for a vault, and say what it enforces",
                invite="print the line of authorized_keys for a member's public key of ssh, and a folder",
                push="copy the records of this vault to an engine",
                pull="copy the records of an engine to this vault",
                copy="copy the records of one engine to another",
                ca="make a certificate authority in a folder, or certificates by the one that is there",
            ),
            Argument(
                "subject",
                "text",
                "a folder, an engine's address, or - for one on standard input; for invite the file of a key, or -",
                optional=True,
            ),
            Argument("target", "text", "for invite the folder, for copy the engine that gets them", optional=True),
        ),
        (
            Option(("--member",), "list", "A,B", "init of PostgreSQL: admit these members; ca: a certificate for each"),
            Option(("--server",), "list", "A,B", "ca: a certificate for one server with these names or addresses"),
            Option(("--days",), "number", "N", "ca: how long a certificate is good for; default: 90, a server's 365"),
            Option(("--may-erase",), "flag", "", "invite: let the key erase records too, as forgetting takes it"),
            Option(("--append",), "flag", "", "invite: put the line into ~/.ssh/authorized_keys of this user, once"),
            JSON,
        ),
        (
            "envfs store init ssh://vault@server/srv/vault",
            "envfs store invite alice.pub /srv/vault --append",
            "envfs store push ssh://alice@server/srv/vault",
            "envfs store copy /media/stick/vault postgres://alice@db/vault",
            "envfs store ca ~/deployment-ca --member alice,bob --server db.example.com",
        ),
        details="An engine is a folder (/srv/vault, on NFS or a USB stick too), ssh://USER@HOST/FOLDER, "
        "sftp://USER@HOST/FOLDER where nothing may be installed, postgres://USER@HOST/DATABASE or "
        "etcd://HOST/PREFIX. It holds sealed records and can open none. Nothing is "
        "overwritten: a record that differs on the two sides is named, and the exit status is 123. A copy that was "
        "interrupted goes on when it is started again. docs/sharing.md says whom each engine "
        "trusts, and docs/engines.md how PostgreSQL and etcd are set up.",
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
    Command(
        "sync",
        "vault",
        "share the vault by an engine, see how that is, decide conflicts",
        (
            action_argument(
                status="report the engine, and what waits for it",
                start="share this vault by an engine, which is made ready and gets what is here",
                resolve="decide the conflicts of a level",
                log="list machines that share their access log; `log on`, `log off`: this one does, or not; `log send`",
                rejoin="take the engine's records where it has others, and merge this machine's versions into them",
                accept="say that you know that the engine had lost records, so that nobody is warned of it any more",
            ),
            Argument(
                "subject",
                "text",
                "of `start`: the engine's address; of `resolve`: the level; of `log`: on, off or send",
                optional=True,
            ),
        ),
        (
            Option(("--mine",), "flag", "", "the values of this machine count, in a new version"),
            Option(("--theirs",), "flag", "", "the values that are there stay, and those of this machine are dropped"),
            PASSPHRASE,
            JSON,
        ),
        (
            "envfs sync start ssh://vault@server/srv/vault",
            "envfs sync status",
            "envfs sync status --json",
            "envfs sync resolve /shop/prod --mine",
            "envfs sync rejoin",
            "envfs sync accept",
            "envfs sync log on",
        ),
        details="`start` writes the engine into the settings, as `engine` under [store], and `envfs member join` "
        "does so on the other machines. Versions that are written while it is "
        "away wait, readers see them, and they are merged by variable once it is back. Where two machines changed one "
        "variable, the value that came to the engine first stays, and the other one is kept as a conflict. "
        "Where an engine lost records and got others in their places, both sides stay as they are until `rejoin`: what "
        "this machine had is kept aside. Where it lost records alone, this machine gives them back, and warns of it "
        "until `accept`, which is in the access log.",
    ),
)
