"""Questions about views that are ready, answered without a handler: what sixteen readers ask all day.

A handler's answer to a look-up or an open is a function of few things. They are remembered with the answer, and looked
at again each time, so the next one who asks the same is answered by them, in a tenth of the time.

Laws:
- An answer is remembered only if the rules alone led to it, as `Policy` remembers verdicts: no evidence, no use, no
  person. It is for callers of the same uid, program and control group, and holds as long as the policy is the same
  object, no rule behind it has ended, and the vault shows the same records.
- The caller is looked at for each question as a handler looks, and each open is decided, recorded and counted by the
  gate. A read is decided again.
- What is not just so is left to the handler: a crowd, a touch under way, a person who is asked, a change, a lock.
"""

import math
import time
from collections.abc import Hashable
from struct import Struct
from typing import NamedTuple, Protocol, TypeVar

from envfs.core.access.caller import Caller
from envfs.core.access.policy import Policy
from envfs.fuse import handles, listings, nodes
from envfs.fuse.device import replies
from envfs.fuse.device.facts import EntryAttributes
from envfs.fuse.device.fuse_device import FuseDevice
from envfs.fuse.device.layout import (
    DIRECT_IO,
    FLAGS_IN,
    HANDLE_IN,
    IN_HEADER,
    OPEN_OUT,
    OUT_HEADER,
    READ_IN,
    UNIQUE,
    UNIQUE_AT,
    Opcode,
)
from envfs.fuse.device.questions import KernelQuestion
from envfs.fuse.handles import Handles, OpenFile
from envfs.fuse.inodes import TEXT_KINDS, Inodes
from envfs.fuse.kernel_table import Inode, KernelTable
from envfs.fuse.nodes import FOLDER, FORMATS, Node
from envfs.fuse.sharing import Sharing
from envfs.fuse.touching import Touching
from envfs.gate.gate import Admission, Gate
from envfs.gate.views.view import Extent, View
from envfs.host.callers.callers import Callers, kept_caller
from envfs.host.memory import ReplyBuffer
from envfs.vault.vault import Vault

_LOOKUP, _OPEN, _READ, _RELEASE = (int(code) for code in (Opcode.LOOKUP, Opcode.OPEN, Opcode.READ, Opcode.RELEASE))
_WARM = frozenset((_LOOKUP, _OPEN, _READ, _RELEASE))
_MOST = 1024
_NEVER_NS = 1 << 62
_BODY = IN_HEADER.size
_header, _flags, _handle, _read_words = (kind.unpack_from for kind in (IN_HEADER, FLAGS_IN, HANDLE_IN, READ_IN))
_pack_unique = UNIQUE.pack_into
_opened_answer, _OPENED_SIZE = Struct(OUT_HEADER.format + OPEN_OUT.format[1:]).pack, OUT_HEADER.size + OPEN_OUT.size
_K = TypeVar("_K")
_V = TypeVar("_V")


class ServedMount(Protocol):
    """A mount, as far as it is needed here."""

    table: KernelTable
    inodes: Inodes
    handles: Handles
    callers: Callers
    sharing: Sharing
    touching: Touching
    reply: ReplyBuffer


class _Found(NamedTuple):
    """A look-up that was answered: by which policy and until when, by which view or folder, and the answer itself."""

    policy: Policy
    until: float
    again_ns: int  # when a handler has to look: at the time of a folder's newest record
    level: str  # of the view, or of the folder that has the name
    view: View | None
    children: Hashable
    inode: Inode
    answer: bytearray


class _Opened(NamedTuple):
    """An open that was answered: how it was admitted, what it shows of the view, and what the kernel was told of it."""

    admission: Admission
    extent: Extent
    entry: EntryAttributes


