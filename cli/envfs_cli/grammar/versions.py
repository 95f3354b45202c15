"""The commands on versions: what changed, back to an old one, to another level, away."""

from envfs_cli.grammar.words import (
    HERE_THEN,
    JSON,
    LEVEL,
    MESSAGE,
    ONLY,
    PASSPHRASE,
    SOURCE,
    SUBVERSION,
    TARGET,
    YES,
    Argument,
    Command,
    Option,
)

COMMANDS = (
    Command(
        "history",
        "versions",
        "list a level's versions: what wrote each, what changed, and why",
        (HERE_THEN,),
        (
            Option(("-n", "--lines"), "number", "N", "the newest N versions (default 20; 0: all)"),
            Option(
                ("--name",),
                "text",
                "NAME",
                "those alone that changed this variable, also under its earlier names",
                offers="names",
            ),
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
        "write a new version with the text of an old one, or its variables",
        (
            LEVEL,
            SUBVERSION,
            Argument("names", "text", "these variables alone, as in A,B,C; default: the whole text", optional=True),
        ),
        (YES, MESSAGE, PASSPHRASE, JSON),
        (
            "envfs rollback /shop/prod 7",
            "envfs rollback /shop/prod @-1 -m 'the new key does not work yet'",
            "envfs rollback /shop/prod 2026-11-01T10:00 DB_USER,DB_PASSWORD",
        ),
        details="No version is lost: the old text becomes the newest version. A variable that is named and was not "
        "there then is removed. Without -m, the message says which version it was.",
    ),
    Command(
        "cp",
        "versions",
        "set the variables of one level at another one as well",
        (SOURCE, TARGET),
        (
            ONLY,
            Option(("--version",), "number", "N", "as SOURCE@N: the source as it was at that version"),
            MESSAGE,
            PASSPHRASE,
            JSON,
        ),
        (
            "envfs cp /shop/staging /shop/prod",
            "envfs cp /shop/staging /shop/prod --only DB_HOST,DB_PASSWORD",
            "envfs cp /shop/prod@-1 /shop/staging",
        ),
        details="The source's own text counts, as it was at a version if SOURCE@VERSION names one, with its "
        "references, and not what it has from the levels above. Other variables of the target stay. A level without a "
        "text gets the whole text, comments included. No value leaves the keyholder.",
    ),
    Command(
        "mv",
        "versions",
        "move a level with its versions, or variables, elsewhere",
        (
            SOURCE._replace(help="the level that is moved, or with --only the one that loses the variables"),
            TARGET._replace(help="the path that it gets, or with --only the level that gets the variables"),
        ),
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
                ("--before",),
                "text",
                "N|TIME",
                "those before this version or time (7, @-3, 30d, 2026-11-01T10:00); default: all",
            ),
            YES,
            PASSPHRASE,
            JSON,
        ),
        ("envfs forget /shop/prod --before 40", "envfs forget /shop/prod --before 90d", "envfs forget /shop/old"),
        details="The newest version always stays. Versions and times are those that stand behind LEVEL@, and a day is "
        "meant from its beginning. What was forgotten is overwritten in the vault's files, and a signed "
        "tombstone keeps the chain of the versions whole, so `envfs verify` goes on to pass. Copies elsewhere stay: "
        "backups, snapshots of the file system, and what a disk keeps of a block that was overwritten.",
    ),
)
