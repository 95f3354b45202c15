"""Compile `envfs`, the program before the interpreter (cli/launcher.c), when a wheel or a checkout is installed.

pyfuse3 comes as source, so a C compiler is there. `CC` and `CFLAGS` are respected.
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

    def initialize(self, version: str, build_data: dict[str, object]) -> None:
        """Compile, and have the program put where the commands of the environment are."""
        if self.target_name != "wheel":
            return
        self._folder = tempfile.mkdtemp(prefix="envfs-launcher-")
        program = os.path.join(self._folder, "envfs")
        compiler = shlex.split(os.environ.get("CC") or "cc")
        flags = shlex.split(os.environ.get("CFLAGS", "-O2"))
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
