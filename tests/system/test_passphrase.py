"""An identity under a passphrase: asked for unseen, never stored, and an ordinary age file to everybody else."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.system import search
from tests.system.home import ENVFS, PASSPHRASE, SECONDS, Home, eventually
from tests.system.probing import attempt
from tests.system.terminal import Terminal


def test_init_asks_twice_unseen_and_leaves_an_age_file_that_only_the_passphrase_opens(ground: Path) -> None:
    home = Home(ground / "asked")
    with Terminal([ENVFS, "init"], home.environ()) as terminal:
        terminal.expect("new passphrase: ")
        terminal.type(PASSPHRASE)
        terminal.expect("the same again: ")
        terminal.type(PASSPHRASE)
        terminal.expect("a vault is made in")
        terminal.expect("make a recovery sheet")
        terminal.type("n")
        assert terminal.end(2 * SECONDS) == 0
        assert PASSPHRASE not in terminal.shown
    home.envfs("set", "/app", "TOKEN", given="tok-71-sentinel", environ=home.knowing())
    home.settle()
    identity = home.path / "identity.age"
    assert identity.stat().st_mode & 0o777 == 0o600
    assert identity.read_text(encoding="ascii").startswith("-----BEGIN AGE ENCRYPTED FILE-----\n")
    with Terminal(["age", "-d", str(identity)], home.environ()) as terminal:
        terminal.expect("passphrase")
        terminal.type(PASSPHRASE)
        terminal.expect("AGE-SECRET-KEY-1")
        assert terminal.end(2 * SECONDS) == 0


def test_a_wrong_passphrase_is_109_and_nothing_is_lost(own: Home) -> None:
    before = (own.path / "identity.age").read_bytes()
    said = own.envfs("get", "/app", "TOKEN", environ=own.knowing("wrong"), status=109)
    assert "the passphrase is wrong" in said.complaint
    assert said.out == b""
    own.settle()
    assert (own.path / "identity.age").read_bytes() == before
    assert own.envfs("get", "/app", "TOKEN", environ=own.knowing()).text == "tok-71-sentinel\n"


@pytest.mark.parametrize("passphrase", ["", "x" * 5000])
def test_a_passphrase_that_is_none_is_refused(own: Home, passphrase: str) -> None:
    said = own.envfs("get", "/app", "TOKEN", environ=own.knowing(passphrase), status=None)
    assert said.status in (107, 109)
    assert said.out == b""


def test_without_a_terminal_and_a_file_it_says_what_to_do(own: Home) -> None:
    script = f'setsid "{ENVFS}" get /app TOKEN </dev/null'
    done = subprocess.run(["sh", "-c", script], env=own.environ(), capture_output=True, check=False, text=True)
    assert done.returncode == 108
    assert "the vault is locked, and there is no terminal to ask at for its passphrase" in done.stderr
    assert "--passphrase-file" in done.stderr


def test_a_person_is_told_which_vault_is_locked_before_the_passphrase_is_asked_for(own: Home) -> None:
    with Terminal([ENVFS, "get", "/app", "TOKEN"], own.environ(), columns=200) as terminal:
        terminal.expect(f"the vault at {own.path}/vault is locked")
        terminal.expect("passphrase: ")
        terminal.type(PASSPHRASE)
        terminal.expect("tok-71-sentinel")
        assert terminal.end(2 * SECONDS) == 0
    said = own.envfs("get", "/app", "TOKEN", environ=own.knowing())
    assert "is locked" not in said.err.decode()


def test_mount_asks_at_the_terminal_and_the_passphrase_is_not_kept(own: Home) -> None:
    with Terminal([ENVFS, "mount"], own.environ()) as terminal:
        terminal.expect("passphrase: ")
        terminal.type(PASSPHRASE)
        terminal.expect("mounted at")
        assert terminal.end(2 * SECONDS) == 0
        assert PASSPHRASE not in terminal.shown
    daemon = own.daemon()
    try:
        assert own.view("/app").read_text(encoding="utf-8") == "TOKEN=tok-71-sentinel\n"
        sought = {PASSPHRASE.encode(): "the passphrase", b"AGE-SECRET-KEY-1": "the identity"}
        assert search.in_folder(own.path, sought, own.mnt) == set()
        for pid in daemon:
            assert search.in_process(pid, sought) == set()
    finally:
        own.end(daemon)


def test_a_daemon_whose_keyholder_was_lost_can_be_unlocked_again(own: Home) -> None:
    daemon = own.mount(environ=own.knowing())
    try:
        os.kill(daemon.keyholder, signal.SIGKILL)
        eventually(lambda: own.status()["unlocked"] is False, "the daemon notices")
        assert attempt(0, "read", own.view("/app")).how == "ENOKEY"
        assert "locked" in own.problems()
        eventually(lambda: own.daemon().keyholder not in (0, daemon.keyholder), "a new keyholder is there")
        assert attempt(0, "read", own.view("/app")).how == "ENOKEY"
        own.envfs("unlock", environ=own.knowing())
        assert attempt(0, "read", own.view("/app")).found == "TOKEN=tok-71-sentinel\n"
        assert own.problems() == ""
    finally:
        own.end(own.daemon())


def test_two_new_passphrases_that_differ_make_nothing(ground: Path) -> None:
    home = Home(ground / "differ")
    with Terminal([ENVFS, "init"], home.environ()) as terminal:
        for _ in range(3):
            terminal.expect("new passphrase: ")
            terminal.type("one")
            terminal.expect("the same again: ")
            terminal.type("two")
            terminal.expect("the two passphrases differ")
        assert terminal.end() == 109
    home.settle()
    assert not home.path.exists()
