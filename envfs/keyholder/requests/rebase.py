"""A version that waited, merged into what others wrote meanwhile: variable by variable, with the note that it has."""

from envfs.core import extensions, record
from envfs.core.notes import Note
from envfs.dotenv.document import Document, parse_document
from envfs.dotenv.three_way import Merged, merge_three
from envfs.errors import BadRequest
from envfs.keyholder.crypto import sealing
from envfs.keyholder.requests.work import Work
from envfs.protocol.keyholding import WriteLevel


def rebased(request: WriteLevel, work: Work, theirs: Document) -> Merged:
    """Merge the version `restore`, made of `base`, into the newest text.

    Raises:
        BadRequest: there is none to merge
    """
    if request.restore is None:
        raise BadRequest("a merge needs the version that waited")
    base = work.open(request.base) if request.base else parse_document("")
    return merge_three(base, work.open(request.restore), theirs, forced=request.names)


def rebased_note(request: WriteLevel, work: Work) -> Note:
    """Return the note of the version that waited: it was the same act, with the same reason."""
    return sealing.open_note(work.open_record(request.restore)) if request.restore else Note()


def removes_again(request: WriteLevel, work: Work, text: str) -> bool:
    """Tell whether the version that waited removed the level, and nothing that others wrote is left."""
    if request.restore is None or text:
        return False
    return extensions.is_removed(record.parse_header(work.blobs[request.restore.record_blob]).ext)
