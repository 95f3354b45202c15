"""The requests that the page may send: none of them is answered by a value."""

import ast
import types
from pathlib import Path

import pytest

from envfs.errors import BadRequest
from envfs.protocol import control
from envfs.protocol.control.vocabulary import DESCRIPTORS, REQUESTS
from envfs_cli import web
from envfs_cli.daemon import client
from envfs_cli.web import asking
from envfs_cli.web.asking import PageAsker
from tests.unit.cli.commands.test_other_answers import plausible
from tests.unit.cli.fake_daemon import FakeLink

FOLDER = Path(str(web.__file__)).parent
ALLOWED = asking.LOOKS | asking.ANSWERS
_VALUES = {"ReadView", "OpenProxy", "FindVariables", "ScanContent", "CompareLevels", "DescribeView", "ListHolders"}


def _requests() -> list[type]:
    return [kind for name, kind in sorted(REQUESTS.items()) if name != "hello"]


def _example(kind: type) -> "tuple[object, ...]":
    made = plausible(kind)
    assert isinstance(made, tuple)
    return made


def _linked(monkeypatch: pytest.MonkeyPatch, link: FakeLink) -> FakeLink:
    monkeypatch.setattr(client, "need_running", lambda: link)
    return link


@pytest.mark.parametrize("kind", [kind for kind in _requests() if kind not in ALLOWED])
def test_any_other_request_is_not_sent(monkeypatch: pytest.MonkeyPatch, kind: type) -> None:
    link = _linked(monkeypatch, FakeLink(control.Done()))
    for send in (PageAsker().ask, PageAsker().begin):
        with pytest.raises(BadRequest, match="does not send"):
            send(_example(kind))  # type: ignore[operator]
    assert not link.asked


def test_no_request_that_may_be_sent_is_answered_by_a_value_or_brings_a_secret() -> None:
    assert not {kind.__name__ for kind in ALLOWED} & _VALUES
    assert not ALLOWED & DESCRIPTORS.keys()
    assert {kind.__name__ for kind in asking.ANSWERS} == {"RespondApproval"}
    starts = ("List", "Show", "Watch", "Describe", "Status", "Diagnose", "ReadLog")
    assert all(kind.__name__.startswith(starts) for kind in asking.LOOKS)


def test_a_page_without_answers_answers_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    link = _linked(monkeypatch, FakeLink(control.Done()))
    with pytest.raises(BadRequest, match="does not send"):
        PageAsker(takes_answers=False).ask(control.RespondApproval("q1", "once"))
    PageAsker(takes_answers=False).ask(control.ShowApproval("q1"))
    assert link.asked == [control.ShowApproval("q1")]


@pytest.mark.parametrize(
    ("reply", "blob"),
    [(control.Done(), b"A=1"), (control.ViewSent("/a", 1, 1), b""), (control.Written("/a", 1, (), (), ()), b"")],
)
def test_an_answer_with_more_than_that_reaches_no_page(
    monkeypatch: pytest.MonkeyPatch, reply: object, blob: bytes
) -> None:
    _linked(monkeypatch, FakeLink(reply, (), blob))
    with pytest.raises(BadRequest, match="more than a page may have"):
        PageAsker().ask(control.ListLevels())


def test_what_authors_wrote_freely_is_left_out() -> None:
    version = plausible(control.VersionRow)
    assert isinstance(version, control.VersionRow)
    assert asking.without_free_text(version._replace(message="secret")) == version._replace(message="")
    rotation = plausible(control.RotationRow)
    assert isinstance(rotation, control.RotationRow)
    stripped = rotation._replace(with_command="", from_command="")
    assert asking.without_free_text(rotation._replace(with_command="a", from_command="b")) == stripped
    assert asking.without_free_text(control.Done()) == control.Done()


def test_an_answer_of_before_will_do_where_the_log_notes_each_look(monkeypatch: pytest.MonkeyPatch) -> None:
    link = _linked(monkeypatch, FakeLink(control.Done()))
    asker, names = PageAsker(), control.ListPresence("/a", ages=True)
    for fresh in (True, False, False):
        asker.ask(names, fresh=fresh)
        asker.ask(control.ListLevels(), fresh=fresh)
    assert link.asked.count(names) == 1
    assert link.asked.count(control.ListLevels()) == 3
    asker.ask(control.ListPresence("/b", ages=True), fresh=False)
    asker.forget()
    asker.ask(names, fresh=False)
    assert link.asked.count(names) == 2


def test_no_other_module_of_the_page_reaches_the_daemon() -> None:
    for path in FOLDER.glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imported = {
            f"{node.module}.{name.name}"
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            for name in node.names
        }
        reaches = {name for name in imported if name.startswith("envfs_cli.daemon")} - {"envfs_cli.daemon.client.Link"}
        assert reaches == ({"envfs_cli.daemon.client"} if path.name == "asking.py" else set()), path.name


def test_each_request_of_a_page_is_one_that_may_be_sent() -> None:
    named = set()
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                owner = node.func.value
                if isinstance(owner, ast.Name) and owner.id == "control":
                    named.add(getattr(control, node.func.attr))
    assert isinstance(control, types.ModuleType)
    assert named & set(_requests()) == ALLOWED
