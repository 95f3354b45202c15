"""A question is answered by a key: one that opens it, and one that says what is allowed.

Laws: a key answers the question that was shown when it was opened, and no other: if that ends, nothing is open any
more. A question that came a moment ago is not opened, for the key may have been meant for another one.
"""

import time

from envfs.errors import EnvFSError
from envfs.protocol import control
from envfs_cli import output
from envfs_cli.daemon import client
from envfs_cli.replies import questions as words
from envfs_cli.replies.written import print_notes
from envfs_cli.shell.questions import Questions

_KEYS = {"o": "once", "p": "process", "e": "executable", "A": "always"}
NO = "n"
ANSWER_KEYS = (*_KEYS, NO)
_SEEN_SECONDS = 0.7  # for which a question has to be shown before a key opens it


class Answering:
    """The question that the next key answers, if one is open."""

    def __init__(self, questions: Questions) -> None:
        """Answer those of `questions`."""
        self._questions = questions
        self._name = ""

    @property
    def question(self) -> "control.QuestionRow | None":
        """The question that is open, as long as it waits."""
        return self._questions.open.get(self._name)

    def begin(self) -> bool:
        """Open the oldest question that waits. False if there is none that a person has seen."""
        until = time.monotonic() - _SEEN_SECONDS
        seen = (name for name in self._questions.open if self._questions.shown_at[name] <= until)
        self._name = next(seen, "")
        return bool(self._name)

    def leave(self) -> None:
        """Open none."""
        self._name = ""

    def takes(self, key: str) -> bool:
        """Tell whether a key answers the question that is open."""
        row = self.question
        return row is not None and (key == NO or _KEYS.get(key) in row.choices)

    def lines(self) -> "list[str]":
        """Return the question in a line, and the keys that answer it in another."""
        row = self.question
        if row is None:
            return []
        who = f"{row.question} for {row.level}: {words.asker_words(row)}"
        keys = [f"{key} {scope}" for key, scope in _KEYS.items() if scope in row.choices]
        return [output.clean(who), "  ".join((*keys, f"{NO} no", "Esc later"))]

    def answer(self, key: str) -> None:
        """Answer it, and say what the daemon says."""
        row, self._name = self.question, ""
        if row is None:
            return
        try:
            link = client.need_running()
            try:
                print_notes(link.ask(control.RespondApproval(row.question, _KEYS.get(key, "")))[0])
            finally:
                link.close()
        except EnvFSError as error:
            output.error(error)
