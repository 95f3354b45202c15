"""The command by which the administrator of an engine removes a record that no machine takes.

EnvFS has no verb for that: an engine that lets nobody remove a record is worth more than one that lets everybody. So it
is a command of the engine's own tools, for somebody who may use these.
"""

import shlex

from envfs.courier.address import Address

_SCHEMA = "envfs"  # without a second part of the path
# without its trigger for as long as that takes. Neither a schema nor a key has a sign that SQL reads
_REMOVE_ROW = (
    "ALTER TABLE {table} DISABLE TRIGGER stays; DELETE FROM {table} WHERE key = '{key}'; "
    "ALTER TABLE {table} ENABLE TRIGGER stays"
)


def removal_command(address: Address, key: str) -> str:
    """Return the command that removes the record with this key. Empty: there is none for such an engine."""
    match address.scheme:
        case "folder":
            return shlex.join(("rm", f"{address.path}/{key}"))
        case "ssh":
            remove = shlex.join(("rm", f"{_remote_path(address)}/{key}"))
            return shlex.join(("ssh", *_port("-p", address), _login(address), remove))
        case "sftp":
            remove = shlex.join(("rm", f"{_remote_path(address)}/{key}"))
            session = shlex.join(("sftp", "-b", "-", *_port("-P", address), _login(address)))
            return f"echo {shlex.quote(remove)} | {session}"
        case "postgres":
            return _by_psql(address, key)
        case "etcd":
            endpoints = ",".join(f"https://{host}" for host in address.endpoints)
            return shlex.join(("etcdctl", f"--endpoints={endpoints}", "del", f"{address.path.strip('/')}/r/{key}"))
        case _:
            return ""


def _by_psql(address: Address, key: str) -> str:
    database, _, schema = address.path.strip("/").partition("/")
    text = _REMOVE_ROW.format(table=f"{schema or _SCHEMA}.record", key=key)
    return shlex.join(("psql", "-h", address.host, "-p", str(address.port), "-d", database, "-c", text))


def _remote_path(address: Address) -> str:
    return address.path.removeprefix("/~/")  # what stands behind that is in the home of the user


def _login(address: Address) -> str:
    return f"{address.user}@{address.host}" if address.user else address.host


def _port(option: str, address: Address) -> tuple[str, ...]:
    return (option, str(address.port)) if address.port else ()
