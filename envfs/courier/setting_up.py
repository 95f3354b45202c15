"""`envfs store init ADDRESS`: an engine is prepared by its administrator, in a process of its own.

Law: the address comes on standard input, as it may hold a password. On standard output goes one JSON object, with what
the administrator has to know, or with an error.
"""

import os
import sys

import trio

from envfs.courier.address import Address, parse_address
from envfs.courier.connecting import missing_library
from envfs.errors import BadRequest, EnvFSError
from envfs.host import surprises
from envfs.host.process import hardening
from envfs.protocol import jsontext

_MOST_BYTES = 1 << 16


def main() -> int:
    """Prepare the engine that standard input names. Returns an exit status."""
    hardening.harden()
    hardening.give_up_privileges()
    hardening.end_with(os.getppid())
    try:
        answer = _answer(os.read(0, _MOST_BYTES))
    except EnvFSError as error:
        answer = {"code": error.code, "text": error.text, "hint": error.hint}
    except BaseException as error:  # noqa: BLE001 - whatever it is, its text may hold a password
        surprises.report_bug(error)
        return 1
    os.write(1, jsontext.encode_json(answer))
    return 0


def _answer(asked: bytes) -> dict[str, object]:
    request = jsontext.decode_json(asked)
    if not isinstance(request, dict) or not isinstance(request.get("members"), list):
        raise BadRequest("not a request to prepare an engine")
    address = parse_address(str(request.get("address")))
    members = [str(name) for name in request["members"]]
    return {"told": trio.run(_set_up, address, members)}


async def _set_up(address: Address, members: list[str]) -> str:
    match address.scheme:
        case "postgres":
            try:
                from envfs.courier.engines.postgres import setting_up as postgres  # noqa: PLC0415 - it may be missing
            except ImportError:
                raise missing_library(address) from None
            return await postgres.set_up(address, members)
        case "etcd":
            from envfs.courier.engines.etcd import setting_up as etcd  # noqa: PLC0415 - as the other

            if members:
                raise BadRequest("etcd knows no members", "it admits each certificate of its authority")
            return await etcd.set_up(address)
        case _:
            raise BadRequest(f"an engine for {address.scheme} needs no preparation", "PostgreSQL and etcd do")


if __name__ == "__main__":
    sys.exit(main())
