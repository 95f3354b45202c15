"""The live processes that were given a value of a variable: from the access log, the records, and /proc.

Laws: a process is the one of an entry if number, start and boot are the same. A caller gets nothing here that it may
not see in the log. Values are compared by the keyholder alone.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import trio

from envfs.core import names
from envfs.core.logged_reads import LoggedRead
from envfs.errors import NoSuchVariable
from envfs.host.callers import process_tree
from envfs.service.audit.log_pass import pass_over
from envfs.service.holding.descent import Descent, Holder
from envfs.service.holding.live_reads import LiveReads
from envfs.service.holding.open_values import open_values
from envfs.service.holding.variable_past import JudgedRead, VariablePast
from envfs.service.progress import Progress
from envfs.service.service import Service

_INIT = 1
_CANNOT_TELL = "a value that was passed on by a pipe, a file or a message is not seen"


class HoldersQuestion(NamedTuple):
    """A variable at a level. `version`: its value in that version alone. `before`: what that version replaced."""

    level: str
    name: str
    version: int = 0
    before: int = 0


class HoldersAnswer(NamedTuple):
    """The holders, the latest first, and what cannot be known."""

    holders: tuple[Holder, ...]
    notes: tuple[str, ...] = ()


async def find_holders(
    service: Service, question: HoldersQuestion, sees: Callable[[str], bool], progress: Progress, *, exact: bool
) -> HoldersAnswer:
    """List the holders of a variable that is there now, or that a live process was given. The rest as `holders_of`.

    Raises:
        NoSuchVariable: the level has no such variable, and no live process was given one
        NoSuchLevel: there is no such version
        Locked: a project is
    """
    live = await living()
    await pass_over(service.log, progress, live.take)
    answer = await holders_of(service, question, sees, live, exact=exact)
    past = VariablePast(service, question.level, question.name, exact=exact)
    if not answer.holders and not await past.is_there():
        text = f"{question.level} has no variable of that name, and no live process was given one"
        raise NoSuchVariable(text, f"`envfs show {question.level}` lists them")
    return answer


async def living() -> LiveReads:
    """Return the processes of now, ready to take the lines of the log."""
    return await trio.to_thread.run_sync(lambda: LiveReads(process_tree.live_processes()))


async def holders_of(
    service: Service, question: HoldersQuestion, sees: Callable[[str], bool], live: LiveReads, *, exact: bool
) -> HoldersAnswer:
    """List the holders. `sees` tells whether the caller may read the log of a level, `exact` whether it may compare.

    `live` has taken the whole log.

    Raises:
        NoSuchLevel: there is no such version
        Locked: a project is
    """
    past = VariablePast(service, question.level, question.name, exact=exact)
    await past.learn_moves(live.moves)
    opened = list(open_values(service, question.name))
    logged = live.ended | live.reads | {each.read: each.times for each in opened}
    times = {read: span for read, span in logged.items() if sees(read.level)}
    judged = await past.judge({read: span.first for read, span in times.items()})
    chosen = await _chosen(past, question, judged)
    descent = Descent(live.processes, question.name, times, judged)
    holders = await trio.to_thread.run_sync(descent.holders, chosen, opened)
    return HoldersAnswer(tuple(holders), tuple(_notes(live)))


def _notes(live: LiveReads) -> Iterator[str]:
    if live.left_out:
        yield f"{live.left_out} reads by live processes were too many to look at"
    if _INIT not in live.processes:
        yield "processes of other users cannot be seen from here, as /proc hides them"
    yield _CANNOT_TELL


async def _chosen(
    past: VariablePast, question: HoldersQuestion, judged: Mapping[LoggedRead, JudgedRead]
) -> set[LoggedRead]:
    if question.version:
        chosen = await past.with_value(judged, await past.value_at(question.version))
        return {read for read, seen in judged.items() if read in chosen or not seen.is_clear}
    if question.before:
        newer = await past.with_value(judged, await past.value_at(question.before))
        place = len(names.chain(question.level)) - 1
        return {
            read
            for read in judged
            if read not in newer and _version_of(past, read, question.level, place) < question.before
        }
    return {*judged}


def _version_of(past: VariablePast, read: LoggedRead, level: str, place: int) -> int:
    # which version of the level a view had: 0 where it is none of that level's, or not known
    if not names.within(past.present(read.level), level):
        return 0
    versions = (*(read.above or ()), read.version)
    return versions[place] if place < len(versions) else 0
