"""What a user's own programs can do to a rule about a program, and what they cannot: the rows of the threat model."""

import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import Homes
from tests.system.home import SECONDS, Home, as_user, eventually
from tests.system.peer import HELLO, Peer

ALICE = 4101
READ = "import os; print(os.read(os.open(PATH, os.O_RDONLY), 4096).decode())"


class Place(NamedTuple):
    """A mount with a secret at each level, an approved interpreter, a copy of it, and an approved script."""

    home: Home
    secret: str
    programs: Path

    def program(self, name: str) -> Path:
        """Return the path of an interpreter."""
        return self.programs / name / "python3"

    def script(self, name: str, code: str) -> Path:
        """Write a script that all may read."""
        path = self.programs / f"{name}.py"
        path.write_text(code, encoding="utf-8")
        return path

    def reading(self, level: str) -> str:
        """Return code that reads the view of a level."""
        return READ.replace("PATH", repr(str(self.home.view(level))))

    def run(self, *words: str | Path, environ: Mapping[str, str] | None = None) -> str:
        """Run a command as the user: the secret, or how it was kept from it."""
        done = subprocess.run(
            [*as_user(ALICE), *map(str, words)],
            capture_output=True,
            check=False,
            timeout=SECONDS,
            cwd="/",
            env={"PATH": os.environ["PATH"], **(environ or {})},
        )
        if self.secret.encode() in done.stdout + done.stderr:
            return "secret"
        return "refused" if b"Permission denied" in done.stderr + done.stdout else done.stderr.decode()


@pytest.fixture(scope="module")
def place(new_home: Homes, own_ground: Path) -> Iterator[Place]:
    """Give the module the mount: `/exe`, `/script`, `/not-exe` and `/not-under` are what their rules say."""
    found = Place(new_home(), secrets.token_hex(16), own_ground / "same-user")
    for name in ("approved", "copy"):
        found.program(name).parent.mkdir(parents=True)
        shutil.copy(Path(sys.executable).resolve(), found.program(name))
    found.programs.chmod(0o755)
    exe = {"uid": ALICE, "exe": str(found.program("approved"))}
    found.script("approved", "pass\n")
    rules: list[dict[str, object]] = [
        {"level": "/exe", **exe},
        {"level": "/script", **exe, "script": str(found.programs / "approved.py")},
        {"level": "/not-exe", "uid": ALICE},
        {"level": "/not-exe", **exe, "decision": "deny"},
        {"level": "/under", "uid": ALICE, "under": exe["exe"]},
        {"level": "/not-under", "uid": ALICE},
        {"level": "/not-under", "uid": ALICE, "under": exe["exe"], "decision": "deny"},
    ]
    with found.home.served():
        with Peer(found.home.socket) as peer:
            peer.ask(HELLO)
            for level in {str(rule["level"]) for rule in rules}:
                request = {"type": "set-variable", "level": level, "name": "SECRET", "trim": False}
                assert peer.ask_all(request, (found.secret,))[1]["type"] == "written"
        tables = ["".join(f"{name} = {json.dumps(value)}\n" for name, value in rule.items()) for rule in rules]
        found.home.envfs("revoke", "/", "--uid", "0")
        head = found.home.settings.read_text(encoding="utf-8").partition("[[grant]]")[0]
        found.home.edit_settings(head + "".join(f"[[grant]]\n{table}" for table in tables))
        yield found


def test_the_rules_tell_programs_apart(place: Place) -> None:
    approved, copy = place.program("approved"), place.program("copy")
    assert place.run(approved, "-ISc", place.reading("/exe")) == "secret"
    assert place.run(copy, "-ISc", place.reading("/exe")) == "refused"
    assert place.run(approved, "-ISc", place.reading("/script")) == "refused"
    assert place.run(approved, "-ISc", place.reading("/not-exe")) == "refused"
    script = place.script("approved", place.reading("/script"))
    assert place.run(approved, "-I", script) == "secret"
    assert place.run(approved, "-I", place.script("other", place.reading("/script"))) == "refused"


# -- what the same user can do -----------------------------------------------------------------------------------------


