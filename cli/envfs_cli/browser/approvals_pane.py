"""The questions of programs that wait for a person.

Law: a question is answered after it was opened by its name. So no key that was pressed before it came can answer it.
"""

from envfs.protocol import control
from envfs_cli import output
from envfs_cli.browser.listing import ListRow
from envfs_cli.browser.pane import Pane, labelled_line
from envfs_cli.replies import questions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from envfs_cli.browser.asker import DaemonAsker
    from envfs_cli.browser.pane import Line

_NONE = "no question waits"


class ApprovalsPane(Pane):
    """The questions of the whole vault, whichever level is selected."""

    title = "Approvals"
    heads = ("QUESTION", "LEVEL", "USER", "PROGRAM", "REASON")

    def __init__(self) -> None:
        """Begin without a question."""
        super().__init__()
        self.questions: dict[str, control.QuestionRow] = {}
        self.refusal = ""

    async def read_rows(self, asker: "DaemonAsker", level: str) -> list[ListRow]:  # noqa: ARG002 - they come by themselves
        """Return a row for each question that waits."""
        return self._rows()

    def words_for_none(self, level: str) -> str:  # noqa: ARG002 - they are of the vault
        """Return what is said if no question waits."""
        return self.refusal or _NONE

    def take_changes(self, rows: "Iterable[object]") -> list[str]:
        """Take questions as they are asked and end. Return what is to be said of it."""
        said = []
        for row in rows:
            if not isinstance(row, control.QuestionRow):
                continue
            if row.state == questions.OPEN:
                said += [] if row.question in self.questions else [f"{row.question} asks for {row.level}: ! shows it"]
                self.questions[row.question] = row
            elif self.questions.pop(row.question, None) is not None:
                said.append(questions.end_words(row))
        self._show()
        return said

    def forget_questions(self, why: str = "") -> None:
        """Know of no question any more."""
        self.questions.clear()
        self.refusal = why
        self._show()

    def clear(self, note: str = "", style: str = "dim") -> None:
        """Keep the questions: they are of no level."""

    def details(self) -> "list[Line]":
        """Return all that is known of the selected question."""
        row = self.questions.get(self.listing.key)
        return question_fact_lines(row) if row is not None else []

    def _show(self) -> None:
        self.note = "" if self.questions else self.words_for_none("")
        self.listing.set_rows(self._rows())

    def _rows(self) -> list[ListRow]:
        return [
            ListRow(name, tuple(map(output.clean, questions.question_cells(row)[: len(self.heads)])), "warn")
            for name, row in self.questions.items()
        ]


def question_fact_lines(row: control.QuestionRow) -> "list[Line]":
    """Return all that is known of a question. Texts that others chose stand behind labels, made visible."""
    facts = questions.question_facts(row, output.shown_time(row.asked))
    return [labelled_line(label, output.clean(text)) for label, text in facts if text]
