"""Answers that were given before, for who asks the same: what sixteen readers ask all day, without a handler.

A handler's answer to a look-up or an open is a function of few things. They are remembered with the answer, and looked
at again each time. So the next one who asks the same is answered by them, in a part of the time.

Laws:
- An answer is remembered only if the rules alone led to it, as `Policy` remembers verdicts: no evidence, no use, no
  person. It is for callers of the same uid, program and control group, and holds as long as the policy is the same
  object, no rule behind it has ended, and the vault shows the same view, or the folder.
- The caller is looked at for each question as a handler looks, and each open is decided, recorded and counted by the
  gate. A read is decided again.
- What is not just so is left to the handler: a crowd, a touch under way, a person who is asked, a change, a lock.
- Nothing here waits, so no other question is answered meanwhile.
"""

import time
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

from pyfuse3 import EntryAttributes, FileInfo, RequestContext

from envfs.core.access.caller import Caller
from envfs.core.access.policy import Policy
from envfs.fuse import handles, nodes
from envfs.fuse.handles import Handles, OpenFile
from envfs.fuse.inodes import TEXT_KINDS, Inodes
from envfs.fuse.kernel_names import KernelNames
from envfs.fuse.kernel_table import Inode, KernelTable
from envfs.fuse.nodes import FOLDER
from envfs.fuse.sharing import Sharing
from envfs.fuse.touching import Touching
from envfs.gate.gate import Admission, Gate
from envfs.gate.views.view import Extent, View
from envfs.host.callers.callers import Callers, kept_caller
from envfs.host.memory import ReplyBuffer
from envfs.vault.vault import Vault

_MOST = 1024
_NEVER_NS = 1 << 62
_Place = TypeVar("_Place")
_Answer = TypeVar("_Answer")


class MountParts(NamedTuple):
    """A mount, as far as it is needed here."""

    table: KernelTable
    inodes: Inodes
    handles: Handles
    callers: Callers
    sharing: Sharing
    touching: Touching
    names: KernelNames
    reply: ReplyBuffer


class _LookedUp(NamedTuple):
    """A look-up that was answered: by which policy and until when, by which view or name in a folder, and the inode."""

    policy: Policy
    until: float
    again_ns: int  # when a handler has to look: at the time of a folder's newest record
    level: str  # of the view, or of the folder that has the name
    view: View | None
    name: str  # of a folder, in the other one
    inode: Inode


class _Opened(NamedTuple):
    """An open that was answered: how it was admitted, what it shows of the view, and what the kernel was told of it."""

    admission: Admission
    extent: Extent
    entry: EntryAttributes


class _Memory(Generic[_Place, _Answer]):
    """Answers by place and kind of caller. `places` are those with an answer for anybody."""

    def __init__(self) -> None:
        self.places: set[_Place] = set()
        self.answers: dict[tuple[_Place, int, str, str], _Answer] = {}

    def remember(self, place: _Place, caller: Caller, answer: _Answer) -> None:
        """Remember an answer for callers of this one's kind."""
        if len(self.answers) >= _MOST:
            self.places.clear()
            self.answers.clear()
        self.places.add(place)
        self.answers[place, caller.uid, caller.executable, caller.cgroup] = answer


