"""The next things to do about an incident, as commands that can be pasted."""

import os
import shlex

from envfs.core.rotation import PREVIOUS
from envfs_cli import grammar
from envfs_cli.incidents.received import Report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from envfs.protocol import control

_IDS = "gt"  # with which the id of a rule or a token begins


def next_commands(report: Report) -> tuple[str, ...]:
    """Return commands: a new value here and where else it stands, rules of readers, and holders of the old value."""
    about = report.about
    source = about.source
    commands = [_new_value(source, about.name)]
    for row in report.carriers:
        if (row.level, row.name) == (source, about.name + PREVIOUS):
            commands.append(f"envfs rotate {_word(source)} {about.name} --finish")
        elif row.name:
            commands.append(_new_value(row.level, row.name))
    commands += _revocations(report)
    if report.holders:
        commands.append(f"envfs holders {_word(about.level)} {about.name} --restart")
    commands += [f"envfs show {_word(level)}" for level in dict.fromkeys(row.level for row in report.others)]
    return tuple(dict.fromkeys(commands))


def _new_value(level: str, name: str) -> str:
    verb = "rotate" if grammar.find_command("rotate") else "set"
    return f"envfs {verb} {_word(level)} {name}"


def _revocations(report: Report) -> "Iterator[str]":
    for row in report.readers:
        rule = row.rule.partition(" ")[0]
        has_id = rule[:1] in _IDS and rule[1:].isdigit()
        if has_id and rule[0] == "t":
            yield f"envfs token revoke {rule}"  # of this user's own processes too: it may be in other hands
        elif row.uid == os.geteuid():
            continue  # the one who reads the report
        elif has_id:
            yield f"envfs revoke {rule}"
        elif row.uid >= 0 and row.rule.startswith("uid "):
            yield _by_user(row)


def _by_user(row: "control.ReaderFactRow") -> str:
    level = row.rule.split(" ")[-1]
    return f"envfs revoke {_word(level if level.startswith('/') else row.level)} --uid {row.uid}"


def _word(level: str) -> str:
    return shlex.quote(level)
