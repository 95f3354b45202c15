"""The page as a browser meets it: who is let in, and what each answer forbids."""

import json
from urllib.parse import urlencode

import pytest

from envfs.errors import NotApproved
from envfs.protocol import control
from envfs_cli.web import guards, pages
from envfs_cli.web.asking import PageReply
from tests.unit.cli.fake_daemon import HOSTILE
from tests.unit.cli.shell.test_questions import ROW
from tests.unit.cli.web.asgi import FORM, VISIT, FakeAsker, Served

ALL = ("", "levels", "level/", "level/shop/prod", "log", "rotations", "rules", "approvals", "approvals/q1", "health")
QUESTION = PageReply([ROW], control.Done())
ASKED = {control.ShowApproval: QUESTION, control.RespondApproval: PageReply([], control.Done(("a rule is written",)))}


def _form(word: str, shown: str = pages.digest_of(ROW), scope: str = "once") -> bytes:
    return urlencode({"word": word, "shown": shown, "scope": scope}).encode()


def test_the_url_lets_one_browser_in_and_leads_to_the_page() -> None:
    served = Served()
    word = served.sessions.new_url_word()
    answer = served.get(f"/open/{word}", below=False)
    assert answer.status == 200
    cookie = answer.headers["set-cookie"].split("; ")
    assert {"HttpOnly", "SameSite=strict", f"Path={served.root}"} <= set(cookie)
    assert served.root in answer.text
    assert word not in answer.text
    assert served.get(f"/open/{word}", below=False).status == 403
    served.cookie = cookie[0].partition("=")[2]
    assert served.get("").status == 200


@pytest.mark.parametrize("path", ["", "levels", "nothing", "page.css", "page.js", "events", "../x"])
def test_whoever_was_not_let_in_gets_one_answer_for_all(path: str) -> None:
    served = Served()
    told = [served.get(path), *(served.get(f"/{folder}{path}", below=False) for folder in ("", f"{'x' * 43}/"))]
    assert [answer.status for answer in told] == [403] * 3
    assert len({answer.text for answer in told}) == 1
    assert served.sessions.folder not in told[0].text
    assert not served.asker.asked


def test_the_cookie_opens_nothing_outside_of_the_folder() -> None:
    served = Served()
    served.enter()
    assert served.get("/levels", below=False).status == 403
    assert served.get("//levels", below=False).status == 403


@pytest.mark.parametrize("path", ALL)
def test_each_page_shows_why_there_is_nothing_to_show(path: str) -> None:
    served = Served()
    served.enter()
    answer = served.get(path)
    assert answer.status == 200
    if path != "level/":
        assert "no daemon runs here" in answer.text
    assert "<code>envfs mount</code>" in answer.text


@pytest.mark.parametrize(
    "path", ["nothing", "level-x", "approval", "levels/x", "approvals/", "level", "page.html", "static/page.js"]
)
def test_there_is_no_other_page(path: str) -> None:
    served = Served()
    served.enter()
    assert served.get(path).status == 404


@pytest.mark.parametrize("path", [*ALL, "page.css", "page.js", "page.svg", "nothing"])
def test_each_answer_forbids_all_but_this_page(path: str) -> None:
    served = Served()
    let_in, outside = Served(), served.get(path)
    let_in.enter()
    for answer in (outside, let_in.get(path)):
        assert {name: answer.headers[name] for name, _ in guards.HEADERS} == dict(guards.HEADERS)
        assert "style=" not in answer.text
        assert "<script>" not in answer.text
        assert " on" not in {part[:3] for part in answer.text.split("<")}


