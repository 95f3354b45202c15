"""The commands on new values: make one, give it to a variable, and list what is due for one."""

from envfs_cli.grammar.words import HERE, JSON, MESSAGE, NAME, PASSPHRASE, YES, Argument, Command, Option

_KEYS = ("ssh", "age", "ed25519", "x25519", "rsa")
_KINDS = (
    Option(("--length",), "number", "N", "how many characters, words or bytes, or the bits of an RSA key"),
    Option(
        ("--alphabet",),
        "text",
        "SET",
        "alnum (default), readable, lower, digits, url or symbols, or the characters themselves",
    ),
    Option(("--words",), "flag", "", "words of plain English, with a - between them"),
    Option(("--uuid",), "flag", "", "a random UUID"),
    Option(("--bytes",), "text", "FORM", "random bytes as hex or base64", ("hex", "base64")),
    Option(("--key",), "text", "KIND", f"a private key: {', '.join(_KEYS)}", _KEYS),
)

COMMANDS = (
    Command(
        "generate",
        "values",
        "make a new secret, and print it or write it into a level",
        (Argument("name", "name", "the variable that gets it, with --set", optional=True),),
        (
            Option(("--set",), "text", "LEVEL", "write it into this level, and do not print it"),
            *_KINDS,
            MESSAGE,
            PASSPHRASE,
            JSON,
        ),
        (
            "envfs generate",
            "envfs generate --words --length 6",
            "envfs generate --set /shop/prod DB_PASSWORD --length 40",
            "envfs generate --set /shop/prod DEPLOY_KEY --key ssh > deploy.pub",
        ),
        details="Without an option: 32 letters and digits. A key is printed as its programs write it: ssh as OpenSSH "
        "does (Ed25519), age as age-keygen does, the others as PEM (PKCS #8). The public half goes to standard error, "
        "and with --set to standard output. On a terminal the strength is shown. Nothing is read from a network.",
    ),
    Command(
        "rotate",
        "values",
        "give a variable a new value, and have a command apply it",
        (HERE, NAME),
        (
            *_KINDS,
            Option(("--command",), "text", "CMD", "take the value that this command prints"),
            Option(("--stdin",), "flag", "", "read the value from standard input"),
            Option(("--rotate-with",), "text", "CMD", "apply the value with this command, which reads it"),
            Option(("--no-hook",), "flag", "", "run no command to apply it"),
            Option(("--folder",), "file", "DIR", "the folder of a command that the level's text names"),
            Option(("--give-old",), "flag", "", "let the commands read the old value, at ENVFS_OLD_FILE"),
            Option(("--overlap",), "duration", "TIME", "keep the old value as NAME_PREVIOUS for so long, as in 24h"),
            Option(("--finish",), "flag", "", "end the overlap: remove NAME_PREVIOUS"),
            Option(("--resume",), "flag", "", "go on with a rotation that was interrupted"),
            Option(("--abort",), "flag", "", "give up a rotation that was interrupted"),
            Option(("--restart-holders",), "flag", "", "restart the services that have the value before"),
            Option(("--dry-run",), "flag", "", "list the steps, and take none"),
            YES,
            MESSAGE,
            PASSPHRASE,
            JSON,
        ),
        (
            "envfs rotate /shop/prod SESSION_KEY --length 64",
            "envfs rotate /shop/prod DB_PASSWORD --rotate-with './bin/set-password shop' --overlap 24h",
            "envfs rotate /shop/prod DB_PASSWORD --finish",
            "envfs rotate /shop/prod API_KEY --command './bin/new-api-key'",
        ),
        details="Nobody sees the value. Comments above a variable say how it is rotated: `# @rotate-as words 6`, "
        "`# @rotate-from CMD` prints the new value, `# @rotate-with CMD` applies it. Such a command is shown and "
        "confirmed before it runs. No shell reads it, and a relative path is below the folder that is linked to the "
        "level, or below --folder. A command that applies a value reads it on standard input; ENVFS_LEVEL and "
        "ENVFS_NAME say what it is for. Before it runs, the value is written to NAME_NEXT, and after it NAME gets it: "
        "so a failure loses nothing, and --resume or --abort ends the rotation. In the end the processes that have "
        "the value before are listed, as by `envfs holders`.",
    ),
    Command(
        "stale",
        "values",
        "list the variables that are due for rotation",
        (
            Argument(
                "level",
                "level",
                "this level and those below it, several as in /shop,/blog, or a pattern; default: all",
                optional=True,
            ),
        ),
        (
            Option(("--within",), "duration", "TIME", "also those that are due within that time, as in 14d"),
            Option(("--all",), "flag", "", "all of which a comment says something"),
            PASSPHRASE,
            JSON,
        ),
        ("envfs stale", "envfs stale /shop,/blog --within 14d", "envfs stale '/*/prod'", "envfs stale --all --json"),
        details="Comments above a variable say when: `# @rotate 90d` counts from the version that set its value, "
        "`# @expires 2027-01-31` names a day, `# @owner NAME` who sees to it. At the top of a text, with an empty line "
        "below, they count for all of it. The states: expired, due, over (the overlap of a rotation), begun (a "
        "rotation that was not ended), soon. The exit status is 0 if nothing is listed as one of these, and 1 if "
        "something is. In a pattern `*`, `?` and `[…]` stand for a part of one step of the path. It takes the names "
        "and the history of a level.",
    ),
)
