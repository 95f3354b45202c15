"""`envfs.toml`: this machine's settings and grants, edited so that a person's comments survive.

Laws: the file is loaded only if it is the daemon user's own and no other user may write it. An unknown key is refused,
not skipped. A change by hand counts from the next question on. The only importer of tomlkit.
"""

import errno
import os
import re
import time
import tomllib
from pathlib import Path
from typing import NamedTuple

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT

from envfs import safe_open
from envfs.core import durations, names
from envfs.core.access.rule import Rule
from envfs.core.access.verdict import Decision
from envfs.dotenv import dialects
from envfs.errors import EnvFSError, UnsafeSettings
from envfs.host import private_files

_NEW = """\
# EnvFS settings of this machine. You may edit this file: a change counts at once.
# It must belong to the daemon's user, and no other user may be able to write it.

"""
_TRUSTED_NS = 1_000_000  # a look this fresh is not repeated: one open asks many times
_LARGEST = 1 << 20
_GRANT_HEAD = re.compile(r"\s*\[\[\s*grant\s*\]\]")
_NO_END = "9999-12-31T23:59:59.999999Z"
_UNTIL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)
_GRANT_KEYS = {"level": str, "uid": int, "until": str, "boot": str, "boot_until": float, "dialect": str}
_READ_KEYS = {**_GRANT_KEYS, "decision": str}  # the last one is a person's: no command writes it here


class ApprovalSettings(NamedTuple):
    """How a person is asked: how long a question waits, and which programs count as agents beside the known ones.

    `waits_unattended`: a question waits where nobody watches questions, too. `notifies`: the desktop shows them.
    """

    wait_seconds: int = 120
    agents: tuple[str, ...] = ()
    waits_unattended: bool = False
    notifies: bool = True


class Settings(NamedTuple):
    """The content of the file. Empty text means the default, `idle_seconds` 0 that an idle vault is not locked."""

    identity_file: str = ""
    keyring: str = ""
    mount: str = ""
    idle_seconds: int = 0
    lock_at_suspend: bool = True
    recipients: tuple[str, ...] = ()
    grants: tuple[Rule, ...] = ()
    approvals: ApprovalSettings = ApprovalSettings()


