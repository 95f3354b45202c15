"""The commands of a day's work: use, values, versions."""

from envfs_cli.grammar.words import (
    DIALECT,
    FORMATS,
    HERE,
    JSON,
    LEVEL,
    MESSAGE,
    NAME,
    ORDERS,
    PASSPHRASE,
    PROJECT,
    PROJECT_PASSPHRASE,
    READ_AS,
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
        (HERE, Argument("command", "words", "the command and its arguments, after --")),
        (
            Option(("--only",), "list", "A,B", "only these variables"),
            Option(("--watch",), "flag", "", "start the command anew when the view changes"),
            Option(("--grace",), "duration", "TIME", "with --watch: how long it may take to end; default: 10s"),
            PASSPHRASE,
        ),
        (
            "envfs exec /shop/prod -- ./manage.py migrate",
            "envfs exec /shop/prod --only DATABASE_URL -- psql",
            "envfs exec -- npm start",
            "envfs exec /shop/dev --watch -- npm run dev",
        ),
        ("run",),
        "The command's exit status is passed through. EnvFS's own are 100 and above. With --watch the command runs as "
        "a child: when what it gets has changed it is sent SIGTERM, after the grace time SIGKILL, and it starts again "
        "with the new values. When it ends by itself, that is the end. --watch needs a running daemon; the rest works "
        "without one, and asks for the passphrase if the identity has one.",
    ),
    Command(
        "mount",
        "use",
        "mounting:mount",
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
        "mounting:unmount",
        "undo the mount and end the daemon",
        examples=("envfs unmount",),
        details="If the daemon was killed, the mount that it left is removed.",
    ),
    Command(
        "unlock",
        "use",
        "mounting:unlock",
        "give a locked daemon the passphrase of the vault or of one project",
        (PROJECT,),
        (Option(("--ttl",), "duration", "TIME", "lock again after 30s 15m 1h 7d"), PROJECT_PASSPHRASE),
        ("envfs unlock", "envfs unlock --ttl 8h", "envfs unlock shop --passphrase-file /dev/fd/3"),
        details="The passphrase is asked for at the terminal, or read from a file or a descriptor (/dev/fd/N).",
    ),
    Command(
        "lock",
        "use",
        "mounting:lock",
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
        "keeping:status",
        "say what runs and what is wrong",
        options=(JSON,),
        examples=("envfs status", "envfs status --json | jq .problems"),
        details="The owner is told everything, a user with a grant where the mount is and whether the vault is "
        "unlocked, any other user that a daemon runs.",
    ),
    Command(
        "link",
        "use",
        "linking:link",
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
            PASSPHRASE,
        ),
        ("envfs link /shop", "envfs link web /shop/web --import", "envfs link --remove"),
        details="The level is remembered in .envfs.toml, and is meant wherever a command in that folder, or below it, "
        "is given none. Such a file counts only where this user ran `envfs link`: a repository that brings one chooses "
        "nothing. In a git work tree .env is added to .gitignore, if it is not ignored.",
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
        (HERE, NAME),
        (
            Option(("--from-file",), "file", "FILE", "take the value from a file, to the letter"),
            Option(("--empty",), "flag", "", "set an empty value, which is refused otherwise"),
            Option(("--template",), "flag", "", "let ${NAME} in it refer to other variables; \\$ is a dollar"),
            MESSAGE,
            PASSPHRASE,
            JSON,
        ),
        (
            "envfs set /shop/prod DATABASE_URL",
            "pass show db | envfs set /shop/prod DATABASE_URL",
            "echo 'postgres://${DB_HOST}/shop' | envfs set /shop DATABASE_URL --template",
        ),
        details="The value is asked for without showing it, or read from standard input, or taken from a file. At the "
        "terminal Enter ends it, and a paste is taken whole, with all of its lines. A value of one line loses its line "
        "end, one of several lines keeps it, as keys and certificates need it. A value is never an argument: those are "
        "in everybody's process list.",
    ),
    Command(
        "get",
        "values",
        "values:get_value",
        "print one variable's value",
        (HERE, NAME),
        (VERSION, PASSPHRASE),
        ("envfs get /shop/prod DATABASE_URL",),
    ),
    Command(
        "unset",
        "values",
        "values:unset_value",
        "remove one variable from a level's own text",
        (HERE, NAME),
        (MESSAGE, PASSPHRASE, JSON),
        ("envfs unset /shop/prod DEBUG", "envfs unset /shop/prod DEBUG -m 'the incident is over'"),
    ),
    Command(
        "rename",
        "values",
        "values:rename",
        "give one variable of a level's own text another name",
        (HERE, NAME, Argument("new_name", "text", "the name that it is to have")),
        (MESSAGE, PASSPHRASE, JSON),
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
        (HERE,),
        (
            Option(("--reveal",), "flag", "", "print the values too"),
            Option(("--own",), "flag", "", "of the level's own text; with --reveal that text itself"),
            VERSION,
            PASSPHRASE,
            JSON,
        ),
        ("envfs show /shop/prod", "envfs show /shop/prod --reveal", "envfs show /shop/prod --own --reveal"),
    ),
    Command(
        "explain",
        "values",
        "checking:explain",
        "say where a variable's value comes from",
        (HERE, NAME),
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
        (HERE,),
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
        "With --dialect, the programs are those that the dialect is for; `envfs grant --help` names them.",
    ),
    Command(
        "import",
        "values",
        "importing:import_file",
        "set every variable of a file, or of a folder's .env files",
        (Argument("file", "file", "the file, a folder with .env files, or - for standard input"), LEVEL),
        (
            Option(
                ("-f", "--format"),
                "text",
                "FORMAT",
                "dotenv, json, yaml or compose; default: by the file's name",
                ("dotenv", "json", "yaml", "compose"),
            ),
            Option(("--flatten",), "text", "SEP", "JSON, YAML: join the names of nested objects, as in A__B for __"),
            Option(("--service",), "text", "NAME", "compose: the service whose environment is meant"),
            Option(
                ("--order",),
                "text",
                "TOOL",
                "folder: the tool whose order counts; default: what the project's files speak for",
                ORDERS,
            ),
            READ_AS,
            Option(("--replace",), "flag", "", "make the file the level's whole text, comments and order included"),
            Option(("-n", "--dry-run"), "flag", "", "write nothing; say what would become of each name"),
            MESSAGE,
            PASSPHRASE,
            JSON,
        ),
        (
            "envfs import .env /shop",
            "envfs import prod.env /shop/prod --replace",
            "envfs import settings.json /shop --flatten __",
            "envfs import compose.yaml /shop --service web",
            "envfs import . /shop --dry-run",
        ),
        details="Values of JSON, YAML and compose files are taken to the letter: numbers as they are written, `$` as a "
        "dollar. In a compose file `$$` is a dollar and ${NAME} stays a reference, to a variable of the level or those "
        "above it. A folder's .env goes to the level, .env.local to its child local, .env.NAME to its child NAME and "
        ".env.NAME.local to NAME/local, so that the view at each is what the tool reads in that mode. Nothing is "
        "written before everything is read.",
    ),
    Command(
        "export",
        "values",
        "views:export",
        "print a view",
        (HERE,),
        (
            Option(("-f", "--format"), "text", "FORMAT", f"{', '.join(FORMATS)}; default: dotenv", FORMATS),
            Option(("--only",), "list", "A,B", "only these variables"),
            Option(("--own",), "flag", "", "the level's own text to the letter: comments, quotes, references"),
            DIALECT,
            Option(("-o", "--output"), "file", "FILE", "write to a new file, readable by you alone"),
            VERSION,
            PASSPHRASE,
        ),
        (
            "envfs export /shop/prod",
            "envfs export /shop/prod -f json | jq .",
            "envfs export /shop/prod --dialect node > .env",
            "envfs export /shop/prod --own -o shop.env",
            'eval "$(envfs export /shop/prod -f shell)"',
            "envfs export /shop/prod -f k8s | kubectl apply -f -",
        ),
        details="dotenv: as in the mount; --dialect writes it for one kind of reader, as for `grant`. json: an object. "
        "environ: NAME=value, each ended by a NUL. example: the names alone. shell: lines for "
        "`eval`. docker: for --env-file. systemd: for EnvironmentFile. yaml: a mapping. k8s: a Secret. github: lines "
        "for $GITHUB_ENV; where GITHUB_ACTIONS is true, the masks go to standard error. tfvars: for Terraform.",
    ),
    Command(
        "history",
        "versions",
        "versions:history",
        "list a level's versions: what wrote each, what changed, and why",
        (HERE,),
        (Option(("-n", "--lines"), "number", "N", "the newest N versions (default 20; 0: all)"), PASSPHRASE, JSON),
        ("envfs history /shop/prod",),
    ),
    Command(
        "rollback",
        "versions",
        "versions:rollback",
        "write a new version with the text of an old one",
        (LEVEL, SUBVERSION),
        (YES, MESSAGE, PASSPHRASE, JSON),
        ("envfs rollback /shop/prod 7", "envfs rollback /shop/prod 7 -m 'the new key does not work yet'"),
    ),
)
