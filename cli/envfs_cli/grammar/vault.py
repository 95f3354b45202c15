"""The commands on the vault: made, checked, repaired. Its projects and keys, and those that only scripts call."""

from envfs_cli.grammar.words import (
    HIDDEN,
    JSON,
    LEVEL,
    MESSAGE,
    METRIC_FORMATS,
    PASSPHRASE,
    PROJECT,
    PROJECT_PASSPHRASE,
    YES,
    Argument,
    Command,
    Option,
    action_argument,
)

COMMANDS = (
    Command(
        "init",
        "vault",
        "make a vault, an identity and a first grant",
        (),
        (
            Option(("--identity-file",), "file", "FILE", "keep the identity in this file, unencrypted (for machines)"),
            Option(("--recovery",), "flag", "", "make a recovery key too, and print its sheet (see envfs recovery)"),
            PASSPHRASE,
            JSON,
        ),
        ("envfs init", "envfs init --identity-file /root/envfs-identity.txt"),
        details="The identity is kept in an age file under your passphrase, unless --identity-file names a file for "
        "it. The user who runs this is approved to read everything. No other user is.",
    ),
    Command(
        "project",
        "vault",
        "make a project, list all, change who can open one",
        (
            action_argument(
                new="make one",
                ls="list all",
                custody="change it to --zero-knowledge or to --managed",
                recipients="list those who can open it, --add one or --remove one",
            ),
            PROJECT,
        ),
        (
            Option(("--zero-knowledge",), "flag", "", "a passphrase opens it, and nothing else"),
            Option(("--managed",), "flag", "", "the vault's identity and the recipients open it"),
            Option(("--add",), "text", "RECIPIENT", "seal the project's keys to this one as well"),
            Option(("--add-from",), "file", "FILE", "as --add, with a file such as an SSH public key"),
            Option(("--remove",), "text", "RECIPIENT", "take one away; the project gets a new key"),
            MESSAGE,
            PROJECT_PASSPHRASE,
            YES,
            JSON,
        ),
        (
            "envfs project new shop --zero-knowledge",
            "envfs project ls",
            "envfs project custody shop --managed",
            "envfs project recipients shop --add-from ~/.ssh/id_ed25519.pub",
        ),
        details="A project is what a first-level name such as shop stands for: the unit of keys. Without `project new` "
        "it is created, managed, with the first variable that is set in it. A recipient is age1…, or the line of an "
        "SSH public key.",
    ),
    Command(
        "key",
        "vault",
        "list the keys of projects, or give one a new key",
        (
            action_argument(ls="list keys, of one project or of all", rotate="make a new key for a project"),
            PROJECT,
        ),
        (MESSAGE, PROJECT_PASSPHRASE, JSON),
        ("envfs key ls", "envfs key rotate shop"),
        details="Each level's newest text is sealed again. The key before stays inside the new key's file, for the "
        "older versions.",
    ),
    Command(
        "passwd",
        "vault",
        "change the passphrase of the identity or of a project",
        (PROJECT,),
        (
            Option(("--passphrase-file",), "file", "FILE", "read the old passphrase from a file"),
            Option(("--new-passphrase-file",), "file", "FILE", "read the new passphrase from a file"),
        ),
        ("envfs passwd", "envfs passwd shop"),
        details="Without a project it is that of the vault's identity; a project has one if it is zero-knowledge. A "
        "copy of the old file still opens with the old passphrase: if somebody has one, change the values, and give "
        "the project a new key, as in `envfs key rotate shop`.",
    ),
    Command(
        "keyring",
        "vault",
        "keep the identity in a keyring, so that no passphrase is needed",
        (
            action_argument(add="keep the identity in a keyring too", remove="take it out"),
            Argument(
                "keyring",
                "text",
                "one of the keyrings below",
                optional=True,
                choices=("secret-service", "kernel"),
                meanings=("the desktop's", "this user's, until the machine restarts"),
            ),
        ),
        (PASSPHRASE,),
        ("envfs keyring add secret-service", "envfs keyring add kernel", "envfs keyring remove"),
        details="The keyring is one of the operating system. The file under the passphrase stays. Every program of "
        "this user can read the keyring while it is unlocked: it is as good as the session. The desktop's needs the "
        "Python package `keyring`, the kernel's the program keyctl.",
    ),
    Command(
        "recovery",
        "vault",
        "make a recovery sheet that opens every managed project",
        (),
        (
            Option(
                ("--recipient",), "text", "RECIPIENT", "use this one, whose identity you keep, instead of a new one"
            ),
            Option(("-o", "--output"), "file", "FILE", "write the sheet to a new file, readable by you alone"),
            PASSPHRASE,
            JSON,
        ),
        (
            "envfs recovery | lp",
            "envfs recovery --recipient age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj",
        ),
        details="With the sheet and the stock tools age and jose the vault opens without EnvFS and without the "
        "identity: docs/recovery.md says how.",
    ),
    Command(
        "verify",
        "vault",
        "check every record of the vault, its index, its marks and the log",
        options=(Option(("--repair",), "flag", "", "write again what the index of levels lacks"), PASSPHRASE, JSON),
        examples=("envfs verify", "envfs verify --repair"),
    ),
    Command(
        "vault",
        "vault",
        "say what is in the vault, who opens it and what vouches for it",
        (action_argument(info="where it is, how much is in it, who opens it, the state of its log"),),
        (JSON,),
        ("envfs vault info", "envfs vault info --json | jq .versions"),
        details="Nothing is opened for it, so no passphrase is needed. Figures of a large vault that are not counted "
        "are said to be estimated. The exit status is 0 if the access log goes on from where it ended.",
    ),
    Command(
        "authors",
        "vault",
        "list the authors of versions, and call them by names",
        (
            Argument(
                "action",
                "text",
                "one of the actions below; without one, authors are listed",
                optional=True,
                choices=("name", "forget"),
                meanings=("give an author a name, or another one", "take the name away; the author stays"),
            ),
            Argument("author", "text", "the name, the key, or the beginning of the key", optional=True),
            Argument("name", "text", "how `envfs history` is to call it", optional=True),
        ),
        (PASSPHRASE, JSON),
        ("envfs authors", "envfs authors name qkUd1nf3 'Ana (laptop)'", "envfs authors forget 'Ana (laptop)'"),
        details="Names are kept under [authors] in the settings of this machine. Nothing is decided by a name.",
    ),
    Command(
        "backup",
        "vault",
        "write vault, settings, rules and log into one file",
        (Argument("file", "file", "a new file, readable by you alone"),),
        (PASSPHRASE, JSON),
        ("envfs backup /media/usb/envfs-2026-11-01.tar",),
        details="The file is a tar archive of ciphertext, settings, rules and the access log, as they are at one "
        "moment. Others may write meanwhile. An identity under a passphrase is in it. `envfs restore` puts it back.",
    ),
    Command(
        "restore",
        "vault",
        "put a backup in its place",
        (Argument("file", "file", "the file that `envfs backup` wrote"),),
        (Option(("--replace",), "flag", "", "first move what is there aside, where it stays; default: refuse"), JSON),
        ("envfs restore envfs-2026-11-01.tar", "envfs restore envfs-2026-11-01.tar --replace"),
        details="Every file of the backup is checked before the first one is written. With --replace, what is there is "
        "renamed first, and nothing is removed. A machine that has seen more refuses the older log and vault, until "
        "`envfs log restart` and `envfs accept`.",
    ),
    Command(
        "accept",
        "vault",
        "accept a level as it is, after a backup was restored",
        (LEVEL,),
        (YES, PASSPHRASE),
        ("envfs accept /shop/prod",),
    ),
    Command(
        "doctor",
        "vault",
        "show what protects secrets here, what is wrong, and how to fix it",
        options=(JSON,),
        examples=("envfs doctor", "envfs doctor --json | jq '.[] | select(.state == \"problem\")'"),
        details="A problem needs fixing. A note describes this machine. Without a daemon, and without a vault, "
        "the command looks at what a daemon would find here. The exit status is 0 if there is no problem.",
    ),
    Command(
        "metrics",
        "vault",
        "print the daemon's figures for Prometheus and others",
        options=(
            Option(
                ("-f", "--format"),
                "text",
                "FORMAT",
                "openmetrics (default), or prometheus, as node_exporter reads it from a file",
                METRIC_FORMATS,
            ),
            Option(("--levels",), "flag", "", "count reads and rotations for each level, by its name"),
            JSON,
        ),
        examples=("envfs metrics", "envfs metrics -f prometheus --levels", "envfs metrics --json | jq -c '.[]'"),
        details="Reads, refusals, questions that wait, locks, the access log, the process with the keys, the engine of "
        "a shared vault, variables that are due. There is no value in it, no name of a variable and no user. Counters "
        "begin with the daemon. It takes `log` for the whole vault. Without a daemon it is `envfs_up 0` alone, and "
        "the exit status is 0 too. What is due is counted again after a change, and once an hour: each look is in the "
        "log.",
    ),
    Command(
        "completion",
        "vault",
        "print the completion script of a shell",
        (Argument("shell", "text", "bash, zsh or fish", choices=("bash", "zsh", "fish")),),
        (),
        ('eval "$(envfs completion bash)"', "envfs completion fish | source"),
    ),
    Command(
        "json-schema",
        "vault",
        "print the JSON Schema of what --json prints",
        (Argument("command", "command", "one command's name; default: all commands", optional=True),),
        (),
        ("envfs json-schema ls", "envfs json-schema > envfs-output.schema.json"),
        details="It is of draft 2020-12. Under $defs each shape has the command's words as its name, as in `ls` and "
        "`ls --names`. With a command, a document fits if it is one of that command's shapes. Members are only ever "
        "added.",
    ),
    Command(
        "__complete",
        HIDDEN,
        "list what a completion script may offer",
        (
            Argument(
                "what",
                "text",
                "level, here, project, name or version",
                choices=("level", "here", "project", "name", "version"),
            ),
            Argument("word", "text", "what was typed so far; name: the level", optional=True, may_be_empty=True),
        ),
    ),
)