def test_a_preloaded_library_runs_in_the_approved_program(place: Place) -> None:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("needs a C compiler")
    library = place.programs / "preloaded.so"
    source = f"""#include <fcntl.h>
#include <unistd.h>
__attribute__((constructor)) static void first(void) {{
    static char text[4096];
    int handle = open("{place.home.view("/exe")}", O_RDONLY);
    long size = handle < 0 ? 0 : read(handle, text, sizeof text);
    if (write(1, text, size)) {{}}
}}"""
    command = [compiler, "-shared", "-fPIC", "-x", "c", "-o", str(library), "-"]
    subprocess.run(command, input=source.encode(), check=True, timeout=SECONDS)
    library.chmod(0o755)
    approved = place.program("approved")
    assert place.run(approved, "-IS", "-c", "", environ={"LD_PRELOAD": str(library)}) == "secret"


def test_a_variable_of_the_interpreter_brings_code_to_the_approved_script(place: Place) -> None:
    folder = place.programs / "modules"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(place.reading("/script"), encoding="utf-8")
    script = place.script("approved", "pass\n")
    assert place.run(place.program("approved"), script, environ={"PYTHONPATH": str(folder)}) == "secret"


def test_a_parent_reads_the_memory_of_the_approved_program(place: Place) -> None:
    child = "import sys; text = open(PATH).read(); print(id(text), flush=True); sys.stdin.read()"
    child = child.replace("PATH", repr(str(place.home.view("/exe"))))
    code = f"""
import subprocess
p = subprocess.Popen([{str(place.program("approved"))!r}, "-ISc", {child!r}], stdin=-1, stdout=-1)
at = int(p.stdout.readline())
with open(f"/proc/{{p.pid}}/mem", "rb") as memory:
    memory.seek(at)
    print(memory.read(400).decode(errors="replace"))
p.communicate()
"""
    assert place.run(place.program("copy"), "-ISc", code) == "secret"


def test_another_command_line_passes_for_the_approved_script(place: Place) -> None:
    script = place.script("approved", "pass\n")
    code = f"""
import ctypes
fields = open("/proc/self/stat").read().rpartition(") ")[2].split()
start, end = int(fields[45]), int(fields[46])
words = b"python3\\0-I\\0" + {os.fsencode(script)!r} + b"\\0"
assert len(words) <= end - start
ctypes.memset(start, 0, end - start)
ctypes.memmove(start, words + b"-" * (end - start - len(words) - 1), end - start)
{place.reading("/script")}
"""
    forging = place.script("a-script-with-a-long-name-so-that-there-is-room-for-words", code)
    assert place.run(place.program("approved"), "-I", forging) == "secret"


def test_a_passed_descriptor_reads_by_its_opener(place: Place) -> None:
    code = f"""
import os
os.dup2(os.open({str(place.home.view("/exe"))!r}, os.O_RDONLY), 0)
os.execv("/bin/cat", ["cat"])
"""
    assert place.run(place.program("approved"), "-ISc", code) == "secret"


def test_an_orphan_has_lost_the_parent_that_is_denied(place: Place) -> None:
    approved, copy = place.program("approved"), place.program("copy")
    reading = place.reading("/not-under")
    child = f"import subprocess; subprocess.run([{str(copy)!r}, '-ISc', {reading!r}])"
    assert place.run(approved, "-ISc", child) == "refused"
    orphan = f"""
import os
reading, writing = os.pipe()
if os.fork() == 0:
    if os.fork() == 0:
        os.read(reading, 1)
        os.execv({str(copy)!r}, ["python3", "-ISc", {reading!r}])
    os._exit(0)
os.wait()
os.write(writing, b"x")
"""
    assert place.run(approved, "-ISc", orphan) == "secret"


def test_a_child_descends_from_what_its_parent_becomes(place: Place) -> None:
    approved, copy = place.program("approved"), place.program("copy")
    reading = place.reading("/under")
    child = f"import os; os.read(0, 1); {reading}"
    code = f"""
import os, subprocess
p = subprocess.Popen([{str(copy)!r}, "-ISc", {child!r}], stdin=subprocess.PIPE)
os.set_inheritable(p.stdin.fileno(), True)
waiting = "import os, sys; os.write(int(sys.argv[1]), b'x'); os.wait()"
os.execv({str(approved)!r}, ["python3", "-ISc", waiting, str(p.stdin.fileno())])
"""
    assert place.run(copy, "-ISc", reading) == "refused"
    assert place.run(copy, "-ISc", code) == "secret"


