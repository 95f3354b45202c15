"""The targets of `push`: for each its tool, the words that it is run with, and how a value goes into standard input.

Laws: a value stands in no word of a command. A value that a tool would read as another one is refused, by name.
"""

import re

from envfs.errors import Malformed
from envfs.tuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Variables = Mapping[str, str]
    Input = Callable[[str, Variables], bytes]

NAME, MORE = "{name}", "{more}"
_LINE_BYTES = 60_000  # of a line that a Go program reads by its usual scanner
_FLY_QUOTES = '"""'


def _one_value(_level: str, variables: "Variables") -> bytes:
    (value,) = variables.values()
    return value.encode()


def _fly_lines(_level: str, variables: "Variables") -> bytes:
    # NAME=VALUE, or between three quotes where there are several lines
    return "".join(f"{name}={_fly_value(name, value)}\n" for name, value in variables.items()).encode()


def _fly_value(name: str, value: str) -> str:
    is_quoted = value.startswith('"') or value.endswith('"')
    if is_quoted or _FLY_QUOTES in value or "\r" in value or len(value.encode()) > _LINE_BYTES:
        raise Malformed(f"{name} has a value that fly would read as another one", "set it by `fly secrets set`")
    return f"{_FLY_QUOTES}{value}{_FLY_QUOTES}" if "\n" in value else value


def _manifest(level: str, variables: "Variables") -> bytes:
    from envfs.dotenv import formats

    return formats.kubernetes_secret(level, variables).encode()


class PushTarget(NamedTuple):
    """A target: the words of its tool, with a place for the name of a variable and for words of the person.

    `names` is what the service takes as a name. With `needs`, the person has to say that behind `--`. Without the place
    for a name the tool is run once, for all variables.
    """

    name: str
    summary: str
    words: "tuple[str, ...]"
    standard_input: "Input"
    names: str = r"[A-Za-z_][A-Za-z0-9_]*"
    needs: str = ""

    @property
    def is_for_each(self) -> bool:
        """Tell whether the tool is run once for each variable."""
        return NAME in self.words

    def command(self, name: str, more: "tuple[str, ...]") -> "tuple[str, ...]":
        """Return the words for a variable. `more` are those of the person."""
        filled = ((name,) if word == NAME else more if word == MORE else (word,) for word in self.words)
        return tuple(word for words in filled for word in words)

    def takes(self, name: str) -> bool:
        """Tell whether the service takes a name."""
        return re.fullmatch(self.names, name) is not None


TARGETS = (
    PushTarget(
        "gh",
        "secrets of a GitHub repository, environment or organisation",
        ("gh", "secret", "set", NAME, MORE),
        _one_value,
        r"(?!GITHUB_)[A-Za-z_][A-Za-z0-9_]*",
    ),
    PushTarget(
        "vercel",
        "environment variables of a Vercel project",
        ("vercel", "env", "add", NAME, MORE),
        _one_value,
        needs="the environment, such as production",
    ),
    PushTarget("fly", "secrets of a Fly app", ("fly", "secrets", "import", MORE), _fly_lines),
    PushTarget(
        "kubectl",
        "a Secret of Kubernetes, which has these variables and no others of EnvFS",
        ("kubectl", "apply", "--server-side", "--field-manager=envfs", "-f", "-", MORE),
        _manifest,
    ),
    PushTarget("docker", "secrets of a Docker swarm", ("docker", "secret", "create", MORE, NAME, "-"), _one_value),
)


def find_target(name: str) -> PushTarget:
    """Return the target of a name that the grammar knows."""
    return next(target for target in TARGETS if target.name == name)
