"""One process as a source of evidence: it looks when a rule asks, and no more than that.

Laws: all that a source tells is of one process, and of one run of a program in it, from one exec to the next. That is
looked at before and after each gathering, and a source whose process runs something else tells nothing more. An open
handle keeps what was told when it was opened, as `SeenBefore`.
"""

import contextlib
import os
from functools import partial
from typing import NamedTuple

from envfs.core.access.caller import Caller
from envfs.core.access.evidence import Evidence, Need
from envfs.host import clocks
from envfs.host.evidence.ancestors import began_at, find_ancestors
from envfs.host.evidence.file_identity import FileIdentity, identify_file
from envfs.host.evidence.pidfds import pidfd_inode
from envfs.host.evidence.process_files import (
    ProcessStat,
    command_line,
    process_stat,
    working_folder,
)
from envfs.host.evidence.program_files import ProgramFiles
from envfs.host.evidence.script_words import Told
from envfs.host.evidence.scripts import TRIES, NotInMemory, RunningScript, find_script
from envfs.host.evidence.unfinished import Unfinished, has_time

_PROGRAMS = frozenset((Need.PROGRAM, Need.PROGRAM_DIGEST))
_SCRIPTS = frozenset((Need.SCRIPT, Need.SCRIPT_DIGEST))
_ANCESTORS = frozenset((Need.ANCESTORS, Need.ANCESTOR_DIGESTS))
_OF_ITS_TIME = _SCRIPTS | {Need.AGE}
_OF_ITS_PLACE = _SCRIPTS | _ANCESTORS | {Need.SESSION}


class Outline(NamedTuple):
    """A process as it was met.

    Its number, its groups, the primary one first, and its unit.
    """

    process: int
    groups: tuple[int, ...]
    unit: str


class _Run(NamedTuple):
    """One run of a program, as far as somebody asked about it: an exec, setsid(2), or another parent changes it."""

    program: FileIdentity | None = None
    stat: ProcessStat | None = None
    place: str = ""


class _Command(NamedTuple):
    """The command line of a run: its words, or none of them if there are too many."""

    run: _Run
    words: list[bytes]


class _Walks(NamedTuple):
    """How often a thread went the way to the script of a run, which was not in the kernel's memory."""

    run: _Run | None = None
    times: int = 0


class SeenBefore(NamedTuple):
    """Evidence that was gathered before, of a process that may have ended."""

    evidence: Evidence

    def gather(self, _needs: frozenset[Need]) -> Evidence:
        """Return what was gathered."""
        return self.evidence


