"""The line end of a value: what `set`, `rotate` and `find` take from a pipe and from a person."""


def without_line_end(value: str) -> str:
    """Return a value without the line end that it has if it is of one line."""
    if "\n" in value[:-1]:
        return value  # of several lines, as a key has them, the last line end is a part
    return value.removesuffix("\r\n") if value.endswith("\r\n") else value.removesuffix("\n")
