"""Every command with every standard stream closed, full, gone or turned round: a status and no traceback.

A lost result is an error, a lost word is none; no value comes to standard error, and no file of the home is written
into because it had the number of a closed stream.

`make test` tries each command in one way, and so each way with a sixteenth of the commands. It tries every second
command with a reader of its output alone, and the others with one of both streams. `make soak` tries the others.
"""

import os
import select
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from envfs.errors import BY_CODE, EnvFSError
from envfs_cli import grammar
from tests.conftest import Homes
from tests.selection import shared_out, spread
from tests.system.home import ENVFS, SECONDS, Home, eventually

# a way to start a command, whether a result is lost by it, and whether standard input is another one
WAYS = [
    ("<&-", False, True),
    (">&-", True, False),
    ("2>&-", False, False),
    ("<&- >&-", True, True),
    ("<&- 2>&-", False, True),
    (">&- 2>&-", True, False),
    ("<&- >&- 2>&-", True, True),
    (">/dev/full", True, False),
    ("2>/dev/full", False, False),
    (">/dev/full 2>&1", True, False),
    ("1</dev/null", True, False),
    ("2</dev/null", False, False),
    ("0>/dev/null", False, True),
    ("<.", False, True),
    ("1<.", True, False),
    ("2<.", False, False),
]
DOCUMENTED = {0, 2, 7, 126, 127, 130, 141, *(kind.status for kind in BY_CODE.values())}  # 7 is a command's own
DIFFERS = 1  # of diff, and of nothing else
VALUE = "topsecretvalue"
LINES = [
    "--help",
    "--version",
    "no-such-command",
    "get",
    "get --help",
    "__complete level",
    "accept /app",
    "accept /app --yes",
    "check /app",
    "completion bash",
    "json-schema",
    "doctor",
    "metrics",
    "metrics --json",
    "exec /app -- sh -c 'exit 7'",
    "exec /app -- no-such-command-here",
    "exec /app --watch -- sh -c 'exit 7'",
    "exec /app --fence -- sh -c 'exit 7'",
    "agent settings claude",
    "git-credential /app get",
    "mcp",
    "explain /app TOKEN --reveal",
    "export /app",
    "export /app -f json",
    "export /app -f github",
    "get /app TOKEN",
    "get /nowhere TOKEN",
    "grant /app --uid 1234",
    "revoke /app --uid 4321",
    "grants",
    "history /app",
    "import {text} /imported",
    "import - /imported",
    "import {text} /imported --dry-run",
    "init",
    "key ls",
    "key rotate app --json",
    "keyring add kernel",
    "keyring add",
    "link {folder} /app",
    "link",
    "lock",
    "unlock",
    "log",
    "log --json",
    "log verify",
    "who /app",
    "token create /app",
    "token ls",
    "approvals ls",
    "ls",
    "ls --json",
    "ls --names",
    "get /app TOKEN --presence",
    "push gh /app TOKEN --dry-run",
    "mount",
    "passwd",
    "project ls",
    "project new app",
    "recovery --recipient nonsense",
    "rename /app NOTHING OTHER",
    "rollback /app 1",
    "rollback /app 1 --yes --json",
    "set /app OTHER --from-file {value}",
    "set /app OTHER --from-file {value} --json",
    "set /app OTHER",
    "shell",
    "ui",
    "show /app",
    "show /app --reveal",
    "status",
    "rm /nowhere --yes",
    "forget /nowhere --yes",
    "diff /app",
    "edit /..",
    "mv /nowhere /elsewhere",
    "cp /nowhere /elsewhere",
    "find TOKEN",
    "generate",
    "generate --set /app MADE",
    "rotate /app MADE --json",
    "stale --json",
    "scan /etc/hostname",
    "holders /app TOKEN",
    "incident /app TOKEN --json",
    "vault info",
    "proxy rules /app --json",
    "proxy ls",
    "authors",
    "sync status --json",
    "sync log",
    "service show",
    "log --all-machines",
    "member ls",
    "member heads --json",
    "backup",
    "store push /nowhere",
    "store invite /etc/hostname /nowhere",
    "store-serve /nowhere",
    "restore",
    "unset /app NOTHING",
    "verify",
    "web --idle 1s",
]
# each of these ends what the others need; they have tests of their own below
_ALONE = {"unmount"}


@pytest.fixture(scope="module")
def served(new_home: Homes, bare: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Home, Path]]:
    """Give a mounted home with one value, and a folder of files for the commands."""
    home, folder = new_home(bare), tmp_path_factory.mktemp("streams")
    (folder / "text").write_text(f"IMPORTED={VALUE}\n", encoding="utf-8")
    (folder / "value").write_text(VALUE, encoding="utf-8")
    with home.served():
        home.envfs("set", "/app", "TOKEN", given=VALUE)
        yield home, folder
        home.envfs("unlock")
        home.envfs("log", "verify")
        home.envfs("verify")
        assert home.envfs("get", "/app", "TOKEN").text == f"{VALUE}\n"


def run(home: Home, line: str, way: str) -> "subprocess.CompletedProcess[bytes]":
    """Run a line of a shell."""
    return subprocess.run(
        ["bash", "-c", f'"$0" {line} {way}', ENVFS],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=3 * SECONDS,
        env=home.environ({"GITHUB_ACTIONS": "true"} if "github" in line else {}),
        cwd="/",
    )


def test_every_command_is_in_the_table() -> None:
    assert {line.split()[0] for line in LINES} | _ALONE >= {command.name for command in grammar.all_commands()}


