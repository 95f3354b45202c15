"""The messages that belong to every request of the control protocol: greeting, sign of life, refusal, plain yes."""

from envfs.tuples import NamedTuple

VERSION = 1


class Hello(NamedTuple):
    """First on every connection, both ways: which protocol is spoken."""

    protocol: int
    release: str


class WorkingRow(NamedTuple):
    """The daemon still works on the request: it comes every few seconds, so that a client knows it from a stuck one."""


class ProgressRow(NamedTuple):
    """How far the daemon is with a request that takes long: `done` of `total`. A client may pass over it."""

    done: int
    total: int


WORKING_SECONDS = 3.0  # between two of them


class Failed(NamedTuple):
    """The request was refused. The parts of an EnvFSError."""

    code: str
    text: str
    hint: str = ""
    about: str = ""


class Done(NamedTuple):
    """The request was carried out. `notes` are sentences for the person who asked."""

    notes: tuple[str, ...] = ()
