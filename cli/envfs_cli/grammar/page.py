"""The command for the page in the browser."""

from envfs_cli.grammar.words import Command, Option

COMMANDS = (
    Command(
        "web",
        "use",
        "show names, reads, history and questions on a page, and no value",
        (),
        (
            Option(("--port",), "number", "N", "listen at this port of 127.0.0.1; default: one that is free"),
            Option(("--idle",), "duration", "TIME", "end when nobody has looked for so long, such as 2h; default: 30m"),
            Option(("--no-answers",), "flag", "", "only show the questions of programs, and take no answers"),
        ),
        ("envfs web", "envfs web --port 8200 --no-answers"),
        details="It prints a URL that works once, for a browser of this user on this machine. The page shows the tree "
        "of levels, the names of variables and where each is set, who reads what over time, history, rotation, rules "
        "and the daemon's health. Questions of programs (`envfs approvals`) can be answered there. It never asks the "
        "daemon for a value. It has the rights of its user, and needs a running daemon. Each look at names, presence "
        "and history is in the access log. Press return in the terminal for another URL. The page ends with this "
        "command, with the terminal, and after --idle. It needs the Python packages of `pip install 'envfs[web]'`.",
    ),
)
