"""Requests about the authors of versions: who they are, and what they are called."""

from envfs.control.call import Call, Sent
from envfs.protocol.control import AuthorRow, Done, ListAuthors, NameAuthor
from envfs.service.maintenance import authors


async def list_authors(call: Call, _request: ListAuthors) -> Sent:
    """Send a row for each author, and for each other key that has a name."""
    listed = await authors.list_authors(call.service)
    await call.send_rows(AuthorRow(author.author, author.name, author.standing.value) for author in listed)
    return Sent(Done())


async def name_author(call: Call, request: NameAuthor) -> Sent:
    """Give an author a name, another one, or none."""
    named = await authors.name_author(call.service, request.author, request.name)
    called = f"is called {named.name}" if named.name else "has no name"
    return Sent(Done((f"{named.author[:8]} {called}",)))
