"""What there is outside of a fence, to be reached in vain from inside."""

import contextlib
import ctypes
import os
import socket
import subprocess
from pathlib import Path

from envfs.protocol.control.vocabulary import REQUESTS
from envfs_cli.fencing import gateway_words
from tests.component.proxying import HOST, Upstream
from tests.system.home import ENVFS, Home, as_user
from tests.system.ruled import KEY

AMBIENT = "ambient-credential-of-the-account"


class Outside:
    """What there is to be reached outside of a fence: sockets, a process, files, memory."""

    def __init__(self, folder: Path, uid: int) -> None:
        self.home, self.work = folder / "account", folder / "work"
        for path in (self.home / ".ssh", self.home / ".aws", self.work):
            path.mkdir(parents=True)
        self.secret = self.home / ".ssh" / "id_ed25519"
        self.secret.write_text(AMBIENT, encoding="ascii")
        (self.home / ".bashrc").touch()
        subprocess.run(["git", "init", "-q", str(self.work)], check=True)
        self.listener = socket.create_server(("0.0.0.0", 0))  # noqa: S104 - it is what must not be reached
        port = self.listener.getsockname()[1]
        self.listeners = [self.listener]
        with contextlib.suppress(OSError):  # a machine without IPv6
            self.listeners.append(self._listening(socket.AF_INET6, ("::1", port)))
        self.name = f"envfs-{folder.name}-{uid}-{os.getpid()}"
        self.listeners.append(self._listening(socket.AF_UNIX, f"\0{self.name}"))
        self.listeners.append(self._listening(socket.AF_UNIX, str(self.work / "service")))
        datagrams = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        datagrams.bind(str(self.work / "datagrams"))
        self.listeners.append(datagrams)
        environ = {"SECRET": AMBIENT}
        self.process = subprocess.Popen([*as_user(uid), "sleep", "1000"], env=environ)
        self.memory_key = 0x656E0000 + os.getpid() % 0x10000
        self.memory = ctypes.CDLL(None).shmget(self.memory_key, 4096, 0o1666)
        for path in (folder, *folder.rglob("*")):
            os.chown(path, uid, uid)

    @staticmethod
    def _listening(family: int, address: object) -> socket.socket:
        made = socket.socket(family, socket.SOCK_STREAM)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind(address)  # type: ignore[arg-type]
        made.listen()
        return made

    def facts(self, home: Home, upstream: Upstream, uid: int) -> dict[str, object]:
        """Return where things are, for the process inside."""
        return {
            "port": self.listener.getsockname()[1],
            "address": _own_address(),
            "abstract": self.name,
            "service": str(self.work / "service"),
            "datagrams": str(self.work / "datagrams"),
            "pid": self.process.pid,
            "hidden": str(self.secret),
            "hidden_folder": str(self.secret.parent),
            "start": str(self.home / ".bashrc"),
            "view": str(home.view("/shop")),
            "value_mark": KEY,
            "control": str(home.socket),
            "envfs": ENVFS,
            "ambient": AMBIENT,
            "shared": self.memory_key,
            "requests": sorted(REQUESTS.keys() - gateway_words.REQUESTS.keys()),
            "host": HOST,
            "host_port": upstream.port,
            "second": next((row["port"] for row in home.rows("proxy", "ls")), 1),
        }

    def environ(self, home: Home) -> dict[str, str]:
        """Return an environment with credentials in it."""
        agent = {"SSH_AUTH_SOCK": str(self.work / "service"), "DBUS_SESSION_BUS_ADDRESS": "unix:path=/run/user/0/bus"}
        named = {"AWS_SECRET_ACCESS_KEY": AMBIENT, "GITHUB_TOKEN": AMBIENT, "HOME": str(self.home), "DISPLAY": ":0"}
        return home.environ({**agent, **named})

    def close(self) -> None:
        """End and close all of it."""
        self.process.kill()
        self.process.wait()
        for listener in self.listeners:
            listener.close()
        ctypes.CDLL(None).shmctl(self.memory, 0, None)


def _own_address() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])
