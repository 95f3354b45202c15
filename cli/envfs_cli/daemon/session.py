"""Asking with a passphrase when one is needed: what is locked is unlocked, and the request is made again."""

import os
import sys

from envfs import locations
from envfs.errors import EnvFSError, Locked, TooLarge, WrongPassphrase
from envfs.protocol import control
from envfs_cli.daemon import client, signs_of_life

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NamedTuple

    from envfs_cli.daemon.client import Link

    OnRow = Callable[[object], None]
    Ask = Callable[[NamedTuple, tuple[int, ...]], tuple[object, bytes]]


class GivenUp(WrongPassphrase):
    """A passphrase that was wrong as often as a person may try."""


class Session:
    """A link that can unlock. `passphrase_file` is the vault's, `project_file` a project's, None to ask a person.

    Laws: while a person types, no daemon of this command's own runs, so that no lock is held. A passphrase
    that was typed is given to the next daemon, and forgotten with this session.
    """

    def __init__(self, link: "Link", passphrase_file: "str | None" = None, project_file: "str | None" = None) -> None:
        """Ask through `link`."""
        self._open: Link | None = link
        self._passphrase_file = passphrase_file
        self._project_file = project_file
        self._given: dict[str, int] = {}  # descriptors of passphrases, by project
        self._locked: dict[str, str] = {}  # what a person is told before one is asked for

    @property
    def _link(self) -> "Link":
        if self._open is None:
            self._open = client.reach_daemon()
        return self._open

    def let_go(self) -> None:
        """End a daemon that was started for this command alone: a person is going to be asked."""
        if self._open is not None and self._open.private and self._open is not shared_link():
            self._open.close()
            self._open = None

    @property
    def is_private(self) -> bool:
        """Tell whether it is asked of a daemon that was started for this command alone."""
        return self._link.private

    @property
    def takes_files(self) -> bool:
        """Tell whether a request may bring a file. Otherwise what it brings is in memory."""
        return self._link.takes_files

    def ask(
        self, request: "NamedTuple", descriptors: "tuple[int, ...]" = (), rows: "list[object] | None" = None
    ) -> "tuple[object, bytes]":
        """Send a request. Return the reply and its blob. Rows that come before the reply are put into `rows`."""
        received = [] if rows is None else rows
        for _ in range(_MOST_LOCKS):
            try:
                return self._told(request, descriptors, received)
            except Locked as error:
                received.clear()  # they come again
                self.unlock(0, error.about)
        return self._told(request, descriptors, received)

    def _told(
        self, request: "NamedTuple", descriptors: "tuple[int, ...]", received: "list[object]"
    ) -> "tuple[object, bytes]":
        keep = _keep_in(received, self._link)
        answer = signs_of_life.shown_while(lambda: self._link.ask(request, descriptors, keep), request)
        # which version it is of comes first among the rows, and is for the person
        while received and isinstance(received[0], control.ChosenRow):
            from envfs_cli.daemon import chosen

            chosen.note_chosen(received.pop(0))
        return answer

    def follow(self, request: "NamedTuple", on_row: "OnRow") -> None:
        """Send a request that needs no key, and hand each row on when it arrives."""
        self._link.ask(request, (), on_row)

    def reply(self, request: "NamedTuple", descriptors: "tuple[int, ...]" = ()) -> object:
        """Send a request. Return the reply alone."""
        return self.ask(request, descriptors)[0]

    def rows(self, request: "NamedTuple") -> list[object]:
        """Send a request. Return the rows that came before the reply."""
        received: list[object] = []
        self.ask(request, (), received)
        return received

    def unlock(self, seconds: int = 0, project: str = "") -> None:
        """Unlock the vault or a project, for `seconds` or without end, asking for the passphrase if it needs one."""
        from envfs_cli.terminal.unseen_typing import UnseenTyping

        self._locked[project] = _what_is_locked(project)
        with UnseenTyping(needed=True):
            self._unlock(seconds, project)

    def _unlock(self, seconds: int, project: str) -> None:
        from envfs_cli.terminal.prompts import NoTerminal

        for _ in range(_MOST_LOCKS):
            try:
                self._with_passphrase(self._ask_once, control.Unlock(seconds, project), "unlocking")
            except Locked as error:
                if not project:
                    raise
                self.unlock(seconds, error.about)  # the vault's own, which a daemon that was started again lacks
            except NoTerminal as error:
                raise _locked(project, error) from error
            else:
                return

    def with_passphrase(self, request: "NamedTuple", doing: str, rows: "list[object] | None" = None) -> object:
        """Ask without a passphrase, and again with the one that is said to be needed. Return the reply."""

        def ask(request: "NamedTuple", descriptors: "tuple[int, ...]" = ()) -> "tuple[object, bytes]":
            return self.ask(request, descriptors, rows)

        return self._with_passphrase(ask, request, doing)

    def _ask_once(self, request: "NamedTuple", descriptors: "tuple[int, ...]" = ()) -> "tuple[object, bytes]":
        return self._link.ask(request, descriptors)

    def _with_passphrase(self, ask: "Ask", request: "NamedTuple", doing: str) -> object:
        try:
            return ask(request, ())[0]
        except WrongPassphrase as error:
            project = error.about
        return self.tried(project, lambda secret: ask(request, (secret,))[0], doing)

    def tried(self, project: str, act: "Callable[[int], object]", doing: str) -> object:
        """Return what `act` makes of a passphrase. A person may type one again if it is wrong.

        Raises:
            WrongPassphrase: it is wrong in a file, or was typed wrong three times
        """
        from envfs_cli import output, secrets
        from envfs_cli.terminal import prompts

        for left in reversed(range(secrets.TRIES)):
            secret = self.passphrase(project)
            try:
                with prompts.Waiting(doing):
                    return act(secret)
            except GivenUp:
                raise  # of another passphrase, which this one turned out to need
            except WrongPassphrase as error:
                self._forget(project)
                if not left or self._file(project):
                    raise GivenUp(error.text, "nothing was changed", error.about) from None
                output.note(f"{error.text}: try again")
        raise GivenUp("the passphrase is wrong")

    def passphrase(self, project: str) -> int:
        """Return the passphrase of a project, or of the vault (empty), in a descriptor that this session closes."""
        if project not in self._given:
            from envfs_cli import secrets

            file = self._file(project)
            if not file:
                self.let_go()
            self._given[project] = secrets.passphrase_descriptor(file, project, self._locked.pop(project, ""))
        return self._given[project]

    def _file(self, project: str) -> "str | None":
        from envfs_cli import secrets

        return (self._project_file if project else self._passphrase_file) or secrets.named_file(project)

    def _forget(self, project: str) -> None:
        os.close(self._given.pop(project))

    def close(self) -> None:
        """Leave."""
        for project in tuple(self._given):
            self._forget(project)
        if self._open is not None:
            self._open.close()


