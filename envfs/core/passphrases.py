"""How a passphrase is read from bytes, so that what looks the same opens the same, however it was typed or saved.

Law: a new passphrase is made of its one spelling. An old one opens by each spelling that it may have been made of.
"""

import codecs
import unicodedata

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # what some editors and shells of Windows begin a text with


def decode_passphrase(data: bytes) -> str:
    """Return the one spelling: no byte order mark, no line end behind it, composed characters (Unicode's NFC).

    Raises:
        UnicodeDecodeError: it is no text
    """
    # by the interpreter's own decoders: the keyholder may open no file, and so import none
    text = (
        codecs.utf_16_decode(data, "strict", True)[0]
        if data.startswith(_UTF16)
        else data.removeprefix(codecs.BOM_UTF8).decode()
    )
    return unicodedata.normalize("NFC", text.rstrip("\r\n"))


def passphrase_spellings(data: bytes) -> tuple[str, ...]:
    """Return what a passphrase may have been made of, the likeliest first: passphrases were once taken byte for byte.

    Raises:
        UnicodeDecodeError: it is no text
    """
    text = decode_passphrase(data)
    try:
        letter = data.decode().removesuffix("\n")
    except UnicodeDecodeError:
        letter = text
    return tuple(dict.fromkeys((text, letter, unicodedata.normalize("NFD", text))))
