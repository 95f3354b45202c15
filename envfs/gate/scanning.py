"""Finding the values of levels in a text that a caller brings.

Laws: a caller that may bring any text can guess a value. So a level is searched only for a caller that may have
all its values, and that counts as a read of it: one entry in the access log for each process and version. The gate
decides again for each text. Of a level that the caller does not see, nothing is said.
"""

from collections.abc import Iterator
from typing import NamedTuple

from envfs.core import names
from envfs.core.access.caller import Caller
from envfs.core.access.roles import Capability
from envfs.core.access.rule import RuleProcess
from envfs.core.access_request import AccessRequest, Channel, Format
from envfs.core.value_form import ValueForm
from envfs.errors import NotApproved
from envfs.gate.gate import Gate
from envfs.gate.keyholder import Keyholder
from envfs.protocol.keyholding import Carrier, ScanText, TextScanned
from envfs.vault.damage import DAMAGED
from envfs.vault.vault import Vault

_AT_ONCE = 512  # levels. Each text is passed over once for so many
_MOST_PROCESSES = 256

Version = tuple[str, int]


class ScannedText(NamedTuple):
    """A text: its descriptor, its size, and below which level values are looked for, of every kind or not."""

    descriptor: int
    size: int
    level: str
    everything: bool


class FoundLeak(NamedTuple):
    """A place of a value, and the variables that have it: levels and names."""

    offset: int
    variables: tuple[tuple[str, str], ...]
    form: ValueForm


class ScanResult(NamedTuple):
    """The places, the levels that could not be searched and why, and what was counted."""

    leaks: tuple[FoundLeak, ...]
    damaged: tuple[tuple[str, str], ...]
    locked: tuple[str, ...]
    levels: int
    withheld: int
    values: int
    ordinary: int
    short: int
    more: bool


class _Admission(NamedTuple):
    versions: list[Version]
    damaged: list[tuple[str, str]]
    withheld: int


class Scanning:
    """The search in texts, for callers."""

    def __init__(self, gate: Gate, vault: Vault, keyholder: Keyholder) -> None:
        """Decide by `gate`. Ask `keyholder` about what `vault` holds."""
        self._gate = gate
        self._vault = vault
        self._keyholder = keyholder
        self._recorded: dict[RuleProcess, set[Version]] = {}  # what the log has of a process

    async def scan(self, caller: Caller, process: RuleProcess | None, text: ScannedText) -> ScanResult:
        """Look for values in a text.

        Raises:
            NotApproved: there is no level whose values the caller may have
            AuditUnavailable: the log cannot be written
            Locked: the vault is
        """
        admission = self._admission(caller, process, text.level)
        if not admission.versions and not admission.damaged:
            raise NotApproved(
                f"uid {caller.uid} may have the values of no level at {text.level} or below it, so nothing is compared",
                f"the owner can approve it with `envfs grant {text.level} --uid {caller.uid}`",
            )
        result = ScanResult(
            (), tuple(admission.damaged), (), len(admission.versions), admission.withheld, 0, 0, 0, more=False
        )
        for versions in _parts(admission.versions):
            result = _joined(result, versions, await self._scanned(versions, text))
        return result

    def _admission(self, caller: Caller, process: RuleProcess | None, below: str) -> _Admission:
        admission = _Admission([], [], 0)
        for level in self._vault.levels():
            if not names.within(level, below):
                continue
            verdict = self._gate.decide(caller, level, Capability.READ)
            if not verdict.is_served or not verdict.face.is_whole:
                is_seen = self._gate.decide(caller, level, Capability.NAMES).is_served
                admission = admission._replace(withheld=admission.withheld + is_seen)
                continue
            try:
                head = self._vault.head(level)
            except DAMAGED as error:
                admission.damaged.append((level, error.text))
                continue
            if head is not None:
                self._record(caller, process, (level, head.seq))
                admission.versions.append((level, head.seq))
        return admission

    def _record(self, caller: Caller, process: RuleProcess | None, version: Version) -> None:
        recorded = self._recorded.get(process, set()) if process is not None else set()
        if version in recorded:
            return
        self._gate.admit_facts(caller, AccessRequest(version[0], Channel.SOCKET, Format.COMPARE))
        if process is not None:
            while process not in self._recorded and len(self._recorded) >= _MOST_PROCESSES:
                self._recorded.pop(next(iter(self._recorded)))
            self._recorded.setdefault(process, set()).add(version)

    async def _scanned(self, versions: tuple[Version, ...], text: ScannedText) -> TextScanned:
        async with self._keyholder.turn():
            layers = self._vault.layers(list(versions))
            request = ScanText(layers.layers, text.size, text.everything)
            return (await self._keyholder.ask(request, TextScanned, layers.blobs, (text.descriptor,))).message


def _parts(versions: list[Version]) -> Iterator[tuple[Version, ...]]:
    """Yield the versions in parts that one request can have."""
    for first in range(0, len(versions), _AT_ONCE):
        yield tuple(versions[first : first + _AT_ONCE])


def _joined(result: ScanResult, versions: tuple[Version, ...], answer: TextScanned) -> ScanResult:
    def variable(carrier: Carrier) -> tuple[str, str]:
        return versions[carrier.layer][0], carrier.name

    leaks = tuple(FoundLeak(leak.offset, tuple(map(variable, leak.carriers)), leak.form) for leak in answer.leaks)
    unopened = [(versions[each.layer][0], each) for each in answer.unopened]
    return result._replace(
        leaks=result.leaks + leaks,
        damaged=result.damaged + tuple((level, each.text) for level, each in unopened if not each.is_locked),
        locked=tuple(dict.fromkeys((*result.locked, *(each.text for _, each in unopened if each.is_locked)))),
        levels=result.levels - len(unopened),
        values=result.values + answer.values,
        ordinary=result.ordinary + answer.ordinary,
        short=result.short + answer.short,
        more=result.more or answer.more,
    )
