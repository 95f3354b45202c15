"""Asking with a passphrase when one is needed: what is locked is unlocked, and the request is made again."""

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
    Ask = Callable[[NamedTuple, tuple[int, ...]], tuple[object, bytes]]


class Session:
    """A link that can unlock; `passphrase_file` is the vault's, `project_file` a project's, None to ask a person.

    `kept` is the shell's: a private daemon's link that all of its commands use, or None to reach one for each.
    """

    kept: "ClassVar[Link | None]" = None

    def __init__(self, link: "Link", passphrase_file: "str | None" = None, project_file: "str | None" = None) -> None:
        """Ask through `link`."""
        self._link = link
        self._passphrase_file = passphrase_file
        self._project_file = project_file

    def ask(
        self, request: "NamedTuple", descriptors: "tuple[int, ...]" = (), rows: "list[object] | None" = None
    ) -> "tuple[object, bytes]":
        """Send a request; return the reply and its blob. What comes before the reply is put into `rows`."""
        found = [] if rows is None else rows
        for _ in range(_MOST_LOCKS):
            try:
                return self._link.ask(request, descriptors, found.append)
            except Locked as error:
                found.clear()  # they come again
                self.unlock(0, error.about)
        return self._link.ask(request, descriptors, found.append)

    def follow(self, request: "NamedTuple", on_row: "OnRow") -> None:
        """Send a request that needs no key, and hand each row on as it comes."""
        self._link.ask(request, (), on_row)

    def reply(self, request: "NamedTuple", descriptors: "tuple[int, ...]" = ()) -> object:
        """Send a request; return the reply alone."""
        return self.ask(request, descriptors)[0]

    def rows(self, request: "NamedTuple") -> list[object]:
        """Send a request; return the rows that came before the reply."""
        found: list[object] = []
        self.ask(request, (), found)
        return found

    def unlock(self, seconds: int = 0, project: str = "") -> None:
        """Unlock the vault or a project, for `seconds` or without end, asking for the passphrase if it needs one."""
        try:
            self._with_passphrase(self._link.ask, control.Unlock(seconds, project), "unlocking")
        except Locked as error:
            if not project:
                raise
            self.unlock(seconds, error.about)
            self._with_passphrase(self._link.ask, control.Unlock(seconds, project), "unlocking")

    def with_passphrase(self, request: "NamedTuple", doing: str, rows: "list[object] | None" = None) -> object:
        """Ask without a passphrase, and again with the one that is said to be needed; return the reply."""

        def ask(request: "NamedTuple", descriptors: "tuple[int, ...]" = ()) -> "tuple[object, bytes]":
            return self.ask(request, descriptors, rows)

        return self._with_passphrase(ask, request, doing)

    def _with_passphrase(self, ask: "Ask", request: "NamedTuple", doing: str) -> object:
        try:
            return ask(request, ())[0]
        except WrongPassphrase as error:
            secret = self.passphrase(error.about)
        from envfs_cli import terminal

        try:
            with terminal.Waiting(doing):
                return ask(request, (secret,))[0]
        finally:
            os.close(secret)

    def passphrase(self, project: str) -> int:
        """Return the passphrase of a project, or of the vault (empty), in a descriptor."""
        from envfs_cli import secrets

        return secrets.passphrase(self._project_file if project else self._passphrase_file, project)

    def close(self) -> None:
        """Leave."""
        self._link.close()


_MOST_LOCKS = 3  # the vault's, that of level /, that of the project


def start(values: "Values") -> Session:
    """Reach a daemon, or start one for this command alone."""
    return over(Session.kept or links.reach(), values)


def over(link: "Link", values: "Values") -> Session:
    """Ask through `link` with the passphrase file that a command was given.

    It is that of what the command is about: of the project, where it names one.
    """
    file = values.get("passphrase_file")
    named = None if file is None else str(file)
    if not values.get("project"):
        return Session(link, named)
    return Session(link, os.environ.get("ENVFS_PASSPHRASE_FILE") or named, named)
