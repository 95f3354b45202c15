"""The commands of a day's work: use, values, versions."""

from envfs_cli.grammar.words import (
    DIALECT,
    FORMATS,
    JSON,
    LEVEL,
    NAME,
    PASSPHRASE,
    PROJECT,
    PROJECT_PASSPHRASE,
    SUBVERSION,
    VERSION,
    YES,
    Argument,
    Command,
    Option,
)

COMMANDS = (
    Command(
        "exec",
        "use",
        "execute:execute",
        "run a command with a view as its environment",
        (LEVEL, Argument("command", "words", "the command and its arguments, after --")),
        (
            Option(("--only",), "list", "A,B", "only these variables"),
            Option(("--watch",), "flag", "", "start the command anew when the view changes"),
            Option(("--grace",), "duration", "TIME", "with --watch: how long it may take to end; default: 10s"),
            PASSPHRASE,
        ),
        (
            "envfs exec /shop/prod -- ./manage.py migrate",
            "envfs exec /shop/prod --only DATABASE_URL -- psql",
            "envfs exec /shop/dev --watch -- npm run dev",
        ),
        ("run",),
        "The command's exit status is passed through. EnvFS's own are 100 and above. With --watch the command runs as "
        "a child: when what it gets has changed it is sent SIGTERM, after the grace time SIGKILL, and it starts again "
        "with the new values. When it ends by itself, that is the end. Needs a running daemon.",
    ),
    Command(
        "mount",
        "use",
        "mounting:mount",
        "start the daemon and mount the views",
        (Argument("path", "file", "where to mount; see the settings for the default", optional=True),),
        (
            Option(("--foreground",), "flag", "", "stay in the foreground, as a service manager wants it"),
            PASSPHRASE,
        ),
        ("envfs mount", "envfs mount /mnt/envfs --foreground"),
    ),
    Command("unmount", "use", "mounting:unmount", "undo the mount and end the daemon", examples=("envfs unmount",)),
    Command(
        "unlock",
        "use",
        "mounting:unlock",
        "give a locked daemon the passphrase, of the vault or of one project",
        (PROJECT,),
        (Option(("--ttl",), "duration", "TIME", "lock again after 30s 15m 1h 7d"), PROJECT_PASSPHRASE),
        ("envfs unlock", "envfs unlock --ttl 8h", "envfs unlock shop --passphrase-file /dev/fd/3"),
        details="The passphrase is asked for at the terminal, or read from a file or a descriptor (/dev/fd/N).",
    ),
    Command(
        "lock",
        "use",
        "mounting:lock",
        "make the daemon forget keys and views, of everything or of one project; the mount stays",
        (PROJECT,),
        examples=("envfs lock", "envfs lock shop"),
        details="Whatever is open answers an error at its next read. SIGUSR1 to the daemon locks all. The key of "
        "a managed project can be had again by the identity: locking it alone is a promise of the keyholder; that of "
        "a zero-knowledge project is gone until its passphrase is given.",
    ),
    Command(
        "status",
        "use",
        "keeping:status",
        "say what runs and what is wrong",
        options=(JSON,),
        examples=("envfs status", "envfs status --json | jq .problems"),
    ),
    Command(
        "shell",
        "use",
        "shelling:shell",
        "walk the tree interactively",
        options=(PASSPHRASE,),
        examples=("envfs shell", "envfs shell < script"),
        details="All other commands are there, with levels relative to the one that `cd` went to; where a command "
        "needs a level and none is given, that one is meant. If standard input is not a terminal, its lines are run as "
        "a script, up to the first that fails. Lines that are no commands, or come after a space, are not remembered.",
    ),
    Command(
        "set",
        "values",
        "values:set_value",
        "set one variable",
        (LEVEL, NAME),
        (
            Option(("--from-file",), "file", "FILE", "take the value from a file, to the letter"),
            Option(("--template",), "flag", "", "let ${NAME} in it refer to other variables; \\$ is a dollar"),
            PASSPHRASE,
            JSON,
        ),
        (
            "envfs set /shop/prod DATABASE_URL",
            "pass show db | envfs set /shop/prod DATABASE_URL",
            "echo 'postgres://${DB_HOST}/shop' | envfs set /shop DATABASE_URL --template",
        ),
        details="The value is asked for without showing it, or read from standard input (one final line end is "
        "dropped), or taken from a file. It is never an argument: those are in everybody's process list.",
    ),
    Command(
        "get",
        "values",
        "values:get_value",
        "print one variable's value",
        (LEVEL, NAME),
        (VERSION, PASSPHRASE),
        ("envfs get /shop/prod DATABASE_URL",),
    ),
    Command(
        "unset",
        "values",
        "values:unset_value",
        "remove one variable from a level's own text",
        (LEVEL, NAME),
        (PASSPHRASE, JSON),
        ("envfs unset /shop/prod DEBUG",),
    ),
    Command(
        "rename",
        "values",
        "values:rename",
        "give one variable of a level's own text another name",
        (LEVEL, NAME, Argument("new_name", "text", "the name that it is to have")),
        (PASSPHRASE, JSON),
        ("envfs rename /shop/prod DB_URL DATABASE_URL",),
        details="The line keeps its place, its comment and its quotes. What refers to the old name is left as it is, "
        "and named.",
    ),
    Command(
        "ls",
        "values",
        "views:list_levels",
        "list levels",
        (Argument("level", "level", "list only this level and those below it", optional=True),),
        (PASSPHRASE, JSON),
        ("envfs ls", "envfs ls /shop"),
    ),
    Command(
        "show",
        "values",
        "views:show",
        "list the variables of a view and where each is set",
        (LEVEL,),
        (
            Option(("--reveal",), "flag", "", "print the values too"),
            VERSION,
            PASSPHRASE,
            JSON,
        ),
        ("envfs show /shop/prod", "envfs show /shop/prod --reveal"),
    ),
    Command(
        "explain",
        "values",
        "checking:explain",
        "say where a variable's value comes from",
        (LEVEL, NAME),
        (Option(("--reveal",), "flag", "", "print the value too"), VERSION, PASSPHRASE, JSON),
        ("envfs explain /shop/prod DATABASE_URL",),
        details="Which levels set it and which of them counts, which variables it refers to and where those are set, "
        "and which programs would misread it.",
    ),
    Command(
        "check",
        "values",
        "checking:check",
        "say what is wrong with a level's variables",
        (LEVEL,),
        (
            Option(
                ("--against",), "file", "FILE", "a .env.example, or a JSON Schema (*.json): what is missing or extra"
            ),
            Option(("--strict",), "flag", "", "fail for doubts as well"),
            DIALECT,
            VERSION,
            PASSPHRASE,
            JSON,
        ),
        ("envfs check /shop/prod", "envfs check /shop/prod --against .env.example", "envfs check /shop --dialect node"),
        details="Fails if a variable is missing, or a reference is undefined or leads back to itself. Doubts are told: "
        "empty values, names that change how programs run, values that some program would take for something else. "
        "With --dialect, the programs are those that the dialect is for: see `grant`.",
    ),
    Command(
        "import",
        "values",
        "values:import_file",
        "set every variable of a .env file",
        (Argument("file", "file", "the .env file, or - for standard input"), LEVEL),
        (
            Option(("--replace",), "flag", "", "make the file the level's whole text, comments and order included"),
            PASSPHRASE,
            JSON,
        ),
        ("envfs import .env /shop", "envfs import prod.env /shop/prod --replace"),
    ),
    Command(
        "export",
        "values",
        "views:export",
        "print a view",
        (LEVEL,),
        (
            Option(("-f", "--format"), "text", "FORMAT", "one of those below; default: dotenv", FORMATS),
            Option(("--only",), "list", "A,B", "only these variables"),
            DIALECT,
            Option(("-o", "--output"), "file", "FILE", "write to a new file, readable by you alone"),
            VERSION,
            PASSPHRASE,
        ),
        (
            "envfs export /shop/prod",
            "envfs export /shop/prod -f json | jq .",
            "envfs export /shop/prod --dialect node > .env",
            'eval "$(envfs export /shop/prod -f shell)"',
            "envfs export /shop/prod -f k8s | kubectl apply -f -",
        ),
        details="dotenv: as in the mount; --dialect writes it for one kind of reader, as for `grant`. json: an object. "
        "environ: NAME=value, each ended by a NUL. shell: lines for "
        "`eval`. docker: for --env-file. systemd: for EnvironmentFile. yaml: a mapping. k8s: a Secret. github: lines "
        "for $GITHUB_ENV; the masks go to standard error. tfvars: for Terraform.",
    ),
    Command(
        "history",
        "versions",
        "versions:history",
        "list a level's versions and the names that each changed",
        (LEVEL,),
        (Option(("-n", "--lines"), "number", "N", "the newest N versions (default 20; 0: all)"), PASSPHRASE, JSON),
        ("envfs history /shop/prod",),
    ),
    Command(
        "rollback",
        "versions",
        "versions:rollback",
        "write a new version with the text of an old one",
        (LEVEL, SUBVERSION),
        (YES, PASSPHRASE, JSON),
        ("envfs rollback /shop/prod 7",),
    ),
)
