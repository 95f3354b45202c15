"""A person's answer to a question, from the form of its page.

Laws: an answer is of a browser that was let in, by a form that was made for it, from the process that it was let in
with. It is about the question as it was shown: if anything else is known of that by now, it counts for nothing.
"""

from urllib.parse import parse_qsl

from envfs.errors import BadRequest, Conflict, NotApproved
from envfs.protocol import control
from envfs_cli.web import pages
from envfs_cli.web.sessions import BrowserSession, is_form_word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs_cli.web.asking import PageAsker

_FIELDS = ("word", "shown", "scope")


def answer_question(asker: "PageAsker", session: BrowserSession, process: str, name: str, form: bytes) -> str:
    """Answer a question, and return what to tell the person.

    Raises:
        NotApproved: the form is of another session, or another process sends it
        Conflict: the question is another one than was shown
        EnvFSError: what the daemon refuses with
    """
    fields = _read_form(form)
    if not is_form_word(session, fields["word"]):
        raise NotApproved("the form was not made for this browser", "load the page of the question again")
    if not process or process != session.process:
        raise NotApproved(
            "the answer came from another process than the one that opened the page",
            f"answer at a terminal: `envfs approvals respond {name} yes`, or no",
        )
    rows = asker.ask(control.ShowApproval(name)).of(control.QuestionRow)
    if [pages.digest_of(row) for row in rows] != [fields["shown"]]:
        raise Conflict("the question is not the one that was shown", "load its page again")
    if fields["scope"] and fields["scope"] not in rows[0].choices:
        raise BadRequest("the question has no such answer", "load its page again")
    end = asker.ask(control.RespondApproval(name, fields["scope"])).end
    notes = end.notes if isinstance(end, control.Done) else ()
    return ". ".join((f"{name} was {'allowed' if fields['scope'] else 'refused'}", *notes))


def _read_form(form: bytes) -> "dict[str, str]":
    try:
        pairs = parse_qsl(
            form.decode("ascii"), keep_blank_values=True, strict_parsing=True, max_num_fields=len(_FIELDS)
        )
    except ValueError:
        raise BadRequest("the form is not of this page") from None
    if sorted(name for name, _ in pairs) != sorted(_FIELDS):
        raise BadRequest("the form is not of this page")
    return dict(pairs)
