"""Asking with a passphrase: whatever is locked is unlocked, in whatever order, and nothing is told or done twice."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from envfs.errors import EnvFSError, Locked, WrongPassphrase
from envfs.protocol import control
from envfs_cli.daemon.session import Session

Asked = tuple[NamedTuple, bytes]


class Fake:
    """A daemon whose vault and project are under passphrases; sends a row before it says what is locked."""

    private, heard = False, 0

    def __init__(self, *locked: str) -> None:
        self.locked = list(locked)
        self.asked: list[Asked] = []

    def ask(
        self,
        request: NamedTuple,
        descriptors: tuple[int, ...] = (),
        on_row: Callable[[object], None] | None = None,
    ) -> tuple[object, bytes]:
        secret = b"".join(os.pread(descriptor, 100, 0) for descriptor in descriptors)
        self.asked.append((request, secret))
        if isinstance(request, control.Unlock):
            self._unlock(request, secret)
            return control.Done(), b""
        if on_row is not None:
            on_row(control.FaultRow("key", "a row"))
        if self.locked:
            raise Locked("locked", "", self.locked[0])
        if isinstance(request, control.RotateKey) and not secret:
            raise WrongPassphrase("it is needed", "", request.project)
        return control.Done(), b""

    def _unlock(self, request: control.Unlock, secret: bytes) -> None:
        if request.project and "" in self.locked:
            raise Locked("the vault is locked")
        if not secret:
            raise WrongPassphrase("it is needed", "", request.project)
        self.locked.remove(request.project)

    def close(self) -> None:
        pass


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    (tmp_path / "vault").write_text("the vault's\n")
    (tmp_path / "project").write_text("the project's\n")
    return str(tmp_path / "vault"), str(tmp_path / "project")


def secrets_of(fake: Fake) -> list[bytes]:
    return [secret for _, secret in fake.asked if secret]


def test_rows_are_told_once_however_often_the_daemon_is_asked(files: tuple[str, str]) -> None:
    fake = Fake("", "/", "/safe")
    rows: list[object] = []
    Session(fake, *files).ask(control.VerifyVault(), (), rows)  # type: ignore[arg-type]
    assert len(rows) == 1
    assert not fake.locked


def test_a_change_that_needs_a_passphrase_unlocks_the_vault_first(files: tuple[str, str]) -> None:
    fake = Fake("")
    Session(fake, *files).with_passphrase(control.RotateKey("/safe"), "rotating")  # type: ignore[arg-type]
    assert secrets_of(fake) == [b"the vault's\n", b"the project's\n"]
    assert fake.asked[-1] == (control.RotateKey("/safe"), b"the project's\n")


def test_the_vault_is_unlocked_for_no_longer_than_the_project_that_it_is_for(files: tuple[str, str]) -> None:
    fake = Fake("", "/safe")
    Session(fake, *files).unlock(60, "/safe")  # type: ignore[arg-type]
    unlocked = [request for request, secret in fake.asked if isinstance(request, control.Unlock) and secret]
    assert unlocked == [control.Unlock(60, ""), control.Unlock(60, "/safe")]


def test_what_stays_locked_is_said_to_be_and_not_asked_about_for_ever(files: tuple[str, str]) -> None:
    class Stubborn(Fake):
        def _unlock(self, request: control.Unlock, secret: bytes) -> None:
            pass

    fake = Stubborn("/safe")
    with pytest.raises(EnvFSError) as caught:
        Session(fake, *files).ask(control.ListProjects())  # type: ignore[arg-type]
    assert caught.value.code == "locked"
    assert len(fake.asked) < 10
