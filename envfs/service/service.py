"""Everything that requests are answered from, opened in order: settings, log, vault, gate.

A service without a vault can still answer `status` and `init`.
"""

import os
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

import trio

from envfs.core import events
from envfs.core.audit_settings import AuditSettings
from envfs.core.names import Project
from envfs.errors import EnvFSError, NotApproved, NoVault, UnsafeSettings
from envfs.gate.approvals.asking import Approvals
from envfs.gate.audit_log.keeping import Keeping
from envfs.gate.audit_log.ledger import Ledger
from envfs.gate.audit_log.log import AccessLog
from envfs.gate.audit_log.refusals import Refusals
from envfs.gate.gate import Gate
from envfs.gate.keyholder import Keyholder
from envfs.gate.level_differences import LevelDifferences
from envfs.gate.presence import Presences
from envfs.gate.reader import Reader
from envfs.gate.readings import LevelReading
from envfs.gate.rotations import Rotations
from envfs.gate.rule_book import RuleBook
from envfs.gate.rule_uses import RuleUses
from envfs.gate.scanning import Scanning
from envfs.gate.search import Search
from envfs.gate.views.ready_views import Views
from envfs.host import clocks, mounts
from envfs.host.callers import callers
from envfs.host.process.hook import Hook
from envfs.locations import Locations
from envfs.rules_file import RulesFile
from envfs.service.announcement import Announcement
from envfs.service.budgets import Budgets
from envfs.service.changes.changes import ChangeNotices
from envfs.service.changes.comparison import Comparison, LevelVersion
from envfs.service.lock_state import Locks
from envfs.service.pace import Pace
from envfs.service.project_keys import ProjectKeys
from envfs.service.proxy_processes.sessions import ProxySessions
from envfs.service.rotation_counts import RotationCountMemory
from envfs.service.sharing.facts import SharingFacts
from envfs.service.sharing.log_sending import LogSender
from envfs.service.sharing.sharing import VaultSharing
from envfs.service.sharing.vault_user import Taken, VaultUser
from envfs.service.sharing.waiting import WaitingVersion
from envfs.service.writer import Writer
from envfs.settings import SettingsFile
from envfs.store.directory import DirectoryStore
from envfs.vault.high_water import Memory
from envfs.vault.member_names import member_names
from envfs.vault.vault import Vault


class OpenVault:
    """An open vault and all that serves from it."""

    def __init__(
        self, vault: Vault, book: RuleBook, uses: RuleUses, log: AccessLog, refusals: Refusals, keyholder: Keyholder
    ) -> None:
        """Join the parts."""
        self.vault = vault
        self.keys = ProjectKeys(vault, keyholder, log, lambda: book.settings().recipients)
        self.views = Views(vault, keyholder)
        self.approvals = Approvals(book.settings, log)
        self.gate = Gate(book, uses, log, refusals, self.views, self.approvals)
        self.reader = Reader(self.gate, vault, keyholder, os.geteuid())
        self.presences = Presences(self.gate, self.reader, vault, keyholder)
        self.differences = LevelDifferences(self.gate, vault, keyholder)
        self.search = Search(self.gate, vault, keyholder)
        self.scanning = Scanning(self.gate, vault, keyholder)
        self.rotations = Rotations(self.gate, vault, keyholder)
        self.changes = ChangeNotices(Comparison(vault, keyholder), self.views.times, self.views.renew)
        self.writer = Writer(vault, self.keys, keyholder, log, self.changes)
        self.changing = trio.Lock()  # held by who changes a project's keys: the end of one change is the end of all

    def tell_came(self, taken: Taken) -> None:
        """Take note that a level has text that came from another machine."""
        self.changes.wrote(taken.level, LevelVersion(taken.seq, taken.digest))


