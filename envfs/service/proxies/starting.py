"""Starting a session: the gate decides for the caller, the keyholder binds the values, a process gets them.

Law: the caller gets placeholders alone. The values go from the keyholder to the proxy by a descriptor that the daemon
does not map.
"""

import base64
import os
from functools import partial
from typing import NamedTuple

from envfs.core.access.caller import Caller
from envfs.core.access.rule import RuleProcess
from envfs.core.access_request import AccessRequest
from envfs.core.secret import Secret
from envfs.errors import BadRequest, NoSuchVariable, NotApproved
from envfs.gate.approvals.board import Patience
from envfs.gate.bound_values import bind_values
from envfs.gate.views.view import View
from envfs.host import clocks
from envfs.protocol.keyholding import AuthorityMade, IssueAuthority
from envfs.protocol.proxying import BeginSession
from envfs.proxy.catalogue import base_urls, session_rules
from envfs.proxy.proxy_settings import ProxySettings
from envfs.proxy.rules import ProxyRule, rule_row
from envfs.service.proxies.answering import serve_session
from envfs.service.proxy_processes.process import ProxyProcess
from envfs.service.proxy_processes.sessions import RunningSession, SessionTerms
from envfs.service.service import Service

_TOKEN_BYTES, _KEY_BYTES = 24, 16


class OpenedProxy(NamedTuple):
    """A session that runs, the view for its command, the token and the certificate of its authority in PEM."""

    session: RunningSession
    view: View
    token: str
    certificate: bytes
    base_urls: dict[str, tuple[str, str]]


async def open_session(
    service: Service,
    caller: Caller,
    process: RuleProcess | None,
    access: AccessRequest,
    patience: Patience,
    *,
    strict: bool,
) -> OpenedProxy:
    """Start a session for a caller, which ends with `process`. The caller of this releases the view.

    Raises:
        NotApproved: the caller may not have the values, or cannot be seen
        NoSuchVariable: the level has none of a name that the caller asks for
        BadRequest: no variable of the level has a rule
        NotRunning: this daemon serves one command
        TooMany: the caller's user has as many sessions as one may have
        EnvFSError: the proxy cannot be started
    """
    if service.open_vault.gate.allows(caller, access.level):  # another one is refused below, and that is on the log
        service.proxies.check_running()
        service.proxies.check_room(caller.uid)
    if process is None:
        raise NotApproved("this process cannot be seen, so nothing can end with it", "run it where the daemon runs")
    view = await service.open_vault.gate.admit_proxy(caller, access, patience)
    try:
        names = [name for name, _ in view.origins()]
        if not set(access.variables) <= set(names):
            raise NoSuchVariable(
                f"{access.level} has no variable of that name", f"`envfs show {access.level}` lists them"
            )
        variables = [name for name in names if not access.variables or name in access.variables]
        rules = _rules(service, access, variables)
        token, key = base64.urlsafe_b64encode(os.urandom(_TOKEN_BYTES)).decode(), os.urandom(_KEY_BYTES).hex()
        terms = SessionTerms(caller, access, rules, process, key, patience.reason(), Secret(token))
        asked = IssueAuthority(terms.key, clocks.wall_ns() // 1_000_000_000)
        certificate = (await service.keyholder.ask(asked, AuthorityMade)).blobs[0]
        bound = tuple(name for name in variables if any(rule.concerns(name) for rule in rules))
        session = await _begin(service, terms, view, token, bound, strict=strict)
    except BaseException:
        view.release()
        raise
    return OpenedProxy(session, view, token, certificate, base_urls(rules))


def _rules(service: Service, access: AccessRequest, variables: list[str]) -> tuple[ProxyRule, ...]:
    rules = session_rules((service.settings.load().proxy or ProxySettings()).rules, variables)
    if not rules:
        raise BadRequest(
            f"no variable of {access.level} has a rule, so the proxy would have nothing to put in",
            "`envfs proxy --help` says how one is written",
        )
    return rules


async def _begin(
    service: Service, terms: SessionTerms, view: View, token: str, bound: tuple[str, ...], *, strict: bool
) -> RunningSession:
    own = service.settings.load().proxy or ProxySettings()
    vault, only = service.open_vault.vault, terms.access.face.only
    values = await bind_values(vault, service.keyholder, view, bound, only)
    process = None
    try:
        process = ProxyProcess()
        rows = tuple(map(rule_row, terms.rules))
        begin = BeginSession(token, rows, values.size, strict or own.strict, own.roots)
        port = await process.begin(begin, values.descriptor)
        view.check()  # a lock that came meanwhile met no session to end
        return service.proxies.add(
            terms._replace(canaries=values.canaries), process, port, partial(serve_session, service)
        )
    except BaseException:
        if process is not None:
            process.close()
        raise
    finally:
        os.close(values.descriptor)
