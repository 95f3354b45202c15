"""`vault`: say what is in the vault, who opens it and what vouches for it."""

from envfs.errors import EnvFSError
from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import exit_status, output
from envfs_cli.daemon import client, session
from envfs_cli.terminal import prompts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Literal

_UNITS = (("GB", 10**9), ("MB", 10**6), ("kB", 10**3))
_NAMED = 8  # of removed levels


class VaultArguments(NamedTuple):
    """The arguments of `vault`."""

    action: "Literal['info']"
    json: bool


def run_vault(arguments: VaultArguments) -> int:
    """Describe the vault. The exit status is 0 if its log is whole."""
    link = session.shared_link() or client.reach_for_look()
    with prompts.Waiting("counting"):
        info, _ = link.ask(control.DescribeVault())
    if not isinstance(info, control.VaultInfo):
        return exit_status.BUG
    if arguments.json:
        output.message_json(info)
    else:
        for name, text in (*_content(info), *_access(info), *_trust(info)):
            output.print_line(f"{output.paint(name.ljust(11), 'dim')} {output.clean(text)}")
    return EnvFSError.status if info.log_problem else 0


def _content(info: control.VaultInfo) -> "Iterator[tuple[str, str]]":
    yield "vault", info.folder
    yield "", f"id {info.vault}, format {info.format}"
    yield "", f"made {_time(info.created)}"
    yield "content", f"{_count(info.levels, 'level')} in {_count(info.projects, 'project')}"
    estimated = " (estimated)" if info.bytes_estimated else ""
    yield "", f"{_count(info.versions, 'version')}, {_size(info.bytes)} of ciphertext{estimated}"
    if info.oldest:
        estimated = " (estimated)" if info.times_estimated else ""
        yield "", f"from {_time(info.oldest)} to {_time(info.newest)}{estimated}"
    if info.removed:
        more = len(info.removed) - _NAMED
        yield "removed", ", ".join(info.removed[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")
        yield "", "`envfs ls --removed` lists them; a rollback brings one back, a forget ends that"
    yield "free", _size(info.free) if info.free >= 0 else "not known"


def _access(info: control.VaultInfo) -> "Iterator[tuple[str, str]]":
    yield "identity", info.recipient
    yield "", info.identity
    yield "", "under a passphrase" if info.in_passphrase else "unencrypted, or a credential of the service manager"
    if info.keyring:
        yield "", f"in the {info.keyring} keyring as well"
    yield "author", info.author
    yield "custody", f"{info.projects - info.zero_knowledge} managed, {info.zero_knowledge} zero-knowledge"
    for place, recipient in enumerate(info.recipients):
        yield "recipients" if not place else "", recipient
    locked = f"; a person locked {', '.join(info.locked)}" if info.locked else ""
    yield "state", ("unlocked" if info.unlocked else "locked") + locked


def _trust(info: control.VaultInfo) -> "Iterator[tuple[str, str]]":
    yield "log", info.log
    entries = f"{info.log_entries:,} entr{'y' if info.log_entries == 1 else 'ies'}"
    yield "", f"{entries} in {_count(info.log_files, 'file')}, {_size(info.log_bytes)}"
    yield "", info.log_problem or "goes on from where it ended; `envfs log verify` follows all of it"
    if info.checkpoint:
        held = _count(info.witnesses, "witness", "witnesses")
        yield "checkpoint", f"{info.checkpoint:,}, over entry {info.checkpoint_entry:,}; held by {held} outside"
    else:
        yield "checkpoint", "none yet"
    failed = f", {info.verify_failed:,} records failed" if info.verify_failed else ", all was well"
    yield "verified", f"{_time(info.verified)}{failed}" if info.verified else "not known"
    yield "backup", _time(info.backed_up) if info.backed_up else "not known"


def _time(time: str) -> str:
    return output.local_time(time) if output.on_terminal() else f"{output.shown_time(time)} UTC"


def _count(number: int, one: str, several: str = "") -> str:
    return f"{number:,} {one if number == 1 else several or one + 's'}"


def _size(number: int) -> str:
    for unit, size in _UNITS:
        if number >= size:
            return f"{number / size:.1f} {unit}"
    return f"{number} bytes"
