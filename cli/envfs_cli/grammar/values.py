"""The commands on variables: set, read, bring in, give out, and their versions."""

from envfs_cli.grammar.words import (
    CALLERS,
    CAPABILITIES,
    DIALECT,
    FORMATS,
    HERE,
    HERE_THEN,
    IMPORT_FORMATS,
    JSON,
    LEVEL,
    MESSAGE,
    NAME,
    ONLY,
    ORDERS,
    PASSPHRASE,
    READ_AS,
    REASON,
    SOURCE,
    SUBVERSION,
    TARGET,
    VERSION,
    YES,
    Argument,
    Command,
    Option,
)

COMMANDS = (
    Command(
        "set",
        "values",
        "set a variable, or several in one version",
        (HERE, Argument("name", "name", "a variable's name, or several as in A,B,C")),
        (
            Option(
                ("--from-file",), "file", "FILE", "take the value from a file, to the letter; several: lines NAME=value"
            ),
            Option(("--empty",), "flag", "", "set an empty value, which is refused otherwise"),
            Option(("--template",), "flag", "", "let ${NAME} in it refer to other variables; \\$ is a dollar"),
            Option(("--canary",), "flag", "", "make a random value that nobody needs; its read is an alarm"),
            MESSAGE,
            PASSPHRASE,
            JSON,
        ),
        (
            "envfs set /shop/prod DATABASE_URL",
            "pass show db | envfs set /shop/prod DATABASE_URL",
            "envfs set /shop/prod DB_HOST,DB_USER,DB_PASSWORD -m 'the new database'",
            "envfs set /shop/prod DB_USER,DB_PASSWORD < new.env",
            "echo 'postgres://${DB_HOST}/shop' | envfs set /shop DATABASE_URL --template",
            "envfs set /backup/prod AWS_SECRET_ACCESS_KEY --canary",
        ),
        details="The value is asked for without showing it, or read from standard input, or taken from a file. At the "
        "terminal Enter ends it, and a paste is taken whole, with all of its lines. A value of one line loses its line "
        "end, one of several lines keeps it, as keys and certificates need it. A value is never an argument: those are "
        "in everybody's process list. Several variables become one version, or nothing is changed: each value is asked "
        "for, or taken from a dotenv text, whose other variables are passed over. With --canary the value is made up: "
        "a read of it, or of a view that holds it, is an event `canary` in the log, is in `envfs status`, and starts "
        "the program that `[audit] hook` names. "
        "Put it where nothing reads: in a level of its own, or where programs get other names alone.",
    ),
    Command(
        "get",
        "values",
        "print one variable's value",
        (HERE_THEN, NAME),
        (VERSION, REASON, PASSPHRASE),
        ("envfs get /shop/prod DATABASE_URL", "envfs get /shop/prod@-1 DATABASE_URL"),
    ),
    Command(
        "unset",
        "values",
        "remove one variable from a level's own text",
        (HERE, NAME),
        (MESSAGE, PASSPHRASE, JSON),
        ("envfs unset /shop/prod DEBUG", "envfs unset /shop/prod DEBUG -m 'the incident is over'"),
    ),
    Command(
        "rename",
        "values",
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
        "list levels",
        (Argument("level", "level", "list only this level and those below it", optional=True),),
        (Option(("--removed",), "flag", "", "those that `envfs rm` removed"), PASSPHRASE, JSON),
        ("envfs ls", "envfs ls /shop"),
    ),
    Command(
        "show",
        "values",
        "list the variables of a view and where each is set",
        (HERE_THEN,),
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
        "say where a value comes from, or which rule answers a caller",
        (HERE_THEN, Argument("name", "name", "a variable's name", optional=True)),
        (
            Option(("--reveal",), "flag", "", "print the value too"),
            VERSION,
            Option(("--pid",), "number", "N", "the caller: a process that runs"),
            *CALLERS,
            Option(("--can",), "text", "WORD", "what it wants to do; default: read", CAPABILITIES),
            PASSPHRASE,
            JSON,
        ),
        (
            "envfs explain /shop/prod DATABASE_URL",
            "envfs explain /shop/prod --pid 4711",
            "envfs explain /shop --uid 1001",
        ),
        details="Of a variable: which levels set it and which of them counts, which variables it refers to and where "
        "those are set, and which programs would misread it. Of a caller, a process or one that would be as the "
        "options say: what is decided, and how each rule of the level answers it.",
    ),
    Command(
        "check",
        "values",
        "say what is wrong with a level's variables",
        (HERE_THEN,),
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
        details="Fails if a variable is missing, or a reference is undefined or leads back to itself. It warns of "
        "empty values, names that change how programs run, values that some program would take for something else. "
        "With --dialect, the programs are those that the dialect is for; `envfs grant --help` names them.",
    ),
    Command(
        "import",
        "values",
        "set every variable of a file, or of a folder's .env files",
        (Argument("file", "file", "the file, a folder with .env files, or - for standard input"), LEVEL),
        (
            Option(
                ("-f", "--format"),
                "text",
                "FORMAT",
                "dotenv, json, yaml or compose; default: by the file's name",
                IMPORT_FORMATS,
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
        "print a view",
        (HERE_THEN,),
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
            "envfs export /shop/prod@2026-11-01T10:00",
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
        "list a level's versions: what wrote each, what changed, and why",
        (HERE_THEN,),
        (
            Option(("-n", "--lines"), "number", "N", "the newest N versions (default 20; 0: all)"),
            Option(("--name",), "text", "NAME", "those alone that changed this variable, also under its earlier names"),
            PASSPHRASE,
            JSON,
        ),
        (
            "envfs history /shop/prod",
            "envfs history /shop/prod --name DATABASE_URL",
            "envfs history /shop/prod@2026-11-01T10:00 -n 5",
        ),
        details="The newest first. `+` is a name that was added, `~` one with another value, `-` one that was removed, "
        "and an arrow leads from a name to the one that it has now. An author is shown by the name that [authors] of "
        "the settings gives, or by "
        "the first letters of the key. Names take a rule with `names`, and messages are for the owner. With "
        "/shop/prod@VERSION, the list ends with that version.",
    ),
    Command(
        "diff",
        "versions",
        "list the variables in which two versions, or two levels, differ",
        (
            HERE_THEN,
            Argument("first", "text", "a version to compare with (@3, @-2, a time), or another level", optional=True),
            Argument("second", "text", "a version of the level, in place of the newest", optional=True),
        ),
        (
            Option(("--reveal",), "flag", "", "print the values too"),
            Option(("--names",), "flag", "", "compare the names alone, for those who may have no values"),
            Option(("--own",), "flag", "", "of two levels: their own texts, without what is above them"),
            PASSPHRASE,
            JSON,
        ),
        (
            "envfs diff /shop/prod",
            "envfs diff /shop/prod @3 @5",
            "envfs diff /shop/prod@2026-11-01T10:00 --reveal",
            "envfs diff /shop/staging /shop/prod",
        ),
        details="`+` is a name that the second side alone has, `-` one that the first side alone has, "
        "`~` one with another value. With a level alone, its newest version is compared with the one before. Two "
        "versions of a level are compared by the level's own text, two levels by their views, with what they "
        "inherit. The exit status is 0 if nothing differs, "
        "and 1 if something does. Comparing values takes what reading them does.",
    ),
    Command(
        "rollback",
        "versions",
        "write a new version with the text of an old one",
        (LEVEL, SUBVERSION),
        (YES, MESSAGE, PASSPHRASE, JSON),
        ("envfs rollback /shop/prod 7", "envfs rollback /shop/prod 7 -m 'the new key does not work yet'"),
    ),
    Command(
        "cp",
        "versions",
        "set the variables of one level at another one as well",
        (SOURCE, TARGET),
        (
            ONLY,
            Option(("--version",), "number", "N", "the source as it was at that version"),
            MESSAGE,
            PASSPHRASE,
            JSON,
        ),
        ("envfs cp /shop/staging /shop/prod", "envfs cp /shop/staging /shop/prod --only DB_HOST,DB_PASSWORD"),
        details="The source's own text counts, with its references, and not what it has from the levels above. "
        "Other variables of the target stay. A level without a text gets the whole text, comments included. "
        "No value leaves the keyholder.",
    ),
    Command(
        "mv",
        "versions",
        "move a level with its versions, or variables, elsewhere",
        (SOURCE, TARGET),
        (ONLY, MESSAGE, PASSPHRASE, JSON),
        ("envfs mv /shop/old /shop/new", "envfs mv /shop/staging /shop --only LOG_LEVEL"),
        details="The levels below it go along. Each version is sealed again for its new place, with the keys of that "
        "project, and the old level is removed, as by `envfs rm`. Rules that name the old level, and folders that are "
        "linked to it, are listed. If it is interrupted, the same command goes on.",
    ),
    Command(
        "rm",
        "versions",
        "remove a level; its versions stay until they are forgotten",
        (LEVEL,),
        (Option(("--below",), "flag", "", "remove the levels below it as well"), YES, MESSAGE, PASSPHRASE, JSON),
        ("envfs rm /shop/old", "envfs rm /shop --below -m 'the shop is closed'"),
        details="A last version without variables is written, and the level is listed and shown no more. "
        "`envfs rollback` to an older version brings it back. Rules for the level, and the project's keys, stay.",
    ),
    Command(
        "forget",
        "versions",
        "forget the values of older versions of a level for good",
        (LEVEL,),
        (
            Option(
                ("--before",), "text", "N|TIME", "those before this version or time (7, 30d, 2026-11-01); default: all"
            ),
            YES,
            PASSPHRASE,
            JSON,
        ),
        ("envfs forget /shop/prod --before 40", "envfs forget /shop/prod --before 90d", "envfs forget /shop/old"),
        details="The newest version always stays. What was forgotten is overwritten in the vault's files, and a signed "
        "tombstone keeps the chain of the versions whole, so `envfs verify` goes on to pass. Copies elsewhere stay: "
        "backups, snapshots of the file system, and what a disk keeps of a block that was overwritten.",
    ),
)
