"""Compile `envfs`, the program before the interpreter (cli/launcher.c), when a wheel or a checkout is installed.

pyfuse3 comes as source, so a C compiler, the headers of Python and those of libfuse are needed once. An installer asks
for the requirements of a build first: so what is missing is said there, by the names of Debian's packages, before
anything is compiled. `CC`, `CPPFLAGS`, `CFLAGS` and `LDFLAGS` are respected.
"""

import os
import shlex
import shutil
import subprocess
import sysconfig
import tempfile

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_PARTS = ("launcher", "direct", "view_request", "completion", "conversation")
_SOURCES = [os.path.join("cli", f"{part}.c") for part in _PARTS]
_NOT_IN_A_TEXT = "\"'\\\n"


class LauncherHook(BuildHookInterface[object]):
    """What hatchling calls around a build."""

    def dependencies(self) -> list[str]:
        """Say what is missing. No more packages are needed."""
        if self.target_name == "wheel":
            _check_system()
        return []

    def initialize(self, version: str, build_data: dict[str, object]) -> None:
        """Compile, and have the program put where the commands of the environment are."""
        if self.target_name != "wheel":
            return
        self._folder = tempfile.mkdtemp(prefix="envfs-launcher-")
        program = os.path.join(self._folder, "envfs")
        compiler = _compiler()
        flags = _words("CPPFLAGS") + _words("CFLAGS", "-O2") + _words("LDFLAGS")
        if version == "editable" and not set(self.root) & set(_NOT_IN_A_TEXT):
            flags.append(f'-DCHECKOUT="{self.root}"')
        sources = [os.path.join(self.root, source) for source in _SOURCES]
        command = [*compiler, *flags, "-o", program, *sources]
        subprocess.run(command, check=True)
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform}"
        build_data["shared_scripts"] = {program: "envfs"}

    def finalize(self, version: str, build_data: dict[str, object], artifact_path: str) -> None:  # noqa: ARG002
        """Leave nothing behind."""
        if self.target_name == "wheel":
            shutil.rmtree(self._folder)


def _words(variable: str, default: str = "") -> list[str]:
    return shlex.split(os.environ.get(variable, default))


def _compiler() -> list[str]:
    return _words("CC") or ["cc"]


def _check_system() -> None:
    missing = []
    if shutil.which(_compiler()[0]) is None:
        missing += ["gcc", "libc6-dev"]
    if shutil.which("pkg-config") is None:
        missing += ["pkg-config", "libfuse3-dev"]
    elif subprocess.run(["pkg-config", "--exists", "fuse3"], check=False).returncode:
        missing.append("libfuse3-dev")
    if not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")):
        missing.append("python3-dev")
    if missing:
        packages = " ".join(missing)
        raise SystemExit(f"\nenvfs: these are missing, and are needed to compile: sudo apt-get install {packages}\n")
