"""`envfs.toml`: this machine's settings and grants, edited so that a person's comments survive.

Laws: the file is loaded only if it is the daemon user's own and no other user may write it. An unknown key is refused,
not skipped. A change by hand counts from the next question on. Code that edits it is loaded with the first edit.
"""

import re
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from envfs.core import audit_settings, durations
from envfs.core.access.rule import Rule
from envfs.core.access.rule_table import parse_rule
from envfs.core.audit_settings import AuditSettings
from envfs.dotenv import dialect_names
from envfs.errors import EnvFSError
from envfs.host import private_files
from envfs.host.trusted_file import TrustedFile

if TYPE_CHECKING:
    from envfs.proxy.proxy_settings import ProxySettings

_NEW = """\
# EnvFS settings of this machine. You may edit this file: a change counts at once.
# It must belong to the daemon's user, and no other user may be able to write it.

"""
_AUTHOR_NAME, _AUTHOR_KEY = 64, re.compile(r"[A-Za-z0-9_-]{43}")  # an Ed25519 public key in base64url


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
    founder: str = ""  # the owner's key, in a home that joined a vault of somebody else
    keyring: str = ""
    mount: str = ""
    idle_seconds: int = 0
    lock_at_suspend: bool = True
    recipients: tuple[str, ...] = ()
    grants: tuple[Rule, ...] = ()
    audit: AuditSettings = AuditSettings()
    approvals: ApprovalSettings = ApprovalSettings()
    proxy: "ProxySettings | None" = None  # None: the table is not there
    authors: Mapping[str, str] = MappingProxyType({})  # what the owner calls the authors of records, by their keys
    engine: str = ""  # the address of the engine that machines share. Empty: this vault is this machine's alone


class SettingsFile:
    """The file at `path`, read again whenever it is another file than before."""

    def __init__(self, path: Path) -> None:
        """Use `path`, which need not exist: then all settings are the defaults."""
        self.path = path
        self._file = TrustedFile(path, "settings file")
        self._settings = Settings()

    def load(self) -> Settings:
        """Return the settings as they are now, or were a millisecond ago. One `stat` when nothing changed.

        Raises:
            UnsafeSettings: others could have written the file, or it does not parse
        """
        if self._file.changed():
            self._settings = self._read()
            self._file.confirm()
        return self._settings

    @property
    def trusted_until_ns(self) -> int:
        """Until when `load` returns the same without a look, by the monotonic clock."""
        return self._file.trusted_until_ns

    def write_defaults(self, identity_file: str) -> None:
        """Make the file if there is none, naming the identity file if it is not in its usual place."""
        from envfs import settings_edits

        if not self.path.exists():
            self._write(settings_edits.with_identity_file(_NEW, identity_file) if identity_file else _NEW)

    def set_keyring(self, keyring: str) -> None:
        """Name the keyring that has the identity, or (empty) none."""
        from envfs import settings_edits

        self._write(settings_edits.with_keyring(self._text(), keyring))

    def set_founder(self, founder: str) -> None:
        """Remember by whom the vault was begun that this home joined."""
        from envfs import settings_edits

        self._write(settings_edits.with_founder(self._text(), founder))

    def write_entered(self, founder: str, engine: str) -> None:
        """Make the file of a home that enters a vault for one command."""
        import json  # whose texts are those of TOML, too

        self._write(f"[identity]\nfounder = {json.dumps(founder)}\n[store]\nengine = {json.dumps(engine)}\n")

    def set_engine(self, engine: str) -> None:
        """Name the engine that machines share, by its address."""
        from envfs import settings_edits

        if self.load().engine != engine:
            self._write(settings_edits.with_engine(self._text(), engine))

    def set_log_sharing(self, *, is_on: bool) -> None:
        """Share this machine's access log with the auditors of the vault, or do not."""
        from envfs import settings_edits

        self._write(settings_edits.with_log_sharing(self._text(), is_on=is_on))

    def add_recipient(self, recipient: str) -> None:
        """Add one to those whom the keys of new projects are sealed to."""
        from envfs import settings_edits

        if recipient not in self.load().recipients:
            self._write(settings_edits.with_recipient(self._text(), recipient))

    def set_author(self, author: str, name: str) -> None:
        """Call the author of a key by a name, or (empty) by none."""
        from envfs import settings_edits

        if self.load().authors.get(author, "") != name:
            self._write(settings_edits.with_author(self._text(), author, name))

    def _text(self) -> str:
        self.load()
        return self._file.read().decode() if self.path.exists() else _NEW

    def remove_grants(self, keys: Collection[str]) -> None:
        """Remove the grants of these keys. The comments above them stay."""
        if not any(rule.key in keys for rule in self.load().grants):
            return
        from envfs import settings_edits

        text = self._text()
        tables = tomllib.loads(text).get("grant", ())
        ended = {index for index, table in enumerate(tables) if parse_rule(table, dialect_names.NAMES).key in keys}
        try:
            edited = settings_edits.without_grants(text, ended)
        except ValueError:
            raise self._file.wrong("it is TOML that cannot be edited") from None
        self._write(edited)

    def _write(self, text: str) -> None:
        _parse(tomllib.loads(text))  # a good file is never replaced by one that would not load
        private_files.write_private(self.path, text.encode())
        self._file.forget()

    def _read(self) -> Settings:
        data = self._file.read()
        try:
            return _parse(tomllib.loads(data.decode()))
        except (ValueError, RecursionError):
            raise self._file.wrong("it is not TOML") from None
        except EnvFSError as error:
            raise self._file.wrong(error.text) from None


