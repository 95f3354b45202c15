"""The templates, and what they say of rows: texts in words, times as this machine's own zone has them.

Law: every text is escaped, and control characters in it are made visible, whoever wrote it.
"""

import os
import pwd
import re

import jinja2
from markupsafe import Markup, escape

from envfs.core.visible_text import visible_text
from envfs.protocol import control
from envfs_cli import output
from envfs_cli.replies import questions, rules
from envfs_cli.web import activity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_FOLDER = os.path.join(os.path.dirname(__file__), "templates")
_MINUTES = len("2026-11-30 08:00")
_COMMAND = re.compile("`([^`]*)`")
_BAD_EVENTS, _GOOD_EVENTS = ("refuse", "canary", "void"), ("read",)
_ROTATION_KINDS = {"expired": "bad", "due": "bad", "good": "good"}
_DECISION_KINDS = {"allow": "good", "deny": "bad"}


def render(template: str, **values: object) -> str:
    """Return the HTML of a template."""
    return _environment.get_template(template).render(**values)


def local_minute(time: str) -> str:
    """Return a time of RFC 3339 (UTC) to the minute, in this process's own zone."""
    return output.local_time(time)[:_MINUTES].replace("T", " ")


def event_kind(event: object) -> str:
    """Return how an event of the log looks."""
    if event in _BAD_EVENTS:
        return "bad"
    return "good" if event in _GOOD_EVENTS else "quiet"


def user_name(uid: object) -> str:
    """Return a user's name, or the number where there is none."""
    try:
        return pwd.getpwuid(int(str(uid))).pw_name
    except (KeyError, ValueError, OverflowError):
        return "none" if uid == -1 else str(uid)


def changes_of(row: control.VersionRow) -> str:
    """Return the names that a version changed."""
    parts = [
        f"{word} {', '.join(names)}"
        for word, names in (("added", row.added), ("changed", row.changed), ("removed", row.removed))
        if names
    ]
    return "; ".join(parts) or "none"


def health_words(report: control.StatusReport) -> str:
    """Return the daemon's state as a sentence."""
    if report.audience == "other":
        return f"A daemon of uid {report.uid} runs."
    state = "unlocked" if report.unlocked else "locked"
    return f"The daemon runs, and the vault is {state}. It is mounted at {report.mount or 'no place'}."


def status_facts(report: control.StatusReport) -> "list[tuple[str, str]]":
    """Return what the daemon says of itself to this user."""
    facts = [("user", f"uid {report.uid}")]
    if report.audience == "other":
        return facts
    facts += [("mount", report.mount or "none"), ("state", "unlocked" if report.unlocked else "locked")]
    if report.audience == "approved":
        return facts
    return [
        ("daemon", f"process {report.pid}, release {report.release}"),
        *facts,
        ("vault", f"{report.vault_folder} ({report.vault})"),
        ("rules", str(report.grants)),
        ("log", f"{report.log} ({report.log_entries} entries)"),
    ]


def sharing_facts(report: control.SharingReport) -> "list[tuple[str, str]]":
    """Return the state of the engine that machines share the vault by."""
    return [
        ("engine", report.engine),
        ("state", f"{report.state}: {report.text}" if report.text else report.state),
        ("compared", local_minute(report.contact) if report.contact else "never"),
        ("missing here", str(report.behind)),
        ("waiting here", str(report.waiting)),
        ("conflicts", str(report.conflicts)),
    ]


def with_commands(text: str) -> Markup:
    """Return a hint as HTML: what stands in backquotes is a command."""
    pieces = _COMMAND.split(visible_text(text))
    return Markup("").join(
        Markup("<code>{}</code>").format(piece) if at % 2 else escape(piece) for at, piece in enumerate(pieces)
    )


def _finalized(value: object) -> object:
    return visible_text(value) if isinstance(value, str) and not isinstance(value, Markup) else value


_FILTERS: "dict[str, Callable[..., object]]" = {
    "changes": changes_of,
    "commands": with_commands,
    "decision_kind": lambda word: _DECISION_KINDS.get(str(word), "warn"),
    "event_kind": event_kind,
    "health_words": health_words,
    "local": local_minute,
    "purpose": questions.purpose_words,
    "question_cells": questions.question_cells,
    "rotation_kind": lambda word: _ROTATION_KINDS.get(str(word), "warn"),
    "rule_cells": lambda row: rules.rule_cells(row, local_minute(row.until) if row.until else ""),
    "sharing_facts": sharing_facts,
    "status_facts": status_facts,
    "user": user_name,
}
_environment = jinja2.Environment(
    loader=jinja2.FileSystemLoader(_FOLDER),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    finalize=_finalized,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters.update(_FILTERS)
_environment.globals["most_entries"] = activity.MOST_ENTRIES
