"""The variables of a view as the daemon sends them: NAME=value, each ended by a NUL."""


def variables_of(environ: bytes) -> "dict[str, str]":
    """Return the values by their names."""
    pairs = (entry.partition(b"=") for entry in environ.split(b"\0")[:-1])
    return {name.decode(): value.decode() for name, _, value in pairs}