def _parse(body: dict[str, object]) -> Settings:
    identity = _table(body, "identity", {"file": str, "keyring": str, "founder": str})
    mount = _table(body, "mount", {"path": str})
    lock = _table(body, "lock", {"idle": str, "suspend": bool})
    keys = _table(body, "keys", {"recipients": list})
    store = _table(body, "store", {"engine": str})
    audit = _table(body, "audit", audit_settings.KEYS)
    approvals = _table(body, "approvals", {"wait": str, "agents": list, "unattended": str, "notify": bool})
    authors = body.pop("authors", {})
    proxy = body.pop("proxy", None)
    grants = body.pop("grant", [])
    if body:
        raise EnvFSError(f"unknown table or key: {', '.join(sorted(body))}")
    if not isinstance(grants, list):
        raise EnvFSError("[[grant]] is an array of tables")
    return Settings(
        identity_file=str(identity.get("file", "")),
        founder=str(identity.get("founder", "")),
        keyring=str(identity.get("keyring", "")),
        mount=str(mount.get("path", "")),
        idle_seconds=_seconds(lock.get("idle"), "idle in [lock]"),
        lock_at_suspend=bool(lock.get("suspend", True)),
        recipients=_texts(keys.get("recipients", []), "recipients in [keys]"),
        grants=tuple(parse_rule(table, dialect_names.NAMES) for table in grants),
        audit=_audit(audit),
        approvals=_approvals(approvals),
        proxy=_proxy(proxy),
        authors=_authors(authors),
        engine=str(store.get("engine", "")),
    )


def _proxy(table: object) -> "ProxySettings | None":
    if table is None:
        return None
    from envfs.proxy.proxy_settings import parse_proxy_settings  # 8 ms, and few settings have one

    try:
        return parse_proxy_settings(table)
    except EnvFSError as error:
        raise EnvFSError(f"{error.text}: {error.hint}" if error.hint else error.text) from None


def _authors(table: object) -> Mapping[str, str]:
    if not isinstance(table, dict):
        raise EnvFSError("[authors] is a table")
    for name, key in table.items():
        if not (0 < len(name) <= _AUTHOR_NAME and name.isprintable()):
            raise EnvFSError(f"a name in [authors] has at most {_AUTHOR_NAME} characters that can be printed")
        if not (isinstance(key, str) and _AUTHOR_KEY.fullmatch(key)):
            raise EnvFSError("a key in [authors] is one that `envfs history --json` shows")
    names = {key: name for name, key in table.items()}
    if len(names) < len(table):
        raise EnvFSError("a key in [authors] has two names")
    return names


def _audit(table: dict[str, object]) -> AuditSettings:
    try:
        return audit_settings.parse_audit(table)
    except ValueError as error:
        raise EnvFSError(str(error)) from None


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


def _fits(value: object, kind: type) -> bool:
    return type(value) is kind or (kind is float and type(value) is int)
