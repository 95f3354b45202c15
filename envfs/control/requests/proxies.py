"""Requests about the proxy: a session for a command, the sessions that run, the rules."""

from functools import partial

from envfs.control.call import Call, Sent
from envfs.control.requests.rules import user_name
from envfs.control.requests.views import command_blobs, tell_waiting
from envfs.core import names
from envfs.core.access_request import AccessRequest, Channel, Format
from envfs.errors import BadRequest, EnvFSError, NotApproved
from envfs.gate.approvals.board import Patience
from envfs.protocol.control import (
    VIEW_END,
    BaseUrl,
    Done,
    ListProxies,
    ListProxyRules,
    OpenProxy,
    ProxyOpened,
    ProxyRow,
    ProxyRuleRow,
    StopProxy,
)
from envfs.proxy.catalogue import session_rules, untested
from envfs.service.proxies.starting import open_session
from envfs.service.proxy_processes.sessions import RunningSession


async def open_proxy(call: Call, request: OpenProxy) -> Sent:
    """Start a session and send what its command needs."""
    level, service = names.parse_level(request.level), call.service
    for name in request.only:
        names.parse_variable(name)
    face = service.open_vault.gate.face(call.caller, level)
    access = AccessRequest(level, Channel.PROXY, Format.PROXY, 0, face, tuple(request.only))
    service.open_vault.reader.check(call.caller, access)
    patience = Patience(call.left, lambda: request.reason, partial(tell_waiting, call))
    process = call.peer.process()
    opened = await open_session(service, call.caller, process, access, patience, strict=request.strict)
    try:
        blobs = command_blobs(opened.view, request.only)
    except EnvFSError:
        opened.session.end()
        opened.view.release()
        raise
    urls = tuple(BaseUrl(variable, rule, path) for variable, (rule, path) in opened.base_urls.items())
    token = opened.token.encode()
    dangerous = opened.view.dangerous_names(access.variables)
    reply = ProxyOpened(opened.session.name, opened.session.port, len(token), len(opened.certificate), urls, dangerous)
    return Sent(reply, (token, opened.certificate, *blobs, VIEW_END), opened.view.check, opened.view.release)


async def list_proxies(call: Call, _request: ListProxies) -> Sent:
    """Send the sessions that the caller may know of."""
    _ = call.service.open_vault  # without one there is nothing to run for
    await call.send_rows(_row(session) for session in call.service.proxies if _may_know(call, session))
    return Sent(Done())


async def stop_proxy(call: Call, request: StopProxy) -> Sent:
    """End a session. Raises BadRequest if there is none that the caller may know of."""
    _ = call.service.open_vault
    session = call.service.proxies.find(request.session)
    if session is None or not _may_know(call, session):
        raise BadRequest("there is no session of that name", "`envfs proxy ls` lists them")
    session.end()
    return Sent(Done())


async def list_proxy_rules(call: Call, request: ListProxyRules) -> Sent:
    """Send the rules of the settings, or those that the variables of a level have.

    Raises:
        NotApproved: the settings are not this caller's
    """
    own = call.service.settings.load().proxy
    rules = own.rules if own is not None else ()
    if request.level:
        access = AccessRequest(names.parse_level(request.level), Channel.SOCKET, Format.NAMES)
        origins = await call.service.open_vault.reader.names(call.caller, access)
        chosen = session_rules(rules, [name for name, _ in origins])
    elif call.caller.is_user(call.service.owner):
        chosen = rules
    else:
        raise NotApproved(
            "the rules of the settings are for the owner", "`envfs proxy rules LEVEL` lists those of a level"
        )
    for rule in chosen:
        source = "settings" if rule in rules else "catalogue"
        hosts = tuple(endpoint.authority for endpoint in rule.hosts)
        places = tuple(place.text for place in rule.places)
        limits, reason = (rule.methods, rule.paths), "" if rule in rules else untested(rule)
        await call.send_row(
            ProxyRuleRow(rule.name, rule.key, hosts, places, *limits, source, rule.approve.value, rule.test, reason)
        )
    return Sent(Done())


def _may_know(call: Call, session: RunningSession) -> bool:
    return call.caller.is_user(call.service.owner) or call.caller.is_user(session.terms.caller.uid)


def _row(session: RunningSession) -> ProxyRow:
    terms = session.terms
    return ProxyRow(
        session=session.name,
        level=terms.access.level,
        uid=terms.caller.uid,
        user=user_name(terms.caller.uid),
        pid=terms.process.pid,
        port=session.port,
        rules=tuple(rule.name for rule in terms.rules),
        requests=session.requests,
        refusals=session.refusals,
    )
