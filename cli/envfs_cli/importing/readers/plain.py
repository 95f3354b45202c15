"""Texts that every reader of `.env` files reads alike: no quotes, no signs, no name twice over several lines."""

import re

_PLAIN = re.compile(r"(?:[A-Za-z_][A-Za-z0-9_]*=(?:[A-Za-z0-9_./:@%+,^-][A-Za-z0-9_./:@%+,^=-]*)?\n|#[^\n\r]*\n|\n)*")


def is_plain(content: str) -> bool:
    """Tell whether there is nothing in a text that anybody reads otherwise."""
    return _PLAIN.fullmatch(content) is not None
