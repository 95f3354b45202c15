"""The identity in a keyring of the operating system: real ones, of the kernel and of a desktop's Secret Service."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.home import SECONDS, Home, eventually
from tests.system.probing import attempt

_KEYRING_PROGRAM = ["-m", "keyring", "-b", "keyring.backends.SecretService.Keyring"]


@pytest.fixture
def desktop(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Run a session bus with an unlocked GNOME keyring; give what a program needs to find it."""
    bus = subprocess.Popen(
        ["dbus-daemon", "--session", "--nofork", "--print-address=1"], stdout=subprocess.PIPE, text=True
    )
    assert bus.stdout is not None
    found = {"DBUS_SESSION_BUS_ADDRESS": bus.stdout.readline().strip(), "HOME": str(tmp_path)}
    keeper = subprocess.Popen(
        ["gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets"],
        env={**os.environ, **found, "XDG_RUNTIME_DIR": str(tmp_path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    assert keeper.stdin is not None
    keeper.stdin.write(b"login")
    keeper.stdin.close()
    asked = ["gdbus", "call", "--session", "--dest", "org.freedesktop.DBus", "--object-path", "/org/freedesktop/DBus"]
    asked += ["--method", "org.freedesktop.DBus.NameHasOwner", "org.freedesktop.secrets"]
    environ = {**os.environ, **found}
    eventually(
        lambda: b"true" in subprocess.run(asked, env=environ, capture_output=True, check=False).stdout,
        "the keyring is there",
    )
    yield found
    for process in (keeper, bus):
        process.terminate()
        process.wait(SECONDS)
    bus.stdout.close()


@pytest.fixture(params=["kernel", "secret-service"])
def kept(request: pytest.FixtureRequest, own: Home) -> Iterator[tuple[Home, str, dict[str, str]]]:
    """Give a home whose identity is in a keyring, which one, and the environment that reaches it."""
    if request.param == "kernel":
        if subprocess.run(["keyctl", "show", "@u"], capture_output=True, check=False).returncode:
            pytest.skip("this kernel, or the container, forbids keyctl")
        environ: dict[str, str] = {}
    else:
        environ = request.getfixturevalue("desktop")
    own.envfs("keyring", "add", request.param, environ={**environ, **own.knowing()})
    yield own, request.param, environ
    if own.socket.exists():
        own.envfs("unmount")
    own.envfs("keyring", "remove", environ=environ, status=None)


def test_no_passphrase_is_asked_for_any_more(kept: tuple[Home, str, dict[str, str]]) -> None:
    home, keyring, environ = kept
    assert f'keyring = "{keyring}"' in (home.path / "envfs.toml").read_text(encoding="utf-8")
    assert home.envfs("get", "/app", "TOKEN", environ=environ).text == "tok-71-sentinel\n"
    home.envfs("mount", environ=environ)
    assert attempt(0, "read", home.view("/app")).found == "TOKEN=tok-71-sentinel\n"
    home.envfs("lock")
    assert attempt(0, "read", home.view("/app")).how == "ENOKEY"
    home.envfs("unlock", environ=environ)
    assert attempt(0, "read", home.view("/app")).found == "TOKEN=tok-71-sentinel\n"


def test_what_is_taken_out_is_out_and_the_passphrase_works_as_before(
    kept: tuple[Home, str, dict[str, str]],
) -> None:
    home, _, environ = kept
    home.envfs("keyring", "remove", environ=environ)
    assert "keyring" not in (home.path / "envfs.toml").read_text(encoding="utf-8")
    assert "there is no terminal" in home.envfs("get", "/app", "TOKEN", environ=environ, status=108).complaint
    home.envfs("keyring", "remove", environ=environ, status=101)


def test_a_keyring_that_lost_it_is_no_way_in_and_no_way_out(kept: tuple[Home, str, dict[str, str]]) -> None:
    home, keyring, environ = kept
    vault = next(row for row in (home.vault / "vault.toml").read_text(encoding="utf-8").splitlines() if "id =" in row)
    name = vault.split('"')[1]
    if keyring == "kernel":
        subprocess.run(["keyctl", "purge", "user", f"envfs:{name}"], check=True, capture_output=True)
    else:
        command = [sys.executable, *_KEYRING_PROGRAM, "del", "envfs", name]
        subprocess.run(command, check=True, env={**os.environ, **environ}, capture_output=True)
    home.envfs("get", "/app", "TOKEN", environ=environ, status=108)
    assert home.envfs("get", "/app", "TOKEN", environ={**environ, **home.knowing()}).text == "tok-71-sentinel\n"


def test_who_does_not_know_the_passphrase_puts_nothing_into_a_keyring(own: Home) -> None:
    own.envfs("keyring", "add", "kernel", environ=own.knowing("incorrect"), status=109)
    assert "keyring" not in (own.path / "envfs.toml").read_text(encoding="utf-8")


def test_a_keyring_that_is_not_there_is_an_error_and_nothing_is_kept_elsewhere(own: Home) -> None:
    before = {path: path.read_bytes() for path in own.path.rglob("*") if path.is_file() and "state" not in path.parts}
    environ = {**own.knowing(), "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nowhere"}
    said = own.envfs("keyring", "add", "secret-service", environ=environ, status=100)
    assert "secret-service keyring does not take it" in said.complaint
    after = {path: path.read_bytes() for path in own.path.rglob("*") if path.is_file() and "state" not in path.parts}
    assert after == before
