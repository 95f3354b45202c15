"""Reading for a caller: a view, its names, its facts, a level's history. Each is decided, recorded, and then asked for.

Laws: the answer to a caller that may not know of a level is the same whether it exists or not. Nothing is served before
its entry is in the access log. A version's message is for the owner alone.
"""

import contextlib
from collections.abc import AsyncGenerator

from envfs.core import names
from envfs.core.access.caller import Caller
from envfs.core.access.face import Face
from envfs.core.access.roles import Capability
from envfs.core.access_request import AccessRequest, Channel, Format
from envfs.core.version_choice import VersionChoice
from envfs.errors import NoSuchLevel
from envfs.gate.approvals.board import Patience
from envfs.gate.gate import Gate
from envfs.gate.keyholder import Keyholder
from envfs.gate.level_history import Damaged, LevelHistory, Version
from envfs.gate.shown_names import hiding_names, names_alone, shown_facts
from envfs.gate.version_changes import HistoryFace, NameTrail
from envfs.gate.views.view import View
from envfs.protocol.answers import Examined
from envfs.protocol.keyholding import ExamineView
from envfs.vault.vault import Vault

_OF_ONE_RECORD = (Format.OWN, Format.HISTORY)  # beside these, a view of a chain is meant


class Reader:
    """The readable part of one vault, for callers. `owner` is the uid that may know of every level."""

    def __init__(self, gate: Gate, vault: Vault, keyholder: Keyholder, owner: int) -> None:
        """Decide by `gate`. Ask `keyholder` about what `vault` holds."""
        self._gate = gate
        self._vault = vault
        self._keyholder = keyholder
        self._history = LevelHistory(vault, keyholder)
        self.owner = owner

    def knows(self, caller: Caller, level: str) -> bool:
        """Tell whether a caller may know that a level exists."""
        return caller.is_user(self.owner) or self._gate.sees(caller, level)

    def check(self, caller: Caller, access: AccessRequest) -> None:
        """Refuse what concerns a level that is not there for a caller.

        Raises:
            NotApproved: the caller may not know of it. That is on the log
            NoSuchLevel: there is no such level
        """
        if not self.knows(caller, access.level):
            self._gate.refuse(caller, access, "no grant")
        is_past = access.format is Format.HISTORY and self._vault.head(access.level) is not None
        if not is_past and not self._vault.exists(access.level):  # the versions of a level that was removed are there
            raise NoSuchLevel(f"there is no level {access.level}", "`envfs ls` lists the levels")

    def choose(self, caller: Caller, access: AccessRequest, choice: VersionChoice) -> AccessRequest:
        """Return a request with the version that is meant. The number of the newest, and times, are for `history`.

        Raises:
            NotApproved: the caller may not know which versions there are. That is on the log
            NoSuchLevel: there is no such level or version
        """
        if not choice.is_open:
            return access._replace(version=choice.number)
        self.check(caller, access)
        verdict = self._gate.decide(caller, access.level, Capability.HISTORY)
        if not verdict.is_served:
            self._gate.refuse(caller, access, verdict.rule)
        level, version = access.level, self._vault.chosen(access.level, choice)
        is_view = bool(choice.moment) and access.format not in _OF_ONE_RECORD
        if not version and not (is_view and self._was_inherited(level, choice.moment)):
            raise NoSuchLevel(f"{level} had no text then", f"`envfs history {level}` lists its versions and times")
        return access._replace(version=version, moment=choice.moment if is_view else "")

    def _was_inherited(self, level: str, moment: str) -> bool:
        # a level that has never had a text of its own: its view was there as long as those above had one
        return self._vault.head(level) is None and any(self._vault.chain_at_moment(level, moment).versions)

    async def view(self, caller: Caller, access: AccessRequest, patience: Patience | None = None) -> View:
        """Return a view, held: the caller of this releases it. For the format OWN it has the level's own text.

        Where a person decides, a caller with `patience` waits for the answer. It never gets a level's own text by that.

        Raises:
            NotApproved: the caller may not have it. That is on the log
            TimedOut, NobodyToAsk: a person had to say yes, and did not. That is on the log
            AuditUnavailable: the log cannot be written
            CallerLeft: the caller waits no more
        """
        self.check(caller, access)
        if access.format is Format.OWN:
            return await self._gate.admit_own(caller, access)
        return await self._gate.admit(caller, access, patience)

    async def names(self, caller: Caller, access: AccessRequest) -> list[tuple[str, str]]:
        """Return the names of a view, each with the level that sets it.

        Raises:
            NotApproved: the caller may not have them
        """
        view = await self.view(
            caller, access._replace(face=self._gate.face(caller, access.level, capability=access.capability))
        )
        try:
            return view.origins()
        finally:
            view.release()

    async def facts(self, caller: Caller, access: AccessRequest, *, doubtful: bool = False) -> Examined:
        """Return what is known of a view beside its values. `doubtful`: of its doubtful variables alone.

        Raises:
            NotApproved: the caller may not have it
            NoSuchLevel: the level has no such version
            Locked: the level's project is
        """
        self.check(caller, access)
        face = self._gate.admit_facts(caller, access, lambda: self._layer_versions(access))
        with hiding_names(face, access.level):
            return await self._facts(caller, access, face, doubtful=doubtful)

    async def _facts(self, caller: Caller, access: AccessRequest, face: Face, *, doubtful: bool) -> Examined:
        vault = self._vault
        async with self._keyholder.turn():
            layers = vault.layers(list(zip(names.chain(access.level), self._layer_versions(access), strict=True)))
            request = ExamineView(layers.layers, access.face.dialect, doubtful)
            examined = (await self._keyholder.ask(request, Examined, layers.blobs)).message
        verdict = self._gate.decide(caller, access.level)
        if not verdict.is_served or verdict.face.only != face.only:
            examined = names_alone(examined)
        return shown_facts(examined, face)

    def _layer_versions(self, access: AccessRequest) -> tuple[int, ...]:
        level, version = access.level, access.version
        if access.moment:
            return self._vault.chain_at_moment(level, access.moment).versions
        return self._vault.versions_at(level, version) if version else self._vault.versions(level)

    async def history(
        self, caller: Caller, access: AccessRequest, newest: int = 0, name: str = "", *, hides_changed: bool = False
    ) -> AsyncGenerator[list[Version | Damaged], None]:
        """Yield the versions of a level, the newest first, some at a time. The `newest` so many, 0 for all.

        They end with the version of `access`. With a `name`, those that changed this variable. `hides_changed`: the
        caller may not know which values changed.

        Raises:
            NotApproved: the caller may not have it
            NoSuchLevel: there is no such version
            Locked: the level's project is
        """
        self.check(caller, access)
        level = access.level
        face = self._history_face(caller, access)._replace(has_changed=not hides_changed)
        if name and face.names is None:
            self._gate.refuse(caller, access, "no names")
        head = self._vault.head(level)
        last = access.version or (head.seq if head else 0)
        oldest = max(1, last - newest + 1) if newest and not name else 1
        left, trail = newest or last, NameTrail(name) if name else None
        async with contextlib.aclosing(self._history.versions(level, last, oldest)) as listed:
            async for some in listed:
                rows = [row for version in some if (row := _shown(version, face, trail)) is not None]
                yield rows[:left]
                left -= len(rows)
                if left <= 0:
                    return

    def admit_past(self, caller: Caller, level: str, name: str) -> bool:
        """Record that a caller learns who got which value of a variable. Tells whether it may compare these.

        Raises:
            NotApproved: it may not know versions and names of the level. That is on the log
            NoSuchLevel: there is no such level
        """
        access = AccessRequest(level, Channel.SOCKET, Format.HISTORY)
        self.check(caller, access)
        named = self._gate.decide(caller, level, Capability.NAMES)
        if not (named.is_served and named.face.shows(name)):
            self._gate.refuse(caller, access, "no names")
        self._gate.admit_facts(caller, access)
        if not (self._gate.may_compare(caller, level) and self._gate.decide(caller, level).face.shows(name)):
            return False
        self._gate.admit_facts(caller, access._replace(format=Format.COMPARE))
        return True

    def _history_face(self, caller: Caller, access: AccessRequest) -> HistoryFace:
        level, version = access.level, access.version
        face = self._gate.admit_facts(caller, access, lambda: version and self._vault.header(level, version))
        named = self._gate.decide(caller, level, Capability.NAMES)
        return HistoryFace(
            (face, named.face) if named.is_served else None,
            self._gate.decide(caller, level).has_values,
            caller.is_user(self.owner),
        )


def _shown(version: Version | Damaged, face: HistoryFace, trail: NameTrail | None) -> Version | Damaged | None:
    match version:
        case Version(change, time):
            change = face.shown(change)
            part = trail.followed(change) if trail else change
            return part and Version(part, time, face.names is not None)
        case _:
            return version
