"""This machine: what it does with memory, and whether it can mount. A request looks, and changes nothing."""

import contextlib
import os
import pwd
import resource
import stat
from pathlib import Path
from typing import NamedTuple

from envfs import safe_open

_ENCRYPTED = "CRYPT-"
_IN_MEMORY = ("zram", "ram")
_FUSERMOUNT = "fusermount3"


class Swap(NamedTuple):
    """A place to which memory is swapped. `safe` if it is encrypted or is memory itself."""

    place: str
    safe: bool


def swaps(proc: Path = Path("/proc"), block: Path = Path("/sys/class/block")) -> tuple[Swap, ...]:
    """List the swaps that are on. For a file it is not known what lies beneath, so it is not safe."""
    try:
        lines = (proc / "swaps").read_text(encoding="utf-8", errors="replace").splitlines()[1:]
    except OSError:
        return ()
    places = [line.split()[0].replace("\\040", " ") for line in lines if line.strip()]
    return tuple(Swap(place, _is_safe(os.path.basename(os.path.realpath(place)), block)) for place in places)


def _is_safe(name: str, block: Path) -> bool:
    if name.startswith(_IN_MEMORY):
        return True
    with contextlib.suppress(OSError):
        if (block / name / "dm" / "uuid").read_text(encoding="ascii", errors="replace").startswith(_ENCRYPTED):
            return True
    beneath = block / name / "slaves"
    names = os.listdir(beneath) if beneath.is_dir() else []
    return bool(names) and all(_is_safe(one, block) for one in names)


def hibernates(power: Path = Path("/sys/power")) -> bool:
    """Tell whether this kernel can write all memory to a disk and switch off."""
    try:
        states = (power / "state").read_text(encoding="ascii").split()
        return "disk" in states and (power / "disk").read_text(encoding="ascii").strip() != "[disabled]"
    except OSError:
        return False


def lockable_bytes() -> int | None:
    """Return how many bytes this process may lock, None for any number."""
    limit = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0]
    return None if limit == resource.RLIM_INFINITY or os.geteuid() == 0 else limit


def fuse_refusal(device: str = "/dev/fuse") -> str:
    """Say why this user cannot use the FUSE device, or return the empty string."""
    try:
        os.close(os.open(device, os.O_RDWR | os.O_CLOEXEC))
    except OSError as error:
        return safe_open.error_words(error)
    return ""


def fusermount_refusal(path: str | None = None) -> str:
    """Say why fusermount3 cannot mount for a user, or return the empty string. `path` is where programs are."""
    import shutil  # noqa: PLC0415 - a daemon of root never needs it

    program = shutil.which(_FUSERMOUNT, path=path)
    if program is None:
        return f"{_FUSERMOUNT} is not installed"
    if not os.stat(program).st_mode & stat.S_ISUID:
        return f"{program} is not setuid root, so it mounts for root alone"
    if not has_name(os.geteuid()):
        return f"uid {os.geteuid()} has no name on this machine, and {_FUSERMOUNT} mounts for users with one"
    return ""


def has_name(uid: int) -> bool:
    """Tell whether a uid is that of a user with a name, as the users of containers often have none."""
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def machine_name(path: Path = Path("/etc/machine-id")) -> str:
    """Return what tells this machine from others: id and host name, for machines made from one image have one id."""
    number = ""
    with contextlib.suppress(OSError):
        number = path.read_text(encoding="ascii", errors="replace").strip()
    return f"{number} {os.uname().nodename}"
