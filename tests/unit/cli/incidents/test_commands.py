"""The commands that a report on a variable ends with."""

import os

import pytest

from envfs.protocol import control
from envfs_cli.incidents.commands import next_commands
from envfs_cli.incidents.received import Report

_ABOUT = control.IncidentReported("/shop", "KEY", "/shop", "", "", 9, "", "whole", (), ())


def _revoked(uid: int, rule: str) -> set[str]:
    values: dict[str, object] = dict.fromkeys(control.ReaderFactRow.__annotations__, "")
    reader = control.ReaderFactRow(**{**values, "reader": 1, "uid": uid, "level": "/shop", "rule": rule})  # type: ignore[arg-type]
    commands = next_commands(Report(_ABOUT, (), (reader,), (), (), (), ()))
    return {command for command in commands if "revoke" in command}


@pytest.mark.parametrize(
    ("uid", "rule", "command"),
    [
        (4001, "g3 uid 4001", {"envfs revoke g3"}),
        (4001, "t7 ci at /shop", {"envfs token revoke t7"}),
        (4001, "uid 4001 at /shop", {"envfs revoke /shop --uid 4001"}),
        (os.geteuid(), "g3 uid 0", set()),
        (os.geteuid(), "t7 ci at /shop", {"envfs token revoke t7"}),  # it may be in other hands
        (os.geteuid(), "uid 0 at /shop", set()),
    ],
)
def test_a_rule_is_revoked_unless_it_lets_the_reader_of_the_report_in(uid: int, rule: str, command: set[str]) -> None:
    assert _revoked(uid, rule) == command
