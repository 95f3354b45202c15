"""A world of its own for a page: a copy of this machine's files that is gone afterwards.

It has users, processes and a network of its own. The copy is an overlay, so it costs nothing.
All that was started in it ends with it.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from tests.documents.page import ROOT
from tests.system.home import eventually

ENVFS = Path(sys.executable).with_name("envfs")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_BEGIN = r"""
set -e
mount --make-rprivate /
mount -t tmpfs none "$W" -o mode=755
mkdir "$W/upper" "$W/work" "$W/root"
mount -t overlay none "$W/root" -o "lowerdir=/,upperdir=$W/upper,workdir=$W/work"
cd "$W/root"
mkdir -p ".$CHECKOUT"
mount --rbind "$CHECKOUT" ".$CHECKOUT"
mount --rbind /dev dev
mount --rbind /sys sys
mount -t proc proc proc
mount -t tmpfs none run -o mode=755
rm -rf etc/envfs var/lib/envfs mnt/envfs root/.config/envfs
ip link set lo up
mkdir -p usr/local/bin root/shop
ln -sf "$ENVFS" usr/local/bin/envfs
echo "127.0.0.1 localhost server $(uname -n)" > etc/hosts
exec chroot . /bin/sleep infinity
"""


class World:
    """The world. `folder` is an empty folder, whose content nobody but the world sees."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._inner = 0
        self._started: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        environment = {"PATH": PATH, "W": str(self._folder), "CHECKOUT": str(ROOT), "ENVFS": str(ENVFS)}
        self._outer = subprocess.Popen(
            ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "bash", "-c", _BEGIN],
            env=environment,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,  # it complains of how its child ended
        )
        eventually(self._has_begun, "the world begins")
        return self

    def __exit__(self, *_: object) -> None:
        os.kill(self._inner, signal.SIGKILL)  # the first process: with it all end
        self._outer.wait()
        for process in self._started:
            process.wait()

    def words(self, *words: str, user: str = "", has_terminal: bool = False) -> list[str]:
        """Return the words that run a command in the world, as a user's or as root's, in a session of its own."""
        into = ["nsenter", f"--target={self._inner}", "--mount", "--net", "--pid", "--root", "--wd"]
        as_user = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups"] if user else []
        return [*into, "setsid", "--wait", *(["--ctty"] if has_terminal else []), *as_user, *words]

    def run(self, script: str) -> None:
        """Run a script as root. It must not fail."""
        done = subprocess.run(
            self.words("bash", "-euc", f"cd /root/shop\n{script}"),
            env=self.environment(""),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 0, f"the page's script: {script}\n{done.stdout}{done.stderr}"

    def start(self, script: str) -> None:
        """Start a script as root, which goes on by itself."""
        self._started.append(
            subprocess.Popen(
                self.words("bash", "-euc", f"cd /root/shop\n{script}"),
                env=self.environment(""),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )

    def environment(self, user: str) -> Mapping[str, str]:
        """Return what a user's shell begins with."""
        home = f"/home/{user}" if user else "/root"
        runtime = {"XDG_RUNTIME_DIR": f"{home}/run"} if user else {}
        return {
            "HOME": home,
            "USER": user or "root",
            "LOGNAME": user or "root",
            "SHELL": "/bin/bash",
            "PATH": PATH,
            "TERM": "xterm",
            "LANG": "C.UTF-8",
            **runtime,
        }

    def _has_begun(self) -> bool:
        assert self._outer.poll() is None, "the world does not begin"
        children = Path(f"/proc/{self._outer.pid}/task/{self._outer.pid}/children").read_text().split()
        if not children:
            return False
        self._inner = int(children[0])
        return Path(f"/proc/{self._inner}/comm").read_text() == "sleep\n"