class WarmAnswers:
    """Answers what was answered before, as long as nothing that led to it has changed. None: a handler has to."""

    def __init__(self, gate: Gate, vault: Vault, mount: MountParts) -> None:
        """Answer for one `mount`, by what `gate` and `vault` say now."""
        self._gate, self._vault = gate, vault
        self._table, self._inodes, self._handles, self._callers = mount[:4]
        self._sharing, self._touching, self._names, self._reply = mount[4:]
        self._looked_up: _Memory[tuple[int, bytes], _LookedUp] = _Memory()
        self._opened: _Memory[int, _Opened] = _Memory()
        self._is_by_user = False  # whether no rule in force was about more than a user, when the last answer was learnt

    # -- answering -----------------------------------------------------------------------------------------------------

    def look_up(self, parent_inode: int, name: bytes, ctx: RequestContext) -> EntryAttributes | None:
        """Find a name in a folder.

        Raises:
            EnvFSError: the vault cannot be read
        """
        place, memory, is_by_user = (parent_inode, name), self._looked_up, self._is_by_user
        if place not in memory.places:
            return None
        look = self._callers.glance_at_user if is_by_user else self._callers.glance
        caller = self._plain_caller(ctx, look)
        answer = caller and memory.answers.get((place, caller.uid, caller.executable, caller.cgroup))
        if caller is None or answer is None:
            return None
        policy, until, again_ns, level, view, name_there, inode = answer
        if not self._gate.is_by(policy, until) or (is_by_user and not policy.names_users_alone):
            return None
        if view is not None:
            is_there = self._gate.views.warm(level, inode.identity.node.face) is view
        else:
            is_there = name_there in self._vault.children(level) and time.monotonic_ns() <= again_ns
        if not is_there or not self._table.looked_up_again(inode, kept_caller(caller)):
            return None
        return self._names.told(inode).entry if self._names.is_on else inode.entry

    def open(self, inode: int, flags: int, ctx: RequestContext) -> FileInfo | None:
        """Open a file.

        Raises:
            AuditUnavailable: the log cannot be written
            FUSEError: too much is open
        """
        memory = self._opened
        if inode not in memory.places or flags & handles.WRITING:
            return None
        caller = self._plain_caller(ctx, self._callers.look)
        if caller is None:
            return None
        opened = memory.answers.get((inode, caller.uid, caller.executable, caller.cgroup))
        if opened is None:
            return None
        admission, extent, entry = opened
        if self._table.entry(inode) is not entry or not self._gate.is_ready(admission):
            return None
        if not self._handles.has_room(caller.uid, admission.view):
            return None
        view = self._gate.admit_again(caller, admission)
        opener, seconds = kept_caller(caller), self._gate.served_at
        file = OpenFile(inode, opener, admission.request, view, extent, seconds, admission)
        handle = self._handles.add(file)
        return FileInfo(handle, True, False)  # direct_io, not keep_cache: by name it takes twice as long

    def read(self, fh: int, off: int, size: int) -> memoryview | None:
        """Read from the snapshot of an open.

        Raises:
            Locked: it was locked meanwhile
        """
        if self._sharing.is_crowded or self._touching.is_under_way:
            return None
        file = self._handles.admitted_file(fh)
        if file is None or handles.is_for_pages(file.extent, off, size):
            return None
        return self._reply.filled(file.view.read_into(self._reply.view, file.extent, off, size))

    def _plain_caller(self, ctx: RequestContext, look: Callable[[int, int, int], Caller]) -> Caller | None:
        # one that could be identified, while nothing is going on that needs a handler
        pid, uid, sharing = ctx.pid, ctx.uid, self._sharing
        if self._touching.is_under_way:
            return None
        if pid not in sharing.recent:
            sharing.note(uid, pid)
        if sharing.is_crowded:
            return None
        caller = look(pid, uid, ctx.gid)
        return None if caller.doubt or caller.pid <= 0 else caller

    # -- learning ------------------------------------------------------------------------------------------------------

    def learn_look_up(self, place: tuple[int, bytes], inode: Inode, view: View | None) -> None:
        """Remember that a name in a folder is this one, with that view if it is a file, by its caller's rules."""
        policy, node = self._gate.policy_if_safe(), inode.node
        self._is_by_user = policy is not None and policy.names_users_alone
        answer = None
        if policy is not None and view is not None and node.kind in TEXT_KINDS and not node.version:
            answer = _answer_file(policy, inode, view)
        elif policy is not None and node.kind is FOLDER:
            answer = self._answer_folder(policy, inode)
        if answer is not None:
            self._looked_up.remember(place, inode.caller, answer)

    def _answer_folder(self, policy: Policy, inode: Inode) -> _LookedUp | None:
        node = inode.node
        until, again_ns = policy.seen_until(inode.caller, node.level), self._inodes.looked_until_ns(node)
        if until is None:
            return None
        return _LookedUp(policy, until, again_ns, nodes.parent(node).level, None, nodes.name(node), inode)

    def learn_open(self, inode: Inode, file: OpenFile) -> None:
        """Remember how a file was opened just now."""
        admission = self._gate.admission(file.caller, file.request, file.view)
        if admission is not None and inode.node.kind in TEXT_KINDS:
            self._opened.remember(inode.number, file.caller, _Opened(admission, file.extent, inode.entry))


def _answer_file(policy: Policy, inode: Inode, view: View) -> _LookedUp | None:
    node = inode.node
    verdict, until = policy.remembered(inode.caller, node.level, node.capability) or (None, 0.0)
    if verdict is None or not verdict.is_served or nodes.faced(node, verdict.face) != node:
        return None
    return _LookedUp(policy, until, _NEVER_NS, node.level, view, "", inode)
