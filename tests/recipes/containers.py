"""Real containers without a registry: podman, and an image of busybox and nothing else."""

import shutil
import subprocess
from pathlib import Path

from tests.system.home import SECONDS

IMAGE = "localhost/shop"
_APPLETS = ("sh", "cat", "env", "id", "ls")
# what this machine may not change for a container, a container does without: limits, and control groups of two kinds
_CRUN = """\
#!/usr/bin/env python3
import json, os, sys
for word, path in zip(sys.argv, sys.argv[1:]):
    if word == "--bundle":
        with open(f"{path}/config.json", encoding="utf-8") as file:
            config = json.load(file)
        config["process"].pop("rlimits", None)
        with open(f"{path}/config.json", "w", encoding="utf-8") as file:
            json.dump(config, file)
os.execv(%r, ["crun", *sys.argv[1:]])
"""
_PODMAN = """\
#!/bin/sh
exec %s --storage-driver vfs --root %s --runroot %s --runtime %s "$@"
"""
_SETTINGS = '[containers]\ncgroups = "disabled"\nnetns = "none"\n'
_APART = 'umount -R /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup; exec "$@"'
# docker's own interface, as podman speaks it: $1 is podman, $2 the socket
_SERVED = """\
podman=$1 socket=$2
shift 2
"$podman" system service --time 0 "unix://$socket" &
while ! [ -S "$socket" ]; do sleep 0.1; done
DOCKER_HOST=unix://$socket "$@"
status=$?
kill $!
wait
rm -f "$socket"
exit $status
"""


class Containers:
    """A podman of its own in a folder, with the image `localhost/shop`."""

    def __init__(self, folder: Path) -> None:
        """Make it."""
        crun, podman = shutil.which("crun"), shutil.which("podman")
        assert crun, "`make recipes` installs crun"
        assert podman, "`make recipes` installs podman"
        self.folder = folder
        self.settings = folder / "containers.conf"
        self.settings.write_text(_SETTINGS, encoding="utf-8")
        runtime = folder / "crun"
        runtime.write_text(_CRUN % crun, encoding="utf-8")
        self.podman = folder / "podman"
        self.podman.write_text(_PODMAN % (podman, folder / "root", folder / "run", runtime), encoding="utf-8")
        for path in (runtime, self.podman):
            path.chmod(0o755)
        image = folder / "image"
        (image / "bin").mkdir(parents=True)
        shutil.copy("/bin/busybox", image / "bin")
        for applet in _APPLETS:
            (image / "bin" / applet).symlink_to("busybox")
        (image / "etc").mkdir()
        tar = folder / "image.tar"
        subprocess.run(["tar", "-C", image, "-cf", tar, "."], check=True, timeout=SECONDS)
        words = [self.podman, "import", "-q", tar, IMAGE]
        done = subprocess.run(words, check=False, timeout=SECONDS, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    def words(self, *words: str | Path) -> list[str | Path]:
        """Return the words that run a command where podman can make containers."""
        settings = f"CONTAINERS_CONF={self.settings}"
        return ["env", settings, "unshare", "--mount", "--propagation", "slave", "sh", "-c", _APART, "sh", *words]

    def served(self, *words: str | Path) -> list[str | Path]:
        """Return the words that run a command of docker there."""
        return self.words(
            "timeout", str(SECONDS), "sh", "-c", _SERVED, "sh", self.podman, self.folder / "socket", *words
        )
