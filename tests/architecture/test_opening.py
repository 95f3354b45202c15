"""A file that came from outside is opened in one way, `envfs.safe_open`: every other way may wait for ever."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture import sources
from tests.architecture.sources import FILES, ROOT, place

# what makes sure that it is no file from outside: it is created here, is a folder, or is the kernel's own
SAFE = ("O_EXCL", "O_DIRECTORY", "O_TMPFILE", "O_PATH", "os.devnull", "'/dev/tty'", "'/dev/fuse'", "/proc/")
_EVIDENCE = ("digests", "file_systems", "process_files", "scripts")
_KERNELS = (
    *("daemon/liveness", "host/clocks", "host/lineages", "host/machine", "host/mounts"),
    *(f"host/evidence/{name}" for name in _EVIDENCE),  # and files that run, by the kernel's links to them
)
KERNELS = {f"envfs/{name}.py" for name in _KERNELS}
NAMED_BY_A_PERSON = {
    "cli/envfs_cli/files.py": "open_input",  # a FIFO is meant there, and the wait has an end
    "cli/envfs_cli/process/replacement.py": "_is_binary",  # the kernel took it for a program's file
}
READS = {"read_text", "read_bytes", "write_text", "write_bytes"}
MODULES_WITH_SUCH_A_NAME = {"files.read_text", "work.read_text"}


def unsafe_opens(path: Path, text: str) -> Iterator[str]:
    """Yield the calls of a source text that open a path in another way."""
    name = place(path)
    if name in KERNELS or name == "envfs/safe_open.py":
        return
    nodes = list(ast.walk(ast.parse(text)))
    allowed: set[int] = set()
    for node in nodes:
        if isinstance(node, ast.FunctionDef) and NAMED_BY_A_PERSON.get(name) == node.name:
            allowed.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    for node in nodes:
        if isinstance(node, ast.Call) and node.lineno in allowed:
            continue
        if isinstance(node, ast.Call) and opens(node) and not any(word in ast.unparse(node) for word in SAFE):
            yield f"{node.lineno}: {ast.unparse(node)}"


def opens(call: ast.Call) -> bool:
    """Tell whether a call opens a path; `work.open` and the like open a record."""
    name = ast.unparse(call.func)
    if isinstance(call.func, ast.Attribute) and call.func.attr in READS:
        return name not in MODULES_WITH_SUCH_A_NAME
    by_mode = isinstance(call.func, ast.Attribute) and call.func.attr == "open"
    with_mode = bool(call.args) and ast.unparse(call.args[0]) in ("'r'", "'rb'", "'w'", "'wb'")
    return name in ("open", "os.open", "io.open") or (by_mode and with_mode)


def test_nothing_else_opens_a_file() -> None:
    for path in FILES:
        assert (place(path), list(unsafe_opens(path, sources.text(path)))) == (place(path), [])


@pytest.mark.parametrize(
    "text",
    [
        "open(path)",
        "os.open(path, os.O_RDONLY | os.O_NONBLOCK)",
        "path.read_bytes()",
        "path.open('rb')",
        "def other():\n    os.open(path, 0)",
    ],
)
def test_this_test_can_fail(text: str) -> None:
    assert list(unsafe_opens(ROOT / "cli" / "envfs_cli" / "files.py", text))
