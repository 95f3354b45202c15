"""`agent`: run a coding agent behind a proxy and in a fence, and print its own settings against reading secrets."""

from envfs.tuples import NamedTuple
from envfs_cli.arguments import Mistake
from envfs_cli.closed_sets import Unhandled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal


class AgentArguments(NamedTuple):
    """The arguments of `agent`."""

    action: "Literal['run', 'settings']"
    subject: str | None
    command: tuple[str, ...] | None
    only: tuple[str, ...]
    plain: tuple[str, ...]
    writable: tuple[str, ...]
    best_effort: bool
    allow_dangerous: bool
    reason: str | None
    passphrase_file: str | None
    json: bool


def run_agent(arguments: AgentArguments) -> int:
    """Run an agent, or print settings.

    Raises:
        Mistake: there is no command to run, or no such agent
    """
    match arguments.action:
        case "run":
            return _run(arguments)
        case "settings":
            return _print_settings(arguments)
        case _:
            raise Unhandled(arguments.action)


def _run(arguments: AgentArguments) -> int:
    if not arguments.command:
        raise Mistake("the command to run comes after --", "envfs agent run /shop/dev -- claude")
    from envfs_cli.agent_session import running

    return running.run_agent(
        running.AgentRun(
            _level(arguments.subject),
            arguments.command,
            arguments.only,
            arguments.plain,
            arguments.allow_dangerous,
            arguments.writable,
            arguments.reason,
            arguments.passphrase_file,
        ),
        is_best_effort=arguments.best_effort,
        as_json=arguments.json,
    )


def _level(subject: str | None) -> str:
    if subject is not None:
        return subject
    from envfs_cli.folder_links import state

    return state.linked_level()


def _print_settings(arguments: AgentArguments) -> int:
    from envfs_cli import output
    from envfs_cli.agent_session import settings

    text = settings.agent_settings(arguments.subject or "")
    if text is None:
        raise Mistake(f"there are settings for {' and '.join(settings.AGENTS)}", "envfs agent settings claude")
    output.print_line(text.rstrip("\n"))
    return 0
