"""The judgement whether a process may answer a question: nobody approves what it asked for by itself.

Laws: what cannot be seen counts against the one who answers. The judgement depends on its arguments alone.

A uid of its own is a boundary, so for another uid than the asker's the rules are few. Where both have one uid, only the
process tree, the sessions and the moments of their beginnings tell a person from the program that asks
(docs/threat-model.md names what is left).
"""

import itertools
from collections.abc import Iterable
from typing import NamedTuple

from envfs.core.approvals.lineage import Lineage, Process, Terminal, is_complete, is_pseudo_terminal, sessions

AGENTS = (
    *("aider", "amp", "auggie", "claude", "claude-code", "cline", "codex", "copilot", "crush", "cursor"),
    *("cursor-agent", "devin", "gemini", "gemini-cli", "goose", "kilocode", "kiro", "kiro-cli", "opencode"),
    *("openhands", "q", "qwen", "qwen-code", "windsurf"),
)
_SUFFIXES = (".js", ".mjs", ".cjs", ".ts", ".py", ".sh", ".exe", ".appimage")
_INIT = 1
_TICK, _COARSE_NS = 0.01, 20_000_000  # what a start, and the time of a device, may be behind


class AskingProcess(NamedTuple):
    """The one who asked: its lineage, and when, in seconds since the boot and on the wall clock in nanoseconds.

    `cgroup` is its path (cgroups(7), version 2), empty if it cannot be seen.
    """

    lineage: Lineage
    seconds: float
    wall_ns: int
    cgroup: str = ""


class AnsweringProcess(NamedTuple):
    """The one who answers: its lineage, the leader of its session if that is alive, and its terminal if it has one.

    `cgroup` is as that of the one who asked.
    """

    lineage: Lineage
    leader: Process | None
    terminal: Terminal | None
    cgroup: str = ""


def reason_to_refuse(answering: AnsweringProcess, asking: AskingProcess, agents: Iterable[str] = AGENTS) -> str:
    """Say why a process may not answer a question. Empty if it may."""
    if not is_complete(answering.lineage) or not is_complete(asking.lineage):
        return "not all of the processes that it comes from can be seen"
    return (
        _kinship(answering.lineage, asking.lineage)
        or _agent(answering.lineage, agents)
        or _youth(answering, asking)
        or (_likeness(answering, asking) if _have_one_uid(answering, asking) else "")
    )


def _have_one_uid(answering: AnsweringProcess, asking: AskingProcess) -> bool:
    return answering.lineage[0].uid == asking.lineage[0].uid


def _kinship(answering: Lineage, asking: Lineage) -> str:
    if _has(asking, answering[0]) or _has(answering, asking[0]):
        return "it belongs to the process tree of the program that asks"
    if answering[0].session in sessions(asking[:1]):
        return "it belongs to the session of the program that asks"
    return ""


def _agent(lineage: Lineage, agents: Iterable[str]) -> str:
    names = frozenset(name.lower() for name in agents)
    for process in lineage:
        if names & _names_of(process):
            return "it was started by a program that counts as an agent"
    return ""


def _names_of(process: Process) -> frozenset[str]:
    # an agent may be installed as share/claude/versions/1.0, or as node_modules/@anthropic-ai/claude-code/cli.js
    *_, package = process.script.rpartition("/node_modules/")
    steps = [process.name, *process.program.split("/")]
    steps += package.split("/") if package != process.script else [package.rpartition("/")[2]]
    names = {step.lower() for step in steps if step}
    return frozenset(names | {name.removesuffix(suffix) for name in names for suffix in _SUFFIXES})


def _youth(answering: AnsweringProcess, asking: AskingProcess) -> str:
    if answering.leader is None:
        return "the process that began its session has ended"
    if answering.leader.start + _TICK >= asking.seconds:
        return "its session began after the question"
    if answering.terminal is None:
        return "" if not answering.lineage[0].terminal else "its terminal cannot be seen"
    changed_ns = answering.terminal.changed_ns + _COARSE_NS
    return "its terminal was made after the question" if changed_ns >= asking.wall_ns else ""


def _likeness(answering: AnsweringProcess, asking: AskingProcess) -> str:
    if answering.terminal is None:
        return "it has no terminal, and runs as the user of the program that asks"
    if answering.lineage[0].session in sessions(asking.lineage):
        return "the program that asks was started from its session"
    if asking.lineage[0].session in sessions(answering.lineage):
        return "its terminal was made within the session of the program that asks"
    return (
        _common_maker(answering.lineage, asking.lineage)
        or _orphan(answering, asking)
        or _stray(answering.lineage, asking.lineage)
    )


def _common_maker(answering: Lineage, asking: Lineage) -> str:
    # a server of terminals has no terminal itself. What has one, and started both, is a program that answers for itself
    maker = next((process for process in answering if _has(asking, process)), None)
    if maker is None or maker.uid != asking[0].uid or not is_pseudo_terminal(maker.terminal):
        return ""
    return "a program that runs in a terminal started both it and the program that asks"


def _orphan(answering: AnsweringProcess, asking: AskingProcess) -> str:
    # where the maker of the program that asks has ended, that may have been anything at the terminal that answers: so
    # it must be older than that terminal, or in another cgroup, which a child has from its parent
    oldest = _own(asking.lineage)[-1:]
    if not oldest or _has(answering.lineage, oldest[0]) or not _is_adopted(asking.lineage):
        return ""
    if asking.cgroup and answering.cgroup and asking.cgroup != answering.cgroup:
        return ""
    if oldest[0].start < min((process.start for process in _own(answering.lineage)), default=0.0):
        return ""
    return "nothing shows who started the program that asks, so it may come from the same terminal"


def _stray(answering: Lineage, asking: Lineage) -> str:
    # where the maker of a terminal has ended, the program that asks may have prepared it: so it must be older than that
    own = _own(answering)
    if not own or _has(asking, own[-1]) or not _is_adopted(answering):
        return ""
    branch = [process.start for process in asking if process.pid != process.session and not _has(answering, process)]
    if own[-1].start < min(branch, default=asking[0].start):
        return ""
    return "its terminal is younger than the program that asks, and nothing shows who made it"


def _own(lineage: Lineage) -> Lineage:
    # the process and its ancestors, as far as they are of one user and show where they come from
    uid = lineage[0].uid
    return tuple(itertools.takewhile(lambda process: process.uid == uid and not _adopts(process), lineage))


def _is_adopted(lineage: Lineage) -> bool:
    # with nothing above, it came into this process namespace from outside
    above = lineage[len(_own(lineage)) :]
    return bool(above) and _adopts(above[0])


def _adopts(process: Process) -> bool:
    # the parent of every process whose own parent has ended: it says nothing of where that came from
    return process.pid == _INIT or process.name == "systemd"


def _has(lineage: Lineage, process: Process) -> bool:
    return any(other.is_same(process) for other in lineage)
