"""Every way in which EnvFS can refuse, as one tree of exceptions.

Laws: the text is lower case, names what was asked and quotes no input and no value. `code` is the word on the wire and
in `--json`. `status` is the exit status that docs/cli-contract.md promises; whatever is not an EnvFSError is a bug and
keeps its traceback.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar


class EnvFSError(Exception):
    """A refusal that was foreseen.

    `hint` is one sentence that says what to do next, or empty. `about` names what a program has to know it is about.
    """

    code: "ClassVar[str]" = "failed"
    status: "ClassVar[int]" = 100

    def __init__(self, text: str, hint: str = "", about: str = "") -> None:
        """Say what was refused (`text`) and what may help (`hint`)."""
        super().__init__(text)
        self.text = text
        self.hint = hint
        self.about = about


class BadRequest(EnvFSError):
    """A request that this side does not understand: wrong words, wrong frame, wrong type."""

    code = "bad-request"
    status = 101


class NotApproved(EnvFSError):
    """No grant allows this caller what it asked for."""

    code = "not-approved"
    status = 102


class NoSuchLevel(EnvFSError):
    """The level, or the version of it, does not exist."""

    code = "no-such-level"
    status = 103


class NoSuchVariable(EnvFSError):
    """The level has no variable of that name."""

    code = "no-such-variable"
    status = 104


class BadName(EnvFSError):
    """A level path or a variable name that the grammar of docs/format.md does not allow."""

    code = "bad-name"
    status = 105


class Malformed(EnvFSError):
    """Text that is no dotenv text. `line` and `column` count from 1."""

    code = "malformed"
    status = 106
    line = 0
    column = 0

    def __init__(self, text: str, hint: str = "", line: int = 0, column: int = 0) -> None:
        """Add the place of the fault. The text itself is never quoted."""
        super().__init__(f"line {line}, column {column}: {text}" if line else text, hint)
        self.line = line
        self.column = column


class TooLarge(EnvFSError):
    """Something is over a limit of docs/format.md."""

    code = "too-large"
    status = 107


class Locked(EnvFSError):
    """The keyholder does not hold the key that this needs. `about` is the project (`/shop`), or empty for the vault."""

    code = "locked"
    status = 108


class WrongPassphrase(EnvFSError):
    """The passphrase does not open the identity, or the project (`about`), or one is needed and none was given."""

    code = "wrong-passphrase"
    status = 109


class AuthenticationFailed(EnvFSError):
    """A record does not open, is not signed by its author, or is not where it was written."""

    code = "authentication-failed"
    status = 110


class RolledBack(EnvFSError):
    """A stream is older than, or different from, what this machine has seen."""

    code = "rolled-back"
    status = 111


class AuditUnavailable(EnvFSError):
    """The access log cannot be written, so nothing is served."""

    code = "audit-unavailable"
    status = 112


class StoreUnavailable(EnvFSError):
    """The vault's store cannot be read or written."""

    code = "store-unavailable"
    status = 113


class UnsupportedFormat(EnvFSError):
    """A vault of another format number."""

    code = "unsupported-format"
    status = 114


class UnsafeSettings(EnvFSError):
    """The settings file is not the daemon user's own, or others may write it, or it does not parse."""

    code = "unsafe-settings"
    status = 115


class NotRunning(EnvFSError):
    """The command needs a running daemon and there is none."""

    code = "not-running"
    status = 116


class MountFailed(EnvFSError):
    """The mount could not be made or undone."""

    code = "mount-failed"
    status = 117


class AlreadyExists(EnvFSError):
    """The thing to be made exists already."""

    code = "already-exists"
    status = 118


class NoVault(EnvFSError):
    """There is no vault where one is needed."""

    code = "no-vault"
    status = 119


class KeyholderGone(EnvFSError):
    """The keyholder ended or did not answer in time."""

    code = "keyholder-gone"
    status = 120


class TimedOut(EnvFSError):
    """No answer came in time."""

    code = "timed-out"
    status = 121


class LogBroken(EnvFSError):
    """The access log is not the chain that was written."""

    code = "log-broken"
    status = 122


class Conflict(EnvFSError):
    """Another process holds or changed what this one needs."""

    code = "conflict"
    status = 123


class TooMany(EnvFSError):
    """This user has too many connections, requests or open files at once."""

    code = "too-many"
    status = 124


class NobodyToAsk(EnvFSError):
    """A person has to say yes, and nobody is there to ask."""

    code = "nobody-to-ask"
    status = 125


def _tree(kind: type[EnvFSError]) -> list[type[EnvFSError]]:
    return [kind, *(below for direct in kind.__subclasses__() for below in _tree(direct))]


BY_CODE = {kind.code: kind for kind in _tree(EnvFSError)}


def from_code(code: str, text: str, hint: str, about: str = "") -> EnvFSError:
    """Rebuild an error that another process reported. An unknown code becomes a plain EnvFSError."""
    kind = BY_CODE.get(code, EnvFSError)
    error = kind.__new__(kind)
    EnvFSError.__init__(error, text, hint, about)
    return error
