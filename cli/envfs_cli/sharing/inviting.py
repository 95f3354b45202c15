"""An invitation as a person gives it: the code and the words to pass on, a key let onto the server, the wait for them.

Law: to wait changes nothing. Once the invitation is there, `envfs member approve` does the same at any later time.
"""

import os
import sys
import time

from envfs.protocol import control
from envfs_cli import output, secrets
from envfs_cli.terminal import prompts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs_cli.daemon.session import Session

_CODE_BYTES = 4096
_STEP = 0.5  # between two looks at the list of members


def let_onto_server(path: str) -> None:
    """Let the owner of a public key of ssh, in a file, use this vault's engine.

    Raises:
        EnvFSError: it is no such key, or the server does not take it
    """
    from envfs_cli.sharing import ssh_members, ssh_server

    key, engine = ssh_members.read_key(path), ssh_server.own_engine()
    ssh_members.authorized_line(key, "/", "/", append_only=True)  # it is a key, or is refused here
    with prompts.Waiting("connecting"):
        ssh_server.admit_key(engine, key)
    output.done("the server admits that key of ssh, to read records and to add some")


def new_invitation(asking: "Session", request: control.InviteMember) -> "tuple[str, control.MemberInvited]":
    """Put an invitation into the list. Return its code, and when it ends."""
    handle = secrets.from_bytes(b"")
    try:
        reply = asking.reply(request, (handle,))
        code = os.pread(handle, _CODE_BYTES, 0).decode().strip()
    finally:
        os.close(handle)
    if not isinstance(reply, control.MemberInvited):
        raise TypeError(type(reply).__name__)
    return code, reply


def explain_invitation(asking: "Session", request: control.InviteMember, reply: control.MemberInvited) -> None:
    """Say what to do with the code."""
    name, engine = output.clean(reply.name), _engine(asking)
    output.note(f"give this code to {name}, by any way: it can be used once, until {output.shown_time(reply.until)}")
    if engine:
        output.note(f"they run `envfs member join {their_address(engine, name, request)}`")
    else:
        output.note("they run `envfs member join` in a home with a copy of this vault, or `envfs sync start` shares it")
    output.note(f"then they read the words of the fingerprint to you, and `envfs member approve {name}` lets them in")
    if not request.device and request.role in ("writer", "reader") and any(at.count("/") > 1 for at in request.levels):
        output.note("a key is that of a whole project: it opens the levels beside and above the one that was named")


def their_address(engine: str, name: str, request: control.InviteMember) -> str:
    """Return the address that the invited one may use. Files and names at servers are each member's own."""
    scheme, _, place = engine.partition("://")
    if scheme not in ("postgres", "etcd"):
        return engine
    own, _, host = place.rpartition("@")
    user = own if request.device and own else name
    at = f"{user}@{host}" if scheme == "postgres" else place
    return f"'{scheme}://{at}?ca=ca.crt&cert={user}.crt&key={user}.key'"


def is_worth_waiting(asking: "Session") -> bool:
    """Tell whether the join will be heard of here, and there is a person who can answer."""
    streams = (sys.stdin, sys.stdout, sys.stderr)
    return all(stream is not None and stream.isatty() for stream in streams) and bool(_engine(asking))


def await_join(asking: "Session", name: str) -> None:
    """Wait until somebody joined by the invitation of that name."""
    output.flush()
    output.note(f"waiting for {output.clean(name)} (Ctrl-C ends the wait, and the invitation stands all the same)")
    with prompts.Waiting(f"waiting for {output.clean(name)}"):
        while not _has_joined(asking, name):
            time.sleep(_STEP)


def _has_joined(asking: "Session", name: str) -> bool:
    rows = asking.rows(control.ListMembers())
    return any(isinstance(row, control.MemberRow) and (row.name, row.state) == (name, "joined") for row in rows)


def _engine(asking: "Session") -> str:
    report = asking.reply(control.DescribeSharing())
    return output.clean(report.engine) if isinstance(report, control.SharingReport) else ""
