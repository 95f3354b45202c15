"""A person decides about a request through a proxy, sees what it is, and never a value."""

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.component.proxying import HOST, Upstream
from tests.conftest import Homes
from tests.system.answering import Person
from tests.system.home import ENVFS, SECONDS, Home, eventually
from tests.system.ruled import KEY, rule_text, ruled

CLIENT = """
import os, sys, urllib.request, urllib.error
for line in sys.stdin:
    told = {"Authorization": "Bearer " + os.environ["SHOP_KEY"], "Content-Type": "text/plain"}
    request = urllib.request.Request(sys.argv[1] + line.strip(), b"pay 100", told)
    try:
        print(urllib.request.urlopen(request).status, flush=True)
    except urllib.error.HTTPError as error:
        print(error.code, error.headers.get("x-envfs-proxy"), flush=True)
"""


@pytest.fixture(scope="module")
def shop(new_home: Homes, upstream: Upstream) -> Iterator[Home]:
    """Give the module a home with rules, and a daemon."""
    rules = [
        rule_text(upstream, name=approve, paths=[f"/{approve}*"], approve=approve) for approve in ("each", "first")
    ]
    rules.append('\n[approvals]\nwait = "60s"\n')
    with ruled(new_home(), upstream, *rules, levels={"/shop": f"SHOP_KEY={KEY}\n"}) as home:
        yield home


class Command:
    """A command behind a proxy, in a session of its own, that sends a request for each line."""

    def __init__(self, home: Home, upstream: Upstream) -> None:
        words = [ENVFS, "exec", "/shop", "--proxy", "--", sys.executable, "-c", CLIENT]
        self.process = subprocess.Popen(
            [*words, f"https://{HOST}:{upstream.port}"],
            env={**home.environ(), "ENVFS_REASON": "to refund ana"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def send(self, target: str) -> None:
        """Begin a request."""
        assert self.process.stdin is not None
        self.process.stdin.write(target + "\n")
        self.process.stdin.flush()

    def heard(self) -> str:
        """Return what it got."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def close(self) -> None:
        """End it."""
        self.process.kill()
        self.process.wait(SECONDS)
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            stream.close()


@pytest.fixture(scope="module")
def command(shop: Home, upstream: Upstream) -> Iterator[Command]:
    """Give the module a command behind a proxy."""
    running = Command(shop, upstream)
    yield running
    running.close()


@pytest.fixture(autouse=True)
def forgetting(upstream: Upstream) -> None:
    """Let each test see its own requests alone."""
    upstream.seen.clear()


@pytest.fixture(scope="module")
def person(shop: Home) -> Iterator[Person]:
    """Give the module somebody who answers."""
    with Person(shop.socket) as someone:
        someone.questions()
        yield someone


def _question(person: Person) -> dict[str, object]:
    eventually(lambda: bool(person.questions()), "a question")
    return person.questions()[0]


def test_where_nobody_is_there_nothing_is_sent(upstream: Upstream, command: Command) -> None:
    command.send("/each")
    assert command.heard() == "403 not-approved"
    assert not upstream.seen


def test_each_request_has_a_question_of_its_own(
    shop: Home, upstream: Upstream, person: Person, command: Command
) -> None:
    for number in (1, 2):
        command.send("/each?to=ana")
        question = _question(person)
        assert KEY not in json.dumps(question)
        assert (question["level"], question["reason"], question["choices"]) == ("/shop", "to refund ana", ["once"])
        sent = question["forward"]
        assert isinstance(sent, dict)
        url = f"https://{HOST}:{upstream.port}/each?to=ana"
        assert (sent["method"], sent["url"], sent["media"], sent["size"]) == ("POST", url, "text/plain", 7)
        assert len(upstream.seen) == number - 1
        reply = person.answer(str(question["question"]), "once")
        assert reply["notes"] == ["that request goes on, and no other one"]
        assert command.heard() == "200"
    assert [seen.headers["authorization"] for seen in upstream.seen] == [f"Bearer {KEY}"] * 2
    forwarded = [entry for entry in shop.log() if entry["event"] == "forward"]
    assert str(forwarded[-1]["rule"]).startswith(f"each, {question['question']}: {HOST}")


def test_a_no_is_for_the_same_request_a_while_and_for_no_other_one(
    upstream: Upstream, person: Person, command: Command
) -> None:
    command.send("/each?to=bob")
    person.answer(str(_question(person)["question"]))
    assert command.heard() == "403 not-approved"
    command.send("/each?to=bob")
    assert command.heard() == "403 not-approved"
    assert not person.questions()
    command.send("/each?to=eve")
    person.answer(str(_question(person)["question"]), "once")
    assert command.heard() == "200"
    assert [seen.target for seen in upstream.seen] == ["/each?to=eve"]


def test_a_yes_to_the_first_is_for_its_path_and_its_session(
    shop: Home, upstream: Upstream, person: Person, command: Command
) -> None:
    command.send("/first?x=1")
    question = _question(person)
    assert question["choices"] == ["process"]
    assert isinstance(question["forward"], dict)
    assert question["forward"]["url"] == f"https://{HOST}:{upstream.port}/first"
    person.answer(str(question["question"]), "once")  # a plain yes
    assert command.heard() == "200"
    command.send("/first?x=2")
    assert command.heard() == "200"
    command.send("/first/other")
    person.answer(str(_question(person)["question"]))
    assert command.heard() == "403 not-approved"
    other = Command(shop, upstream)
    try:
        other.send("/first")
        person.answer(str(_question(person)["question"]))
        assert other.heard() == "403 not-approved"
    finally:
        other.close()


def test_what_waits_ends_with_its_session(shop: Home, upstream: Upstream, person: Person) -> None:
    ending = Command(shop, upstream)
    try:
        ending.send("/each?to=all")
        _question(person)
    finally:
        ending.close()
    eventually(lambda: not person.questions(), "the question is withdrawn")


def test_a_person_is_shown_the_request_in_words(shop: Home, person: Person, command: Command) -> None:
    command.send("/each?to=ana")
    name = str(_question(person)["question"])
    shown = shop.envfs("approvals", "show", name).text
    assert "asks to send a value of /shop" in shown
    assert "POST https://" in shown
    assert "7 bytes of text/plain, SHA-256" in shown
    assert "# this request alone" in shown
    assert KEY not in shown
    person.answer(name)
    assert command.heard() == "403 not-approved"
