"""The start of pyfuse3 without a look for its own version, which takes five times as long as all else of it."""

from typing import NoReturn

from envfs.host import left_out


def load_pyfuse3() -> None:
    """Load pyfuse3, as every other module finds it. Its version is `unknown`."""
    metadata = {"PackageNotFoundError": LookupError, "version": _version}
    left_out.load_without("pyfuse3", (), {"importlib.metadata": metadata})


def _version(name: str) -> NoReturn:
    raise LookupError(name)
