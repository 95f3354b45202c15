"""What a command of `exec` inherits is what it would inherit without: each part of the process state, to the bit.

Of each table with the four ways to start a command, `make test` tries each row and each way, `make soak` all.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.selection import spread
from tests.system import staging
from tests.system.home import ENVFS, SECONDS, Home
from tests.system.terminal import Terminal

CAT = shutil.which("cat") or "/bin/cat"
SETTABLE = sorted(set(range(1, 65)) - {int(signal.SIGKILL), int(signal.SIGSTOP), 32, 33})
DISPOSITIONS = {
    "all default": ([], []),
    "all ignored": (SETTABLE, []),
    "SIGPIPE alone ignored": ([signal.SIGPIPE], []),
    "SIGXFSZ alone ignored": ([signal.SIGXFSZ], []),
    "as nohup and a shell's job have it": ([signal.SIGHUP, signal.SIGINT, signal.SIGQUIT], []),
    "children not waited for": ([signal.SIGCHLD, signal.SIGTTOU, signal.SIGTTIN], []),
    "every other ignored, the others blocked": (SETTABLE[::2], [*SETTABLE[1::2], signal.SIGTERM]),
}
WAYS = ("daemon", "python", "alone", "watch")  # "daemon" without an interpreter
# a command of `--watch` is a child in a process group of its own
_OWN = ("Pid", "Tgid", "NSpid", "NStgid", "PPid", "NSpgid", "NSsid", "FDSize")
_MEASURED = ("Vm", "Rss", "Hugetlb", "voluntary", "nonvoluntary", "SigQ", "Threads", "x86", "Speculation")


@pytest.fixture(scope="module")
def alone(new_home: Callable[..., Home], stocked: Home) -> Home:
    """Give a home with the realistic files that no daemon serves."""
    return new_home(stocked)


def through(home: Home, way: str, command: Sequence[str]) -> list[str]:
    option = {"watch": ["--watch"], "python": ["--reason", "why"]}.get(way, [])
    return [ENVFS, "exec", "/shop", *option, "--only", "COMPANY_NAME", "--", *command]


def staged(
    words: Sequence[str],
    environ: Sequence[str],
    *,
    ignored: Sequence[int] = (),
    blocked: Sequence[int] = (),
    closed: Sequence[int] = (),
    odd: bool = False,
    pass_fds: Sequence[int] = (),
) -> "subprocess.CompletedProcess[bytes]":
    order = {
        "words": words,
        "environ": environ,
        "ignored": [int(number) for number in ignored],
        "blocked": [int(number) for number in blocked],
        "closed": list(closed),
        "odd": odd,
    }
    return subprocess.run(
        [sys.executable, "-I", staging.__file__, json.dumps(order)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=3 * SECONDS,
        pass_fds=pass_fds,
        cwd="/usr",
    )


def entries(home: Home) -> list[str]:
    return [f"{name}={value}" for name, value in home.environ().items()]


def home_of(way: str, shared: Home, alone: Home) -> Home:
    return alone if way == "alone" else shared


def facts(status: bytes) -> dict[str, str]:
    pairs = (line.partition(":") for line in status.decode().splitlines())
    return {name: text.strip() for name, _, text in pairs if name not in _OWN and not name.startswith(_MEASURED)}


@pytest.mark.parametrize(("which", "way"), spread(DISPOSITIONS, WAYS))
def test_signals_are_ignored_and_blocked_as_the_caller_had_them(
    which: str, way: str, shared: Home, alone: Home
) -> None:
    home = home_of(way, shared, alone)
    ignored, blocked = DISPOSITIONS[which]
    command = [CAT, "/proc/self/status"]
    direct = staged(command, entries(home), ignored=ignored, blocked=blocked)
    ours = staged(through(home, way, command), entries(home), ignored=ignored, blocked=blocked)
    assert (ours.returncode, ours.stderr) == (0, b"")
    assert facts(ours.stdout) == facts(direct.stdout)
    assert {"SigIgn", "SigBlk", "SigCgt", "Umask", "Groups", "CapEff", "NoNewPrivs"} <= set(facts(ours.stdout))


def test_without_the_program_before_the_interpreter_what_it_ignores_is_default(shared: Home) -> None:
    words = [sys.executable, "-I", "-m", "envfs_cli", "exec", "/shop", "--", CAT, "/proc/self/status"]
    ours = staged(words, entries(shared))
    assert facts(ours.stdout)["SigIgn"] == facts(staged([CAT, "/proc/self/status"], entries(shared)).stdout)["SigIgn"]


@pytest.mark.parametrize("way", WAYS)
def test_limits_priority_folder_and_the_rest_are_the_callers(way: str, shared: Home, alone: Home) -> None:
    home = home_of(way, shared, alone)
    names = ("limits", "oom_score_adj", "timerslack_ns", "coredump_filter", "cgroup", "personality")
    command = [CAT, *(f"/proc/self/{name}" for name in names)]
    direct = staged(command, entries(home), odd=True)
    ours = staged(through(home, way, command), entries(home), odd=True)
    assert (ours.returncode, ours.stdout) == (direct.returncode, direct.stdout)
    places = ("cwd", "root", "ns/mnt", "ns/user", "ns/pid", "ns/net")
    for command in ([CAT, "/proc/self/status"], ["/usr/bin/readlink", *(f"/proc/self/{place}" for place in places)]):
        direct = staged(command, entries(home), odd=True)
        ours = staged(through(home, way, command), entries(home), odd=True)
        assert facts(ours.stdout) == facts(direct.stdout)


def test_a_client_that_stays_beside_its_command_leaves_no_core_and_the_command_may(shared: Home) -> None:
    show = "cat /proc/$PPID/limits /proc/self/limits"
    words = [ENVFS, "exec", "/shop", "--mask-output", "--", "/bin/sh", "-c", show]
    out = staged(words, entries(shared), odd=True).stdout.decode()
    assert [line.split()[4:6] for line in out.splitlines() if "core file" in line] == [["0", "8192"], ["4096", "8192"]]


@pytest.mark.parametrize("way", ["daemon", "alone"])
def test_process_parent_group_session_terminal_and_nice_value_are_the_callers(
    way: str, shared: Home, alone: Home
) -> None:
    home = home_of(way, shared, alone)
    command = [CAT, "/proc/self/stat"]

    def numbers(words: list[str]) -> list[bytes]:
        with subprocess.Popen(words, env=home.environ(), stdout=subprocess.PIPE, start_new_session=True) as child:
            assert child.stdout is not None
            fields = child.stdout.read().rpartition(b") ")[2].split()
            assert int(fields[2]) == int(fields[3]) == child.pid
        return [fields[1], *fields[4:6], *fields[15:18]]

    assert numbers(through(home, way, command)) == numbers(command)


def test_the_terminal_is_the_commands(shared: Home) -> None:
    for watch in ([], ["--watch"]):
        words = [ENVFS, "exec", "/shop", *watch, "--", "sh", "-c", "ps -o stat= -p $$; stty -a </dev/tty | head -1"]
        with Terminal(words, shared.environ()) as terminal:
            terminal.expect("+")  # in the foreground
            terminal.expect("rows 40")
            assert terminal.end() == 0


def test_a_command_has_no_child_that_it_did_not_start(alone: Home) -> None:
    words = through(alone, "alone", ["sh", "-c", 'read -r pids </proc/$$/task/$$/children; echo "$pids"'])
    assert alone.envfs(*words[1:]).out == b"\n"


_LIST = """
import os, sys
lines = []
for number in os.listdir("/proc/self/fd"):
    try:
        target = os.readlink(f"/proc/self/fd/{number}")
    except FileNotFoundError:
        continue  # of the listing itself
    with open(f"/proc/self/fdinfo/{number}") as file:
        facts = " ".join(line.strip() for line in file if line.startswith(("pos", "flags")))
    # the test's own pipes are others at each start
    lines.append(f"{number} {'pipe' if number in '012' else target} {facts}")
