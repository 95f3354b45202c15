"""`member`: share the vault with other people and machines."""

import os

from envfs.core.durations import parse_duration
from envfs.errors import EnvFSError
from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import exit_status, output, secrets
from envfs_cli.arguments import Mistake
from envfs_cli.closed_sets import Unhandled
from envfs_cli.daemon import client, join_refusals, session
from envfs_cli.terminal import prompts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

_VALID, _MACHINE_TTL = "7d", "90d"
_CODE_BYTES = 4096


class MemberArguments(NamedTuple):
    """The arguments of `member`."""

    action: "Literal['invite', 'join', 'approve', 'ls', 'role', 'revoke', 'devices', 'heads']"
    name: str | None
    role: str | None
    level: tuple[str, ...]
    machine: bool
    engine: str | None
    code: bool
    ttl: int | None
    renew: int | None
    valid: int | None
    add: bool
    remove: str | None
    rotate: bool
    no_rekey: bool
    code_file: str | None
    ssh_key: str | None
    identity_file: str | None
    no_wait: bool
    yes: bool
    passphrase_file: str | None
    json: bool


def run_member(arguments: MemberArguments) -> int:
    """Do what the action says.

    Raises:
        Mistake: the action needs a member, and none is named
    """
    match arguments.action:
        case "join":
            run = _join
        case "ls":
            run = _list
        case "heads":
            run = _heads
        case "devices":
            run = _devices
        case "invite":
            run = _invite_member
        case "approve":
            run = _approve
        case "role":
            run = _change
        case "revoke":
            run = _revoke_member
        case _:
            raise Unhandled(arguments.action)
    return run(arguments)


def _invite_member(arguments: MemberArguments) -> int:
    if arguments.machine and not arguments.code:
        return _invite_machine(arguments)
    request = control.InviteMember(
        _name(arguments),
        arguments.role or ("reader" if arguments.machine else "writer"),
        arguments.level,
        arguments.machine,
        arguments.valid or parse_duration(_VALID),
        arguments.ttl or (parse_duration(_MACHINE_TTL) if arguments.machine else 0),
        renew=arguments.renew or 0,
    )
    return _invite(_start(arguments), request, arguments)


def _invite_machine(arguments: MemberArguments) -> int:
    from envfs_cli.sharing import machines

    ttl = arguments.ttl or parse_duration(_MACHINE_TTL)
    name, role = _name(arguments), arguments.role or "reader"
    request = control.InviteMachine(name, role, arguments.level, ttl, renew=arguments.renew or 0)
    invited = machines.InvitedMachine(request, arguments.engine, arguments.json)
    return machines.invite_machine(_start(arguments), invited)


def _change(arguments: MemberArguments) -> int:
    if not (arguments.role or arguments.level or arguments.ttl):
        raise Mistake("say what changes", "--role, --level or --ttl")
    request = control.ChangeMember(_name(arguments), arguments.role or "", arguments.level, arguments.ttl or 0)
    return _told(_start(arguments).reply(request))


def _revoke_member(arguments: MemberArguments) -> int:
    return _revoke(arguments, control.RevokeMember(_name(arguments), "", not arguments.no_rekey))


def _start(arguments: MemberArguments) -> session.Session:
    return session.start_session(arguments.passphrase_file)


def _name(arguments: MemberArguments) -> str:
    if not arguments.name:
        raise Mistake(f"to {arguments.action} takes a name", "`envfs member ls` lists the members")
    return arguments.name


def _told(reply: object) -> int:
    if not isinstance(reply, control.Done):
        return exit_status.BUG
    for sentence in reply.notes:
        output.done(output.clean(sentence))
    return 0


def _invite(asking: session.Session, request: control.InviteMember, arguments: MemberArguments) -> int:
    from envfs_cli.sharing import inviting

    output.check_writable()
    if arguments.ssh_key:
        inviting.let_onto_server(arguments.ssh_key)
    code, reply = inviting.new_invitation(asking, request)
    if arguments.json:
        output.as_json({"name": reply.name, "until": reply.until, "code": code})
        return 0
    output.print_line(code)
    inviting.explain_invitation(asking, request, reply)
    if not arguments.no_wait and inviting.is_worth_waiting(asking):
        inviting.await_join(asking, reply.name)
        return _approve(arguments._replace(name=reply.name))
    return 0


def _join(arguments: MemberArguments) -> int:
    from envfs_cli.sharing import joining

    join_refusals.refuse_join_secret("its machine is a member already")
    path = os.path.abspath(arguments.identity_file) if arguments.identity_file else ""
    file = arguments.passphrase_file or secrets.named_file("")
    if not arguments.code_file or (not path and file is None):
        prompts.check_terminal(secrets.NAME_A_FILE)
    engine = joining.fetch_vault(arguments.name) if arguments.name else ""
    if arguments.code_file:
        code = secrets.from_file(arguments.code_file, "the code", _CODE_BYTES)
    else:
        code = secrets.from_bytes(prompts.ask_hidden("code of the invitation: ", "the code", _CODE_BYTES))
    asked = secrets.passphrase_descriptor if joining.is_begun() else secrets.new_passphrase
    passphrase = () if path else (asked(file),)
    link = session.session_over(client.reach_own_daemon(), arguments.passphrase_file)
    with prompts.Waiting("making the identity"):
        reply = link.reply(control.JoinVault(path, "", engine), (code, *passphrase))
    if not isinstance(reply, control.Joined):
        return exit_status.BUG
    if arguments.json:
        output.message_json(reply)
        return 0
    output.print_line(reply.fingerprint)
    output.note(f"read these words to the person who invited you: they let {output.clean(reply.name)} in with them")
    if not engine:
        output.note("once they have run `envfs member approve`, and this home has their copy of the vault, it opens")
    elif arguments.no_wait:
        output.note("once they have run `envfs member approve`, the vault opens here: `envfs mount`")
    else:
        joining.await_approval(link, reply, passphrase)
    return 0


