"""Durations as people write them: `30s`, `15m`, `1h`, `7d`."""

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def parse_duration(text: str) -> int:
    """Read a duration. ValueError for anything else, and for one of nothing."""
    number, unit = text[:-1], text[-1:]
    if not (number.isascii() and number.isdigit()) or unit not in _UNITS or not int(number):
        raise ValueError("not a duration")
    return int(number) * _UNITS[unit]
