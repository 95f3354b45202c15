"""The commands on access: who may read, and who did."""

from envfs_cli.grammar.words import (
    DIALECT,
    JSON,
    LEVEL,
    PASSPHRASE,
    TTL,
    UID,
    USER,
    Argument,
    Command,
    Option,
)

COMMANDS = (
    Command(
        "grant",
        "access",
        "approve a user for a level and all below it",
        (LEVEL,),
        (
            UID,
            USER,
            TTL,
            DIALECT,
            PASSPHRASE,
        ),
        (
            "envfs grant /shop/prod --user deploy",
            "envfs grant /shop --uid 1001 --ttl 1h",
            "envfs grant /shop/web --user node --dialect node",
        ),
        details="The grant is for every program of that user, and for no other user's. A user's own daemon serves its "
        "user alone; for several users the vault is root's. With --dialect, what this user reads as .env is written "
        "for one kind of reader, which can carry "
        "values that text for all of them cannot: docker (--env-file, podman), shell, systemd (EnvironmentFile=), "
        "python (python-dotenv, interpolate=False), python-interpolating (python-dotenv by default), "
        "node (dotenv, node --env-file, deno), expand (dotenv-expand, next, vite, bun), compose (docker compose 2).",
    ),
    Command(
        "revoke",
        "access",
        "take a grant back",
        (LEVEL,),
        (UID, USER, PASSPHRASE),
        ("envfs revoke /shop/prod --user deploy",),
    ),
    Command(
        "grants",
        "access",
        "list the grants",
        options=(PASSPHRASE, JSON),
        examples=("envfs grants",),
    ),
    Command(
        "who",
        "access",
        "list the processes that have a level open or read it",
        (LEVEL,),
        (PASSPHRASE, JSON),
        ("envfs who /shop/prod",),
        details="Readers of levels below are listed too, for they get what the level sets. A process that has ended is "
        "listed only if another one has its open file, and then as `passed on`. The daemon remembers the last 4,096 "
        "readings since its start. `envfs log` has all of them.",
    ),
    Command(
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
            Option(("--level",), "text", "LEVEL", "entries of a level and all below it"),
            Option(("--uid",), "number", "N", "entries of a user, by number"),
            Option(("--user",), "text", "NAME", "entries of a user, by name"),
            Option(("--exe",), "text", "PROGRAM", "entries of a program or a script, by path or name; * is any text"),
            Option(("--under",), "text", "PROGRAM", "entries of programs that this one started, at any depth"),
            Option(("--decision",), "text", "DECISION", "entries with a decision, such as deny"),
            Option(("--event",), "text", "EVENT", "entries of one kind, such as read, refuse, write, canary"),
            Option(("--since",), "text", "TIME", "entries from then on: 2h, 7d, 2026-11-21 or 2026-11-21T08:00 (UTC)"),
            Option(("--until",), "text", "TIME", "entries before then"),
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
            "envfs log rotate",
        ),
        details="Entries say who read what: the user, the program and its script, the processes above it, its unit and "
        "its session. Times are UTC. `envfs log verify` prints a pin of the log's end. Keep it in another place: with "
        "--pin, a log that was put back, cut or written again before that entry is noticed, whatever was put back with "
        "it.",
    ),
)
