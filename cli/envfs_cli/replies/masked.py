"""A masked view is said to be one: on standard error, and in the first line of what is written from it."""

from envfs.protocol import control
from envfs_cli import output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs_cli.grammar.words import Format

_TEXT = "masked by envfs: placeholders stand in the place of the values"
_LINE = f"# {_TEXT}\n"
_WITH_COMMENTS = ("dotenv", "shell", "docker", "systemd", "yaml", "k8s", "tfvars")  # their readers skip such a line


def note_masked() -> None:
    """Say that a view came with placeholders."""
    output.note(_TEXT)


def note_if_masked(reply: object) -> None:
    """Say that a view came with placeholders, if it did."""
    if _is_masked(reply):
        note_masked()


def with_first_line(reply: object, text: str, format_name: "Format") -> str:
    """Return a text with a first line that says that its view is masked, if it is and the format has comments."""
    return _LINE + text if _is_masked(reply) and format_name in _WITH_COMMENTS else text


def _is_masked(reply: object) -> bool:
    return isinstance(reply, control.ViewSent) and reply.masked
