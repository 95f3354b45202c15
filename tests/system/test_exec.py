"""`envfs exec` becomes the command: its status, its signals, its words and its environment are the command's own."""

import os
import signal
import subprocess
from contextlib import nullcontext

import pytest

from tests.system.home import ENVFS, SECONDS, Home
from tests.system.samples import PROD


@pytest.mark.parametrize("status", [0, 1, 2, 42, 102, 255])
def test_the_exit_status_is_passed_through(shared: Home, status: int) -> None:
    shared.envfs("exec", "/shop/prod", "--", "sh", "-c", f"exit {status}", status=status)


def test_a_command_that_is_not_there_is_127_and_one_that_cannot_run_126(shared: Home) -> None:
    said = shared.envfs("exec", "/shop/prod", "--", "no-such-command-here", status=127)
    assert said.complaint.startswith("envfs: error: ")
    assert "no-such-command-here" in said.complaint
    assert shared.envfs("exec", "/shop/prod", "--", "/no/such/path", status=127).out == b""
    assert shared.envfs("exec", "/shop/prod", "--", "/etc/passwd", status=126).complaint.startswith("envfs: error: ")
    assert shared.envfs("exec", "/shop/prod", "--", "/etc", status=126).out == b""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL, signal.SIGSEGV])
def test_a_shell_sees_128_and_the_signal_that_ended_the_command(shared: Home, number: signal.Signals) -> None:
    shared.envfs("exec", "/shop/prod", "--", "sh", "-c", f"kill -{number.value} $$", status=-number.value)
    script = f'"{ENVFS}" exec /shop/prod -- sh -c "kill -{number.value} \\$\\$"; echo $?'
    done = subprocess.run(
        ["sh", "-c", script], env=shared.environ(), capture_output=True, check=True, timeout=SECONDS, text=True
    )
    assert done.stdout == f"{128 + number.value}\n"


