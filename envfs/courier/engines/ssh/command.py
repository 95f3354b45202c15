"""The command line of ssh for an address, and what its end means. Pure.

Laws: ssh never asks anybody anything, forwards nothing, and shares no connection with others. Each wait of it has an
end. A host or a user cannot be taken for an option.
"""

import shlex

from envfs.courier.address import Address
from envfs.errors import EnvFSError, NotApproved, StoreUnavailable

_OPTIONS = {
    "BatchMode": "yes",
    "ClearAllForwardings": "yes",
    "ConnectTimeout": "10",
    "ConnectionAttempts": "1",
    "ControlMaster": "no",
    "ControlPath": "none",
    "ForwardAgent": "no",
    "LogLevel": "ERROR",
    "PermitLocalCommand": "no",
    "RequestTTY": "no",
    "ServerAliveCountMax": "3",
    "ServerAliveInterval": "5",
    "UpdateHostKeys": "no",
}
_NOT_FOUND, _SSH_FAILED = 127, 255
_LONGEST = 300
_OURS = "envfs: error: "
NOISE = "look for what a shell prints there at its start, as in ~/.bashrc"
WITHOUT = "if nothing may be installed there, an address of sftp:// does"
UNKNOWN_HOST = "ssh does not know"  # how the error begins that a person at a terminal can resolve


def ssh_command(address: Address, *words: str) -> list[str]:
    """Return the command that runs words on the server of an address. With `-s` before them it is a subsystem."""
    options = dict(_OPTIONS)
    if address.option("identity"):
        options["IdentitiesOnly"] = "yes"
    if address.option("known_hosts"):
        options["UserKnownHostsFile"] = address.option("known_hosts")
    command = ["ssh", "-T"]
    for name, value in options.items():
        command += ["-o", f"{name}={value}"]
    for flag, value in (("-F", address.option("config")), ("-i", address.option("identity")), ("-l", address.user)):
        command += [flag, value] if value else []
    command += ["-p", str(address.port)] if address.port else []
    return [*command, *words[:-1], "--", address.host, words[-1]]


def serve_command(address: Address) -> str:
    """Return the words that ask a server for its folder. A line in its authorized_keys has the last word."""
    return f"envfs store-serve {shlex.quote(remote_path(address))}"


def remote_path(address: Address) -> str:
    """Return the folder on the server. `/~/vault` is one in the home of the user."""
    return address.path.removeprefix("/~/")


def end_of_ssh(address: Address, status: int | None, words: bytes) -> EnvFSError:
    """Say why ssh ended, from its status and the end of what it said. None: it did not end, and said nothing."""
    text = _last_line(words)
    if "permission denied" in text.lower():
        return NotApproved(f"{address.host} does not admit this key of ssh", _admitting(address))
    if "host key" in text.lower():
        return StoreUnavailable(
            f"{UNKNOWN_HOST} {address.host}, or knows it by another key: {text}",
            "connect to it once with ssh, and compare the key that it shows",
        )
    if text.startswith(_OURS):
        return StoreUnavailable(f"{address.host} refuses: {text.removeprefix(_OURS)}")
    if status is None:
        return StoreUnavailable(f"{address.host} does not answer")
    if status == _SSH_FAILED and text:
        return StoreUnavailable(f"{address.host} cannot be reached by ssh: {text}")
    return _without_server(address, status, text)


def _admitting(address: Address) -> str:
    if address.scheme == "sftp":
        return f"add it to authorized_keys of that user on {address.host}"
    return f"on the server `envfs store invite KEY.pub {remote_path(address)}` prints the line that admits it"


def _without_server(address: Address, status: int, text: str) -> StoreUnavailable:
    if address.scheme == "sftp" and (status == _NOT_FOUND or "subsystem" in text.lower()):
        return StoreUnavailable(f"{address.host} has no SFTP for this user", "its sshd_config names the subsystem")
    if status == _NOT_FOUND:
        return StoreUnavailable(
            f"envfs is not installed on {address.host}, or not for this user",
            f"install it there, or name its place in the line of authorized_keys; {WITHOUT}",
        )
    text = f"{address.host} cannot be reached by ssh" + (f": {text}" if text else "")
    return StoreUnavailable(text, "" if address.scheme == "sftp" else WITHOUT)


def _last_line(words: bytes) -> str:
    lines = [line for line in words.decode(errors="replace").splitlines() if line.strip()]
    text = lines[-1].strip() if lines else ""
    return "".join(letter if letter.isprintable() else "?" for letter in text)[:_LONGEST]
