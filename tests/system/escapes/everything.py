"""All attempts, for a process inside a fence: it prints what each of them got, null for nothing."""

import json
import os
import shutil
from pathlib import Path

from tests.system.escapes import files, gateway, kernel, network, processes, proxy
from tests.system.escapes.trying import FACTS

_HERE, _PLACE = Path(__file__).parent, Path("tests", "system", "escapes")
_START = "import sys; sys.path.insert(0, {!r}); from tests.system.escapes.everything import main; main({!r})"


def program(folder: Path, facts: dict[str, object]) -> str:
    """Return the program for `python -c` that tries everything. `facts` say where things are outside.

    The attempts are copied to `folder`, for a fence may hide the place of these here.
    """
    shutil.copytree(_HERE, folder / _PLACE, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    return _START.format(str(folder), json.dumps(facts))


def main(facts: str) -> None:
    """Try all of them."""
    FACTS.update(json.loads(facts))
    tables = (files.ATTEMPTS, network.ATTEMPTS, processes.ATTEMPTS, kernel.ATTEMPTS)
    attempts = [pair for table in tables for pair in table.items()]
    if "HTTPS_PROXY" in os.environ:
        attempts += proxy.proxy_attempts()
    if "ENVFS_FENCE_GATEWAY" in os.environ:
        attempts += gateway.gateway_attempts()
    results: dict[str, str | None] = {}
    for name, attempt in attempts:
        try:
            got = attempt()
        except (OSError, ValueError, OverflowError):
            got = None
        results[name] = None if got is None else repr(got)[:300]
    print(json.dumps(results))
