"""The commands for coding agents in a fence, and for git."""

from envfs_cli.grammar.words import (
    DANGEROUS,
    HERE,
    JSON,
    ONLY,
    PASSPHRASE,
    REASON,
    WRITABLE,
    Argument,
    Command,
    Option,
    action_argument,
)

COMMANDS = (
    Command(
        "agent",
        "access",
        "run a coding agent with placeholders and in a fence",
        (
            action_argument(
                run="run it behind a proxy and in a fence, and say at its end what it sent where",
                settings="print settings for claude or codex that deny it secrets",
            ),
            Argument("subject", "text", "for run a level such as /shop/dev, for settings an agent", optional=True),
            Argument("command", "words", "for run: the agent and its arguments, after --", optional=True),
        ),
        (
            ONLY,
            Option(("--plain",), "list", "A,B", "give the values of these variables, as of PORT"),
            WRITABLE._replace(help="more folders and files that it may write to"),
            DANGEROUS,
            Option(("--best-effort",), "flag", "", "go on where a part of the fence is not possible, and say which"),
            REASON,
            PASSPHRASE,
            JSON._replace(help="print the summary as JSON, on standard error"),
        ),
        (
            "envfs agent run /shop/dev -- claude",
            "envfs agent run --plain PORT -- codex",
            "mkdir -p .claude && envfs agent settings claude > .claude/settings.local.json",
        ),
        details="It is `envfs exec LEVEL --proxy --fence` with the agent's own folder writable (that of claude and of "
        "codex) and a summary at the end, on standard error: hosts, requests, the rules that gave a value, refusals. "
        "Without a level, that of the folder counts (`envfs link`). A .env that is a file of its own, and no link to a "
        "view, can be read inside as it is: `envfs link --import` replaces it. The settings are a second net, "
        "which the agent itself holds. The fence does not ask it. Those for claude belong into "
        ".claude/settings.local.json of a project, those for codex into ~/.codex/config.toml. A redirection (>) "
        "replaces the whole file, so where one is there, add them to it by hand.",
    ),
    Command(
        "git-credential",
        "access",
        "give git a credential of a level, as its credential helper",
        (HERE, action_argument(get="print the credential", store="do nothing", erase="do nothing")),
        (REASON, PASSPHRASE),
        ("printf 'protocol=https\\nhost=github.com\\n' | envfs git-credential /shop/dev get",),
        details="git runs it after "
        "git config credential.https://github.com.helper '!envfs git-credential /shop/dev', "
        "and writes the host to its standard input. The rules of the level say which variable is "
        "for that host (`envfs proxy rules`), among those that may stand in HTTP Basic. The read is in the access "
        "log. Behind a proxy git gets the placeholder that stands in the environment, and no daemon is asked. "
        "Without a rule for the host it says nothing, and git asks its other helpers.",
    ),
)
