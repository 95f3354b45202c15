"""The commands on access: who may do what, and who did."""

from envfs_cli.grammar.access_log import LOG
from envfs_cli.grammar.words import (
    CALLERS,
    CAN,
    CAPABILITY_WORDS,
    DANGEROUS,
    DIALECT,
    JSON,
    LEVEL,
    MAX_READS,
    NAME,
    ONLY,
    PASSPHRASE,
    REASON,
    SCOPES,
    TTL,
    YES,
    Argument,
    Command,
    Option,
    action_argument,
)

_DECISIONS = ("allow", "mask", "ask", "deny")
_ONLY = Option(("--only",), "list", "NAMES", "these variables alone; * and ? may stand in a name", offers="names")
_CAN = CAN._replace(help=f"{CAPABILITY_WORDS}, and all of them with --decision deny")
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
            MAX_READS,
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
            "envfs grant /shop/prod --exe /usr/bin/code --decision mask",
            "envfs grant /shop/web --user node --dialect node",
        ),
        details="A caller has to meet all that is named. --under is about what a program starts, and not about the "
        "program itself, which --exe is about: who masks an editor or an agent gives both rules. Of several rules the "
        "most specific one decides: that of the deepest level, then the one that names a program, a script, an "
        "ancestor, a unit, a user or a group, in this order. Of two that are as specific, the stricter one does: "
        "deny, ask, mask, allow. A yes to a question gives what they come to without the asking: placeholders, if one "
        "of them masks. Programs are pinned by their content: once it changes, the rule does not match until it is "
        "given again. A user's own daemon serves its user alone; for several users the vault is root's. With "
        "--dialect, what these callers read as .env is written for one kind of reader, which can carry values that "
        "text for all of them cannot: docker (--env-file, podman), shell, systemd (EnvironmentFile=), python "
        "(python-dotenv, interpolate=False), python-interpolating (python-dotenv by default), node (dotenv, node "
        "--env-file, deno), expand (dotenv-expand, next, vite, bun), compose (docker compose 2).",
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
        examples=("envfs grants", "envfs grants --json | jq '.[] | select(.seconds_left >= 0)'"),
    ),
    Command(
        "approvals",
        "access",
        "list, answer or watch the questions of programs that wait",
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
        ("envfs who /shop/prod", "envfs who /shop/prod --json | jq '.[].pid'"),
        details="Readers of levels below are listed too, for they get what the level sets. A process that has ended is "
        "listed only if another one has its open file, and then as `passed on`. The daemon remembers the last 4,096 "
        "readings since its start. `envfs log` has all of them.",
    ),
    Command(
        "proxy",
        "access",
        "start, list and end sessions of the proxy, see rules, test keys",
        (
            action_argument(
                ls="list the sessions that run",
                start="start one without a command, for a level: for a shell or an editor",
                env="print the variables of such a one, for `eval` by a shell",
                stop="end one, by its name: its command, or shell, reaches no host by it any more",
                rules="list the rules of the settings, or those that the variables of a level have",
                test="send one cheap request for each key of a level, or for one: is it right?",
            ),
            Argument("subject", "text", "a session such as p1, or else a level such as /shop/dev", optional=True),
            Argument("name", "text", "for test: a variable's name", optional=True),
        ),
        (
            Option(("--ttl",), "duration", "TIME", "for start: how long it stands, as in 30m 8h; default: 12h"),
            Option(("--unset",), "flag", "", "for env: print what takes the variables out of a shell again"),
            *(ONLY, DANGEROUS, REASON, PASSPHRASE, JSON),
        ),
        (
            "envfs proxy rules /shop/dev",
            "envfs proxy ls",
            "envfs proxy stop p1",
            "envfs proxy test /shop/dev STRIPE_KEY",
            "envfs proxy start /shop/dev --ttl 8h",
            'eval "$(envfs proxy env p1)"',
        ),
        details="A command of `envfs exec LEVEL --proxy` has placeholders in the place of its values. A proxy puts "
        "each value into requests to the hosts of a rule, in a header that says who asks, and out of "
        "responses. Well-known services need no rule. Others have one in the settings, envfs.toml: "
        "[[proxy.rule]] with key (a variable or a pattern), hosts, and if need be where (header, header:NAME, "
        "basic, query:NAME, path, form:NAME, json:PATH, ws-text, sigv4), methods, paths, networks, address, "
        "scrub, approve, h2, test (the path of a cheap request) and name. A placeholder that no rule lets "
        "stand where it stands is refused, and nothing of that request is sent. So is an address, or a port "
        "but 443 (80 unencrypted), that no rule names. The answer says why, and so does `envfs log --event "
        "refuse`, where a program does not show the answer. With approve set to each, or to first (in a "
        "session, of its method, host and path), a request waits for a person: `envfs approvals`. All are logged.",
    ),
    Command(
        "push",
        "access",
        "hand values to the tool of another service, by its standard input",
        (
            Argument(
                "target",
                "text",
                "one of the targets below",
                choices=("gh", "vercel", "fly", "kubectl", "docker"),
                meanings=(
                    "secrets of a GitHub repository: gh secret set",
                    "variables of a Vercel project, with the environment behind --: vercel env add",
                    "secrets of a Fly app: fly secrets import",
                    "a Secret of Kubernetes with these variables, named after the level: kubectl apply",
                    "secrets of a Docker swarm, which cannot be replaced: docker secret create",
                ),
            ),
            Argument("level", "level", "a level such as /shop/prod"),
            Argument("names", "name", "a variable's name, or several as in A,B,C"),
            Argument("words", "words", "words for the tool, after --", optional=True),
        ),
        (
            Option(("-n", "--dry-run"), "flag", "", "run nothing; say what would be run, with names alone"),
            REASON,
            PASSPHRASE,
            JSON,
        ),
        (
            "envfs push gh /shop/prod STRIPE_KEY,DATABASE_URL -- --repo acme/shop",
            "envfs push vercel /shop/prod STRIPE_KEY -- production --force",
            "envfs push fly /shop/prod STRIPE_KEY,DATABASE_URL -- --app shop --stage",
            "envfs push kubectl /shop/prod STRIPE_KEY,DATABASE_URL --dry-run",
            "envfs push docker /shop/prod STRIPE_KEY",
        ),
        details="Each value goes into the standard input of the tool, and is never in a command line, a file or the "
        "output: an agent that runs this sees names. What the tool says is shown where it fails, with the values "
        "hidden. The access log says that the values were pushed, and where. The tool has its own login. The exit "
        "status is 0 if all were taken. --dry-run takes `names` alone.",
    ),
    Command(
        "mcp",
        "access",
        "serve names and presence to a coding agent, and no value",
        examples=("claude mcp add secrets -- envfs mcp", "codex mcp add secrets -- envfs mcp"),
        details="The agent starts it, and speaks the Model Context Protocol on standard input and output. Its tools "
        "list levels, names, versions and what is due, say whether variables are set, and check them. None takes a "
        "value or gives one. It has the rights of its user, of which `names` (and `history`) are all that it uses, "
        "and it needs a running daemon. Each call is in the access log. It needs the Python package mcp: "
        "`pip install 'envfs[mcp]'`.",
    ),
    Command(
        "holders",
        "access",
        "list the processes that have a variable's value, or restart them",
        (LEVEL, NAME),
        (
            Option(("--version",), "number", "N", "those with the value that it had in that version of the level"),
            Option(("--before",), "number", "N", "those with what that version of the level replaced"),
            Option(("--restart",), "flag", "", "have the service manager restart the services with an old value"),
            Option(("--signal",), "text", "SIGNAL", "send this signal to those with an old value, such as HUP"),
            YES,
            PASSPHRASE,
            JSON,
        ),
        (
            "envfs holders /shop/prod DB_PASSWORD",
            "envfs holders /shop/prod DB_PASSWORD --before 12 --restart",
            "envfs holders /shop/prod DB_PASSWORD --signal HUP --yes",
        ),
        details="The access log says who was given which version, by the mount or a command, and /proc which of these "
        "processes still live, and what descends from them. With --restart and --signal together, services are "
        "restarted, and other processes get the signal. Both are done by the user of this command, and never by the "
        "daemon. A value that was passed on by a pipe, a file or a message is not seen.",
    ),
    Command(
        "incident",
        "access",
        "report who was given a variable's values, and what to do next",
        (LEVEL, NAME),
        (
            Option(("--since",), "text", "TIME", "from then on: 2h, 7d, 2026-11-21 or 2026-11-21T08:00"),
            Option(("--until",), "text", "TIME", "before then"),
            Option(("--markdown",), "flag", "", "print Markdown"),
            PASSPHRASE,
            JSON,
        ),
        (
            "envfs incident /shop/prod DB_PASSWORD",
            "envfs incident /shop/prod DB_PASSWORD --since 7d --markdown >report.md",
            "envfs incident /shop/prod DB_PASSWORD --json | jq '.readers[].user'",
        ),
        details="The report has the values of that time by numbers, and never what they are: who set them, who was "
        "given which, by what, when and how often, which of these processes live, where the same values stand now, "
        "what else these readers were given, what was refused, whether the log is whole, and commands to go on with. "
        "The exit status is 0 if the log of that time is whole or was not verified, and 122 if it is not.",
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
            MAX_READS,
            CAN,
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
        "that `exec` becomes does not inherit it; `exec --session` gives it one of its own. The daemon keeps a digest.",
    ),
    LOG,
)
