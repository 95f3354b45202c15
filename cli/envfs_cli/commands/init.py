"""`init`: make a vault, an identity and a first grant."""

import os
from contextlib import suppress

from envfs.errors import EnvFSError, WrongPassphrase
from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import output, secrets
from envfs_cli.daemon import client, join_refusals, session
from envfs_cli.terminal import prompts


class InitArguments(NamedTuple):
    """The arguments of `init`."""

    identity_file: str | None
    recovery: bool
    passphrase_file: str | None
    json: bool


def run_init(arguments: InitArguments) -> int:
    """Make a vault.

    Raises:
        EnvFSError: the path of the identity file is not UTF-8 text
        BadRequest: there is a join secret
    """
    join_refusals.refuse_join_secret("is of a vault that there is")
    path = os.path.abspath(arguments.identity_file) if arguments.identity_file else ""
    if not path.isascii() and path.encode(errors="replace").decode() != path:
        raise EnvFSError("the path of the identity file is not UTF-8 text", "the settings could not name it")
    if arguments.recovery:
        output.check_writable()
    descriptors: tuple[int, ...] = ()
    if not path:
        file = arguments.passphrase_file or secrets.named_file("")
        _check_init(asks=file is None)
        descriptors = (secrets.new_passphrase(file),)
    link = session.session_over(client.reach_own_daemon(), arguments.passphrase_file)
    with prompts.Waiting("making the identity"):
        reply = link.reply(control.Init(path), descriptors)
    if isinstance(reply, control.Made):
        _print_made(link, reply, path, arguments)
    return 0


def _check_init(*, asks: bool) -> None:
    link = client.reach_own_daemon(looks=True)
    with suppress(WrongPassphrase):  # whatever else would refuse it does so before anybody is asked
        link.ask(control.Init())
    link.close()
    if asks:
        prompts.check_terminal(secrets.NAME_A_FILE)


def _print_made(link: session.Session, made: control.Made, identity_file: str, arguments: InitArguments) -> None:
    from envfs_cli.recovery_sheet import make_recovery_key, sheet_text

    if arguments.json:
        secret = {"recovery": make_recovery_key(link, "")[1]} if arguments.recovery else {}
        output.as_json({**made._asdict(), **secret})
        return
    place = identity_file or client.user_locations().identity
    output.print_line(output.clean(f"a vault is made in {made.home}"))
    unencrypted = " (unencrypted: its readers can read the vault)" if identity_file else ""
    output.print_line(output.clean(f"  identity   {place}{unencrypted}"))
    output.print_line(output.clean(f"  recipient  {made.recipient}"))
    output.print_line(f"  approved   uid {made.approved_uid}, for everything, and no other user")
    output.note(
        "without the identity" + ("" if identity_file else " and its passphrase") + " nothing opens: keep a copy"
    )
    if arguments.recovery or prompts.confirm("make a recovery sheet, for the day when it is lost?"):
        recovery, identity = make_recovery_key(link, "")
        output.print_line(f"\n{sheet_text(recovery.recipient, identity).rstrip()}")
    output.note("next: `envfs mount`, then `envfs link /app --import` in the folder of a project that has a .env")
