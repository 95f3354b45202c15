"""OpenSSH's server for the tests: a host key, a port and an authorized_keys of its own, and a key for each member."""

import getpass
import itertools
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engines.servers.processes import HERE, Server, free_port

_PROGRAM = "/usr/sbin/sshd"
_SFTP = "/usr/lib/openssh/sftp-server"
ENVFS = str(Path(sys.executable).with_name("envfs"))
_CONFIG = """\
ListenAddress {host}
Port {port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/authorized_keys
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
PrintMotd no
MaxStartups 200
Subsystem sftp {sftp}
"""


class Sshd(Server):
    """A server below `folder`, which is empty at first. It serves this user."""

    def __init__(self, folder: Path, host: str = HERE) -> None:
        if not os.path.exists(_PROGRAM):
            pytest.skip("there is no sshd")
        port = free_port()
        super().__init__(folder, port, [], host)
        self._command = [_PROGRAM, "-D", "-e", "-f", f"{folder}/config"]
        self._numbers = itertools.count()

    def make(self) -> None:
        if os.geteuid() == 0:
            os.makedirs("/run/sshd", 0o755, exist_ok=True)  # sshd goes there before a client is known
        self.folder.chmod(0o711)
        text = _CONFIG.format(folder=self.folder, host=self.host, port=self.port, sftp=_SFTP)
        (self.folder / "config").write_text(text)
        (self.folder / "client").write_text("")
        (self.folder / "authorized_keys").write_text("")
        new_key(self.folder / "host")
        kind, key, *_ = (self.folder / "host.pub").read_text().split()
        (self.folder / "known_hosts").write_text(f"[{self.host}]:{self.port} {kind} {key}\n")

    def new_vault(self) -> Path:
        """Return an empty folder for a shared vault."""
        vault = self.folder / f"vault-{next(self._numbers)}"
        vault.mkdir()
        return vault

    def new_member(self, command: str) -> Path:
        """Let a new key of ssh run this command, and nothing else. Empty: any. Return the key's file."""
        key = self.folder / f"member-{next(self._numbers)}"
        new_key(key)
        options = f'command="{command}",restrict ' if command else ""
        with (self.folder / "authorized_keys").open("a") as file:
            file.write(f"{options}{key.with_suffix('.pub').read_text()}")
        return key

    def new_address(self, vault: Path, *options: str) -> str:
        """Return the address of a folder, for a new member whose server has these options."""
        key = self.new_member(" ".join([ENVFS, "store-serve", *options, str(vault)]))
        return self.address("ssh", vault, key)

    def sftp_address(self, vault: Path, options: str = "", port: int = 0) -> str:
        """Return the address of a folder, for a new member who has SFTP alone, there with options of it."""
        return self.address("sftp", vault, self.new_member(f"internal-sftp {options}".strip()), port)

    def address(self, scheme: str, vault: Path, key: Path, port: int = 0) -> str:
        files = f"identity={key}&known_hosts={self.folder}/known_hosts&config={self.folder}/client"
        return f"{scheme}://{getpass.getuser()}@{self.host}:{port or self.port}{vault}?{files}"


def new_key(path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True, timeout=60)
