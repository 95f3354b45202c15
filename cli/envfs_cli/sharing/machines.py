"""Inviting a machine: all that it takes to take part goes out as one secret, once, on standard output."""

import os

from envfs.errors import EnvFSError
from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import exit_status, output, secrets
from envfs_cli.daemon import join_secret, session
from envfs_cli.sharing import engine_access
from envfs_cli.sharing.engine_access import EngineAccess
from envfs_cli.sharing.typed_addresses import engine_address
from envfs_cli.terminal.prompts import Waiting

_IDENTITY_BYTES = 4096


class InvitedMachine(NamedTuple):
    """The machine as a person describes it. `engine` is its own address, if that is another one than theirs."""

    request: control.InviteMachine
    engine: str | None
    as_json: bool


def invite_machine(asking: session.Session, invited: InvitedMachine) -> int:
    """Let a machine in, and print its join secret.

    Raises:
        EnvFSError: it may not come in, or the way to the engine is not clear
    """
    output.check_writable()
    engine = engine_address(invited.engine) if invited.engine else ""
    request = invited.request._replace(engine=engine)
    planned = asking.reply(request._replace(dry=True))
    if not isinstance(planned, control.MachineInvited):
        return exit_status.BUG
    name = planned.name
    access = engine_access.given_access(engine) if engine else engine_access.access_like(planned.engine, name)
    handle = secrets.from_bytes(b"")
    try:
        with Waiting("sealing the keys"):
            reply = asking.reply(request, (handle,))
        identity = os.pread(handle, _IDENTITY_BYTES, 0).decode().strip()
    finally:
        os.close(handle)
    if not isinstance(reply, control.MachineInvited):
        return exit_status.BUG
    _print(reply, access, identity, as_json=invited.as_json)
    return 0


def _print(reply: control.MachineInvited, access: EngineAccess, identity: str, *, as_json: bool) -> None:
    try:
        text = join_secret.render_join_secret(_secret(reply, access, identity))
    except EnvFSError as error:
        error.hint = f"`envfs member revoke {reply.name}`, and name smaller files"
        raise
    if as_json:
        known = {"name": reply.name, "role": reply.role, "levels": reply.levels, "end": reply.end}
        output.as_json({**known, "join": text, "public_key": access.public_key})
        return
    output.print_line(text)
    name, levels = output.clean(reply.name), " ".join(reply.levels)
    output.note(f"{name} is in until {output.shown_time(reply.end)} UTC, as {reply.role} of {levels}")
    output.note("this secret is shown this once: keep it in the CI's secrets as ENVFS_JOIN")
    output.note(f"a job that has it runs `envfs exec {reply.levels[0]} -- COMMAND`, and nobody has to approve it")
    output.note(f"whoever has it is {name}: `envfs member revoke {name}` ends that")
    if any(level.count("/") > 1 for level in reply.levels):
        output.note("a key is that of a whole project: it opens the levels beside and above the one that was named")
    if access.public_key:
        is_sftp = access.engine.startswith("sftp:")
        how = "add this line to authorized_keys" if is_sftp else "run this, by an account with a shell there"
        output.note(f"the server has to let its key of ssh in: {how}")
        output.plain_note(engine_access.admitting_command(access))


def _secret(reply: control.MachineInvited, access: EngineAccess, identity: str) -> join_secret.JoinSecret:
    about = reply.vault, reply.created, reply.recipient, reply.signing_key, reply.seq, reply.digest
    return join_secret.JoinSecret(identity, access.engine, *about, access.files)
