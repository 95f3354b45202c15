"""The other tools themselves, each run as its user would, with a home of its own and no service of its maker."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.system.home import ENVFS, SECONDS, Home, Said

TOOLS = Path(__file__).parents[2] / ".other-tools" / "bin"  # what contrib/install-other-tools brings
VALUES = {
    "STRIPE_KEY": "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
    "WORKERS": "8",
    "MOTTO": 'it\'s "one" # line, and another $one',
    "TLS_KEY": "-----BEGIN KEY-----\nXk29dQ7vLm\n-----END KEY-----\n",
    "PLACE": "Zürich ✓",
}


def needs(*names: str) -> pytest.MarkDecorator:
    """Leave a test out where `make other-tools` has not installed these."""
    missing = [name for name in names if not (TOOLS / name).exists()]
    return pytest.mark.skipif(bool(missing), reason="`make other-tools` installs what this takes")


class OtherTool:
    """Runs the other tools, and `envfs` for a home, in a folder that is their home folder as well."""

    def __init__(self, folder: Path, home: Home, environ: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self._home = home
        self._environ = {
            "PATH": f"{TOOLS}:{Path(ENVFS).parent}:{os.environ['PATH']}",
            "HOME": str(folder),
            "SOPS_DISABLE_VERSION_CHECK": "1",
            "DOPPLER_ENABLE_VERSION_CHECK": "false",
            "DO_NOT_TRACK": "1",
            **(environ or {}),
        }

    def run(self, *words: str, given: str | None = None, status: int = 0, **environ: str) -> Said:
        """Run a command. Its exit status has to be this one."""
        done = subprocess.run(
            words,
            cwd=self.folder,
            env=self._home.environ({**self._environ, **environ}),
            input=None if given is None else given.encode(),
            stdin=subprocess.DEVNULL if given is None else None,
            capture_output=True,
            check=False,
            timeout=2 * SECONDS,
        )
        said = Said(done.returncode, done.stdout, done.stderr)
        assert said.status == status, (words, said)
        return said

    def shell(self, script: str, *, status: int = 0, **environ: str) -> str:
        """Run a line of bash, and return what it prints."""
        return self.run("bash", "-uc", script, status=status, **environ).text

    def write(self, name: str, text: str) -> Path:
        """Write a file in the folder."""
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def values(self, level: str) -> dict[str, str]:
        """Return what a program gets that `envfs exec` starts, of the names in `VALUES`."""
        return {name: self.run("envfs", "get", level, name).text.removesuffix("\n") for name in VALUES}


WITHOUT_LAST_BREAK = {name: value.removesuffix("\n") for name, value in VALUES.items()}  # as `get` prints them
