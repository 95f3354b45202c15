"""Which script an interpreter runs, by the words of its command line.

Law: `script_word` passes over words whose meaning is certain, and no others. An option that names other code (`-c`,
`-m`, `-r`, `-e`), one that takes a value where it is not known to, or one that nobody here has heard of, and it cannot
be told.
"""

import re
from enum import Enum, auto
from typing import NamedTuple


class Told(Enum):
    """The answers of a command line that names no script."""

    NO_SCRIPT = auto()  # it is no interpreter's, or that of one that reads a terminal
    CANNOT_TELL = auto()


class _Family(NamedTuple):
    """Interpreters that read their words alike: options of one letter, those with a value, and options of a word."""

    name: re.Pattern[bytes]
    letters: bytes = b""
    valued: bytes = b""
    words: frozenset[bytes] = frozenset()
    command: bytes = b""  # the word before the options


_NODE_WORDS = (
    *(b"--enable-source-maps", b"--expose-gc", b"--inspect", b"--inspect-brk", b"--no-deprecation", b"--no-warnings"),
    *(b"--pending-deprecation", b"--preserve-symlinks", b"--throw-deprecation", b"--trace-deprecation"),
    *(b"--trace-uncaught", b"--trace-warnings", b"--use-openssl-ca", b"--watch"),
)
_DENO_WORDS = (
    *(b"-A", b"-q", b"--allow-all", b"--allow-env", b"--allow-net", b"--allow-read", b"--allow-run", b"--allow-sys"),
    *(b"--allow-write", b"--cached-only", b"--no-check", b"--no-prompt", b"--no-remote", b"--quiet"),
)
_FAMILIES = (
    _Family(re.compile(rb"(python|pypy)[0-9.]*"), b"bBdEiIOPqsSuvx", b"WX"),
    _Family(
        re.compile(rb"r?bash|sh|dash|ash|zsh|[mo]?ksh[0-9]*"),
        b"abefhklmnprtuvxBCEHPT",
        b"oO",
        frozenset((b"--login", b"--noprofile", b"--norc", b"--posix")),
    ),
    _Family(re.compile(rb"(node|nodejs)[0-9]*"), words=frozenset(_NODE_WORDS)),
    _Family(re.compile(rb"ruby[0-9.]*"), b"wvU", words=frozenset((b"--jit", b"--yjit"))),
    _Family(re.compile(rb"perl[0-9.]*"), b"wWtTX"),
    _Family(re.compile(rb"php[0-9.]*"), b"nqC"),
    _Family(re.compile(rb"deno"), words=frozenset(_DENO_WORDS), command=b"run"),
    _Family(re.compile(rb"lua(jit)?[0-9.]*|tclsh[0-9.]*|Rscript")),
)


def script_word(program: bytes, arguments: list[bytes]) -> bytes | Told:
    """Return the word of a command line that names the script. `program` is the path of the interpreter's file."""
    family = _family_of(program)
    if family is None:
        return Told.NO_SCRIPT
    if not arguments:
        return Told.CANNOT_TELL
    words = arguments[1:]
    if family.command:
        if words[:1] != [family.command]:
            return Told.CANNOT_TELL
        words = words[1:]
    return _first_operand(family, words)


def is_interpreter(program: bytes) -> bool:
    """Tell whether a program may run a script, by its path."""
    return _family_of(program) is not None


def likely_script(arguments: list[bytes]) -> bytes:
    """Return the first word that is no option: of most interpreters it is the script. It says what a process may be."""
    return next((word for word in arguments[1:] if word and not word.startswith(b"-")), b"")


def _family_of(program: bytes) -> _Family | None:
    name = program.rpartition(b"/")[2]
    return next((family for family in _FAMILIES if family.name.fullmatch(name)), None)


def _first_operand(family: _Family, words: list[bytes]) -> bytes | Told:
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        if not word.startswith(b"-") and not word.startswith(b"+"):
            return word or Told.CANNOT_TELL
        if word in family.words:
            continue
        takes_next = _cluster(family, word)
        if takes_next is None:
            return Told.CANNOT_TELL
        at += takes_next
    return Told.NO_SCRIPT if at == len(words) else Told.CANNOT_TELL


def _cluster(family: _Family, word: bytes) -> bool | None:
    # letters behind one dash. The value of the one that takes one is what follows it there, or the next word
    if word == b"-" or word.startswith(b"+"):
        return None
    for at, letter in enumerate(word[1:], 2):
        if letter in family.valued:
            return at == len(word)
        if letter not in family.letters:
            return None
    return False
