"""Rotations that go wrong: whatever ends them, the new value is in the vault before anybody else has it."""

import itertools
import os
import signal
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Homes
from tests.system.home import ENVFS, SECONDS, Home, eventually
from tests.system.terminal import Terminal

_NUMBERS = itertools.count()
NEW = "a-new-value-of-a-test"
LOOK = r"""
for process in self $PPID $$; do cat /proc/$process/cmdline /proc/$process/environ; done | tr '\0' '\n' > "$WORK/seen"
ls -l /proc/$$/fd > "$WORK/descriptors"
cat > "$WORK/applied"
"""


@pytest.fixture(scope="module")
def home(new_home: Homes) -> Iterator[Home]:
    home = new_home()
    with home.served():
        yield home


@pytest.fixture
def level(home: Home) -> str:
    """Give a level of the test's own, with a variable A."""
    level = f"/rotate/l{next(_NUMBERS)}"
    home.envfs("set", level, "A", given="old")
    return level


def script(tmp_path: Path, text: str) -> str:
    path = tmp_path / "hook"
    path.write_text(f"#!/bin/sh\nWORK={tmp_path}\n{text}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def values(home: Home, level: str) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in home.view(level).with_name(".vars").iterdir()}


def test_a_command_has_the_value_on_its_standard_input_and_no_process_shows_it(
    home: Home, level: str, tmp_path: Path
) -> None:
    hook = script(tmp_path, LOOK)
    home.envfs("rotate", level, "A", "--stdin", "--rotate-with", hook, given=NEW)
    assert (tmp_path / "applied").read_text() == values(home, level)["A"] == NEW
    seen = (tmp_path / "seen").read_text()
    assert f"ENVFS_LEVEL={level}\nENVFS_NAME=A\n" in seen
    assert NEW not in seen


@pytest.mark.parametrize(
    ("ending", "words"), [("kill -9 $$", "was ended by SIGKILL"), ("exit 7", "ended with status 7")]
)
def test_what_became_of_a_command_is_told_in_words(
    home: Home, level: str, tmp_path: Path, ending: str, words: str
) -> None:
    hook = script(tmp_path, ending)
    said = home.envfs("rotate", level, "A", "--stdin", "--rotate-with", hook, given=NEW, status=100)
    assert f"the command {words}: A is as before, and A_NEXT has the new value" in said.complaint
    assert f"envfs rotate {level} A --resume --rotate-with {hook}" in said.complaint.replace("\n", " ")
    assert values(home, level) == {"A": "old", "A_NEXT": NEW}
    home.envfs("rotate", level, "A", "--abort")
    assert values(home, level) == {"A": "old"}


def test_two_rotations_of_one_variable_do_not_meet(home: Home, level: str, tmp_path: Path) -> None:
    home.envfs("set", level, "B", given="old")
    hook = script(
        tmp_path,
        f"for name in A B; do {ENVFS} rotate {level} $name --length 9 2>> $WORK/said; echo $? >> $WORK/status; done",
    )
    home.envfs("rotate", level, "A", "--stdin", "--rotate-with", hook, given=NEW)
    assert (tmp_path / "status").read_text().split() == ["118", "0"]
    assert "a rotation of A is under way" in (tmp_path / "said").read_text().replace("\n", " ")
    assert values(home, level)["A"] == NEW
    assert len(values(home, level)["B"]) == 9


@pytest.mark.parametrize("change", ["unset {0} A", "rename {0} A C", "rename {0} A_NEXT C"])
def test_a_change_of_another_writer_meanwhile_loses_no_value(
    home: Home, level: str, tmp_path: Path, change: str
) -> None:
    hook = script(tmp_path, f"{ENVFS} {change.format(level)}")
    said = home.envfs("rotate", level, "A", "--stdin", "--rotate-with", hook, given=NEW, status=104)
    assert "the command succeeded" in said.complaint
    assert NEW in values(home, level).values()


def test_a_rotation_that_another_one_took_over_does_not_end_with_its_value(
    home: Home, level: str, tmp_path: Path
) -> None:
    other = f"{ENVFS} rotate {level} A --length 9 --rotate-with false"
    hook = script(tmp_path, f'cat > "$WORK/applied"; {ENVFS} rotate {level} A --abort; {other}; true')
    said = home.envfs("rotate", level, "A", "--stdin", "--rotate-with", hook, given=NEW, status=123)
    assert "the command succeeded" in said.complaint
    assert values(home, level)["A"] == "old"
    assert values(home, level)["A_NEXT"] != NEW


def test_the_hint_of_a_failure_keeps_what_was_asked_for(home: Home, level: str) -> None:
    words = ("--rotate-with", "false", "--give-old", "--overlap", "2h", "-m", "it leaked")
    said = home.envfs("rotate", level, "A", "--stdin", *words, given=NEW, status=100).complaint.replace("\n", " ")
    words = ("--rotate-with", "true", "--give-old", "--overlap", "7200s", "-m", "it leaked")
    assert f"--resume --rotate-with false {' '.join(words[2:-1])} 'it leaked'" in said
    home.envfs("rotate", level, "A", "--resume", *words)
    assert values(home, level) == {"A": NEW, "A_PREVIOUS": "old"}


def test_a_rotation_that_was_killed_is_ended_by_resume(home: Home, level: str, tmp_path: Path) -> None:
    hook = script(tmp_path, 'cat > "$WORK/applied"; touch "$WORK/runs"; while [ ! -e "$WORK/go" ]; do sleep 0.05; done')
    words = [ENVFS, "rotate", level, "A", "--length", "9", "--rotate-with", hook]
    with subprocess.Popen(words, env=home.environ(), stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        eventually((tmp_path / "runs").exists, "the command runs")
        process.kill()
    new = values(home, level)["A_NEXT"]
    assert values(home, level)["A"] == "old"
    (tmp_path / "go").touch()
    home.envfs("rotate", level, "A", "--resume", "--rotate-with", hook)
    assert values(home, level) == {"A": new}
    assert (tmp_path / "applied").read_text() == new


def test_ctrl_c_ends_the_command_and_says_how_to_go_on(home: Home, level: str, tmp_path: Path) -> None:
    hook = script(tmp_path, 'touch "$WORK/runs"; exec sleep 600')
    with Terminal([ENVFS, "rotate", level, "A", "--length", "9", "--rotate-with", hook], home.environ()) as terminal:
        eventually((tmp_path / "runs").exists, "the command runs")
        terminal.press("\x03")
        terminal.expect("was ended by SIGINT")
        terminal.expect("--resume")
        assert terminal.end() == 100
    assert set(values(home, level)) == {"A", "A_NEXT"}


def test_sigterm_is_passed_on(home: Home, level: str, tmp_path: Path) -> None:
    hook = script(tmp_path, 'touch "$WORK/runs"; exec sleep 600')
    words = [ENVFS, "rotate", level, "A", "--length", "9", "--rotate-with", hook]
    with subprocess.Popen(words, env=home.environ(), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        eventually((tmp_path / "runs").exists, "the command runs")
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
    assert b"was ended by SIGTERM" in said
    assert process.returncode == 100


def test_a_signal_that_is_ignored_is_ignored_by_the_command_too(home: Home, level: str, tmp_path: Path) -> None:
    hook = script(tmp_path, "grep SigIgn /proc/self/status > $WORK/ignored")
    words = f"trap '' HUP INT; exec {ENVFS} rotate {level} A --length 30 --rotate-with {hook}"
    subprocess.run(["sh", "-c", words], env=home.environ(), stdin=subprocess.DEVNULL, check=True, timeout=60)
    ignored = int((tmp_path / "ignored").read_text().split()[1], 16)
    assert ignored & 0b11 == 0b11  # SIGHUP and SIGINT


def test_a_command_of_the_text_is_shown_as_it_is_and_asked_for(home: Home, tmp_path: Path) -> None:
    hook, level = script(tmp_path, 'cat > "$WORK/applied"'), "/rotate/shown"
    home.envfs("import", "-", level, given=f"# @rotate-with {hook} 'it is'\nA=old\n")
    with Terminal([ENVFS, "rotate", level, "A", "--length", "9"], home.environ(), columns=100) as terminal:
        terminal.expect("names:")
        terminal.expect("run it? [y/N] ")
        assert hook in terminal.shown.replace("\r\n", "").replace(" ", "")
        terminal.type("n")
        assert terminal.end() == 100
    assert not (tmp_path / "applied").exists()
    assert values(home, level) == {"A": "old"}


@pytest.mark.parametrize("wrong", ["# @rotate-with", "# @rotate-with ./a\tb", "# @rotate-from\n# @rotate-with true"])
def test_a_command_of_the_text_that_is_wrong_is_not_passed_over(home: Home, wrong: str) -> None:
    level = f"/rotate/wrong{next(_NUMBERS)}"
    home.envfs("import", "-", level, given=f"{wrong}\nA=old\n")
    said = home.envfs("rotate", level, "A", "--length", "30", "--yes", status=102).complaint.replace("\n", " ")
    assert f"envfs check {level}" in said
    assert values(home, level) == {"A": "old"}
    home.envfs("rotate", level, "A", "--length", "30", "--no-hook")
    assert values(home, level) != {"A": "old"}


def test_a_relative_command_is_found_in_the_linked_folder_and_not_in_the_current_one(
    home: Home, tmp_path: Path
) -> None:
    level, here, linked = "/rotate/linked", tmp_path / "here", tmp_path / "linked"
    for folder in (here, linked):
        folder.mkdir()
        (folder / "hook").write_text(f"#!/bin/sh\npwd > {tmp_path}/where\n", encoding="utf-8")
        (folder / "hook").chmod(0o755)
    home.envfs("import", "-", level, given="# @rotate-with ./hook\nA=old\n")
    home.envfs("rotate", level, "A", "--yes", cwd=here, status=100)
    home.envfs("link", str(linked), level)
    home.envfs("rotate", level, "A", "--yes", cwd=here)
    assert (tmp_path / "where").read_text().strip() == str(linked)


def test_a_caller_with_placeholders_hands_none_to_a_command(home: Home, level: str, tmp_path: Path) -> None:
    home.envfs("grant", level, "--uid", "1001", "--decision", "mask", "--can", "writer")
    hook = script(tmp_path, 'cat > "$WORK/applied"')
    home.envfs("rotate", level, "A", "--stdin", "--rotate-with", "false", given=NEW, status=100)
    refused = home.envfs("rotate", level, "A", "--resume", "--rotate-with", hook, uid=1001, status=102)
    assert "gets placeholders" in refused.complaint
    home.envfs("rotate", level, "A", "--abort")
    refused = home.envfs("rotate", level, "A", "--give-old", "--rotate-with", hook, uid=1001, status=102)
    assert "gets placeholders" in refused.complaint
    assert not (tmp_path / "applied").exists()
    assert values(home, level) == {"A": "old"}


def test_a_vault_that_was_locked_by_the_command_keeps_the_value(own: Home, tmp_path: Path) -> None:
    environ = own.knowing()
    daemon = own.mount(environ=environ)
    try:
        own.envfs("set", "/shop", "A", given="old", environ=environ)
        hook = script(tmp_path, f'cat > "$WORK/applied"; {ENVFS} lock')
        said = own.envfs("rotate", "/shop", "A", "--stdin", "--rotate-with", hook, given=NEW, status=108)
        assert "the command succeeded" in said.complaint
        own.envfs("unlock", environ=environ)
        own.envfs("rotate", "/shop", "A", "--resume", "--no-hook", environ=environ)
        assert own.envfs("get", "/shop", "A", environ=environ).text == f"{NEW}\n"
    finally:
        own.end(daemon)


def test_a_value_that_a_command_made_and_the_vault_refuses_is_told(home: Home, level: str) -> None:
    home.envfs("set", level, "URL", given="postgres://a:b@c/d")
    said = home.envfs("rotate", level, "URL", "--command", "echo nonsense", status=106)
    assert "holds an address, and the new value is none, so nothing was changed" in said.complaint.replace("\n", " ")
    home.envfs("rotate", level, "URL", "--command", "printf '\\377'", status=106)
    assert values(home, level)["URL"] == "postgres://a:b@c/d"


@pytest.mark.parametrize(
    ("meanwhile", "status"), [(f"{ENVFS} unset $ENVFS_LEVEL A >&2; echo made", 104), ("printf 'a\\0b'", 106)]
)
def test_a_value_that_a_command_made_is_not_lost_without_a_word(
    home: Home, level: str, tmp_path: Path, meanwhile: str, status: int
) -> None:
    said = home.envfs("rotate", level, "A", "--command", script(tmp_path, meanwhile), status=status)
    assert "so the value that the command made is in no vault" in said.complaint.replace("\n", " ")


def test_a_second_ctrl_c_says_that_a_value_may_be_lost(home: Home, level: str, tmp_path: Path) -> None:
    words = [ENVFS, "rotate", level, "A", "--command", script(tmp_path, "trap '' INT; touch $WORK/made; sleep 2")]
    with subprocess.Popen(words, env=home.environ(), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        eventually((tmp_path / "made").exists, "the command runs")
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        assert process.wait(SECONDS) == 130
        assert process.stderr is not None
        assert b"it may be in no vault" in os.read(process.stderr.fileno(), 1000)


def test_nothing_is_shown_of_a_value(home: Home, level: str, tmp_path: Path) -> None:
    hook = script(tmp_path, "cat > /dev/null")
    words = ("rotate", level, "A", "--stdin", "--rotate-with", hook, "--overlap", "1h", "-m", "why")
    with Terminal(["sh", "-c", f"printf {NEW} | {' '.join((ENVFS, *words))}"], home.environ()) as terminal:
        terminal.expect("is at version")
        terminal.expect("A_PREVIOUS has the value before")
        assert terminal.end() == 0
    assert NEW not in terminal.shown
    assert "old" not in terminal.shown
    assert values(home, level) == {"A": NEW, "A_PREVIOUS": "old"}
    assert os.path.exists(home.view(level))


def test_a_quote_that_a_level_leaves_open_is_no_fault_of_the_command_line(home: Home) -> None:
    level = "/rotate/quotes"
    said = home.envfs("import", "-", level, given="# @rotate-with ./new 'it is\nA=old\n").complaint
    assert "line 1, column 3: @rotate-with has a quote without an end" in said
    said = home.envfs("rotate", level, "A", "--length", "9", status=106).complaint
    assert f"`envfs check {level}` says where" in said
    home.envfs("rotate", level, "A", "--length", "9", "--rotate-with", "./new 'it is", status=2)
    home.envfs("rotate", level, "A", "--length", "9", "--no-hook")