def _keep_in(received: list[object], link: "Link") -> "OnRow":
    most = link.heard + _MOST_HEARD

    def keep(row: object) -> None:
        if isinstance(row, control.WaitingRow):
            from envfs_cli.daemon import waiting

            waiting.say_waiting(row)
        elif isinstance(row, control.ProgressRow):
            _tell_progress(f"{row.done:,} of {row.total:,}")
        else:
            received.append(row)
            if link.heard > most:
                raise TooLarge(
                    "the daemon's answer has no end", "`envfs unmount` ends it, and `envfs mount` starts it again"
                )
            if not len(received) % _MANY:
                _tell_progress(f"{len(received):,}")

    return keep


def _tell_progress(how_far: str) -> None:
    from envfs_cli.terminal import prompts

    prompts.Waiting.tell(how_far)


def passphrase_variable(project: str) -> str:
    """Return the variable that names a file with the passphrase of a project, or of the vault (empty)."""
    return "ENVFS_PROJECT_PASSPHRASE_FILE" if project else "ENVFS_PASSPHRASE_FILE"


def _what_is_locked(project: str) -> str:
    if project:
        return f"project {project} is locked"
    mine = client.user_locations()
    vault = mine.vault if os.path.exists(mine.vault) else locations.system_locations().vault
    return f"the vault at {vault} is locked"


def _locked(project: str, reason: EnvFSError) -> Locked:
    text = f"{f'project {project}' if project else 'the vault'} is locked, and {reason.text} for its passphrase"
    unlock = f"`envfs unlock {project}`" if project else "`envfs unlock`"
    option = "" if project else ", or with --passphrase-file"
    return Locked(
        text,
        f"name a file that holds it in {passphrase_variable(project)}{option}; {unlock} asks at a terminal",
        project,
    )


_MOST_HEARD = 1 << 30  # bytes of one answer
_MANY = 500  # rows, that a person is told of while they come
_MOST_LOCKS = 3  # the vault's, that of level /, that of the project


_shared: "list[Link]" = []  # one or none


def share_link(link: "Link | None") -> None:
    """Have all commands of this process, and of its children, use one link. None: each reaches a daemon by itself."""
    _shared[:] = [] if link is None else [link]


def shared_link() -> "Link | None":
    """Return the link that all commands use: the shell's, to its private daemon. None outside of a shell."""
    return _shared[0] if _shared else None


def given_reason(reason: "str | None") -> str:
    """Return the reason for a person who has to allow a request: the one given, else that of the environment."""
    return os.environ.get("ENVFS_REASON", "") if reason is None else reason


def start_session(passphrase_file: "str | None" = None, project: "str | None" = None) -> Session:
    """Reach a daemon, or start one for this command alone. The rest is as for `session_over`."""
    return session_over(shared_link() or _reach_daemon(), passphrase_file, project)


def _reach_daemon() -> "Link":
    if sys.stdout is None or not sys.stdout.isatty():
        return client.reach_daemon()
    from envfs_cli.terminal.unseen_typing import UnseenTyping

    with UnseenTyping():  # another process may have to end first, and then somebody types ahead
        return client.reach_daemon()


def session_over(link: "Link", passphrase_file: "str | None" = None, project: "str | None" = None) -> Session:
    """Ask through `link` with the passphrase file that a command was given.

    It is that of what the command is about: of the project, where it names one.
    """
    if not project:
        return Session(link, passphrase_file)
    return Session(link, os.environ.get("ENVFS_PASSPHRASE_FILE") or passphrase_file, passphrase_file)
