"""A proxy for the command that this process becomes: started by the daemon, found by the command's environment.

Law: this process gets placeholders, a token and a certificate, and the values alone that a person named as plain.
"""

import os

from envfs.errors import EnvFSError, NotRunning
from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli.daemon import client, session
from envfs_cli.process import environment_references, proxy_environment
from envfs_cli.process.dangerous_variables import refuse_dangerous

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_MOUNT = "start one for all with `envfs mount`"


class ShownVariables(NamedTuple):
    """The variables that a command gets: `only` these, or all without any. It gets those of `plain` as they are.

    `dangerous`: those count too by which it could be made to run other code.
    """

    only: "tuple[str, ...]" = ()
    plain: "tuple[str, ...]" = ()
    dangerous: bool = False


class StartedProxy(NamedTuple):
    """A session as the daemon gave it. `variables` are those of its command: NAME=value, each ended by a NUL."""

    session: str
    port: int
    token: str
    certificate: bytes
    base_urls: "tuple[control.BaseUrl, ...]"
    variables: bytes


class OpenedSession(NamedTuple):
    """A session, and the variables by which programs use it: NAME=value, each ended by a NUL."""

    session: str
    port: int
    variables: bytes


def open_proxy(level: str, shown: ShownVariables, reason: str, passphrase_file: "str | None") -> bytes:
    """Return the variables of the command: NAME=value, each ended by a NUL.

    Raises:
        NotRunning: there is no daemon that goes on after this process
        EnvFSError: what the daemon refuses with
    """
    return open_session(level, shown, reason, passphrase_file).variables


def open_session(level: str, shown: ShownVariables, reason: str, passphrase_file: "str | None") -> OpenedSession:
    """Start a session that ends with this process.

    Raises:
        NotRunning: there is no daemon that goes on after this process
        EnvFSError: what the daemon refuses with
    """
    started = start_proxy(level, shown, reason, passphrase_file)
    return OpenedSession(started.session, started.port, proxied_variables(started, os.environ))


def start_proxy(level: str, shown: ShownVariables, reason: str, passphrase_file: "str | None") -> StartedProxy:
    """Have the daemon start a session that ends with this process.

    Raises:
        NotRunning: there is no daemon that goes on after this process
        BadName: the level sets what is dangerous
        EnvFSError: what the daemon refuses with
    """
    if session.shared_link() is not None:
        raise NotRunning("this shell's daemon is its own, and ends with it", _MOUNT)
    asking = session.session_over(client.need_running(), passphrase_file)
    plain = b""
    if shown.plain:
        _, plain = asking.ask(control.ReadView(level, "environ", "exec", shown.plain, reason=reason))
    reply, blob = asking.ask(control.OpenProxy(level, shown.only, reason=reason))
    asking.close()
    if not isinstance(reply, control.ProxyOpened):
        raise EnvFSError("the daemon answered with another message")
    if not shown.dangerous:
        refuse_dangerous(level, reply.dangerous)
    end = reply.token_size + reply.certificate_size
    token, certificate, view = blob[: reply.token_size].decode(), blob[reply.token_size : end], blob[end:]
    variables = _with_others(_complete_variables(view), named_entries(plain.split(b"\0")))
    return StartedProxy(reply.session, reply.port, token, certificate, reply.base_urls, variables)


def proxied_variables(started: StartedProxy, inherited: "Mapping[str, str]") -> bytes:
    """Return the variables of the command, with those that lead it to the proxy. This process becomes it.

    Raises:
        EnvFSError: there is no memory for the certificates
    """
    present = {**inherited, **named_entries(started.variables.split(b"\0"))}
    try:
        more = proxy_environment.proxy_variables(
            started.port, started.token, started.certificate, started.base_urls, present
        )
    except OSError as error:
        raise EnvFSError(f"the certificates cannot be handed over: {error.strerror}") from None
    return _with_others(started.variables, more)


def _with_others(variables: bytes, others: "dict[str, str]") -> bytes:
    kept = (entry for entry in variables.split(b"\0")[:-1] if os.fsdecode(entry.partition(b"=")[0]) not in others)
    entries = (*kept, *(os.fsencode(f"{name}={value}") for name, value in others.items()))
    return b"".join(entry + b"\0" for entry in entries)


def _complete_variables(view: bytes) -> bytes:
    variables, _, opened = view.partition(b"\0\0")
    return environment_references.complete_entries(variables + b"\0", opened, os.environb) if opened else view


def named_entries(entries: "Iterable[bytes]") -> "dict[str, str]":
    """Return the entries of an environment by their names."""
    pairs = (entry.partition(b"=") for entry in entries)
    return {os.fsdecode(name): os.fsdecode(value) for name, equals, value in pairs if equals}
