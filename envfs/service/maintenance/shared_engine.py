"""The engine of a vault: its address is looked at, and written into the settings.

Laws: a vault that has an engine is given no other one. An address with a password is not written anywhere.
"""

from envfs.core import events
from envfs.core.access.caller import Caller
from envfs.core.operations import KeyOperation
from envfs.courier.address import Address, parse_address
from envfs.errors import AlreadyExists, BadRequest
from envfs.service.service import Service


def check_engine(service: Service, engine: str) -> Address:
    """Parse an address that this vault could have as its engine.

    Raises:
        BadRequest: it is no address, or has a password
        AlreadyExists: the settings name another engine
    """
    address = parse_address(engine)
    if address.password is not None:
        raise BadRequest("a password is not written into the settings", "use a certificate, or a file: passfile=")
    present = service.settings.load().engine
    if present not in ("", engine):
        raise AlreadyExists(
            "this vault is shared by another engine",
            "`envfs sync status` shows it; to move, change `engine` under [store] in the settings",
        )
    return address


def choose_engine(service: Service, caller: Caller, engine: str) -> None:
    """Write an engine into the settings, and connect to it.

    Raises:
        BadRequest: it is no address, or has a password
        AlreadyExists: the settings name another engine
    """
    address = check_engine(service, engine)
    if service.settings.load().engine != engine:
        service.log.append_durably(events.identity_changed(KeyOperation.ENGINE, str(address)), caller)
        service.settings.set_engine(engine)
    service.sharing.wake()
