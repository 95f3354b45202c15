"""The command on the access log."""

from envfs_cli.grammar.words import JSON, PASSPHRASE, Argument, Command, Option

LOG = Command(
    "log",
    "access",
    "print the access log, count in it, verify it, rotate or restart it",
    (
        Argument(
            "action",
            "text",
            "one of the actions below; without one, entries are printed",
            optional=True,
            choices=("verify", "stats", "rotate", "restart"),
            meanings=(
                "check the chain of entries and its signatures",
                "count reads by level and caller, and over time",
                "go on in a new file, and keep the old one beside it",
                "begin a new log after a loss",
            ),
        ),
    ),
    (
        Option(("-n", "--lines"), "number", "N", "the newest N entries (default 20; 0: all; with --since: all)"),
        Option(("-f", "--follow"), "flag", "", "follow new entries"),
        Option(("--level",), "text", "LEVEL", "entries of a level and all below it", offers="level"),
        Option(("--uid",), "number", "N", "entries of a user, by number"),
        Option(("--user",), "text", "NAME", "entries of a user, by name", offers="user"),
        Option(("--exe",), "text", "PROGRAM", "entries of a program or a script, by path or name; * is any text"),
        Option(("--under",), "text", "PROGRAM", "entries of programs that this one started, at any depth"),
        Option(("--decision",), "text", "DECISION", "entries with a decision, such as deny"),
        Option(("--event",), "text", "EVENT", "entries of one kind, such as read, refuse, write, canary"),
        Option(("--since",), "text", "TIME", "entries from then on: 2h, 7d, 2026-11-21 or 2026-11-21T08:00"),
        Option(("--until",), "text", "TIME", "entries before then"),
        Option(("--machine",), "text", "NAME", "entries that this machine, or this member's, shared; also for verify"),
        Option(("--all-machines",), "flag", "", "entries that all machines shared; also for verify"),
        Option(("--pin",), "text", "CHECKPOINT", "with verify: an entry that the log must have, as NUMBER:HASH"),
        PASSPHRASE,
        JSON,
    ),
    (
        "envfs log -n 50",
        "envfs log -f --level /shop --under claude",
        "envfs log --decision deny --since 7d",
        "envfs log stats --since 30d",
        "envfs log verify --pin 17:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "envfs log --all-machines --since 1d",
        "envfs log rotate",
    ),
    details="Entries say who read what: the user, the program and its script, the processes above it, its unit and "
    "its session. `envfs log verify` prints a pin of the log's end. Keep it in another place: with "
    "--pin, a log that was put back, cut or written again before that entry is noticed, whatever was put back with "
    "it.",
)