def test_what_others_wrote_is_escaped_and_visible() -> None:
    words = f"<script>alert(1)</script>{HOSTILE}"
    rows = [
        control.LevelRow("/shop", 1, words, allowed=False),
        control.FindingRow(words, words, words, words),
        ROW._replace(reason=words, program=words, processes=(control.ProcessFact(1, 1, words, terminal=True),)),
        control.GrantRow("/shop", 5, words, "", -1, who=words, id=words, decision=words),
        control.PresenceRow("/shop", "A", words, words, 1, words),
        control.VersionRow(1, words, words, (words,), (), ()),
        control.LogRow(
            f'{{"event":"read","format":"json","uid":5,"level":{json.dumps(words)},"script":{json.dumps(words)}}}\n'
        ),
    ]
    kinds = (control.ListLevels, control.Diagnose, control.ListApprovals, control.ShowApproval, control.ListGrants)
    more = (control.ListPresence, control.ListHistory, control.ReadLog, control.ListRotations, control.ListReaders)
    report = control.StatusReport(*[words] * 2, 0, words, words, words, True, 1, 1, words, 1, (words,), "owner")
    replies = {kind: PageReply(list(rows), control.Done()) for kind in (*kinds, *more)}
    sharing = control.SharingReport(words, words, words, words, 1, 1, 1, 1)
    replies |= {
        control.Status: PageReply([], report._replace(pid=1)),
        control.DescribeSharing: PageReply([control.SharingRow(words, words, 1)], sharing),
    }
    served = Served(FakeAsker(replies))
    served.enter()
    for path in ALL:
        answer = served.get(path)
        assert answer.status == 200, path
        assert "<script>alert" not in answer.text
        assert all(letter.isprintable() or letter == "\n" for letter in answer.text)


def test_a_fault_of_the_page_is_told_by_its_kind_alone() -> None:
    class Broken(FakeAsker):
        def ask(self, request: object, *, fresh: bool = True) -> PageReply:
            raise ZeroDivisionError("canary-value")

    served = Served(Broken())
    served.enter()
    answer = served.get("levels")
    assert answer.status == 500
    assert "ZeroDivisionError" in answer.text
    assert "canary" not in answer.text


def test_a_page_that_is_loaded_again_by_itself_keeps_nobody_from_being_idle() -> None:
    served = Served()
    served.enter()
    looked = []
    served.sessions.look = lambda: looked.append(1)  # type: ignore[method-assign]
    by_script = tuple(
        (name, {"sec-fetch-site": "same-origin", "sec-fetch-mode": "cors"}.get(name, text)) for name, text in VISIT
    )
    served.get("levels", by_script)
    assert not looked
    served.get("levels")
    assert looked
    assert [fresh for _, fresh in served.asker.asked] == [False, True]


def test_an_answer_is_given_and_told_once() -> None:
    served = Served(FakeAsker(ASKED))
    word = served.enter()
    answer = served.post("approvals/q1", _form(word))
    assert (answer.status, answer.headers["location"]) == (303, f"{served.root}approvals")
    assert served.asker.asked[-1][0] == control.RespondApproval("q1", "once")
    assert "q1 was allowed. a rule is written" in served.get("approvals").text
    assert "q1 was allowed" not in served.get("approvals").text
    served.post("approvals/q1", _form(word, scope=""))
    assert served.asker.asked[-1][0] == control.RespondApproval("q1", "")


def test_the_page_of_a_question_has_its_forms() -> None:
    served = Served(FakeAsker(ASKED))
    word = served.enter()
    text = served.get("approvals/q1").text
    assert text.count('method="post"') == 1 + len(ROW.choices)
    assert text.count(word) == text.count(pages.digest_of(ROW)) == 1 + len(ROW.choices)
    served.asker.takes_answers = False
    assert "<form" not in served.get("approvals/q1").text


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"word=&shown=&scope=",
        b"word=x&word=y&shown=&scope=once",
        b"\xff=1",
        b"word=%00&shown=1&scope=once&more=1",
        "word=é&shown=1&scope=once".encode(),
    ],
)
def test_a_form_that_is_none_of_ours_answers_nothing(body: bytes) -> None:
    served = Served(FakeAsker(ASKED))
    served.enter()
    assert served.post("approvals/q1", body).status == 409
    assert not served.asker.asked


