"""The request that looks for values in a text. Open to every uid: the gate decides at each level."""

import fcntl
import os

from envfs.control.call import Call, Sent
from envfs.control.requests.damage import fault_row
from envfs.core import names
from envfs.core.access_request import AccessRequest, Channel, Format
from envfs.errors import AuthenticationFailed, BadRequest
from envfs.gate.scanning import FoundLeak, ScannedText
from envfs.protocol.control import CONTENT_BYTES, ContentScanned, LeakRow, ScanContent


async def scan_content(call: Call, request: ScanContent) -> Sent:
    """Send where values stand in a text.

    Raises:
        BadRequest: the text is no memory that stays as large as it is, or it is too large
        NotApproved: there is no level whose values the caller may have
        NoSuchLevel: there is no such level
    """
    open_vault, level = call.service.open_vault, names.parse_level(request.level)
    open_vault.reader.check(call.caller, AccessRequest(level, Channel.SOCKET, Format.NAMES))
    (descriptor,) = call.descriptor("the text")
    _check_text(descriptor, request.size)
    text = ScannedText(descriptor, request.size, level, request.everything)
    result = await open_vault.scanning.scan(call.caller, call.peer.process(), text)
    for damaged, reason in result.damaged:
        await call.send_row(fault_row(damaged, AuthenticationFailed(reason)))
    await call.send_rows(map(_row, result.leaks))
    notes = tuple(f"{reason}, and was not searched" for reason in result.locked)
    counts = result.levels, result.withheld, result.values, result.ordinary, result.short
    return Sent(ContentScanned(*counts, result.more, notes))


def _check_text(descriptor: int, size: int) -> None:
    if not 0 <= size <= CONTENT_BYTES:
        raise BadRequest(f"a text has at most {CONTENT_BYTES} bytes")
    try:
        seals = fcntl.fcntl(descriptor, fcntl.F_GET_SEALS)
    except OSError:
        seals = 0
    if not seals & fcntl.F_SEAL_SHRINK:  # a reader of memory that is gone would be killed
        raise BadRequest("the text must be in memory that cannot shrink (F_SEAL_SHRINK)")
    if size > os.fstat(descriptor).st_size:
        raise BadRequest("the text is shorter than the request says")


def _row(leak: FoundLeak) -> LeakRow:
    (level, name), *others = leak.variables
    return LeakRow(leak.offset, level, name, leak.form, tuple(f"{level} {name}" for level, name in others))
