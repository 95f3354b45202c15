"""A person at a terminal is shown that the daemon works on a request, once that has taken a moment."""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NamedTuple, TypeVar

    Answer = TypeVar("Answer")

_USUAL = "working"
_WORDS = {
    "Accept": "looking at the level",
    "ChangeCustody": "sealing everything again",
    "ChangeRecipients": "sealing everything again",
    "CompareLevels": "comparing",
    "CopyVariables": "copying",
    "DescribeView": "looking at the variables",
    "Diagnose": "looking at everything",
    "FindVariables": "searching",
    "ImportText": "importing",
    "ListHistory": "reading the history",
    "ListHolders": "looking at processes",
    "ListLogMachines": "checking the logs",
    "ListPresence": "listing the names",
    "ListProjects": "listing the projects",
    "ListReaders": "looking at processes",
    "ListRotations": "looking at the variables",
    "ReadView": "reading",
    "RejoinEngine": "merging",
    "RemoveLevel": "removing",
    "ResolveConflict": "merging",
    "RevokeMember": "making new keys",
    "Rollback": "rolling back",
    "RotateKey": "sealing everything again",
    "RotateLog": "closing the log's file",
    "VerifyLog": "checking the log",
}


def shown_while(work: "Callable[[], Answer]", request: "NamedTuple") -> "Answer":
    """Do what a request takes. A person at a terminal sees that the daemon works on it."""
    if sys.stderr is None or not sys.stderr.isatty():
        return work()
    from envfs_cli.terminal.prompts import Waiting

    with Waiting(_WORDS.get(type(request).__name__, _USUAL)):
        return work()