def test_a_form_of_another_browser_answers_nothing() -> None:
    served = Served(FakeAsker(ASKED))
    other = served.enter()
    served.enter()
    assert "was not made for this browser" in served.post("approvals/q1", _form(other)).text
    assert not served.asker.asked


@pytest.mark.parametrize("process", ["", "8-8"])
def test_a_cookie_in_the_hands_of_another_process_answers_nothing(process: str) -> None:
    served = Served(FakeAsker(ASKED))
    word = served.enter()
    served.process = process
    answer = served.post("approvals/q1", _form(word))
    assert answer.status == 409
    assert "another process" in answer.text
    assert not served.asker.asked


def test_a_browser_that_could_not_be_seen_answers_nothing() -> None:
    served = Served(FakeAsker(ASKED))
    served.process = ""
    word = served.enter()
    assert served.post("approvals/q1", _form(word)).status == 409
    assert not served.asker.asked


@pytest.mark.parametrize(
    "change", [{"program": "/usr/bin/other"}, {"reason": "other"}, {"asked": "2026-11-21T10:00:00Z"}]
)
def test_a_question_that_is_another_one_by_now_is_not_answered(change: dict[str, str]) -> None:
    served = Served(FakeAsker({**ASKED, control.ShowApproval: PageReply([ROW._replace(**change)], control.Done())}))  # type: ignore[arg-type]
    word = served.enter()
    assert "not the one that was shown" in served.post("approvals/q1", _form(word)).text
    assert not any(isinstance(request, control.RespondApproval) for request, _ in served.asker.asked)


def test_a_question_that_goes_on_waiting_is_the_same() -> None:
    assert pages.digest_of(ROW._replace(waiting=9, seconds_left=1)) == pages.digest_of(ROW)


def test_no_answer_is_given_that_the_question_does_not_offer() -> None:
    served = Served(FakeAsker(ASKED))
    word = served.enter()
    assert "no such answer" in served.post("approvals/q1", _form(word, scope="always")).text


def test_a_refusal_of_the_daemon_is_shown() -> None:
    class Refusing(FakeAsker):
        def ask(self, request: object, *, fresh: bool = True) -> PageReply:
            if isinstance(request, control.RespondApproval):
                raise NotApproved("it belongs to the session of the program that asks", "ask somebody else")
            return QUESTION

    served = Served(Refusing())
    word = served.enter()
    answer = served.post("approvals/q1", _form(word))
    assert answer.status == 409
    assert "it belongs to the session" in answer.text


@pytest.mark.parametrize("path", ["approvals", "approvals/", "levels", "", "open/x"])
def test_a_form_is_for_a_question_alone(path: str) -> None:
    served = Served(FakeAsker(ASKED))
    word = served.enter()
    assert served.post(path, _form(word)).status == 404


def test_a_form_without_a_session_answers_nothing() -> None:
    served = Served(FakeAsker(ASKED))
    word = served.enter()
    served.cookie = ""
    assert served.post("approvals/q1", _form(word)).status == 403
    assert served.post("approvals/q1", _form(word), (*FORM, ("cookie", "envfs-web=x; other=y"))).status == 403
    assert not served.asker.asked


def test_the_choice_of_entries_is_taken_from_the_url_and_shown_again() -> None:
    served = Served(FakeAsker({control.ReadLog: PageReply([], control.Done())}))
    served.enter()
    text = served.get("log?level=%2Fshop&user=5&exe=%22%3E%3Cb%3E&event=read&days=30").text
    request = served.asker.asked[0][0]
    assert isinstance(request, control.ReadLog)
    assert (request.level, request.uid, request.exe, request.event) == ("/shop", 5, '"><b>', "read")
    assert 'value="/shop"' in text
    assert "<b>" not in text
    assert '<option value="30" selected>' in text


def test_a_user_that_is_not_there_is_told() -> None:
    served = Served()
    served.enter()
    assert "there is no such user" in served.get("log?user=nobody-of-that-name").text
    assert not served.asker.asked
