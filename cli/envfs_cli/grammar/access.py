"""The commands on access: who may read, and who did."""

from envfs_cli.grammar.words import (
    DIALECT,
    JSON,
    LEVEL,
    PASSPHRASE,
    SCOPES,
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
        "approvals",
        "access",
        "list the questions of programs that wait for a person, answer or watch them",
        (
            Argument(
                "action",
                "text",
                "one of the actions below; without one, questions are listed",
                optional=True,
                choices=("ls", "show", "respond", "watch"),
                meanings=(
                    "list the questions that wait",
                    "show one: who asks, for what, why, and what a yes can allow",
                    "answer one",
                    "show each as it is asked, and take answers at a terminal",
                ),
            ),
            Argument("question", "text", "a question, by its name, such as q7", optional=True),
            Argument("answer", "text", "yes or no", optional=True, choices=("yes", "no")),
        ),
        (
            Option(("--for",), "text", "SCOPE", "what a yes allows; default: once", SCOPES),
            JSON,
        ),
        (
            "envfs approvals watch",
            "envfs approvals show q7",
            "envfs approvals respond q7 yes",
            "envfs approvals respond q7 yes --for process",
            "envfs approvals respond q7 no",
        ),
        details="A program whose rule says ask waits in open, get or exec, until a person answers or the time is over. "
        "A yes is for once (each open that waits now), for the process as long as it runs, for the executable with its "
        "script for 10 minutes, or for always, which writes a rule. Where nobody watches questions, none is asked. "
        "The program that asks cannot answer: an answer is refused that comes from its process tree or its session, "
        "from below a program that counts as an agent, or from a terminal that is younger than the question.",
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
