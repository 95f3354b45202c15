"""The words of the access log are closed sets, and docs/format.md §7 lists each of them."""

import re
from enum import StrEnum
from pathlib import Path

import pytest

from envfs.core import events
from envfs.core.access.roles import Capability
from envfs.core.access.verdict import Decision, Verdict
from envfs.core.access_request import AccessRequest, Channel, Format
from envfs.core.events import EventKind, Served
from envfs.core.keyfile import Custody
from envfs.core.operations import KeyOperation, Operation
from envfs.core.scope import VAULT, Scope

FORMAT = Path(__file__).parents[3] / "docs/format.md"
WORD = re.compile(r"`([a-z-]+)`")


def documented(member: str) -> list[str]:
    """Return the words that the page lists for a member of an entry, in their order."""
    row = re.search(rf"^\| `{member}` \|(.*)\|$", FORMAT.read_text(encoding="utf-8"), re.MULTILINE)
    assert row is not None
    return WORD.findall(row[1])


@pytest.mark.parametrize(("member", "words"), [("event", EventKind), ("channel", Channel), ("format", Format)])
def test_every_word_of_a_member_is_documented_and_no_other(member: str, words: type[StrEnum]) -> None:
    assert set(documented(member)) == set(words)


def test_every_operation_is_documented_and_no_other() -> None:
    kinds = {EventKind.WRITE, EventKind.KEY, EventKind.REFUSE, EventKind.VOID, EventKind.FORWARD}
    assert set(documented("operation")) - kinds == {*Operation, *KeyOperation}


def test_what_a_stranger_sends_is_on_the_log_in_bounds() -> None:
    event = events.refused_request("SetVariable", "x" * 10_000, Capability.WRITE)
    assert len(event.level) == 256
    assert event.decision is Decision.DENY
    assert len(events.identity_changed(KeyOperation.RECOVERY, "age1" * 1_000).rule) == 100


def test_a_read_says_what_was_given_and_a_refusal_what_was_asked_for() -> None:
    request = AccessRequest("/shop", Channel.MOUNT, Format.DOTENV, 0, "node")
    given = events.read(request, Served(7), Verdict(Decision.ALLOW, "uid 1000 /"))
    assert (given.kind, given.version, given.format, given.rule) == (EventKind.READ, 7, Format.DOTENV, "uid 1000 /")
    refused = events.refused(request, "no grant")
    assert (refused.kind, refused.version, refused.decision) == (EventKind.REFUSE, 0, Decision.DENY)


def test_a_lock_of_the_vault_is_at_the_top_level() -> None:
    assert (events.locked(VAULT, "idle").level, events.locked(Scope("/shop"), "idle").level) == ("/", "/shop")
    assert (events.unlocked(VAULT, 60).rule, events.unlocked(VAULT, 0).rule) == ("for 60 s", "")


def test_a_new_key_file_says_its_number_and_the_custody() -> None:
    event = events.keys_changed("/shop", 3, KeyOperation.CUSTODY, Custody.ZERO_KNOWLEDGE)
    assert (event.level, event.version, event.operation, event.rule) == ("/shop", 3, "custody", "zero-knowledge")
