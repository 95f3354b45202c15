"""The commands of use: run a command with a view, mount, unlock, link, the shell."""

from envfs_cli.grammar.words import (
    CAN,
    CAPABILITY_WORDS,
    DANGEROUS,
    HERE_THEN,
    JSON,
    MAX_READS,
    MESSAGE,
    ONLY,
    PASSPHRASE,
    PROJECT,
    PROJECT_PASSPHRASE,
    READ_AS,
    REASON,
    TTL,
    WRITABLE,
    Argument,
    Command,
    Option,
)

COMMANDS = (
    Command(
        "exec",
        "use",
        "run a command with a view as its environment",
        (HERE_THEN, Argument("command", "words", "the command and its arguments, after --")),
        (
            ONLY,
            Option(("--session",), "flag", "", "give the command a token, which ends with it"),
            TTL._replace(help="with --session: the longest that the token lasts"),
            MAX_READS._replace(help="with --session: let N processes read by the token"),
            CAN._replace(help=f"with --session: what the token gives, of {CAPABILITY_WORDS}"),
            REASON,
            Option(("--proxy",), "flag", "", "give the command placeholders, and have a proxy put the values in"),
            Option(("--plain",), "list", "A,B", "with --proxy: give the values of these variables, as of PORT"),
            Option(("--fence",), "flag", "", "keep network, credentials and services of this machine from the command"),
            Option(("--fence=best-effort",), "flag", "", "the same, and go on where a part of that is not possible"),
            WRITABLE,
            Option(("--mask-output",), "flag", "", "show placeholders where the command's output has values"),
            Option(("--watch",), "flag", "", "start the command again when the view changes"),
            Option(("--grace",), "duration", "TIME", "with --watch: how long it may take to end; default: 10s"),
            Option(("--keep-existing",), "flag", "", "leave variables as they are that are set in the environment"),
            Option(
                ("--clean-env",), "flag", "", "give the command nothing else of the environment but PATH and the like"
            ),
            DANGEROUS,
            Option(
                ("--explain",),
                "flag",
                "",
                "do not run it: say where each variable would come from, and which is refused",
            ),
            PASSPHRASE,
            JSON._replace(help="with --explain: print JSON for machines"),
        ),
        (
            "envfs exec /shop/prod -- ./manage.py migrate",
            "envfs exec /shop/prod --only DATABASE_URL -- psql",
            "envfs exec -- npm start",
            "envfs exec /shop/dev --watch -- npm run dev",
            "envfs exec /shop/prod --session --can reader -- ./supervisor",
            "envfs exec /shop/dev --proxy -- claude",
            "envfs exec /shop/dev --mask-output -- make test",
            "envfs exec /shop/dev --keep-existing --explain -- npm test",
        ),
        ("run",),
        "The command's exit status is passed through. EnvFS's own are 100 and above. With --watch the command runs as "
        "a child: when what it gets has changed it is sent SIGTERM, after the grace time SIGKILL, and it starts again "
        "with the new values. When it ends by itself, that is the end. --watch needs a running daemon; the rest works "
        "without one, and asks for the passphrase if the identity has one. With --session the command, and what it "
        "starts, may ask EnvFS by a token of the level as long as the command runs: ENVFS_TOKEN_FILE names it. To "
        "give one takes `grant` at the level. With --proxy the command never has a value: a proxy puts each one into "
        "requests to the hosts that have a rule for it (`envfs proxy rules`), and ends with the command. It needs a "
        "running daemon. With --mask-output the command runs as a child, and in what it prints a placeholder takes the "
        "place of each value of 8 bytes or more, and of each such line of a value. A terminal stays one. "
        "With --clean-env, of the caller's environment the command gets PATH, HOME, USER, LOGNAME, "
        "SHELL, PWD, TMPDIR, TZ, TERM, COLORTERM, NO_COLOR, COLUMNS, LINES, LANG, LANGUAGE and LC_*. --explain takes "
        "`names` alone, and shows no value. It says for which names the command would be refused.",
    ),
    Command(
        "mount",
        "use",
        "start the daemon and mount the views",
        (
            Argument(
                "path", "file", "an empty folder; default: as the settings say, else the usual place", optional=True
            ),
        ),
        (
            Option(("--foreground",), "flag", "", "stay in the foreground, as a service manager wants it"),
            PASSPHRASE,
        ),
        ("envfs mount", "envfs mount /mnt/envfs --foreground"),
        details="The usual place is /mnt/envfs for root. For a user it is $XDG_RUNTIME_DIR/envfs/mnt, outside of the "
        "home folder, and ~/envfs is a link to it while the daemon runs. A user's mount is for that user alone; a "
        "mount of root's serves all users who have a grant.",
    ),
    Command(
        "unmount",
        "use",
        "undo the mount and end the daemon",
        examples=("envfs unmount",),
        details="If the daemon was killed, the mount that it left is removed.",
    ),
    Command(
        "unlock",
        "use",
        "give a locked daemon the passphrase of the vault or of one project",
        (PROJECT,),
        (Option(("--ttl",), "duration", "TIME", "lock again after 30s 15m 1h 7d"), PROJECT_PASSPHRASE),
        ("envfs unlock", "envfs unlock --ttl 8h", "envfs unlock shop --passphrase-file /dev/fd/3"),
        details="The passphrase is asked for at the terminal, or read from a file or a descriptor (/dev/fd/N).",
    ),
    Command(
        "lock",
        "use",
        "make the daemon forget keys and views; the mount stays",
        (PROJECT,),
        examples=("envfs lock", "envfs lock shop"),
        details="Everything is locked, or the one project that is named. An open file answers an error at its next "
        "read. SIGUSR1 to the daemon locks all. The key of "
        "a managed project can be had again by the identity: locking it alone is a promise of the keyholder; that of "
        "a zero-knowledge project is gone until its passphrase is given.",
    ),
    Command(
        "status",
        "use",
        "say what runs and what is wrong",
        options=(JSON,),
        examples=("envfs status", "envfs status --json | jq .problems"),
        details="The owner sees everything, a user with a grant where the mount is and whether the vault is unlocked, "
        "any other user that a daemon runs.",
    ),
    Command(
        "link",
        "use",
        "make a project's .env a link to the view of a level",
        (
            Argument("folder", "folder", "the project's folder; default: this one", optional=True),
            Argument("level", "level", "a level such as /shop/prod", optional=True),
        ),
        (
            Option(("--import",), "flag", "", "import the .env that is there, and replace it by the link"),
            READ_AS,
            MESSAGE,
            Option(("--remove",), "flag", "", "undo it: remove the link and .envfs.toml"),
            Option(("--hook",), "flag", "", "have git link each new work tree of this repository"),
            Option(("--worktree",), "flag", "", "link a new work tree as the hook does, unless it has a .env"),
            PASSPHRASE,
        ),
        (
            "envfs link /shop",
            "envfs link web /shop/web --import",
            "envfs link --hook /shop/dev",
            "envfs link --hook '/shop/{branch}'",
            "envfs link --remove",
        ),
        details="The level is remembered in .envfs.toml, and is meant wherever a command in that folder, or below it, "
        "is given none. Such a file counts only where this user ran `envfs link`: a repository that brings one chooses "
        "nothing. In a git work tree .env is added to .gitignore, if it is not ignored. With --hook git links each "
        "work tree that `git worktree add` makes. In the level {branch} stands for the branch and {worktree} for the "
        "folder of the new one. If there is no such level, the one above is taken.",
    ),
    Command(
        "shell",
        "use",
        "walk the tree interactively",
        (Argument("level", "level", "the level to begin at; default: /", optional=True),),
        (PASSPHRASE,),
        ("envfs shell", "envfs shell /shop/prod", "envfs shell < script"),
        details="All other commands are there, with levels relative to the one that `cd` went to; where a command "
        "needs a level and none is given, that one is meant. If standard input is not a terminal, its lines are run as "
        "a script, up to the first that fails. A line that may hold a value is not remembered, nor one after a space. "
        "Below the prompt stands the state of the daemon. F2 answers a question of a program, shown above it.",
    ),
    Command(
        "ui",
        "use",
        "browse the vault on a full screen",
        (
            Argument(
                "level",
                "level",
                "a level such as /shop/prod; default: the one that `envfs link` gave this folder, or /",
                optional=True,
            ),
        ),
        (PASSPHRASE,),
        ("envfs ui", "envfs ui /shop/prod"),
        details="The levels stand at the left, and at the right the names of the selected one, its versions, who reads "
        "it, or the questions of programs. ? lists the keys, and q leaves. A value is shown for a key alone, one at a "
        "time and for 10 seconds, and the access log says so. What programs change is shown as it happens.",
    ),
)