class WarmAnswers:
    """Answers what was answered before, as long as nothing that led to it has changed."""

    def __init__(self, gate: Gate, vault: Vault, mount: "ServedMount", device: FuseDevice) -> None:
        """Answer what comes by `device` for one `mount`, by what `gate` and `vault` say now."""
        self._gate, self._vault, self._mount, self._sharing = gate, vault, mount, mount.sharing
        self._device, self._question = device, device.question
        self._found: dict[tuple[tuple[int, bytes], int, str, str], _Found] = {}
        self._opened: dict[tuple[int, int, str, str], _Opened] = {}

    def answer(self, size: int) -> bool:
        """Answer the question that the device has, if that takes no handler. False, and nothing was done, if it does.

        Raises:
            FUSEError, EnvFSError: it is refused
        """
        _, opcode, unique, inode, uid, gid, pid, _ = _header(self._question)
        if opcode == _RELEASE:
            return self._release(unique)
        mount, sharing = self._mount, self._sharing
        if opcode not in _WARM or mount.touching.is_under_way:
            return False
        if opcode == _READ:
            return not sharing.is_crowded and self._read(unique)
        if pid not in sharing.recent:
            sharing.note(uid, pid)
        if sharing.is_crowded:
            return False
        if opcode == _LOOKUP:
            return self._look_up(unique, (inode, bytes(self._question[_BODY : size - 1])), (pid, uid, gid))
        return self._open(unique, inode, (pid, uid, gid))

    # -- by kind -------------------------------------------------------------------------------------------------------

    def _look_up(self, unique: int, place: tuple[int, bytes], numbers: tuple[int, int, int]) -> bool:
        caller = self._mount.callers.glance(*numbers)
        uid, _, pid, executable, cgroup, doubt, _, _ = caller
        found = self._found.get((place, uid, executable, cgroup))
        if found is None or doubt or pid <= 0 or not self._is_same(found):
            return False
        if not self._mount.table.looked_up_again(found.inode, kept_caller(caller)):
            return False
        _pack_unique(found.answer, UNIQUE_AT, unique)
        self._device.write(found.answer)
        return True

    def _is_same(self, found: _Found) -> bool:
        policy, until, again_ns, level, view, children, inode, _ = found
        if not self._gate.is_by(policy, until) or time.monotonic_ns() > again_ns:
            return False
        if view is None:
            return self._vault.children(level) is children
        return self._gate.views.warm(level, inode.identity.node.face) is view

    def _open(self, unique: int, inode: int, numbers: tuple[int, int, int]) -> bool:
        mount = self._mount
        caller = mount.callers.look(*numbers)
        uid, _, pid, executable, cgroup, doubt, _, _ = caller
        opened = self._opened.get((inode, uid, executable, cgroup))
        if opened is None or doubt or pid <= 0 or _flags(self._question, _BODY)[0] & handles.WRITING:
            return False
        admission, extent, entry = opened
        if mount.table.entry(inode) is not entry or not self._gate.is_ready(admission):
            return False
        view, kept = self._gate.admit_again(caller, admission), kept_caller(caller)
        file = OpenFile(inode, kept, admission.request, view, extent, self._gate.served_at, admission)
        self._device.write(_opened_answer(_OPENED_SIZE, 0, unique, mount.handles.add(file), DIRECT_IO, 0))
        return True

    def _read(self, unique: int) -> bool:
        handle, start, size = _read_words(self._question, _BODY)
        file, reply = self._mount.handles.file(handle), self._mount.reply
        if handles.is_for_pages(file.extent, start, size):
            return False
        count = file.view.read_into(reply.view, file.extent, start, size)
        self._device.reply(replies.header(unique, count), reply.filled(count))
        return True

    def _release(self, unique: int) -> bool:
        if self._mount.handles.remove(*_handle(self._question, _BODY)) is not None:
            self._mount.reply.wipe()
        self._device.write(replies.header(unique, 0))
        return True

    # -- learning ------------------------------------------------------------------------------------------------------

    def learn(self, question: KernelQuestion) -> None:
        """Remember what a handler answered just now, if it may be. Not what the daemon is told while it touches."""
        if self._mount.touching.is_under_way:
            return
        if question.opcode == _LOOKUP:
            self._learn_look_up(question)
        elif question.opcode == _OPEN:
            self._learn_open(question)

    def _learn_look_up(self, question: KernelQuestion) -> None:
        caller, name = self._mount.callers.glance(*_numbers(question)), question.words[:-1]
        node = listings.child_node_of(self._mount.table[question.inode].node, name)
        if caller.unknown or node is None or node.version:
            return
        found = self._found_folder(node, caller) if node.kind is FOLDER else self._found_text(node, caller)
        if found is not None:
            key = ((question.inode, name), caller.uid, caller.executable, caller.cgroup)
            _remember(self._found, key, found)

    def _found_folder(self, node: Node, caller: Caller) -> _Found | None:
        inode, parent = self._mount.table.held(node, caller.uid), nodes.parent(node).level
        if inode is None or not self._gate.sees(caller, node.level):
            return None
        policy = self._gate.policy()
        until = policy.remembered_until(caller, node.level, None)
        until_ns = self._mount.inodes.looked_until_ns(node)
        return _found(policy, (until, until_ns), parent, inode, children=self._vault.children(parent))

    def _found_text(self, node: Node, caller: Caller) -> _Found | None:
        verdict = self._gate.judge_access(caller, node.level, node.capability, None, past=False)
        if node.kind not in TEXT_KINDS or not verdict.is_served:
            return None
        node = nodes.faced(node, verdict.face)
        view = self._gate.views.warm(node.level, node.face)
        inode = self._mount.inodes.told_file(node, caller.uid, view) if view else None
        if inode is None:
            return None
        policy = self._gate.policy()
        until = policy.remembered_until(caller, node.level, node.capability)
        return _found(policy, (until, _NEVER_NS), node.level, inode, view)

    def _learn_open(self, question: KernelQuestion) -> None:
        caller = self._mount.callers.glance(*_numbers(question))
        inode = self._mount.table[question.inode]
        node = inode.node
        if caller.unknown or node.version or node.kind not in TEXT_KINDS:
            return
        view = self._gate.views.warm(node.level, node.face)
        if view is None or self._mount.inodes.told_file(node, caller.uid, view) is not inode:
            return
        admission = self._gate.admission(caller, nodes.request(node, FORMATS[node.kind]), view)
        if admission is not None:
            opened = _Opened(admission, handles.shown_piece(inode, view), inode.entry)
            _remember(self._opened, (inode.number, caller.uid, caller.executable, caller.cgroup), opened)


def _found(
    policy: Policy,
    until: tuple[float, int],
    level: str,
    inode: Inode,
    view: View | None = None,
    children: Hashable = None,
) -> _Found | None:
    if until[0] == -math.inf:
        return None
    body = replies.entry(inode.entry)
    answer = bytearray(replies.header(0, len(body)) + body)
    return _Found(policy, *until, level, view, children, inode, answer)


def _numbers(question: KernelQuestion) -> tuple[int, int, int]:
    uid, gid, pid = question.context
    return pid, uid, gid


def _remember(answers: dict[_K, _V], key: _K, answer: _V) -> None:
    if len(answers) >= _MOST:
        answers.clear()
    answers[key] = answer
