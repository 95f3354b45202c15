"""The forms in which a value may stand in a text."""

from enum import StrEnum


class ValueForm(StrEnum):
    """How it is written there."""

    PLAIN = "plain"
    JSON = "json"
    URL = "url"
    SHELL = "shell"
    HTML = "html"
    BASE64 = "base64"
    HEX = "hex"
    UTF_16 = "utf-16"
