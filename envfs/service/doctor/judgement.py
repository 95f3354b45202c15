"""From what was seen to what is said of it: each check's state, its words, and how to fix it.

Laws: facts in, findings out, nothing is looked up here. A problem can be fixed, or must be known before they
trust the installation. A note is how this machine is.
"""

from collections.abc import Iterator
from enum import StrEnum

from envfs.core.protection import MemoryKind, Protection
from envfs.host.machine import Swap
from envfs.protocol.control import FindingRow


class FindingState(StrEnum):
    """How good what was seen is."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"


OK, NOTE, PROBLEM = FindingState.OK, FindingState.NOTE, FindingState.PROBLEM
_NEWER_KERNEL = "Linux 5.14 or newer has it; before 6.5 it wants secretmem.enable=1 on the kernel's command line"
_RAISE_LIMIT = "raise it: `ulimit -l`, memlock in limits.conf, LimitMEMLOCK= of a service"
_NAME_IT = "as root, `useradd` with this uid; exec, get and export work without a mount"
_ENOUGH = 8 << 20  # what kernels since 5.16 allow everybody
_KIB = 1 << 10


# -- the two processes -------------------------------------------------------------------------------------------------


def judge_processes(daemon: Protection, keyholder: Protection) -> Iterator[FindingRow]:
    """Judge what protects the daemon and its keyholder."""
    yield _memory("views", daemon)
    yield _memory("keys", keyholder)
    yield _both("core dumps", "neither process leaves one", "can leave a core dump", _dumps(daemon, keyholder))
    yield _both("tracing", "their own uid can neither read nor trace them", "can be traced", _open(daemon, keyholder))
    yield _privileges(daemon, keyholder)
    yield _landlock(keyholder)
    yield _seccomp(keyholder)


def _memory(check: str, process: Protection) -> FindingRow:
    if process.memory is MemoryKind.SECRET:
        return FindingRow(check, OK, "in memfd_secret, which the kernel itself has no map of")
    hint = _RAISE_LIMIT if "RLIMIT" in process.memory_reason else _NEWER_KERNEL
    if process.memory is MemoryKind.LOCKED:
        return FindingRow(check, NOTE, f"in locked memory: {process.memory_reason}", hint)
    return FindingRow(check, PROBLEM, f"some can be swapped to a disk: {process.memory_reason}", hint)


def _dumps(daemon: Protection, keyholder: Protection) -> list[str]:
    return [name for name, process in (("the daemon", daemon), ("the keyholder", keyholder)) if process.core_dumps]


def _open(daemon: Protection, keyholder: Protection) -> list[str]:
    return [name for name, process in (("the daemon", daemon), ("the keyholder", keyholder)) if process.dumpable]


def _both(check: str, good: str, bad: str, which: list[str]) -> FindingRow:
    if which:
        return FindingRow(check, PROBLEM, f"{' and '.join(which)} {bad}", "that is a fault of EnvFS: please report it")
    return FindingRow(check, OK, good)


def _privileges(daemon: Protection, keyholder: Protection) -> FindingRow:
    if not keyholder.no_new_privs:
        return _both("privileges", "", "can gain privileges", ["the keyholder"])
    if not daemon.no_new_privs:
        return FindingRow("privileges", NOTE, "the daemon may gain some: it mounts by fusermount3, a setuid program")
    return FindingRow("privileges", OK, "no setuid program gives either process any")


def _landlock(keyholder: Protection) -> FindingRow:
    if keyholder.landlock:
        return FindingRow("landlock", OK, f"the keyholder can open no file (Landlock {keyholder.landlock})")
    return FindingRow(
        *("landlock", NOTE, "the kernel does not keep the keyholder from files"),
        "Linux 5.13 or newer can, with landlock in lsm= on its command line",
    )


def _seccomp(keyholder: Protection) -> FindingRow:
    if keyholder.seccomp and not keyholder.no_seccomp:
        return FindingRow("seccomp", OK, "the keyholder has given up all system calls but those of its work")
    state, hint = (PROBLEM, "apt-get install libseccomp2") if "not installed" in keyholder.no_seccomp else (NOTE, "")
    return FindingRow("seccomp", state, f"the keyholder keeps all system calls: {keyholder.no_seccomp}", hint)


# -- the machine -------------------------------------------------------------------------------------------------------


def judge_lockable(limit: int | None) -> FindingRow:
    """Judge how many bytes the daemon may lock (None: any number)."""
    if limit is None or limit >= _ENOUGH:
        return FindingRow("memlock", OK, "any amount" if limit is None else f"{limit // _KIB} KiB may be locked")
    return FindingRow("memlock", NOTE, f"only {limit // _KIB} KiB may be locked, for views and replies", _RAISE_LIMIT)


def judge_swap(swaps: tuple[Swap, ...]) -> FindingRow:
    """Judge where memory may be swapped to: EnvFS's own is locked, its readers' is not."""
    unsafe = [one.place for one in swaps if not one.safe]
    if unsafe:
        text = f"{', '.join(unsafe)} may receive the unencrypted memory of readers"
        return FindingRow("swap", NOTE, text, "encrypt it, or use zram")
    return FindingRow("swap", OK, "encrypted, or in memory itself" if swaps else "none")


def judge_hibernation(*, possible: bool, kind: MemoryKind) -> FindingRow:
    """Judge whether the machine may write all memory to a disk, `kind` being what views are kept in."""
    if not possible:
        return FindingRow("hibernation", OK, "this machine cannot")
    if kind is MemoryKind.SECRET:
        return FindingRow(
            "hibernation", NOTE, "the kernel refuses to while a daemon runs, for the secret memory's sake"
        )
    return FindingRow("hibernation", NOTE, "it writes all memory to a disk, views too", "`envfs lock` before it")


def judge_fuse(refusal: str) -> FindingRow:
    """Judge the FUSE device by why it cannot be used."""
    if not refusal:
        return FindingRow("fuse", OK, "/dev/fuse can be used")
    hint = "modprobe fuse, or in a container --device /dev/fuse; exec, get and export work without it"
    if refusal == "permission denied":
        hint = "chmod 666 /dev/fuse, as udev does; exec, get and export work without it"
    return FindingRow("fuse", PROBLEM, f"/dev/fuse: {refusal}", hint)


def judge_dead_mounts(paths: list[str]) -> list[FindingRow]:
    """Judge the mounts whose daemon was killed."""
    return [
        FindingRow("mount", PROBLEM, f"the daemon of the mount at {path} was killed", "`envfs unmount` removes it")
        for path in paths
    ]


def judge_fusermount(refusal: str, *, needed: bool) -> FindingRow:
    """Judge fusermount3 by why it cannot be used. Root mounts without."""
    if not needed:
        return FindingRow("fusermount3", OK, "not needed: root mounts by itself")
    if refusal:
        hint = _NAME_IT if "has no name" in refusal else "apt-get install fuse3"
        return FindingRow("fusermount3", PROBLEM, refusal, hint)
    return FindingRow("fusermount3", OK, "installed, and setuid root")


def judge_pyfuse3(complaint: str) -> FindingRow:
    """Judge whether pyfuse3 can be loaded, by what it complained of."""
    if complaint:
        return FindingRow("pyfuse3", PROBLEM, f"it cannot be loaded: {complaint}", "apt-get install libfuse3-3")
    return FindingRow("pyfuse3", OK, "can be loaded")
