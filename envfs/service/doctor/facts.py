"""The facts for `envfs doctor`: a look at the processes, the machine and the home.

Laws: looking changes nothing. A look that fails is a finding of its own. No finding holds a value.
"""

import os
import stat
import subprocess
import sys
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

import trio

from envfs import safe_open
from envfs.core.access.rule_command import grant_command
from envfs.core.protection import Protection
from envfs.errors import EnvFSError, NoVault
from envfs.host import machine, private_files
from envfs.host.process import hook, protection
from envfs.host.programs import digest_at
from envfs.protocol.control import FindingRow
from envfs.protocol.keyholding import DescribeProtection
from envfs.service.doctor import judgement
from envfs.service.doctor.judgement import NOTE, OK, PROBLEM
from envfs.service.service import Service
from envfs.service.sharing.problems import shown_address

_LOAD_SECONDS = 15
_TRUSTED_HOOK = "it must be a program of root's or the daemon's user, below folders that no other user may write"


async def gather_findings(service: Service) -> AsyncGenerator[FindingRow, None]:
    """Look, and yield a finding for each check."""
    mine = protection.of_this_process()
    rules = await trio.to_thread.run_sync(_rules, service)
    for findings in (await _processes(service, mine), await _machine(service, mine), _home(service), rules):
        for finding in findings:
            yield finding


async def _processes(service: Service, mine: Protection) -> list[FindingRow]:
    try:
        answer = await service.keyholder.ask(DescribeProtection(), Protection)
    except EnvFSError as error:
        return [FindingRow("keyholder", PROBLEM, error.text, "what the daemon prints may say why")]
    return list(judgement.judge_processes(mine, answer.message))


async def _machine(service: Service, mine: Protection) -> list[FindingRow]:
    complaint = "" if service.mount else await trio.to_thread.run_sync(_load_pyfuse3)
    return [
        judgement.judge_lockable(machine.lockable_bytes()),
        judgement.judge_swap(machine.swaps()),
        judgement.judge_hibernation(possible=machine.hibernates(), kind=mine.memory),
        *judgement.judge_dead_mounts(service.dead_mounts()),
        judgement.judge_fuse(machine.fuse_refusal()),
        judgement.judge_fusermount(machine.fusermount_refusal(), needed=service.owner != 0),
        judgement.judge_pyfuse3(complaint),
    ]


def _load_pyfuse3() -> str:
    # in a process of its own, as a daemon that mounts would: it brings libfuse3, which may be what is missing
    command = [sys.executable, "-I", "-c", "import pyfuse3"]
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=_LOAD_SECONDS, cwd="/")
    except subprocess.TimeoutExpired:
        return f"nothing happened for {_LOAD_SECONDS} s"
    return done.stderr.strip().rpartition("\n")[2] if done.returncode else ""


# -- the home ----------------------------------------------------------------------------------------------------------


def _home(service: Service) -> Iterator[FindingRow]:
    for check, look in _LOOKS_AT_HOME:
        try:
            yield look(service)
        except EnvFSError as error:
            missing = isinstance(error, NoVault) and not Path(service.places.vault).exists()
            yield FindingRow(check, NOTE if missing else PROBLEM, error.text, error.hint)
            if missing:
                return


def _engine(service: Service) -> FindingRow:
    sharing = service.sharing
    service.open_vault  # noqa: B018 - without one nothing is shared
    problems = sharing.problems()
    if problems:
        return FindingRow("engine", PROBLEM, problems[0], "`envfs sync status` says all")
    if sharing.facts.problem:
        return FindingRow("engine", NOTE, f"away: {sharing.facts.problem}", "versions that are written wait meanwhile")
    address = shown_address(sharing.address())
    return FindingRow("engine", OK, address or "none: the vault is this machine's alone")


def _rules(service: Service) -> list[FindingRow]:
    # in a thread: programs are large
    try:
        rules = service.book.load()
    except EnvFSError:
        return []  # said of the settings
    digests: dict[str, str] = {}
    findings = []
    for rule in rules:
        for pin in filter(None, (rule.exe, rule.script, rule.under)):
            if pin.sha256 and digests.setdefault(pin.path, digest_at(pin.path)) != pin.sha256:
                what = "has changed since it was pinned" if digests[pin.path] else "is gone or cannot be read"
                text = f"{rule.key} is in doubt: {pin.path} {what}"
                findings.append(FindingRow("rules", NOTE, text, f"give it again: `{grant_command(rule)}`"))
    return findings or [FindingRow("rules", OK, f"{len(rules)}, and the programs that they name are as they were")]


def _settings(service: Service) -> FindingRow:
    service.book.load()
    there = service.settings.path.exists()
    return FindingRow("settings", OK, f"{service.settings.path}" if there else "none, so the defaults")


def _vault(service: Service) -> FindingRow:
    service.open_vault.vault.description  # noqa: B018 - it is read here, and refused if it is of another format
    folder = service.places.vault
    mode = stat.S_IMODE(os.stat(folder).st_mode)
    if mode & 0o022:
        return FindingRow(
            "vault", PROBLEM, f"others may write {folder}: its mode is {mode:04o}", f"chmod go-w {folder}"
        )
    return FindingRow("vault", OK, f"{folder}{'' if service.locks.unlocked else ' (locked)'}")


def _identity(service: Service) -> FindingRow:
    settings = service.settings.load()
    credential = os.path.join(os.environ.get("CREDENTIALS_DIRECTORY") or "/nowhere", "envfs-identity")
    under_systemd = os.path.exists(credential)
    path = credential if under_systemd else settings.identity_file or service.places.identity
    try:
        status = os.stat(path)
    except OSError as error:
        text = f"cannot look at {path}: {safe_open.error_words(error)}"
        return FindingRow("identity", PROBLEM, text, "without it nothing opens: bring it back from your copy")
    reason = "" if under_systemd else private_files.unsafe(status, private=True)
    if reason:
        return FindingRow("identity", PROBLEM, f"{path} is not safe: {reason}", f"chmod 600 {path}")
    open_to_readers = ", unencrypted" if path == settings.identity_file else ""
    kept_too = f", and in the {settings.keyring} keyring" if settings.keyring else ""
    return FindingRow("identity", OK, f"{path}{open_to_readers}{kept_too}")


def _log(service: Service) -> FindingRow:
    problem = service.log.look()
    if problem:
        return FindingRow("log", PROBLEM, f"{problem}; every read is refused until that is fixed", "`envfs log verify`")
    program = service.audit_settings().hook
    reason = hook.untrusted(program) if program else ""
    if reason:
        return FindingRow("log", PROBLEM, f"the hook {program} will not be started: {reason}", _TRUSTED_HOOK)
    dropped = service.log.copies.dropped
    if dropped:
        return FindingRow("log", NOTE, f"{dropped} copies of entries were not taken by the machine's own log", "")
    return FindingRow("log", OK, f"{service.places.log} ({service.log.tip.seq} entries)")


_LOOKS_AT_HOME = (
    ("settings", _settings),
    ("vault", _vault),
    ("identity", _identity),
    ("log", _log),
    ("engine", _engine),
)