with open(sys.argv[1], "w") as file:
    file.write("\\n".join(lines))
"""


# -- descriptors -------------------------------------------------------------------------------------------------------


@pytest.fixture
def handles(tmp_path: Path) -> Iterator[list[int]]:
    """Give descriptors of several kinds, with a gap between them."""
    file = tmp_path / "file"
    file.write_text("0123456789", encoding="ascii")
    reading, writing = os.pipe()
    offset = os.open(file, os.O_RDWR | os.O_APPEND)
    os.lseek(offset, 4, os.SEEK_SET)
    folder = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    high = os.dup2(folder, 150)
    os.close(folder)
    path = os.open(file, os.O_PATH)
    handed = [reading, writing, offset, high, path]
    yield handed
    for handle in handed:
        os.close(handle)


@pytest.mark.parametrize(
    ("closed", "way"), spread([(), (0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2)], WAYS), ids=str
)
def test_descriptors_are_those_that_the_caller_handed_on_and_no_other(
    closed: tuple[int, ...], way: str, handles: list[int], shared: Home, alone: Home, tmp_path: Path
) -> None:
    home = home_of(way, shared, alone)
    target = tmp_path / "listed"
    command = [sys.executable, "-I", "-S", "-c", _LIST, str(target)]
    listed = []
    for words in (command, through(home, way, command)):
        done = staged(words, entries(home), closed=closed, pass_fds=handles)
        assert done.returncode == 0, done
        listed.append({int(line.split()[0]): line for line in target.read_text(encoding="utf-8").splitlines()})
    assert listed[1] == listed[0]
    assert set(listed[0]) == {0, 1, 2, *handles} - set(closed)
    assert str(tmp_path) in listed[0][handles[3]]


@pytest.mark.parametrize(("number", "way"), spread([0, 1, 2], WAYS))
def test_a_folder_as_a_standard_stream_is_the_commands(
    number: int, way: str, shared: Home, alone: Home, tmp_path: Path
) -> None:
    home, target = home_of(way, shared, alone), tmp_path / "target"
    script = f"readlink /proc/$$/fd/{number} >{target}; :"
    words = ["bash", "-c", f'"$@" {number}<{tmp_path}', "bash", *through(home, way, ["bash", "-c", script])]
    subprocess.run(words, env=home.environ(), stdin=subprocess.DEVNULL, check=True, timeout=SECONDS)
    assert target.read_text(encoding="utf-8") == f"{tmp_path}\n"


# -- environment and words ---------------------------------------------------------------------------------------------

ODD = [
    "Z_LAST=1",
    "A_FIRST=2",
    "TWICE=one",
    "no equals sign",
    "=starts with one",
    "TWICE=two",
    "",
    "NOT_UTF8=\xff\xfe",
    "\xffNAME=x",
    "EMPTY=",
    "BASH_FUNC_f%%=() { :; }",
    "WITH=equals=in=it",
    "LANG=C",
    "PYTHONPATH=/nonexistent",
    "PYTHONHOME=/nonexistent",
    "PYTHONSTARTUP=/nonexistent",
    "PYTHONINSPECT=1",
    "PYTHONWARNINGS=error",
    "PYTHONEXECUTABLE=/nonexistent",
    "__PYVENV_LAUNCHER__=/nonexistent",
    "PYTHONSAFEPATH=1",
    "PYTHONIOENCODING=ascii",
    "VIRTUAL_ENV=/nonexistent",
    "LC_CTYPE_NOT=C",
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("odd", [ODD, [each for each in ODD if each.find("=") > 0]], ids=["any bytes", "names"])
def test_the_environment_is_the_callers_to_the_byte(odd: list[str], way: str, shared: Home, alone: Home) -> None:
    home = home_of(way, shared, alone)
    command = [CAT, "/proc/self/environ"]
    environ = [*odd[:3], f"ENVFS_HOME={home.path}", *odd[3:], "COMPANY_NAME=a", "PATH=/bin", "COMPANY_NAME=b"]
    ours = staged(through(home, way, command), environ)
    assert (ours.returncode, ours.stderr) == (0, b"")
    expected = [each.encode("latin-1") for each in environ[:-1]]
    expected[-2] = b"COMPANY_NAME=Crane & Sons, Ltd."
    assert ours.stdout.split(b"\0")[:-1] == expected


def test_words_of_any_bytes_reach_the_command(shared: Home) -> None:
    words = ["\xff\xfe", "", "\xe4", "a\nb", "\x1b[1m", "ok"]
    for environ in (["LC_ALL=C"], ["LC_ALL=xx_YY"], ["LANG=C.UTF-8"], []):
        command = [CAT, "/proc/self/cmdline", "/proc/self/comm", *words]
        ours = staged(through(shared, "daemon", command), [f"ENVFS_HOME={shared.path}", *environ])
        assert ours.stdout.startswith(b"\0".join(word.encode("latin-1") for word in command) + b"\0cat\n")


# -- commands that cannot be run ---------------------------------------------------------------------------------------


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """Give a folder of files that are no programs, each in its way, and one that is."""
    folder = Path("/tmp") / f"envfs-programs-{tmp_path.name}-{os.getpid()}"
    folder.mkdir()
    for name, text, mode in (
        ("plain", b"echo hello\n", 0o644),
        ("script", b'echo "$0 $1 $COMPANY_NAME"\n', 0o755),
        ("empty", b"", 0o755),
        ("foreign", b"\x7fELF\0\0\0\0", 0o755),
        ("no-interpreter", b"#!/nonexistent/interpreter\n", 0o755),
    ):
        (folder / name).write_bytes(text)
        (folder / name).chmod(mode)
    (folder / "folder").mkdir()
    (folder / "dangling").symlink_to("/nonexistent")
    (folder / "loop").symlink_to("loop")
    shut = folder / "shut"
    shut.mkdir(0o700)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("by_name", [True, False], ids=["by its name", "by its path"])
@pytest.mark.parametrize(
    ("name", "status", "text"),
    [
        ("nothing", 127, "there is no command"),
        ("plain", 126, "permission denied"),
        ("folder", 126, "it is a folder"),
        ("foreign", 126, "exec format error"),
        ("no-interpreter", 126, "its interpreter is not there"),
        ("dangling", 126, "it is a link to nothing"),
        ("loop", 126, "symbolic links"),
        ("empty", 0, ""),
    ],
)
def test_what_cannot_be_run_is_told_with_its_reason(
    name: str, status: int, text: str, by_name: bool, programs: Path, shared: Home
) -> None:
    path = f"/nonexistent:{programs / 'plain'}:{programs}:/bin"
    said = shared.envfs(
        "exec", "/shop", "--", name if by_name else str(programs / name), status=status, environ={"PATH": path}
    )
    assert text in said.complaint
    assert said.complaint.count("\n") == (1 if status else 0)


def test_a_script_without_a_first_line_that_says_so_is_run_by_sh(programs: Path, shared: Home) -> None:
    for words in (["script"], [str(programs / "script")]):
        said = shared.envfs("exec", "/shop", "--", *words, "x", environ={"PATH": f"{programs}:/bin"})
        assert said.text == f"{programs}/script x Crane & Sons, Ltd.\n"


def test_an_empty_name_is_no_command(shared: Home) -> None:
    for watch in ([], ["--watch"]):
        said = shared.envfs("exec", "/shop", *watch, "--", "", "x", status=127)
        assert said.complaint == "envfs: error: the name of the command is empty\n"


@pytest.mark.parametrize("words", [["/shop"], ["/shop", "--"], ["--"], [], ["/shop", "true"], ["/shop", "true", "--"]])
def test_a_line_without_a_command_is_a_mistake(words: list[str], shared: Home) -> None:
    said = shared.envfs("exec", *words, status=2)
    assert "Traceback" not in said.complaint
    assert "--" in said.complaint


def test_a_folder_of_path_that_may_not_be_searched_hides_nothing_and_says_nothing(
    programs: Path, user_home: Home
) -> None:
    user_home.envfs("set", "/app", "A", given="1")
    environ = {"PATH": f"{programs}/shut:/usr/bin:/bin"}
    words = ("exec", "/app", "--")
    assert user_home.envfs(*words, "printenv", "A", environ=environ).out == b"1\n"
    user_home.envfs(*words, "nothing-of-this-name", environ=environ, status=127)


def test_the_path_of_the_view_is_where_the_command_is_looked_for(home: Home, programs: Path) -> None:
    home.envfs("set", "/app", "PATH", given=f"{programs}:/bin")
    words = ("exec", "/app", "--allow-dangerous", "--", "script", "x")
    assert home.envfs(*words).text == f"{programs}/script x \n"
    home.envfs("set", "/app", "PATH", "--empty")
    assert home.envfs(*words, cwd=programs).text == "./script x \n"
