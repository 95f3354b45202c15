"""A world of its own for people: a server of ssh by the name `server`, the users ana, ben and vault, and homes.

It is a namespace of mounts, of processes and of the network, so it takes root, nothing of this machine is changed, and
all that was started in it ends with it. `envfs` is in the PATH of each user, and ssh is on its ordinary port.
"""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Self

from tests.system.home import eventually
from tests.system.terminal import Terminal

UIDS = {"ana": 7001, "ben": 7002, "vault": 7003}
_BEGIN = r"""
set -e
mount --make-rprivate /
mount -t proc proc /proc
cp /etc/passwd /etc/hosts "$W/"
for user in $PEOPLE; do
  echo "${user%:*}:*:${user#*:}:${user#*:}::$W/${user%:*}:/bin/sh" >> "$W/passwd"
done
echo "127.0.0.1 server" >> "$W/hosts"
mount --bind "$W/passwd" /etc/passwd
mount --bind "$W/hosts" /etc/hosts
mkdir -p /run/sshd
for folder in /srv /run/sshd; do mount -t tmpfs none $folder -o mode=755; done
for user in $PEOPLE; do
  mkdir "$W/${user%:*}"
  mkdir -m 700 "$W/${user%:*}/.ssh" "$W/${user%:*}/run"
done
for user in ana ben; do ssh-keygen -q -t ed25519 -N '' -f $W/$user/.ssh/id_ed25519; done
cp $W/ana/.ssh/id_ed25519.pub $W/vault/.ssh/authorized_keys
cp $W/ben/.ssh/id_ed25519.pub $W/ana/ben.pub
for user in $PEOPLE; do chown -R "${user#*:}:${user#*:}" "$W/${user%:*}"; done
chown 7003:7003 /srv
mkdir $W/bin
ln -s "$ENVFS" $W/bin/envfs
ip link set lo up
ssh-keygen -q -t ed25519 -N '' -f /run/sshd/host
cat > /run/sshd/config <<END
ListenAddress 127.0.0.1
HostKey /run/sshd/host
UsePAM no
PidFile none
StrictModes no
SetEnv PATH=$W/bin:/usr/bin:/bin
END
touch "$W/ready"
/usr/sbin/sshd -D -e -f /run/sshd/config 2> "$W/sshd"
"""


class SmallWorld:
    """The world. Its files are below `folder`, which other users can pass."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._inner = 0

    def __enter__(self) -> Self:
        people = " ".join(f"{name}:{uid}" for name, uid in UIDS.items())
        envfs = str(Path(sys.executable).with_name("envfs"))
        environment = {"PATH": "/usr/sbin:/sbin:/usr/bin:/bin", "W": str(self.folder), "PEOPLE": people, "ENVFS": envfs}
        self._outer = subprocess.Popen(
            ["unshare", "-m", "-n", "-p", "--fork", "--kill-child", "bash", "-c", _BEGIN],
            env=environment,
            stdin=subprocess.DEVNULL,
        )
        eventually((self.folder / "ready").exists, "the server of ssh begins")
        children = Path(f"/proc/{self._outer.pid}/task/{self._outer.pid}/children")
        self._inner = int(children.read_text().split()[0])
        return self

    def __exit__(self, *_: object) -> None:
        os.kill(self._inner, signal.SIGKILL)  # the first process: with it all end
        self._outer.wait()
        shutil.rmtree(self.folder)

    def terminal(self, user: str, command: str, columns: int = 80) -> Terminal:
        """Run a line of a shell at a terminal of a user's."""
        return Terminal(self.words(user, command), self._environment(user), columns=columns)

    def run(self, user: str, command: str, given: str = "") -> str:
        """Run a line of a shell without a terminal. Returns what it printed."""
        words = self.words(user, command)
        done = subprocess.run(
            words, env=self._environment(user), input=given, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, (done.stdout, done.stderr)
        return done.stdout

    def words(self, user: str, command: str) -> list[str]:
        uid = UIDS[user]
        into = ["nsenter", "-t", str(self._inner), "-m", "-n", "-p"]
        return [*into, "setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "sh", "-c", f"cd; {command}"]

    def _environment(self, user: str) -> dict[str, str]:
        home = self.folder / user
        return {
            "HOME": str(home),
            "USER": user,
            "LOGNAME": user,
            "PATH": f"{self.folder}/bin:/usr/bin:/bin",
            "TERM": "dumb",
            "LANG": "C.UTF-8",
            "XDG_RUNTIME_DIR": str(home / "run"),
        }
