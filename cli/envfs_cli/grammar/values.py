"""The commands on variables: set, read, bring in, give out, and their versions."""

from envfs_cli.grammar.words import (
    CALLERS,
    CAPABILITIES,
    DIALECT,
    EXPORT_TOOLS,
    FORMATS,
    HERE,
    HERE_THEN,
    IMPORT_FORMATS,
    IMPORT_TOOLS,
    JSON,
    LEVEL,
    MESSAGE,
    NAME,
    ONLY,
    ORDERS,
    PASSPHRASE,
    READ_AS,
    REASON,
    SEAL_SCOPES,
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
        (HERE_THEN, Argument("name", "name", "a variable's name; with --presence several, as in A,B,C")),
        (
            Option(("--presence",), "flag", "", "do not print it: say whether it is set, where, and since when"),
            VERSION,
            REASON,
            PASSPHRASE,
            JSON._replace(help="with --presence: print JSON for machines"),
        ),
        (
            "envfs get /shop/prod DATABASE_URL",
            "envfs get /shop/prod@-1 DATABASE_URL",
            "envfs get /shop/prod STRIPE_KEY,DATABASE_URL --presence",
        ),
        details="With --presence no value is read: it takes `names` at the level, and `history` where the variable is "
        "set to say since when. The exit status is 0 if each variable is set, 104 if one is not, 1 if one is empty.",
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
        (
            Option(("--names",), "flag", "", "list the names of their variables, inherited ones included"),
            Option(("--removed",), "flag", "", "those that `envfs rm` removed"),
            PASSPHRASE,
            JSON,
        ),
        ("envfs ls", "envfs ls /shop", "envfs ls /shop/dev --names"),
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
        "find",
        "values",
        "say which levels set a variable, or where a value stands",
        (
            Argument("pattern", "text", "a variable's name, or a pattern such as DB_*"),
            Argument("level", "level", "search only this level and those below it", optional=True),
        ),
        (
            Option(("--value",), "flag", "", "ask for a value, and list the variables that have it"),
            Option(("--from-file",), "file", "FILE", "with --value: take it from a file, to the letter"),
            PASSPHRASE,
            JSON,
        ),
        ("envfs find DATABASE_URL", "envfs find 'DB_*' /shop", "pass show old-db | envfs find '*' --value"),
        details="Only levels that you may see are searched: for names, or with --value for all values. A level's own "
        "text counts, as it is now. A value of eight characters or more is found within other values and in comments.",
    ),
    Command(
        "scan",
        "values",
        "find values of the vault in files, git, images and transcripts",
        (
            Argument(
                "paths", "paths", "files and folders; default: this one, and .env in other work trees", optional=True
            ),
        ),
        (
            Option(("--staged",), "flag", "", "search what is staged in git"),
            Option(("--history",), "flag", "", "search every object of the git repository, each once"),
            Option(("--image",), "file", "TAR", "search an image that was saved, as by `docker save`"),
            Option(("--transcripts",), "flag", "", "search what coding agents wrote down below the home folder"),
            Option(("--level",), "text", "LEVEL", "look for values of this level and those below it", offers="level"),
            Option(("--everything",), "flag", "", "look for ordinary values too, such as words and addresses"),
            Option(("--shapes",), "flag", "", "find texts that have the shape of a well-known token, too"),
            Option(("--install-hook",), "flag", "", "have git search what is staged before each commit"),
            PASSPHRASE,
            JSON,
        ),
        (
            "envfs scan",
            "envfs scan --staged",
            "envfs scan --history --json",
            "docker save app -o app.tar && envfs scan --image app.tar",
        ),
        details="A value is found as it is, escaped (JSON, URL, shell, HTML), in base64, hex or UTF-16, and in gzip, "
        "bzip2, xz, zstd, tar and zip. The result has places and names, and no value. Looked for are values of 8 bytes "
        "and more of the levels whose values this program may have, which counts as a read of each. Copies of .env are "
        "listed too. The exit status is 1 if there is anything, else 100 if a named path cannot be read, else 0.",
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
            Option(("--live",), "flag", "", "ask the services whether their keys are right, by one request each"),
            PASSPHRASE,
            JSON,
        ),
        ("envfs check /shop/prod", "envfs check /shop/prod --against .env.example", "envfs check /shop --dialect node"),
        details="Fails if a variable is missing, or a reference is undefined or leads back to itself. It warns of "
        "empty values, names that change how programs run, values that some program would take for something else. "
        "With --dialect, the programs are those that the dialect is for; `envfs grant --help` names them. With --live "
        "each variable that the proxy's catalogue knows is tested by one cheap request, sent through a proxy (`envfs "
        "proxy --help`): the hosts are named first, and a key that its host refuses fails the check.",
    ),
    Command(
        "edit",
        "values",
        "edit a level's own text, in memory only",
        (HERE, NAME._replace(help="begin at the line of this variable", optional=True)),
        (YES, MESSAGE, PASSPHRASE),
        (
            "envfs edit /shop/prod",
            "envfs edit /shop/prod DATABASE_URL",
            "VISUAL=nano envfs edit /shop/prod -m 'the new database'",
        ),
        details="The editor is that of VISUAL or EDITOR. The file is in memory, in a folder that other processes do "
        "not see, and vim, nano and emacs are told to keep no copies elsewhere. When the editor ends, the names that "
        "change are shown, and a yes writes the new version. A text with a fault opens again at its line and column. "
        "Variables that somebody else changed meanwhile are taken in, and those that both changed are named.",
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
            Option(
                ("--from",),
                "text",
                "TOOL",
                "FILE is what that tool keeps or exports, or what its own program is asked for",
                IMPORT_TOOLS,
            ),
            Option(("--folder",), "text", "NAME", "exports: the vault or folder in it that is meant; default: all"),
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
            "envfs import --from dotenvx .env.production /shop/prod --dry-run",
            "envfs import --from pass shop/prod /shop/prod",
            "envfs import --from bitwarden-export export.json /shop --folder Shop",
        ),
        details="Values of JSON, YAML and compose files are taken to the letter: numbers as they are written, `$` as a "
        "dollar. In a compose file `$$` is a dollar and ${NAME} stays a reference, to a variable of the level or those "
        "above it. A folder's .env goes to the level, .env.local to its child local, .env.NAME to its child NAME and "
        ".env.NAME.local to NAME/local, so that the view at each is what the tool reads in that mode. Nothing is "
        "written before everything is read. With --from the file is of another tool: a .env of dotenvx, a file of "
        "sops, a folder with an .envrc, an entry or folder of pass, an item of op, PROJECT/CONFIG of doppler, an "
        "environment of infisical, a service of chamber (of these four also a file with the JSON that they print), or "
        "the export of a password manager. Its own program decrypts. A field that is not called as a variable is gets "
        "a name of its item's title and its own.",
    ),
    Command(
        "export",
        "values",
        "print a view",
        (HERE_THEN,),
        (
            Option(("-f", "--format"), "text", "FORMAT", f"{', '.join(FORMATS)}; default: dotenv", FORMATS),
            Option(("--to",), "text", "TOOL", f"as this tool takes it: {', '.join(EXPORT_TOOLS)}", EXPORT_TOOLS),
            ONLY,
            Option(("--seal",), "file", "CERT", "k8s: a SealedSecret, for the cluster that has this certificate"),
            Option(
                ("--scope",),
                "text",
                "SCOPE",
                "with --seal: strict (default), namespace-wide, cluster-wide",
                SEAL_SCOPES,
            ),
            Option(("--namespace",), "text", "NAME", "k8s: the Secret's namespace"),
            Option(("--name",), "text", "NAME", "k8s: what the Secret is called; default: after the level"),
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
            "envfs export /shop/prod -f k8s --seal cluster.pem --namespace shop -o sealed.yaml",
            "envfs export /shop/prod --to doppler -o shop.json",
        ),
        details="dotenv: as in the mount; --dialect writes it for one kind of reader, as for `grant`. json: an object. "
        "environ: NAME=value, each ended by a NUL. example: the names alone. shell: lines for "
        "`eval`. docker: for --env-file. systemd: for EnvironmentFile. yaml: a mapping. k8s: a Secret. With --seal it "
        "is one that the controller of sealed-secrets alone can open, as of kubeseal, so it may be committed. github: "
        "lines for $GITHUB_ENV; where GITHUB_ACTIONS is true, the masks go to standard error. tfvars: for Terraform. "
        "direnv: lines for an .envrc. op: an item's template. bitwarden: an export with one note.",
    ),
)
