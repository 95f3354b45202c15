"""Attempts at files that are hidden or guarded, and at EnvFS itself."""

import contextlib
import os
from pathlib import Path

from tests.system.escapes.network import unix_socket
from tests.system.escapes.trying import LIBC, Attempt, number, text


def run_memory() -> object:
    """Run a program that is in memory alone: it is inside all the same."""
    memory = os.memfd_create("program")
    os.write(memory, Path("/bin/cat").read_bytes())
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.dup2(writing, 1)
        os.execve(memory, ["cat", text("hidden")], {})  # noqa: S606 - a program without a name
    os.close(writing)
    os.wait()
    return os.read(reading, 64) or None


def share_memory() -> object:
    """Reach memory of System V that a process outside has."""
    return LIBC.shmget(number("shared"), 0, 0) if LIBC.shmget(number("shared"), 0, 0) >= 0 else None


# -- files -------------------------------------------------------------------------------------------------------------


def read_hidden() -> object:
    """Read a file that is hidden."""
    return Path(text("hidden")).read_bytes() or None


def write_hidden() -> object:
    """Write to a folder that is hidden."""
    Path(text("hidden_folder"), "new").write_text("escaped", encoding="ascii")
    return "written"


def write_home() -> object:
    """Write to what a shell of this user runs."""
    Path(text("start")).write_text("escaped", encoding="ascii")
    return "written"


def replace_hooks() -> object:
    """Put a program where git runs it outside."""
    with contextlib.suppress(OSError):
        Path(".git/hooks/post-checkout").write_text("escaped", encoding="ascii")
        return "written"
    with contextlib.suppress(OSError):
        os.rename(".git", ".git-before")
        return "moved"
    with contextlib.suppress(OSError):
        os.rename(".git/hooks", ".git/before")
        return "moved"
    Path(".git/config").write_text("[core]\nfsmonitor = escaped\n", encoding="ascii")
    return "written"


def link_out() -> object:
    """Give a hidden file another name."""
    os.link(text("hidden"), "linked")
    return Path("linked").read_bytes() or None


def leave_by_descriptor() -> object:
    """Go by a descriptor that was inherited."""
    inherited = [name for name in os.listdir("/proc/self/fd") if int(name) > 2]
    leads = []
    for name in inherited:
        with contextlib.suppress(OSError):
            lead = os.readlink(f"/proc/self/fd/{name}")
            if "memfd:envfs" not in lead and "/proc/" not in lead:
                leads.append(lead)
    return leads or None


def change_certificates() -> object:
    """Write to the certificates that the session trusts."""
    with open(os.environ["SSL_CERT_FILE"], "r+b", buffering=0) as file:
        return file.write(b"escaped")


def read_views() -> object:
    """Read a view with its values."""
    data = Path(text("view")).read_bytes()
    return data if text("value_mark").encode() in data else None


def write_view() -> object:
    """Write to the view's place."""
    Path(text("view")).write_text("escaped", encoding="ascii")
    return "written"


def ask_envfs(*words: str) -> object:
    """Have EnvFS give a value, or say yes to itself."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(writing, 1)
        os.dup2(writing, 2)
        os.execv(text("envfs"), [text("envfs"), *words])  # noqa: S606 - as a command inside would
    os.close(writing)
    out = b""
    while piece := os.read(reading, 1 << 12):
        out += piece
    return None if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) else out


def find_credentials() -> object:
    """Look for variables that hold or lead to credentials of the account."""
    names = ("AWS_SECRET_ACCESS_KEY", "SSH_AUTH_SOCK", "DBUS_SESSION_BUS_ADDRESS", "GITHUB_TOKEN", "DISPLAY")
    return [name for name in names if name in os.environ] or None


ATTEMPTS: dict[str, Attempt] = {
    "inherited descriptors": leave_by_descriptor,
    "program in memory": run_memory,
    "System V memory": share_memory,
    "hidden file": read_hidden,
    "write to a hidden folder": write_hidden,
    "write to a shell's start": write_home,
    "git hooks": replace_hooks,
    "link to a hidden file": link_out,
    "certificates": change_certificates,
    "view": read_views,
    "write to a view": write_view,
    "EnvFS's socket": lambda: unix_socket(text("control")),
    "envfs get": lambda: ask_envfs("get", "/shop", "SHOP_KEY"),
    "envfs export": lambda: ask_envfs("export", "/shop"),
    "envfs approvals": lambda: ask_envfs("approvals", "yes", "q1"),
    "envfs grant": lambda: ask_envfs("grant", "/shop", "--uid", str(os.getuid())),
    "envfs exec": lambda: ask_envfs("exec", "/shop", "--", "/bin/true"),
    "variables of the account": find_credentials,
}
