"""Text of others as a terminal may show it: control characters are made visible, and no name rewrites the screen."""


def visible_text(text: str) -> str:
    r"""Return a text in which each character that is not printable is its number, as in `\x1b`."""
    return text if text.isprintable() else "".join(map(_visible, text))


def _visible(letter: str) -> str:
    return letter if letter.isprintable() else f"\\x{_number(letter):02x}"


def _number(letter: str) -> int:
    # a byte that is not UTF-8, of an argument or a file's name, is a surrogate here
    return ord(letter) - 0xDC00 if "\udc80" <= letter <= "\udcff" else ord(letter)