class ProcessSource:
    """Evidence of a process, by its folder, which is closed by the one that opened it."""

    __slots__ = ("_asked", "_began", "_command", "_evidence", "_files", "_folder", "_outline", "_run", "_walks", "kept")

    def __init__(self, folder: int, outline: Outline, files: ProgramFiles) -> None:
        """Look at the process whose folder is open as `folder`, when somebody asks."""
        self._folder = folder
        self._outline = outline
        self._files = files
        self._asked: frozenset[Need] = frozenset()
        self._evidence = Evidence()
        self._run = _Run()
        self._command: _Command | None = None
        self._walks = _Walks()
        self._began = 0.0
        self.kept: Caller | None = None

    def gather(self, needs: frozenset[Need]) -> Evidence:
        """Return what is asked for, as far as it can be seen.

        Raises:
            Unfinished: something has to be read first
        """
        if not needs <= self._asked and self._folder >= 0:
            self._extend(self._asked | needs)
        return self._at_its_age()

    def is_same_run(self) -> bool:
        """Tell whether the process still runs what it ran when somebody asked. True if nobody has."""
        if not self._asked:
            return True
        try:
            return self._folder >= 0 and self._look(self._asked) == self._run
        except OSError:
            return False

    def gather_all(self, needs: frozenset[Need]) -> Evidence:
        """Return what is asked for. In a thread: what takes its time is read now, and that can wait."""
        for _ in Need:
            try:
                return self.gather(needs)
            except Unfinished as unfinished:
                unfinished.finish()
        return self._at_its_age()

    @property
    def is_asked(self) -> bool:
        """Whether somebody has asked for something."""
        return bool(self._asked)

    def kept_caller(self, caller: Caller) -> Caller:
        """Return the caller with what was gathered until now, and no more. It is `kept` if it is always the same."""
        kept = caller._replace(source=SeenBefore(self._at_its_age()) if self._asked else None)
        if Need.AGE not in self._evidence.seen:
            self.kept = kept
        return kept

    def close(self) -> None:
        """Tell nothing but what was gathered until now: the folder is going to be closed."""
        self._folder = -1

    def _extend(self, needs: frozenset[Need]) -> None:
        try:
            if not self.is_same_run():
                return
            run = self._look(needs)
            evidence = self._gather(needs, run)
            if self._look(needs) == run:
                self._asked, self._run, self._evidence, self.kept = needs, run, evidence, None
        except OSError:
            return

    def _look(self, needs: frozenset[Need]) -> _Run:
        folder = self._folder
        run = _Run(identify_file(folder, "exe")) if needs & (_PROGRAMS | _SCRIPTS) else _Run()
        if needs & _OF_ITS_PLACE:
            run = run._replace(stat=process_stat(folder).run)
        if needs & _SCRIPTS:
            run = run._replace(place=working_folder(folder))
        return run

    def _at_its_age(self) -> Evidence:
        if Need.AGE not in self._evidence.seen:
            return self._evidence
        return self._evidence._replace(exec_age=max(0.0, clocks.boot_seconds() - self._began))

    def _gather(self, needs: frozenset[Need], run: _Run) -> Evidence:
        outline = self._outline
        if needs & _OF_ITS_TIME and not self._began:
            self._began = began_at(outline.process)
        evidence = Evidence(outline.groups, 0.0, unit=outline.unit)
        seen = needs & {Need.GROUPS, Need.AGE, Need.UNIT}
        if Need.PIDFD in needs:
            evidence = evidence._replace(pidfd=pidfd_inode(outline.process))
            seen |= {Need.PIDFD} if evidence.pidfd else frozenset()
        if run.stat is not None and Need.SESSION in needs:
            evidence = evidence._replace(session=run.stat.session)
            seen |= {Need.SESSION}
        evidence = evidence._replace(seen=seen)
        if needs & _PROGRAMS:
            evidence = self._with_program(evidence, needs)
        if needs & _SCRIPTS:
            evidence = self._with_script(evidence, needs, run)
        if run.stat is not None and needs & _ANCESTORS:
            evidence = self._with_ancestors(evidence, needs, run.stat)
        return evidence

    def _with_program(self, evidence: Evidence, needs: frozenset[Need]) -> Evidence:
        try:
            program = self._files.program(self._folder, with_digest=Need.PROGRAM_DIGEST in needs)
        except Unfinished as unfinished:
            _wait_for(unfinished)
            program = self._files.program(self._folder, with_digest=False)
        if program is None:
            return evidence
        seen = {Need.PROGRAM, Need.PROGRAM_DIGEST} if program.sha256 else {Need.PROGRAM}
        return evidence._replace(program=program, seen=evidence.seen | seen)

    def _with_script(self, evidence: Evidence, needs: frozenset[Need], run: _Run) -> Evidence:
        if not self._files.is_of_own_users(self._folder):
            return evidence
        try:
            words = self._words(run)
            process = RunningScript(self._folder, self._began, words)
            script = find_script(self._files, process, with_digest=Need.SCRIPT_DIGEST in needs)
        except NotInMemory as unfinished:
            if self._is_worth_a_walk(run):
                _wait_for(unfinished)
            return evidence
        except Unfinished as unfinished:
            _wait_for(unfinished)
            return evidence
        match script:
            case Told.CANNOT_TELL:
                return evidence
            case Told.NO_SCRIPT:
                return evidence._replace(seen=evidence.seen | _SCRIPTS)
            case _:
                seen = _SCRIPTS if script.sha256 else {Need.SCRIPT}
                return evidence._replace(script=script, seen=evidence.seen | seen)

    def _is_worth_a_walk(self, run: _Run) -> bool:
        walks = self._walks if self._walks.run == run else _Walks(run)
        self._walks = walks._replace(times=walks.times + 1)
        return walks.times < TRIES

    def _with_ancestors(self, evidence: Evidence, needs: frozenset[Need], stat: ProcessStat) -> Evidence:
        try:
            programs = find_ancestors(self._files, self._folder, stat, with_digests=Need.ANCESTOR_DIGESTS in needs)
        except Unfinished as unfinished:
            _wait_for(unfinished)
            return evidence
        if programs is None:
            return evidence
        complete = all(program.sha256 or not program.path for program in programs)
        seen = _ANCESTORS if complete else {Need.ANCESTORS}
        return evidence._replace(ancestors=programs, seen=evidence.seen | seen)

    def _words(self, run: _Run) -> list[bytes]:
        if self._command is None or self._command.run != run:
            folder = os.dup(self._folder)
            raise Unfinished(partial(self._read_command, folder, run), partial(os.close, folder))
        return self._command.words

    def _read_command(self, folder: int, run: _Run) -> None:
        # in a thread: it is memory of the process, which can let anybody wait who reads that
        with contextlib.suppress(OSError):
            self._command = _Command(run, command_line(folder))


def _wait_for(unfinished: Unfinished) -> None:
    # let it be read and the question be repeated, or do without it
    if has_time.get():
        raise unfinished
