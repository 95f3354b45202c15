"""Asking with a passphrase when one is needed: a locked vault is unlocked once, and the request is made again."""

import os

from envfs.errors import Locked, WrongPassphrase
from envfs.protocol import control
from envfs_cli import link as links

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import ClassVar, NamedTuple

    from envfs_cli.arguments import Values
    from envfs_cli.link import Link

    OnRow = Callable[[object], None]


class Session:
    """A link that can unlock; `passphrase_file` is None to ask at the terminal.

    `kept` is the shell's: a private daemon's link that all of its commands use, or None to reach one for each.
    """

    kept: "ClassVar[Link | None]" = None

    def __init__(self, link: "Link", passphrase_file: "str | None" = None) -> None:
        """Ask through `link`."""
        self._link = link
        self._passphrase_file = passphrase_file

    def ask(
        self, request: "NamedTuple", descriptors: "tuple[int, ...]" = (), on_row: "OnRow | None" = None
    ) -> "tuple[object, bytes]":
        """Send a request; return the reply and its blob."""
        try:
            return self._link.ask(request, descriptors, on_row)
        except Locked:
            self.unlock()
            return self._link.ask(request, descriptors, on_row)

    def reply(self, request: "NamedTuple", descriptors: "tuple[int, ...]" = ()) -> object:
        """Send a request; return the reply alone."""
        return self.ask(request, descriptors)[0]

    def rows(self, request: "NamedTuple") -> list[object]:
        """Send a request; return the rows that came before the reply."""
        found: list[object] = []
        self.ask(request, (), found.append)
        return found

    def unlock(self, seconds: int = 0) -> None:
        """Give the keyholder the identity, for `seconds` or without end, asking for the passphrase if it needs one."""
        try:
            self._link.ask(control.Unlock(seconds))
        except WrongPassphrase:
            self._unlock_with_passphrase(seconds)

    def _unlock_with_passphrase(self, seconds: int) -> None:
        from envfs_cli import secrets, terminal

        secret = secrets.passphrase(self._passphrase_file)
        try:
            with terminal.Waiting("opening the identity"):
                self._link.ask(control.Unlock(seconds), (secret,))
        finally:
            os.close(secret)

    def close(self) -> None:
        """Leave."""
        self._link.close()


def start(values: "Values") -> Session:
    """Reach a daemon, or start one for this command alone."""
    file = values.get("passphrase_file")
    return Session(Session.kept or links.reach(), None if file is None else str(file))