class Service:
    """The parts that a request may need, by name. `stop` ends the daemon.

    `lasts` is false where one client is served, and the keyholder ends with it: there is nothing to unlock for later.
    `after_lock` is what a mount has to do when something was locked, `after_revoke` when grants changed,
    `forget_names` when anything did, `open_files` lists what is open in it. `me` is the daemon where it acts by itself.
    """

    _log_type: type[AccessLog] = AccessLog
    _memory_type: type[Memory] = Memory

    def __init__(self, places: Locations, keyholder: Keyholder, stop: Callable[[], None]) -> None:
        """Open what is there. A vault that is not there yet is no error."""
        self.places = places
        self.keyholder = keyholder
        self.stop = stop
        self.mount = ""
        self.lasts = True
        self.is_passing = False  # this home was made for one command, and goes away with it
        self.owner = os.geteuid()
        self.me = callers.own_caller()
        self.settings = SettingsFile(Path(places.settings))
        self.sharing = VaultSharing(
            DirectoryStore(Path(places.vault)),
            Path(places.outbox),
            Path(places.aside),
            SharingFacts(Path(places.engine)),
            lambda: self.settings.load().engine,
        )
        self.store = self.sharing.store
        self.book = RuleBook(self.settings, RulesFile(Path(places.rules)))
        self.uses = RuleUses(Path(places.uses))
        self.refusals = Refusals(lambda: self.log)
        self.state_changed = Announcement()
        self.locks = Locks(self.state_changed.make)
        self.sharing.on_change = self.state_changed.make
        self.budgets = Budgets()
        self.pace = Pace()
        self.after_lock: Callable[[], Awaitable[None]] = trio.lowlevel.checkpoint
        self.after_revoke: Callable[[], Awaitable[None]] = trio.lowlevel.checkpoint
        self.forget_names: Callable[[], None] = _nothing
        self.open_files: Callable[[], Iterable[LevelReading]] = tuple
        self.keyholder_pid = self.keyholder_restarts = 0
        self.started_ns = clocks.wall_ns()
        self.counted_rotations = RotationCountMemory()
        self.alarms = 0
        self.log_sender: LogSender
        self.pending_keys: tuple[Project, ...] = ()  # of which a former member still has the newest key
        self.hook = Hook()
        self.proxies = ProxySessions()
        self._opened: OpenVault | None = None
        self._vault: Vault | None = None
        self._ledger: Ledger | None = None
        self._keeping: Keeping | None = None
        self._audit_settings = AuditSettings()

    @property
    def log(self) -> AccessLog:
        """The access log, opened at the first question."""
        return self.ledger.log

    @property
    def ledger(self) -> Ledger:
        """The access log and what vouches for it, opened at the first question."""
        if self._ledger is None:
            vault = None
            with suppress(EnvFSError):  # said when something needs the vault
                vault = self._load_vault()
            self._ledger = Ledger(Path(self.places.log), vault, Path(self.places.witness), self._log_type)
            self._ledger.log.settings = self.audit_settings
        return self._ledger

    def author_names(self) -> Mapping[str, str]:
        """Return what the owner calls the authors of records, by their keys. Nothing while the settings are unsafe."""
        names: dict[str, str] = {}
        with suppress(EnvFSError):  # the list is checked where a record is opened. These are names, and no more
            names |= member_names(self._load_vault())
        with suppress(UnsafeSettings):
            names |= self.settings.load().authors
        return names

    def audit_settings(self) -> AuditSettings:
        """Return how the access log is kept: as before, while the settings file cannot be trusted."""
        try:
            self._audit_settings = self.settings.load().audit
        except EnvFSError:
            return self._audit_settings
        return self._audit_settings

    def _alarm(self, entry: bytes) -> None:
        self.alarms += 1
        program = self.audit_settings().hook
        if program:
            self.hook.start(program, entry)

    @property
    def keeping(self) -> Keeping:
        """The part that closes segments of the log and removes old ones."""
        if self._keeping is None:
            self._keeping = Keeping(self.ledger, self.keyholder, lambda: self.locks.unlocked)
        return self._keeping

    def _load_vault(self) -> Vault:
        if self._vault is None:
            self._check_owner()
            self._vault = Vault(self.store, self._memory_type(Path(self.places.seen)))
        return self._vault

    @property
    def open_vault(self) -> OpenVault:
        """The open vault.

        Raises:
            NoVault: there is none, or of another format
        """
        if self._opened is None:
            vault = self._load_vault()
            self.ledger.join(vault)
            self._opened = OpenVault(vault, self.book, self.uses, self.log, self.refusals, self.keyholder)
            self._opened.reader.owner = self.owner
            self._opened.gate.on_alarm = self._alarm
            self._opened.writer.sharing = self._opened.keys.sharing = self.sharing
            self.log_sender = LogSender(vault, self.keyholder, self.ledger, self.audit_settings, lambda: self.alarms)
            self.sharing.after_pass = self.log_sender.send
            self.sharing.join(vault, self.keyholder, VaultUser(self._opened.tell_came, self._rebase, self._accept))
            self.sharing.erasing.join(vault, self.keyholder, self._forget)
        return self._opened

    async def _rebase(self, waiting: WaitingVersion) -> None:
        await self.open_vault.writer.rebase(self.me, waiting)

    def _accept(self, level: str, version: int) -> None:
        self.log.append_durably(events.accepted(level, version), self.me)

    async def _forget(self, level: str, versions: list[int]) -> None:
        # another machine forgot them
        async with self.open_vault.changing:
            self.ledger.forgetting.add(level)
            self.log.append_durably(events.forgotten(level, versions[0], versions[-1]), self.me)
            await trio.to_thread.run_sync(self.open_vault.vault.forget_versions, level, versions)
            self.ledger.forgetting.discard(level)
        self.open_vault.views.forget(level, versions)
        await self.after_lock()  # what the kernel has of them

    @property
    def has_open_vault(self) -> bool:
        """Tell whether something needed the vault before."""
        return self._opened is not None

    def problems(self) -> tuple[str, ...]:
        """Say in sentences what keeps this service from serving."""
        sentences = []
        for look in (self.book.load, lambda: self.open_vault):
            try:
                look()
            except EnvFSError as error:
                sentences.append(error.text)
        sentences += [
            f"the daemon of the mount at {path} was killed; `envfs unmount` removes the mount"
            for path in self.dead_mounts()
        ]
        if self._opened is not None and self.log.look():
            sentences.append(f"{self.log.problem}; every read is refused until that is fixed")
        if self._opened is not None and self.ledger.behind:
            sentences.append(self.ledger.behind)
        if self._opened is not None and self.log.copies.dropped:
            to = self.audit_settings().copies
            sentences.append(f"{self.log.copies.dropped} copies of log entries were not taken ({to})")
        if self.alarms:
            sentences.append(
                f"reads of a canary since the daemon began: {self.alarms}; `envfs log --event canary` says by whom"
            )
        if self.pending_keys:
            projects = ", ".join(self.pending_keys)
            sentences.append(
                f"a former member has the newest key of {projects}, and nothing is written there; an administrator "
                "makes a new one: `envfs member revoke` again"
            )
        if self.hook.skipped:
            sentences.append(f"{self.hook.skipped} alarms did not reach the hook: {self.hook.problem}")
        sentences += self.sharing.problems()
        if self.lasts and self._opened is not None and not self.locks.unlocked:
            sentences.append("the vault is locked; `envfs unlock` opens it")
        return tuple(sentences)

    def expire_views(self) -> None:
        """Let go of views that were replaced a while ago. For once a second."""
        if self._opened is not None:
            self._opened.views.expire()

    def dead_mounts(self) -> list[str]:
        """Return where a killed daemon of this home left a mount. One that mounts has removed these."""
        return [] if self.mount else mounts.dead_mounts(*mounts.mount_candidates(self.places))

    def close(self) -> None:
        """Wipe the views and finish the log."""
        self.hook.close()
        self.proxies.close()
        if self._opened is not None:
            self._opened.views.wipe()
        if self._ledger is not None:
            self._ledger.log.close()

    def _check_owner(self) -> None:
        try:
            owner = os.stat(self.places.vault).st_uid
        except PermissionError:
            raise NotApproved(f"uid {os.geteuid()} may not look into {self.places.vault}") from None
        except OSError:
            raise NoVault(f"there is no vault at {self.places.vault}", "make one with `envfs init`") from None
        if owner != os.geteuid():
            is_of_service = self.owner == 0 and not self.places.link
            raise NotApproved(
                f"the vault at {self.places.vault} belongs to uid {owner}, not to uid {os.geteuid()}",
                "`systemctl start envfs`, if it is that service's"
                if is_of_service
                else "ask its daemon, started by its owner with `envfs mount`",
            )


def _nothing() -> None:
    """Without a mount no kernel remembers names."""