def test_a_copy_is_not_met_by_a_rule_about_a_path(place: Place) -> None:
    assert place.run(place.program("copy"), "-ISc", place.reading("/not-exe")) == "secret"


# -- what it cannot do -------------------------------------------------------------------------------------------------


def test_a_program_in_memory_is_not_the_one_whose_content_it_has(place: Place) -> None:
    code = f"""
import os
handle = os.memfd_create("python3", 0)
os.write(handle, open({str(place.program("approved"))!r}, "rb").read())
os.execve(handle, [{str(place.program("approved"))!r}, "-ISc", {place.reading("/exe")!r}], os.environ)
"""
    assert place.run(place.program("copy"), "-ISc", code) == "refused"


@pytest.mark.parametrize("level", ["/exe", "/script", "/not-exe"])
def test_a_user_namespace_takes_a_process_its_program(place: Place, level: str) -> None:
    script = place.script("approved", place.reading(level))
    assert place.run("unshare", "--user", "--", place.program("approved"), "-I", script) == "refused"


def test_a_loader_is_not_the_program_that_it_loads(place: Place) -> None:
    loader = next(Path("/").glob("lib*/ld-linux*.so.*"), None)
    if loader is None:
        pytest.skip("this C library has another loader")
    assert place.run(loader, place.program("approved"), "-ISc", place.reading("/exe")) == "refused"


def test_a_link_to_the_approved_path_is_another_program(place: Place) -> None:
    link = place.programs / "link"
    link.symlink_to(place.program("copy"))
    assert place.run(link, "-ISc", place.reading("/exe")) == "refused"


def test_a_process_that_becomes_another_program_is_that_at_its_next_question(place: Place) -> None:
    approved, copy = place.program("approved"), place.program("copy")
    reading = place.reading("/exe")
    code = f"{reading.replace('print', 'len')}\nos.execv({str(copy)!r}, ['python3', '-ISc', {reading!r}])"
    assert place.run(approved, "-ISc", code) == "refused"
    back = f"import os; os.execv({str(approved)!r}, ['python3', '-ISc', {reading!r}])"
    assert place.run(copy, "-ISc", back) == "secret"


def test_the_socket_lets_no_program_in(place: Place) -> None:
    code = (
        "import socket, json\n"
        f"s = socket.socket(socket.AF_UNIX); s.connect({str(place.home.socket)!r})\n"
        "b = json.dumps({'type': 'read-view', 'level': '/exe', 'format': 'dotenv', 'channel': 'show'}).encode()\n"
        "s.sendall(len(b).to_bytes(4, 'big') + b)\n"
        "print(s.recv(65536).decode(errors='replace').replace('not approved', 'Permission denied'))\n"
    )
    assert place.run(place.program("approved"), "-ISc", code) == "refused"


@pytest.mark.parametrize("what", ["a name", "a folder", "a working folder", "a mapping"])
def test_what_a_program_held_gives_the_one_that_it_becomes_nothing(place: Place, what: str) -> None:
    view = str(place.home.view("/exe"))
    folder = view.removesuffix("/.env")
    holding, using = {
        "a name": (f"os.dup2(os.open({view!r}, os.O_PATH), 9)", "os.open('/proc/self/fd/9', os.O_RDONLY)"),
        "a folder": (f"os.dup2(os.open({folder!r}, os.O_PATH), 9)", "os.open('.env', os.O_RDONLY, dir_fd=9)"),
        "a working folder": (f"os.chdir({folder!r})", "os.open('.env', os.O_RDONLY)"),
        "a mapping": (f"mmap.mmap(os.open({view!r}, os.O_RDONLY), 0, 2, 1)[:]", f"os.open({view!r}, os.O_RDONLY)"),
    }[what]
    using = f"import os, time; time.sleep(0.2); print(os.read({using}, 4096).decode())"
    code = "import mmap, os\n{}\nos.execv({!r}, ['python3', '-ISc', {!r}])"
    approved, copy = place.program("approved"), place.program("copy")
    assert place.run(approved, "-ISc", code.format(holding, str(copy), using)) == "refused"
    assert place.run(approved, "-ISc", code.format(holding, str(approved), using)) == "secret"


