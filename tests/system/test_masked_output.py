"""`exec --mask-output`: the command's output has placeholders, a terminal stays one, and the command ends as itself."""

import os
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator

import pytest

from tests.system.home import ENVFS, SECONDS, Home, eventually
from tests.system.terminal import Terminal

_VALUE = "Zk93mQ0xWvTr57Lq2uuE9"
_EXEC = ("exec", "/app", "--mask-output", "--", "sh", "-c")


@pytest.fixture(scope="module")
def mounted(new_home: object) -> Iterator[Home]:
    """Give a module a mounted home with one value that is masked, and one that is too short."""
    home: Home = new_home()  # type: ignore[operator]
    home.envfs("import", "-", "/app", given=f"TOKEN={_VALUE}\nPORT=8080\n")
    with home.mounted():
        yield home


def _shell(home: Home) -> Terminal:
    environ = home.environ({"PS1": "ready> ", "TERM": "dumb", "HISTFILE": "/dev/null", "INPUTRC": "/dev/null"})
    return Terminal(["bash", "--norc", "--noprofile", "--noediting", "-i"], environ)


def _line(script: str) -> str:
    return f"{ENVFS} exec /app --mask-output -- {script}"


def _is_raw(terminal: Terminal) -> bool:
    return not termios.tcgetattr(terminal.master)[3] & termios.ICANON


def test_values_are_placeholders_in_both_streams_which_stay_apart(mounted: Home) -> None:
    said = mounted.envfs(
        *_EXEC, 'echo "out $TOKEN $PORT"; echo "err $TOKEN" >&2; test ! -t 1 && test ! -t 2; exit 7', status=7
    )
    assert _VALUE.encode() not in said.out + said.err
    placeholder = said.text.split()[1]
    assert said.text == f"out {placeholder} 8080\n"
    assert said.err.decode() == f"err {placeholder}\n"


def test_a_value_is_masked_across_the_borders_of_what_is_written(mounted: Home) -> None:
    script = (
        'printf %s "${TOKEN%????}"; sleep 0.2; printf "%s\\n" "${TOKEN#?????????????????}"; seq 100000; echo "$TOKEN"'
    )
    said = mounted.envfs(*_EXEC, script)
    assert _VALUE.encode() not in said.out
    first, *numbers, last = said.text.splitlines()
    assert first == last
    assert numbers == list(map(str, range(1, 100_001)))


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGINT", "SIGSEGV"])
def test_the_command_ends_as_itself(mounted: Home, name: str) -> None:
    number = signal.Signals[name]
    said = mounted.envfs(*_EXEC, f"kill -{int(number)} $$", status=-int(number))
    assert said.out == b""


def test_a_signal_is_passed_on(mounted: Home) -> None:
    words = [ENVFS, *_EXEC, 'trap "echo heard $TOKEN; exit 5" TERM; echo begun; while :; do sleep 0.05; done']
    with subprocess.Popen(words, env=mounted.environ(), stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=3 * SECONDS)
        assert out.startswith(b"heard ")
        assert _VALUE.encode() not in out
        assert process.returncode == 5


def test_what_is_left_behind_goes_on_to_be_masked(mounted: Home) -> None:
    said = mounted.envfs(*_EXEC, '(sleep 0.5; echo "late $TOKEN") & echo now')
    assert said.text.startswith("now\nlate ")
    assert _VALUE not in said.text


def test_a_value_that_is_begun_before_the_command_ends_is_masked(mounted: Home) -> None:
    said = mounted.envfs(
        *_EXEC, '(printf %s "${TOKEN%??????????}"; sleep 1; echo "${TOKEN#???????????}") & sleep 0.3; echo >&2'
    )
    assert said.out
    assert _VALUE not in said.text


