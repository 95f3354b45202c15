"""The administrator's part of a folder: it is made, and tried whether a name is given once.

Law: what is tried leaves nothing behind, and nothing that a member could take for a record.
"""

import os
from contextlib import suppress
from pathlib import Path

import trio

from envfs import safe_open
from envfs.courier.address import Address
from envfs.errors import StoreUnavailable
from envfs.host import keyed_files, private_files

_SAID = """\
The folder {path} is ready.
A record in it is written once: a second one of the same name was refused.
A user who may write to the folder can remove and replace records too. The
mirrors of the others notice it, and put back the records that they have.
A member who comes over ssh can add and read alone, by the line that
`envfs store invite` prints.
Where a program such as Syncthing copies the folder between machines, two of
them may write one record at the same time. One of them loses, and notices it.
"""


def make_place(address: Address) -> None:
    """Make the folder of an address, for this user alone, if it has one. Those above it too.

    Raises:
        StoreUnavailable: it cannot be made
    """
    if address.scheme == "folder":
        try:
            private_files.make_folder(Path(address.path))
        except OSError as error:
            raise StoreUnavailable(f"cannot make {address.path}: {safe_open.error_words(error)}") from None


async def set_up(address: Address) -> str:
    """Try a folder. Return what its administrator has to know.

    Raises:
        StoreUnavailable: it cannot be written, or a name is given twice there
    """
    await trio.to_thread.run_sync(_try_names, address.path)
    return _SAID.format(path=address.path)


def _try_names(path: str) -> None:
    name = f"{path}/{keyed_files.TEMPORARY}probe-{os.urandom(6).hex()}"
    try:
        answers = keyed_files.store_new_file(name, b"first"), keyed_files.store_new_file(name, b"second")
        content = safe_open.read_file(name, len(b"second"))
    except OSError as error:
        raise StoreUnavailable(f"cannot write to {path}: {safe_open.error_words(error)}") from None
    finally:
        with suppress(OSError):
            os.unlink(name)
    if answers != (True, False) or content != b"first":
        raise StoreUnavailable(
            f"the file system of {path} gives a name twice", "choose a folder on another file system"
        )
