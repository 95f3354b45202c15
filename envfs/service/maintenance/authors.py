"""The authors of a vault's versions, and what its owner calls them.

Law: a name is for people to read. Nothing is decided by it, and it is in the settings of this machine alone.
"""

from enum import StrEnum
from typing import NamedTuple

from envfs.dotenv.placeholders.redaction import refuse_credential
from envfs.errors import AlreadyExists, NoSuchLevel
from envfs.service.members.listing import load_members
from envfs.service.service import Service

_SHORTEST = 4  # of the beginning of a key


class AuthorStanding(StrEnum):
    """The place of an author in this vault."""

    OWNER = "owner"
    AUTHOR = "author"
    FORMER = "former author"
    UNKNOWN = "unknown"  # it has a name here, and no right


class NamedAuthor(NamedTuple):
    """An author by the key, with the name that the owner gave, or the empty string."""

    author: str
    name: str
    standing: AuthorStanding


async def list_authors(service: Service) -> list[NamedAuthor]:
    """List the owner, the others in the order in which they were allowed to write, and who else has a name.

    Raises:
        AuthenticationFailed: the list of authors is not as the owner wrote it
    """
    given = service.settings.load().authors
    standings = await _standings(service)
    standings |= {author: AuthorStanding.UNKNOWN for author in given if author not in standings}
    names = service.author_names()  # a member has the name of the list, unless this machine gave another one
    return [NamedAuthor(author, names.get(author, ""), standing) for author, standing in standings.items()]


async def _standings(service: Service) -> dict[str, AuthorStanding]:
    standings = {service.open_vault.vault.description.signing_key: AuthorStanding.OWNER}
    members = await load_members(service)
    for roster in members.rosters:
        present = [device.author for member in roster.members for device in member.devices]
        for author in dict.fromkeys((*standings, *present)):
            standing = AuthorStanding.AUTHOR if author in present else AuthorStanding.FORMER
            standings[author] = standings[author] if author == members.founder else standing
    return standings


async def name_author(service: Service, named: str, name: str) -> NamedAuthor:
    """Call an author by a name, or (empty) by none. `named` is a key, the beginning of one, or the name before.

    Raises:
        NoSuchLevel: there is none, or several
        AlreadyExists: another author has the name
        UnsafeSettings: it is no name
    """
    refuse_credential(name, "the name")
    authors = await list_authors(service)
    chosen = _chosen(authors, named)
    if any(other.name == name != "" and other.author != chosen.author for other in authors):
        raise AlreadyExists("another author has that name", "`envfs authors` lists them")
    service.settings.set_author(chosen.author, name)
    return chosen._replace(name=name)


def _chosen(authors: list[NamedAuthor], named: str) -> NamedAuthor:
    by_name = [author for author in authors if named and named in (author.name, author.author)]
    fitting = by_name or [author for author in authors if len(named) >= _SHORTEST and author.author.startswith(named)]
    if len(fitting) != 1:
        text = "several authors have a key that begins so" if fitting else "there is no such author"
        raise NoSuchLevel(text, "`envfs authors` lists them: give the name, or the beginning of the key")
    return fitting[0]
