"""The address of an engine as a person types it."""

import os
import sys

from envfs.errors import BadRequest

_MOST_LETTERS = 1 << 12


def engine_address(text: str) -> str:
    """Return an address with whole paths. A path alone is a folder, and `-` stands for a line of standard input.

    Raises:
        BadRequest: it has a password, and every user can read arguments
    """
    if text == "-":
        return sys.stdin.readline(_MOST_LETTERS).strip()
    if ":" not in text.partition("/")[0]:
        return f"folder:{os.path.abspath(text)}"
    if ":" in text.partition("://")[2].partition("/")[0].rpartition("@")[0]:
        raise BadRequest("an argument is no place for a password", "give - and the address on standard input")
    return _with_whole_paths(text)


def _with_whole_paths(text: str) -> str:
    # the process that opens these files is in another folder
    start, mark, query = text.partition("?")
    pairs = [pair.partition("=") for pair in query.split("&")] if mark else []
    return start + mark + "&".join(f"{name}{sign}{os.path.abspath(path)}" for name, sign, path in pairs)
