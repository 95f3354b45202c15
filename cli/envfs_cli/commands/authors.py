"""`authors`: list the authors of versions, and call them by names."""

from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import exit_status, output
from envfs_cli.arguments import Mistake
from envfs_cli.closed_sets import Unhandled
from envfs_cli.daemon import session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal


class AuthorsArguments(NamedTuple):
    """The arguments of `authors`."""

    action: "Literal['name', 'forget'] | None"
    author: str | None
    name: str | None
    passphrase_file: str | None
    json: bool


def run_authors(arguments: AuthorsArguments) -> int:
    """List authors, or name one.

    Raises:
        Mistake: it is not said who is meant, or what the name is
    """
    link = session.start_session(arguments.passphrase_file)
    if arguments.action is None:
        return _list([row for row in link.rows(control.ListAuthors()) if isinstance(row, control.AuthorRow)], arguments)
    if not arguments.author:
        raise Mistake("name the author", "by the name, or the beginning of the key: `envfs authors` lists them")
    match arguments.action:
        case "name":
            if not arguments.name:
                raise Mistake("say the name, too", "`envfs authors` lists those that there are")
            reply = link.reply(control.NameAuthor(arguments.author, arguments.name))
        case "forget":
            reply = link.reply(control.NameAuthor(arguments.author, ""))
        case _:
            raise Unhandled(arguments.action)
    if not isinstance(reply, control.Done):
        return exit_status.BUG
    for sentence in reply.notes:
        output.done(output.clean(sentence))
    return 0


def _list(rows: "list[control.AuthorRow]", arguments: AuthorsArguments) -> int:
    if arguments.json:
        output.rows_json(rows)
        return 0
    output.print_table(
        ("AUTHOR", "NAME", "STANDING"),
        [(row.author, output.clean(row.name) or "-", row.standing) for row in rows],
        none="nobody has written to this vault",
    )
    return 0