class SettingsFile:
    """The file at `path`, read again whenever it is another file than before."""

    def __init__(self, path: Path) -> None:
        """Use `path`, which need not exist: then all settings are the defaults."""
        self.path = path
        self._stamp: tuple[int, ...] | None = None
        self._looked_ns = 0
        self._settings = Settings()

    def load(self) -> Settings:
        """Return the settings as they are now, or were a millisecond ago. One `stat` when nothing changed.

        Raises:
            UnsafeSettings: others could have written the file, or it does not parse
        """
        now_ns = time.monotonic_ns()
        if now_ns - self._looked_ns < _TRUSTED_NS and self._stamp is not None:
            return self._settings
        try:
            status = os.stat(self.path)
        except FileNotFoundError:
            return Settings()
        except OSError as error:
            raise self._cannot_read(error) from None
        stamp = (status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_size)
        if stamp != self._stamp:
            self._stamp = None
            self._settings = self._read()
            self._stamp = stamp
        self._looked_ns = now_ns
        return self._settings

    def write_defaults(self, identity_file: str) -> None:
        """Make the file if there is none, naming the identity file if it is not in its usual place."""
        if not self.path.exists():
            document = tomlkit.parse(_NEW)
            if identity_file:
                document["identity"] = {"file": identity_file}
            self._write(document)

    def add_grant(self, grant: Rule) -> None:
        """Add a grant at the end. One for the same uid and level is replaced."""
        document = self._document(grant.level, grant.uid)
        table = tomlkit.table()
        for key, value in zip(_GRANT_KEYS, grant, strict=False):
            if value or key in ("level", "uid"):
                table[key] = value
        if "grant" not in document:
            document["grant"] = tomlkit.aot()
        document["grant"].append(table)
        self._write(document)

    def set_keyring(self, keyring: str) -> None:
        """Name the keyring that has the identity, or (empty) none."""
        document = self._with_table("identity")
        table = document["identity"]
        if keyring:
            table["keyring"] = keyring
        else:
            table.pop("keyring", None)
        if not table:
            document.pop("identity")
        self._write(document)

    def add_recipient(self, recipient: str) -> None:
        """Add one to those whom the keys of new projects are sealed to."""
        document = self._with_table("keys")
        table = document["keys"]
        recipients = table.get("recipients", tomlkit.array())
        if recipient not in recipients:
            recipients.append(recipient)
            table["recipients"] = recipients
            self._write(document)

    def _with_table(self, name: str) -> tomlkit.TOMLDocument:
        text = self._text()
        if name not in tomllib.loads(text):
            # in front of the grants: behind them it would read as a part of the last one
            text = _with_table(text, f"[{name}]\n")
        return tomlkit.parse(text)

    def _text(self) -> str:
        self.load()
        return self._trusted().decode() if self.path.exists() else _NEW

    def remove_grant(self, level: str, uid: int) -> bool:
        """Remove the grants of a uid on exactly this level. False if there were none."""
        old_grants = self.load().grants
        if not any(grant.level == level and grant.uid == uid for grant in old_grants):
            return False
        self._write(self._document(level, uid))
        return True

    def _document(self, without_level: str, without_uid: int | None) -> tomlkit.TOMLDocument:
        text = self._text()
        ended = {
            index
            for index, grant in enumerate(tomllib.loads(text).get("grant", ()))
            if (names.parse_level(grant["level"]), grant["uid"]) == (without_level, without_uid)
        }
        try:
            return _without(text, ended)
        except TOMLKitError:  # the two readers of TOML disagree
            raise _bad(self.path, "it is TOML that cannot be edited") from None

    def _write(self, document: tomlkit.TOMLDocument) -> None:
        text = tomlkit.dumps(document)
        _parse(tomllib.loads(text))  # a good file is never replaced by one that would not load
        private_files.write_private(self.path, text.encode())
        self._stamp = None

    def _read(self) -> Settings:
        data = self._trusted()
        try:
            return _parse(tomllib.loads(data.decode()))
        except (ValueError, RecursionError):
            raise _bad(self.path, "it is not TOML") from None
        except EnvFSError as error:
            raise _bad(self.path, error.text) from None

    def _trusted(self) -> bytes:
        # what is judged and what is read is one file, whatever happens to the name meanwhile
        try:
            handle = safe_open.open_file(self.path, follow=True)
            try:
                reason = private_files.unsafe(os.fstat(handle))
                data = b"" if reason else safe_open.read_handle(handle, _LARGEST)
            finally:
                os.close(handle)
        except OSError as error:
            raise self._cannot_read(error) from None
        if reason:
            raise UnsafeSettings(
                f"the settings file {self.path} is not trusted: {reason}",
                f"check it, then: chown {os.geteuid()} {self.path} && chmod 600 {self.path}",
            )
        return data

    def _cannot_read(self, error: OSError) -> UnsafeSettings:
        text = f"the settings file {self.path} cannot be read: {safe_open.error_words(error)}"
        odd = isinstance(error, (safe_open.NotRegular, safe_open.OverLimit)) or error.errno == errno.ELOOP
        return UnsafeSettings(text, f"look at it, then move it away: mv {self.path} {self.path}.odd" if odd else "")


def _with_table(text: str, table: str) -> str:
    lines = text.splitlines(keepends=True)
    at = next((number for number, line in enumerate(lines) if _GRANT_HEAD.match(line)), len(lines))
    while 0 < at < len(lines) and lines[at - 1].lstrip().startswith("#"):
        at -= 1  # a comment above the first grant stays with it
    blank_line = "\n" if at and lines[at - 1].strip() else ""
    after = "\n" if at < len(lines) else ""
    return "".join([*lines[:at], blank_line, table, after, *lines[at:]])


def _without(text: str, ended: set[int]) -> tomlkit.TOMLDocument:
    # tomlkit counts the comment above a table to the table before it, and would remove it with that one
    document = tomlkit.parse(_cut(text, ended))
    remaining = [grant for index, grant in enumerate(tomllib.loads(text).get("grant", ())) if index not in ended]
    if _tables(document).unwrap() != remaining:  # not written as tables of their own: no comment can stand above one
        document = tomlkit.parse(text)
        document["grant"] = tomlkit.aot()
        for grant in remaining:
            document["grant"].append(tomlkit.item(grant))
    if not remaining:
        document.pop("grant", None)
    return document


def _cut(text: str, ended: set[int]) -> str:
    lines_left: list[str] = []
    ordinal, within = -1, False
    for line in text.splitlines(keepends=True):
        if line.lstrip().startswith("["):
            ordinal += bool(_GRANT_HEAD.match(line))
            within = bool(_GRANT_HEAD.match(line)) and ordinal in ended
        if not within or line.lstrip().startswith("#"):
            lines_left.append(line)
    return "".join(lines_left)