@pytest.mark.parametrize(("line", "ways"), shared_out(LINES, WAYS, 16))
def test_a_command_ends_in_order_whatever_its_streams_are(
    line: str, ways: list[tuple[str, bool, bool]], served: tuple[Home, Path]
) -> None:
    home, folder = served
    line = line.format(text=folder / "text", value=folder / "value", folder=folder)
    reference = run(home, line, "")
    assert b"Traceback" not in reference.stderr
    for way, is_lost, other_input in ways:
        done = run(home, line, way)
        check(done, line)
        if is_lost and reference.stdout and reference.returncode in (0, DIFFERS):
            assert done.returncode == EnvFSError.status, done
            assert b"cannot write to standard output" in done.stderr or "2>" in way, done
        elif "github" in line and "2" in way.partition("&")[0]:
            assert done.returncode == EnvFSError.status, done  # a mask that is lost is a value on the screen
        elif not other_input:
            assert done.returncode == reference.returncode, done


@pytest.mark.parametrize(("line", "readers"), shared_out(LINES, ["of its output", "of both"], 2))
def test_a_command_whose_reader_has_gone_ends_quietly(line: str, readers: list[str], served: tuple[Home, Path]) -> None:
    home, folder = served
    line = line.format(text=folder / "text", value=folder / "value", folder=folder)
    reference = run(home, line, "")
    for reader in readers:
        whole = ["bash", "-c", f'"$0" {line} 2>&1', ENVFS]
        words = whole if reader == "of both" else [ENVFS, *shlex.split(line)]
        reading, writing = os.pipe()
        os.close(reading)
        with os.fdopen(writing, "wb") as nobody:
            done = subprocess.run(
                words,
                stdin=subprocess.DEVNULL,
                stdout=nobody,
                stderr=subprocess.PIPE,
                check=False,
                timeout=3 * SECONDS,
                env=home.environ(),
            )
        check(done, line)
        assert not reference.stdout or reference.returncode not in (0, DIFFERS) or done.returncode == 141, done


def check(done: "subprocess.CompletedProcess[bytes]", line: str) -> None:
    """See to it that a command ended in order, and said no value."""
    shown = done.stderr + (done.stdout or b"")
    assert not [word for word in (b"Traceback", b"Exception ignored", b"Errno") if word in shown], done
    assert done.returncode in (DOCUMENTED | {DIFFERS} if line.startswith("diff ") else DOCUMENTED), done
    assert VALUE.encode() not in done.stderr or "github" in line, done


@pytest.mark.parametrize(
    "line", ["ls", "log", "log --json", "history /app -n 500", "export /many", "show /many", "--help"]
)
def test_a_reader_that_takes_the_first_line_ends_the_command(line: str, served: tuple[Home, Path]) -> None:
    home, _ = served
    many = "".join(f"NAME_{number}={'x' * 100}\n" for number in range(5000))
    home.envfs("import", "-", "/many", given=many)
    script = f'"$0" {line} | head -1 >/dev/null; echo "${{PIPESTATUS[0]}}"'
    done = subprocess.run(
        ["bash", "-c", script, ENVFS], env=home.environ(), capture_output=True, check=False, timeout=SECONDS
    )
    assert done.stderr == b""
    large = line.endswith("many")
    assert done.stdout.strip() in ([b"141"] if large else [b"0", b"141"]), done


@pytest.mark.parametrize("line", ["export /many", "show /many", "show /many --json"])
def test_a_pipe_that_does_not_block_gets_all_of_it(line: str, served: tuple[Home, Path]) -> None:
    home, _ = served
    home.envfs("import", "-", "/many", given="".join(f"NAME_{number}={'x' * 100}\n" for number in range(5000)))
    expected = home.envfs(*line.split()).out
    assert len(expected) > 1 << 16  # more than a pipe holds
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with subprocess.Popen([ENVFS, *line.split()], env=home.environ(), stdout=writing, cwd="/") as child:
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            select.select([pipe], [], [], SECONDS)
            assert pipe.read() == expected
        assert child.wait(SECONDS) == 0


@pytest.mark.parametrize(
    ("way", "given"), spread(["", "<&-", ">&-", "2>&-", "<&- >&- 2>&-", "<. 1<. 2<."], ["", "--foreground"])
)
def test_a_daemon_starts_and_serves_whatever_its_streams_are(way: str, given: str, home: Home) -> None:
    home.envfs("set", "/app", "TOKEN", given=VALUE)
    home.settle()
    words = ["bash", "-c", f'exec "$0" mount {given} {way}', ENVFS]
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, env=home.environ(), cwd="/") as child:
        eventually((home.mnt / "app").is_dir, "the daemon serves")
        daemon = home.daemon()
        streams = [os.readlink(f"/proc/{daemon.pid}/fd/{number}") for number in range(3)]
        assert (
            not [target for target in streams if target.startswith(("socket:", "/dev/fuse", str(home.state)))]
            or not given
        )
        assert home.view("/app").read_text(encoding="utf-8") == f"TOKEN={VALUE}\n"
        home.end(daemon)
        assert child.wait(SECONDS) == 0
    home.envfs("log", "verify")


def test_a_recovery_key_is_not_made_where_it_cannot_be_shown(home: Home) -> None:
    home.envfs("set", "/app", "TOKEN", given=VALUE)
    before = home.envfs("project", "recipients", "app").out
    for line in ("recovery", "recovery --json"):
        for way in (">&-", "1</dev/null", "1<."):
            assert run(home, line, way).returncode == EnvFSError.status
    assert home.envfs("project", "recipients", "app").out == before
    run(home, "recovery", "")
    assert home.envfs("project", "recipients", "app").out != before


def test_no_vault_is_made_whose_recovery_key_cannot_be_shown(ground: Path) -> None:
    home = Home(ground / "no-vault")
    line = f"init --identity-file {ground}/no-vault.txt --recovery"
    assert run(home, line, ">&-").returncode == EnvFSError.status
    assert not home.vault.exists()
    home.settle()
