"""Each command, and a daemon that answers it with a row or a reply of another kind."""

import contextlib
import types
from collections.abc import Callable

import pytest

from envfs.errors import EnvFSError
from envfs.protocol import control
from envfs.protocol.control.vocabulary import REPLIES
from tests.selection import spread
from tests.unit.cli.fake_daemon import FakeLink

_LINES = (
    *("status", "get /a B", "get /a B,C", "get --presence /a B", "ls", "ls /a", "ls --names /a", "show /a", "find X"),
    *("history /a", "log", "check /a", "grants", "grant /a --uid 5", "revoke 1", "explain /a --uid 5", "approvals"),
    *("approvals show q", "rename /a B C", "rm /a", "cp /a /b", "mv /a /b", "diff /a /b", "export /a", "stale"),
    *("rollback /a 3", "lock", "project ls", "key ls p", "holders /a B", "incident /a B", "token ls", "proxy ls"),
    *("proxy rules /a", "proxy stop 3", "verify", "authors", "vault info", "scan README.md", "unset /a B"),
)


def plausible(kind: object) -> object:
    match kind:
        case types.GenericAlias():
            return (plausible(kind.__args__[0]),)
        case types.UnionType():
            return plausible(kind.__args__[0])
        case type() if hasattr(kind, "_fields"):
            return kind(**{name: plausible(each) for name, each in kind.__annotations__.items()})
        case type() if issubclass(kind, str) and kind is not str:
            return next(iter(kind))  # type: ignore[call-overload]
        case _:
            return {str: "x", int: 7, bool: True, float: 1.5}.get(kind)  # type: ignore[call-overload]


_REPLIES = sorted(set(REPLIES) - {"hello", "failed"})


@pytest.mark.parametrize(("line", "name"), spread(_LINES, _REPLIES))
def test_an_answer_of_another_kind_is_no_fault(
    run: Callable[[str, FakeLink], int], capsys: pytest.CaptureFixture[str], line: str, name: str
) -> None:
    answer = plausible(REPLIES[name])
    for link in (FakeLink(answer), FakeLink(control.Done(), (answer,))):
        with contextlib.suppress(EnvFSError):
            run(line, link)
    capsys.readouterr()
