"""A coding agent behind a proxy and in a fence, and what the access log says of it when it has ended.

Law: standard output is the agent's alone. The summary goes to standard error.
"""

import base64
import os
import shutil
import time

from envfs.core import names
from envfs.errors import EnvFSError
from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import exit_status, output
from envfs_cli.agent_session import summary
from envfs_cli.daemon import client, new_proxies, session
from envfs_cli.fencing import starting
from envfs_cli.level_versions import check_newest, dated_level

_FILE, _GATEWAY_BYTES = ".env", 32

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs_cli.daemon.new_proxies import StartedProxy


class AgentRun(NamedTuple):
    """The command of an agent, and what it gets of a level."""

    level: str
    command: "tuple[str, ...]"
    only: "tuple[str, ...]"
    plain: "tuple[str, ...]"
    dangerous: bool
    writable: "tuple[str, ...]"
    reason: "str | None"
    passphrase_file: "str | None"


def run_agent(run: AgentRun, *, is_best_effort: bool, as_json: bool) -> int:
    """Run it, and print the summary, or why there is none. Returns its exit status.

    Raises:
        EnvFSError: no fence can be made, or what the daemon refuses with
    """
    agent = os.path.basename(run.command[0])
    fence = starting.prepare_fence(run.command, run.writable, is_best_effort=is_best_effort, agent=agent)
    _tell_plain_file(run.level)
    begin = time.time()
    proxy = _proxy(run)
    status = fence.run(proxy, names.parse_level(run.level), _gateway_token())
    _hint_if_not_found(status, run.command[0])
    try:
        summary.print_summary(_session_facts(run.level, begin), as_json=as_json)
    except EnvFSError as error:  # the log is another one's, or the daemon has ended: the agent has run all the same
        output.note(f"there is no summary: {error.text}")
    return status


def _gateway_token() -> str:
    if client.has_token():
        return ""  # this process acts by it, and its other connections would have all the rights of the user
    return base64.urlsafe_b64encode(os.urandom(_GATEWAY_BYTES)).decode().rstrip("=")


def _hint_if_not_found(status: int, program: str) -> None:
    if status == exit_status.NOT_FOUND and shutil.which(program) is None:
        output.hint("install it, or name it by its path")


def _tell_plain_file(level: str) -> None:
    if os.path.isfile(_FILE) and not os.path.islink(_FILE):
        output.note(f"{_FILE} is a file of this folder, and the agent can read the values in it")
        output.hint(f"`envfs link {level} --import` puts a link in its place, which has placeholders inside")


def _proxy(run: AgentRun) -> "StartedProxy":
    check_newest(dated_level(run.level), "a proxy sends values as they are now")
    shown = new_proxies.ShownVariables(run.only, run.plain, run.dangerous)
    return new_proxies.start_proxy(run.level, shown, session.given_reason(run.reason), run.passphrase_file)


def _session_facts(level: str, begin: float) -> summary.SessionFacts:
    asking = session.session_over(client.need_running())
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(begin - 1))
    rows = asking.rows(control.ReadLog(level=level, since=since))
    lines = (row.line for row in rows if isinstance(row, control.LogRow))
    return summary.facts_of_entries(lines, os.getpid(), time.time() - begin)