def test_what_is_left_behind_holds_no_stream_that_it_does_not_write_to(mounted: Home) -> None:
    line = _line("sh -c 'sleep 60 >/dev/null & echo $! now' 2>/dev/null")
    words = ["sh", "-c", line]
    with subprocess.Popen(words, env=mounted.environ(), stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as process:
        out, _ = process.communicate(timeout=SECONDS)
        sleeper, word = out.split()
        os.kill(int(sleeper), signal.SIGKILL)
        assert word == b"now"


def test_a_stream_that_does_not_block_gets_all_of_the_output(mounted: Home) -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    words = [ENVFS, *_EXEC, "seq 100000"]
    with subprocess.Popen(words, env=mounted.environ(), stdout=writing, stdin=subprocess.DEVNULL) as process:
        os.close(writing)
        time.sleep(0.5)
        with os.fdopen(reading, "rb") as file:
            assert file.read().split() == [b"%d" % number for number in range(1, 100_001)]
        assert process.wait(SECONDS) == 0


@pytest.mark.parametrize("script", ["echo begun", "seq 1000000"])
def test_output_that_is_not_taken_is_told(mounted: Home, script: str) -> None:
    words = ["sh", "-c", 'exec "$@" >/dev/full', "sh", ENVFS, *_EXEC, script]
    done = subprocess.run(words, env=mounted.environ(), capture_output=True, check=False, timeout=3 * SECONDS)
    assert done.returncode == 100
    assert b"cannot write to standard output: no space left on device" in done.stderr


@pytest.mark.parametrize("number", [1, 2])
def test_a_stream_that_is_closed_stays_closed(mounted: Home, number: int) -> None:
    words = ["sh", "-c", f'exec "$@" {number}>&-', "sh", ENVFS, *_EXEC, f"test ! -e /proc/self/fd/{number}"]
    done = subprocess.run(words, env=mounted.environ(), capture_output=True, check=False, timeout=3 * SECONDS)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_a_caller_that_blocks_sigchld_gets_the_commands_end(mounted: Home) -> None:
    script = f"import os, signal; signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD]); os.execv({ENVFS!r}, "
    words = [sys.executable, "-c", f"{script}{['envfs', *_EXEC, 'exit 4']!r})"]
    done = subprocess.run(words, env=mounted.environ(), stdin=subprocess.DEVNULL, check=False, timeout=SECONDS)
    assert done.returncode == 4


def test_a_value_of_short_lines_is_masked_on_a_terminal(mounted: Home) -> None:
    mounted.envfs("set", "/words", "SEED", given="zebra\napple\notter\nriver\n")
    with _shell(mounted) as terminal:
        terminal.expect("ready> ")
        terminal.type(f"{ENVFS} exec /words --mask-output -- sh -c 'echo \"<$SEED>\"'")
        terminal.expect("\n<")
        terminal.expect("ready> ")
        assert "zebra\napple" not in terminal.shown
        terminal.type("exit")
        terminal.end()


def test_a_terminal_stays_a_terminal(mounted: Home) -> None:
    with _shell(mounted) as terminal:
        terminal.expect("ready> ")
        terminal.type(_line("sh -c 'test -t 0 && test -t 1 && test -t 2 && stty size && echo \"<$TOKEN>\"'"))
        terminal.expect("\n40 120\n<")
        terminal.expect("ready> ")
        terminal.type(_line('sh -c \'printf "Name: "; read name; echo "it is $name"\''))
        terminal.expect("\nName: ")  # a prompt is there before its line ends
        terminal.type("ana")
        terminal.expect("\nit is ana\n")
        terminal.expect("ready> ")
        terminal.type(_line("sh -c 'echo out; test -t 2 && echo terminal >&2; test ! -t 1 && echo pipe >&2' | cat"))
        for text in ("\nterminal\n", "pipe\n", "ready> "):
            terminal.expect(text)
        assert "\nout\n" in terminal.shown
        assert _VALUE not in terminal.shown
        terminal.type("exit")
        terminal.end()


def test_keys_stop_and_end_the_command_and_the_modes_come_back(mounted: Home) -> None:
    with _shell(mounted) as terminal:
        terminal.expect("ready> ")
        terminal.type(_line("cat"))
        eventually(lambda: _is_raw(terminal), "the keys go to the command")
        terminal.type("one")
        terminal.expect("one\none\n")
        terminal.press("\x1a")
        terminal.expect("Stopped")
        terminal.expect("ready> ")
        assert not _is_raw(terminal)
        terminal.type("fg")
        eventually(lambda: _is_raw(terminal), "the keys go to the command again")
        terminal.type("two")
        terminal.expect("two\ntwo\n")
        terminal.press("\x03")
        terminal.expect("ready> ")
        assert not _is_raw(terminal)
        terminal.type("echo status $?")
        terminal.expect("status 130")
        terminal.expect("ready> ")
        terminal.type("exit")
        terminal.end()


def test_the_size_of_the_terminal_is_told(mounted: Home) -> None:
    with _shell(mounted) as terminal:
        terminal.expect("ready> ")
        terminal.type(_line("sh -c 'trap \"stty size; exit\" WINCH; echo begun; while :; do sleep 0.05; done'"))
        terminal.expect("\nbegun\n")
        termios.tcsetwinsize(terminal.master, (33, 77))
        terminal.expect("33 77\n")
        terminal.expect("ready> ")
        terminal.type("exit")
        terminal.end()


def test_a_command_that_goes_with_it_is_no_other_mode_of_exec(mounted: Home) -> None:
    for other in ("--watch", "--proxy", "--fence"):
        said = mounted.envfs("exec", "/app", "--mask-output", other, "--", "true", status=2)
        assert "--mask-output goes with neither" in said.complaint


def test_no_descriptor_is_left_to_the_command(mounted: Home) -> None:
    plain = mounted.envfs("exec", "/app", "--", "sh", "-c", "ls /proc/self/fd | wc -l").text
    assert mounted.envfs(*_EXEC, "ls /proc/self/fd | wc -l").text == plain