def _approve(arguments: MemberArguments) -> int:
    name, asking = _name(arguments), _start(arguments)
    rows = [row for row in asking.rows(control.ListMembers()) if isinstance(row, control.MemberRow)]
    waiting = [row for row in rows if row.state == "joined" and row.name == name]
    if len(waiting) != 1:
        text = "several devices wait under that name" if waiting else f"nobody called {output.clean(name)} waits"
        raise EnvFSError(text, "`envfs member ls` lists those who do; `envfs member revoke` takes an invitation back")
    row = waiting[0]
    levels = ", ".join(row.levels)
    output.note(f"{output.clean(row.name)}: {row.role}, {levels}; fingerprint: {row.fingerprint}")
    if not arguments.yes:
        asking.let_go()
        prompts.need_yes("do they read the same words to you?")
    with prompts.Waiting("sealing the keys"):
        reply = asking.reply(control.ApproveMember(row.name, row.fingerprint))
    output.done(f"{output.clean(row.name)} is in")
    return _told(reply)


def _list(arguments: MemberArguments) -> int:
    rows = _start(arguments).rows(control.ListMembers())
    members = [row for row in rows if isinstance(row, control.MemberRow)]
    if arguments.json:
        output.rows_json(members)
        return 0
    if not members:
        output.note("this vault has one owner and no other member; `envfs member invite` shares it")
        return 0
    output.print_table(("NAME", "ROLE", "STATE", "LEVELS", "ENDS"), [_cells(row) for row in members], none="")
    for row in members:
        if row.state == "joined":
            name = output.clean(row.name)
            output.note(f"{name} waits, with the fingerprint {row.fingerprint}: `envfs member approve {name}`")
    return 0


def _cells(row: control.MemberRow) -> "tuple[str, ...]":
    state = {"member": "you" if row.is_you else "member"}.get(row.state, row.state)
    role = f"{row.role} (machine)" if row.machine else row.role
    ends = output.shown_time(row.end or row.until) if row.end or row.until else "-"
    if row.renews_until and row.state == "member":
        ends += f" (renews itself until {output.shown_time(row.renews_until)})"
    return output.clean(row.name), role, state, " ".join(row.levels), ends


def _devices(arguments: MemberArguments) -> int:
    asking = _start(arguments)
    if arguments.rotate:
        return _rotate_device(asking, arguments)
    rows = asking.rows(control.ListMembers())
    own = next((row.name for row in rows if isinstance(row, control.DeviceRow) and row.is_yours), "")
    if arguments.add:
        seconds = arguments.valid or parse_duration(_VALID)
        request = control.InviteMember(arguments.name or own, seconds=seconds, device=True)
        return _invite(asking, request, arguments)
    if arguments.remove:
        name = arguments.name or own
        return _revoke(arguments, control.RevokeMember(name, arguments.remove, not arguments.no_rekey))
    devices = [row for row in rows if isinstance(row, control.DeviceRow) and arguments.name in (None, row.name)]
    if arguments.json:
        output.rows_json(devices)
        return 0
    cells = [
        (output.clean(row.name), f"{row.device[:8]}{' (this one)' if row.is_yours else ''}", row.fingerprint)
        for row in devices
    ]
    output.print_table(("NAME", "KEY", "FINGERPRINT"), cells, none="no device is listed")
    return 0


def _rotate_device(asking: session.Session, arguments: MemberArguments) -> int:
    if arguments.name or arguments.add or arguments.remove:
        raise Mistake("--rotate is for this device alone", "leave out the name, --add and --remove")
    reply = asking.with_passphrase(control.RotateDevice(), "making the new key")
    if not isinstance(reply, control.DeviceRotated):
        return exit_status.BUG
    if arguments.json:
        output.message_json(reply)
        return 0
    output.print_line(reply.fingerprint)
    output.note("these are the words of this device's new key; the old one counts for nothing from now on")
    for sentence in reply.notes:
        output.note(output.clean(sentence))
    return 0


def _revoke(arguments: MemberArguments, request: control.RevokeMember) -> int:
    asking = _start(arguments)
    if not arguments.yes:
        asking.let_go()
        what = "take that device out" if request.device else f"take {output.clean(request.name)} out"
        prompts.need_yes(f"{what}, for everybody?")
    rows: list[object] = []
    with prompts.Waiting("making new keys"):
        reply, _ = asking.ask(request, (), rows)
    readable = [row for row in rows if isinstance(row, control.ReadableRow)]
    if arguments.json:
        output.rows_json(readable)
        return 0
    output.print_table(
        ("LEVEL", "VARIABLE", "READ", "TO CHANGE IT"),
        [(row.level, row.name, _read_there(row), f"envfs rotate {row.level} {row.name}") for row in readable],
        none="they could read no variable",
    )
    if request.rekey is False:
        output.note("no new key was made: they can open what is written from now on")
    return _told(reply)


def _read_there(row: control.ReadableRow) -> str:
    if row.read_at:
        return f"{output.shown_time(row.read_at)} {output.clean(row.read_on)}"
    return "opened" if row.was_opened else "unknown"


def _heads(arguments: MemberArguments) -> int:
    rows = [row for row in _start(arguments).rows(control.ListMemberHeads()) if isinstance(row, control.MemberHeadRow)]
    if arguments.json:
        output.rows_json(rows)
        return 0
    for row in rows:
        if not row.number:
            output.note("this vault has one owner and no other member")
            continue
        output.print_line(f"{row.number}  {output.clean(row.words)}")
        output.note("members whose number is the same have to read the same words: otherwise there are two lists")
    return 0
