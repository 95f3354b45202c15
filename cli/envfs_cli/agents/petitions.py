"""An agent asks a person: for a right to read variables, or that one is set. The person answers elsewhere.

Laws: no value is in what is asked for or answered. A right is a token of this process, which is in memory and named by
a path: no answer has it. A petition goes on while the agent does something else, and is asked for once.
"""

import base64
import hashlib
import os
import threading

from envfs.errors import EnvFSError
from envfs.protocol import control
from envfs_cli.agents.listings import texts
from envfs_cli.daemon import client, fence_gateway
from envfs_cli.process import shared_memory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Given = Mapping[str, object]
    Answer = list[dict[str, object]]

_LONGEST_WAIT = 45.0  # seconds. Agents give up on a tool that takes a minute
_TOKEN_BYTES = 32


class _Petition:
    """A petition that was sent, and its end."""

    def __init__(self, request: control.AskPerson, use: str) -> None:
        self.request = request
        self.use = use  # how the agent goes on when it is granted
        self.question = ""
        self.failure: EnvFSError | None = None
        self.ended = threading.Event()
        threading.Thread(target=self._run, daemon=True).start()  # it ends with this process at the latest

    def _run(self) -> None:
        try:
            link = client.need_running()
            try:
                link.ask(self.request, (), self._note)
            finally:
                link.close()
        except EnvFSError as error:
            self.failure = error
        finally:
            self.ended.set()

    def _note(self, row: object) -> None:
        if isinstance(row, control.WaitingRow):
            self.question = row.question


_waiting: "dict[tuple[str, ...], _Petition]" = {}  # by what is asked for


def request_access(given: "Given") -> "Answer":
    """Ask a person for a right to read variables.

    Raises:
        EnvFSError: they said no, or nobody did anything
    """
    level, names = str(given["level"]), texts(given["names"])

    def begin() -> _Petition:
        token = "envfs_" + base64.urlsafe_b64encode(os.urandom(_TOKEN_BYTES)).decode().rstrip("=")
        path = shared_memory.share_bytes("envfs-token", token.encode())
        digest = hashlib.sha256(token.encode()).hexdigest()
        by_proxy = " --proxy" if os.environ.get(fence_gateway.VARIABLE) else ""
        use = f"ENVFS_TOKEN_FILE={path} envfs exec {level} --only {','.join(names)}{by_proxy} -- COMMAND"
        return _Petition(control.AskPerson(level, "read", names, str(given.get("reason", "")), digest), use)

    return _answer(("read", level, *names), begin)


def request_value(given: "Given") -> "Answer":
    """Ask a person to set a variable.

    Raises:
        EnvFSError: they said no, or nobody did anything
    """
    level, name = str(given["level"]), str(given["name"])
    request = control.AskPerson(level, "set", (name,), str(given.get("reason", "")))
    return _answer(
        ("set", level, name),
        lambda: _Petition(request, f"{name} is set: programs get it by envfs exec {level} -- COMMAND"),
    )


def _answer(key: "tuple[str, ...]", begin: "Callable[[], _Petition]") -> "Answer":
    petition = _waiting.get(key)
    if petition is None:
        petition = _waiting[key] = begin()
    if not petition.ended.wait(_LONGEST_WAIT):
        text = f"a person was asked ({petition.question}) and did not answer yet: call this tool again to wait on"
        return [{"state": "waiting", "question": petition.question, "next": text}]
    _waiting.pop(key, None)
    if petition.failure is not None:
        raise petition.failure
    return [{"state": "done", "question": petition.question, "next": petition.use}]
