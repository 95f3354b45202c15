"""All attempts, for a process inside a fence: it prints what each of them got, null for nothing."""

import json
import os
from pathlib import Path

from tests.system.escapes import files, kernel, network, processes, proxy
from tests.system.escapes.trying import FACTS

ROOT = Path(__file__).parents[3]
_START = "import sys; sys.path.insert(0, {!r}); from tests.system.escapes.everything import main; main({!r})"


def program(facts: dict[str, object]) -> str:
    """Return the program for `python -c` that tries everything. `facts` say where things are outside."""
    return _START.format(str(ROOT), json.dumps(facts))


def main(facts: str) -> None:
    """Try all of them."""
    FACTS.update(json.loads(facts))
    tables = (files.ATTEMPTS, network.ATTEMPTS, processes.ATTEMPTS, kernel.ATTEMPTS)
    attempts = [pair for table in tables for pair in table.items()]
    if "HTTPS_PROXY" in os.environ:
        attempts += proxy.proxy_attempts()
    results: dict[str, str | None] = {}
    for name, attempt in attempts:
        try:
            got = attempt()
        except (OSError, ValueError, OverflowError):
            got = None
        results[name] = None if got is None else repr(got)[:300]
    print(json.dumps(results))
