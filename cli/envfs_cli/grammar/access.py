"""The commands on access: who may do what, and who did."""

from envfs_cli.grammar.words import (
    CALLERS,
    DIALECT,
    JSON,
    LEVEL,
    PASSPHRASE,
    TTL,
    Argument,
    Command,
    Option,
    action_argument,
)

_DECISIONS = ("allow", "mask", "ask", "deny")
_ONLY = Option(("--only",), "list", "NAMES", "these variables alone; * and ? may stand in a name")
_MAX_READS = Option(("--max-reads",), "number", "N", "let N processes read, each as often as it likes")
_CAN = Option(
    ("--can",),
    "list",
    "LIST",
    "read, names, write, history, log, approve, grant, admin, or one of the sets viewer, reader, writer, auditor, "
    "approver, admin; default: reader, and all of them with --decision deny",
)
COMMANDS = (
    Command(
        "grant",
        "access",
        "let callers read a level and all below it, or do more there",
        (LEVEL,),
        (
            *CALLERS,
            Option(("--no-pin",), "flag", "", "whatever program is at PATH, in place of the one that is there now"),
            Option(("--decision",), "text", "WORD", "allow (the default), mask, ask or deny", _DECISIONS),
            _CAN,
            _ONLY,
            TTL,
            _MAX_READS,
            Option(("--birth",), "duration", "TIME", "only so soon after the process has started its program"),
            DIALECT,
            PASSPHRASE,
        ),
        (
            "envfs grant /shop/prod --user deploy",
            "envfs grant /shop --uid 1001 --ttl 1h",
            "envfs grant /shop/prod --user www --exe /usr/bin/node --only 'DB_*'",
            "envfs grant /shop --group auditors --can auditor",
            "envfs grant /shop/prod --under /usr/bin/code --decision mask",
            "envfs grant /shop/web --user node --dialect node",
        ),
        details="A caller has to meet all that is named. Of several rules the most specific one decides: that of the "
        "deepest level, then the one that names a program, a script, an ancestor, a unit, a user or a group, in this "
        "order. Of two that are as specific, the stricter one does. Programs are pinned by their content: once it "
        "changes, the rule does not match until it is given again. A user's own daemon serves its "
        "user alone; for several users the vault is root's. With --dialect, what these callers read as .env is written "
        "for one kind of reader, which can carry "
        "values that text for all of them cannot: docker (--env-file, podman), shell, systemd (EnvironmentFile=), "
        "python (python-dotenv, interpolate=False), python-interpolating (python-dotenv by default), "
        "node (dotenv, node --env-file, deno), expand (dotenv-expand, next, vite, bun), compose (docker compose 2).",
    ),
    Command(
        "revoke",
        "access",
        "take rules back",
        (Argument("level", "level", "a level such as /shop/prod, or the id of one rule, such as g7"),),
        (*CALLERS, PASSPHRASE),
        ("envfs revoke /shop/prod --user deploy", "envfs revoke g7"),
        details="All rules of exactly this level that name what is given here go. One that denies goes only if it "
        "names nothing else.",
    ),
    Command(
        "grants",
        "access",
        "list the rules",
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
        "token",
        "access",
        "make, list and revoke tokens for callers without a user",
        (
            action_argument(
                create="make one for a level, and print it this once",
                ls="list those that last",
                revoke="end one, by its id",
            ),
            Argument("level", "level", "a level such as /shop/prod; for `revoke` an id such as t3", optional=True),
        ),
        (
            Option(("--ttl",), "duration", "TIME", "how long, as in 30s 15m 1h 7d; default: 15m"),
            _ONLY,
            _MAX_READS,
            _CAN,
            DIALECT,
            PASSPHRASE,
            JSON,
        ),
        (
            "envfs token create /shop/prod --ttl 15m --only 'DB_*'",
            "(umask 077; envfs token create /shop/prod >token); ENVFS_TOKEN_FILE=token envfs exec /shop/prod -- ./app",
            "envfs token revoke t3",
        ),
        details="For containers, CI and other users, by the socket alone. Any command takes the token from "
        "ENVFS_TOKEN or from the file that ENVFS_TOKEN_FILE names, and acts by it and by nothing else. The command "
        "that `exec` becomes does not inherit it. The daemon keeps a digest.",
    ),
    Command(
        "log",
        "access",
        "print the access log, verify it, rotate it, or begin a new one",
        (
            Argument(
                "action",
                "text",
                "one of the actions below; without one, entries are printed",
                optional=True,
                choices=("verify", "rotate", "restart"),
                meanings=(
                    "check the chain of entries and its signatures",
                    "go on in a new file, and keep the old one beside it",
                    "begin a new log after a loss",
                ),
            ),
        ),
        (
            Option(("-n", "--lines"), "number", "N", "the newest N entries (default 20; 0: all)"),
            Option(("--follow",), "flag", "", "follow new entries"),
            PASSPHRASE,
            JSON,
        ),
        ("envfs log -n 50", "envfs log --follow", "envfs log verify", "envfs log rotate"),
    ),
)