def test_a_folder_that_a_program_held_lists_nothing_to_the_one_that_it_becomes(place: Place) -> None:
    folder = str(place.home.mnt / "exe")
    listing = "import os, time; time.sleep(0.2); print(os.listdir('.'))"
    asking = "import os, time; time.sleep(0.2); os.stat('.'); os.stat('.vars')"
    for using in (listing, asking):
        code = (
            f"import os; os.chdir({folder!r}); os.execv({str(place.program('copy'))!r}, ['python3', '-ISc', {using!r}])"
        )
        assert place.run(place.program("approved"), "-ISc", code) == "refused"


# -- revocation --------------------------------------------------------------------------------------------------------

_HOLDING = """
import json, mmap, os, signal, sys
files = {path: os.open(path, os.O_RDONLY) for path in json.loads(sys.argv[1])}
folders = {path: os.open(path, os.O_RDONLY) for path in json.loads(sys.argv[2])}
pages = {path: mmap.mmap(file, 0, mmap.MAP_PRIVATE, mmap.PROT_READ) for path, file in files.items()}
print(all(page[:] for page in pages.values()), flush=True)


def ended(deed):
    try:
        return deed() and "ok"
    except OSError as error:
        return error.strerror


def paged(page):
    child = os.fork()
    if child == 0:
        os._exit(len(page[:]) > 0)
    return os.waitpid(child, 0)[1]


for _ in sys.stdin:
    answers = [ended(lambda: os.pread(file, 99, 0)) for file in files.values()]
    answers += [ended(lambda: os.listdir(folder)) for folder in folders.values()]
    print(json.dumps([answers, [paged(page) for page in pages.values()]]), flush=True)
"""
_BUS_ERROR = 7


def _tried(holder: "subprocess.Popen[str]") -> tuple[set[str], set[int]]:
    """Let a holder read what it has open, and its pages; return how that ended."""
    assert holder.stdin is not None
    assert holder.stdout is not None
    holder.stdin.write("\n")
    holder.stdin.flush()
    answers, pages = json.loads(holder.stdout.readline())
    return set(answers), set(pages)


def test_a_rule_about_a_program_that_ends_takes_what_that_program_has_open(place: Place) -> None:
    folder = place.home.mnt / "exe"
    names = (
        ".env",
        ".env.json",
        ".environ",
        ".env.example",
        ".vars/SECRET",
        ".history/1/.env",
        ".history/1/.vars/SECRET",
    )
    files = [str(folder / name) for name in names]
    folders = [str(folder / name) for name in (".vars", ".history", ".history/1")]
    settings = place.home.settings.read_text(encoding="utf-8")
    copy = f'[[grant]]\nlevel = "/exe"\nuid = {ALICE}\nexe = "{place.program("copy")}"\n'
    place.home.edit_settings(settings + copy)
    words = [*as_user(ALICE), place.program("approved"), "-ISc", _HOLDING, json.dumps(files), json.dumps(folders)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "True\n"
        # another program of the same user, which goes on being approved, looks at the same files last
        looking = f"[open(path).read() for path in {files!r}]; {place.reading('/exe')}"
        assert place.run(place.program("copy"), "-ISc", looking) == "secret"
        first = f'[[grant]]\nlevel = "/exe"\nuid = {ALICE}\nexe = "{place.program("approved")}"\n'
        assert first in settings
        place.home.edit_settings(settings.replace(first, "") + copy)
        assert place.run(place.program("copy"), "-ISc", looking) == "secret"
        eventually(lambda: place.run(place.program("approved"), "-ISc", place.reading("/exe")) == "refused", "it ends")
        # of a rule that was taken out by hand the mount hears when it looks, and takes the pages then
        eventually(lambda: _tried(holder) == ({"Permission denied"}, {_BUS_ERROR}), "what it holds is taken")
        holder.stdin.close()  # type: ignore[union-attr]
    place.home.edit_settings(settings)