def test_the_process_is_replaced_so_signals_reach_the_command_itself(shared: Home) -> None:
    words = [ENVFS, "exec", "/shop/prod", "--", "sh", "-c", "trap 'echo got it; exit 5' TERM; echo $$; sleep 20 & wait"]
    with subprocess.Popen(words, env=shared.environ(), stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == f"{child.pid}\n"
        child.terminate()
        assert child.stdout.readline() == "got it\n"
        assert child.wait(SECONDS) == 5


def test_the_environment_is_the_callers_with_the_view_over_it(shared: Home) -> None:
    environ = {"KEPT_FROM_PARENT": "yes", "APP_ENV": "from the parent"}
    text = shared.envfs("exec", "/shop/prod", "--", "env", environ=environ).text
    assert "KEPT_FROM_PARENT=yes\n" in text
    assert "APP_ENV=production\n" in text
    assert f"ENVFS_HOME={shared.path}\n" in text
    assert "from the parent" not in text


def test_only_gives_the_named_variables_and_no_other(shared: Home) -> None:
    text = shared.envfs("exec", "/shop/prod", "--only", "S3_BUCKET,COMPANY_NAME", "--", "env").text
    assert "S3_BUCKET=crane-shop-prod\n" in text
    assert "COMPANY_NAME=Crane & Sons, Ltd.\n" in text
    assert "STRIPE" not in text
    shared.envfs("exec", "/shop/prod", "--only", "NO_SUCH_NAME", "--", "true", status=104)
    shared.envfs("exec", "/shop/prod", "--only", "", "--", "true", status=2)


def test_words_after_the_dashes_reach_the_command_as_they_are(shared: Home) -> None:
    words = ["-f", "--json", "--help", "", "a b", "--", "--only", "x", "ü", "$HOME", "*"]
    said = shared.envfs("exec", "/shop/prod", "--", "printf", "%s\\n", *words)
    assert said.text.split("\n")[:-1] == words


def test_standard_input_and_output_are_the_commands(shared: Home) -> None:
    assert shared.envfs("exec", "/shop/prod", "--", "cat", given=b"\x00\xff binary\n").out == b"\x00\xff binary\n"


def test_run_is_exec_by_another_name(shared: Home) -> None:
    assert shared.envfs("run", "shop/prod", "--", "printenv", "S3_BUCKET").text == "crane-shop-prod\n"


def test_the_level_may_be_named_without_its_slash(shared: Home) -> None:
    for name in ("shop/prod", "/shop/prod", "/shop/prod/"):
        assert shared.envfs("exec", name, "--", "printenv", "S3_BUCKET").text == "crane-shop-prod\n"


def test_without_a_daemon_the_values_are_the_same(shop: Home, shared: Home) -> None:
    words = ("exec", "/shop/prod", "--", "env", "-0")
    with_daemon = {entry for entry in shared.envfs(*words).text.split("\0") if not entry.startswith("ENVFS_HOME=")}
    without = {entry for entry in shop.envfs(*words).text.split("\0") if not entry.startswith("ENVFS_HOME=")}
    assert without == with_daemon
    assert {f"{name}={value}" for name, value in PROD.items()} <= without
    shop.settle()
    assert shop.log()[-2:][0]["channel"] == "exec"


def test_without_a_daemon_status_and_signals_are_passed_through_too(shop: Home) -> None:
    shop.envfs("exec", "/shop", "--", "sh", "-c", "exit 42", status=42)
    shop.envfs("exec", "/shop", "--", "sh", "-c", "kill -9 $$", status=-9)
    shop.envfs("exec", "/shop", "--", "no-such-command-here", status=127)


def test_the_command_holds_nothing_of_envfs_open(shared: Home, shop: Home) -> None:
    for home in (shared, shop):
        listed = home.envfs("exec", "/shop/prod", "--", "ls", "-l", "/proc/self/fd").text
        assert "socket:" not in listed
        assert "envfs" not in listed.replace(str(home.path), "")


def test_each_exec_is_on_the_log(shared: Home) -> None:
    shared.envfs("exec", "/shop/prod", "--", "true")
    entry = shared.log()[-1]
    expected = ("read", "exec", "/shop/prod", "environ", "allow", 0)
    assert tuple(entry[key] for key in ("event", "channel", "level", "format", "decision", "uid")) == expected


TEMPLATES = "P=${PATH}:/opt/bin\nH=${HOME}/x\nD=${NOPE:-none}\nL='${HOME}'\nODD=${ODD_ONE}\n"


def test_names_that_no_level_sets_come_from_the_commands_own_environment(home: Home) -> None:
    home.envfs("import", "-", "/app", given=TEMPLATES)
    environ = {"HOME": "/home/me", "ODD_ONE": "$HOME `id`", "PATH": os.environ["PATH"]}
    for running in (False, True):
        with home.served() if running else nullcontext():
            text = home.envfs("exec", "/app", "--", "env", environ=environ).text
            assert f"P={os.environ['PATH']}:/opt/bin\n" in text
            assert "H=/home/me/x\nD=none\nL=${HOME}\nODD=$HOME `id`\n" in text
            assert (
                home.envfs("exec", "/app", "--only", "L,H", "--", "printenv", "H", environ=environ).text
                == "/home/me/x\n"
            )
            assert home.envfs("get", "/app", "H", environ=environ).text == "/x\n"
    assert "home/me" not in (home.state / "access.jsonl").read_text()


def test_what_a_level_requires_may_be_in_the_commands_environment(home: Home) -> None:
    home.envfs("import", "-", "/app", given="A=${NEEDED:?why}\n")
    assert home.envfs("exec", "/app", "--", "printenv", "A", environ={"NEEDED": "hunter2"}).text == "hunter2\n"
    said = home.envfs("exec", "/app", "--", "true", status=106)
    assert "A requires a variable that is not set" in said.complaint
    home.envfs("get", "/app", "A", status=106, environ={"NEEDED": "hunter2"})