def _tables(document: tomlkit.TOMLDocument) -> AoT:
    grant_tables = document.get("grant", tomlkit.aot())
    if not isinstance(grant_tables, AoT):  # written as an inline array: nothing can be appended to that as a table
        tables = tomlkit.aot()
        for grant in grant_tables.unwrap():
            tables.append(tomlkit.item(grant))
        document["grant"] = grant_tables = tables
    return grant_tables


def _parse(body: dict[str, object]) -> Settings:
    identity = _table(body, "identity", {"file": str, "keyring": str})
    mount = _table(body, "mount", {"path": str})
    lock = _table(body, "lock", {"idle": str, "suspend": bool})
    keys = _table(body, "keys", {"recipients": list})
    approvals = _table(body, "approvals", {"wait": str, "agents": list, "unattended": str, "notify": bool})
    grants = body.pop("grant", [])
    if body:
        raise EnvFSError(f"unknown table or key: {', '.join(sorted(body))}")
    if not isinstance(grants, list):
        raise EnvFSError("[[grant]] is an array of tables")
    return Settings(
        identity_file=str(identity.get("file", "")),
        keyring=str(identity.get("keyring", "")),
        mount=str(mount.get("path", "")),
        idle_seconds=_seconds(lock.get("idle"), "idle in [lock]"),
        lock_at_suspend=bool(lock.get("suspend", True)),
        recipients=_texts(keys.get("recipients", []), "recipients in [keys]"),
        grants=tuple(_grant(grant) for grant in grants),
        approvals=_approvals(approvals),
    )


def _approvals(table: dict[str, object]) -> ApprovalSettings:
    default = ApprovalSettings()
    if table.get("unattended", "refuse") not in ("refuse", "wait"):
        raise EnvFSError("unattended in [approvals] is refuse or wait")
    return ApprovalSettings(
        _seconds(table.get("wait"), "wait in [approvals]") or default.wait_seconds,
        _texts(table.get("agents", []), "agents in [approvals]"),
        table.get("unattended") == "wait",
        bool(table.get("notify", default.notifies)),
    )


def _texts(texts: object, name: str) -> tuple[str, ...]:
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise EnvFSError(f"{name} is a list of texts")
    return tuple(texts)


def _seconds(text: object, name: str) -> int:
    if text is None:
        return 0
    try:
        return durations.parse_duration(str(text))
    except ValueError:
        raise EnvFSError(f"{name} is a duration such as 30m or 8h") from None


def _table(body: dict[str, object], name: str, keys: dict[str, type]) -> dict[str, object]:
    table = body.pop(name, {})
    if not isinstance(table, dict):
        raise EnvFSError(f"[{name}] is a table")
    for key, value in table.items():
        if key not in keys:
            raise EnvFSError(f"unknown key in [{name}]: {key}")
        if not _fits(value, keys[key]):
            raise EnvFSError(f"{key} in [{name}] is of another type")
    return table


def _grant(table: object) -> Rule:
    fields = _table({"grant": table}, "grant", _READ_KEYS)
    if not {"level", "uid"} <= fields.keys():
        raise EnvFSError("a [[grant]] needs level and uid")
    if not _UNTIL.fullmatch(str(fields.get("until", _NO_END))):
        raise EnvFSError("until in a [[grant]] is written as in 2026-11-21T09:00:00.000000Z")
    if fields.get("dialect", dialects.PORTABLE) not in dialects.NAMES:
        raise EnvFSError(f"dialect in a [[grant]] is one of {', '.join(dialects.NAMES)}")
    if ("boot" in fields) != ("boot_until" in fields) or ("boot" in fields and "until" not in fields):
        raise EnvFSError("boot and boot_until in a [[grant]] come together, and with until")
    if fields.setdefault("decision", Decision.ALLOW) not in tuple(Decision):
        raise EnvFSError(f"decision in a [[grant]] is one of {', '.join(Decision)}")
    fields["decision"] = Decision(str(fields["decision"]))
    return Rule(**{**fields, "level": names.parse_level(str(fields["level"]))})  # type: ignore[arg-type]


def _fits(value: object, kind: type) -> bool:
    return type(value) is kind or (kind is float and type(value) is int)


def _bad(path: Path, reason: str) -> UnsafeSettings:
    return UnsafeSettings(f"the settings file {path} is wrong: {reason}", "fix it; until then all access is denied")
