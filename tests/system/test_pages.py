"""Nothing comes out of what was opened or mapped before a grant, a lock or a text went, by any system call.

The kernel keeps pages of a file for those who map it or send it on; what one reader left there is for nobody else.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from tests.conftest import Homes
from tests.system.home import OWNER, Home, as_user, eventually
from tests.system.probing import attempt

_SCRIPT = Path(__file__).with_name("holding.py").read_text(encoding="utf-8")
_READER, _OTHER = 1002, 1003
_ANSWERED = ("read", "pread", "readv", "sendfile", "splice", "io_uring")  # a mapping has no errno
Answers = dict[str, tuple[str, str]]


class Holder:
    """A process that holds a view open, as `uid`."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def ask(self, word: str = "try") -> Answers:
        """Let it read by every way it has."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()
        answers = json.loads(self.line())
        return {name: (how, text) for name, (how, text) in answers.items()}

    def line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the holder ended"
        return line


@contextmanager
def holding(uid: int, file: Path) -> Iterator[Holder]:
    """Start a holder."""
    words = [*as_user(uid), sys.executable, "-I", "-S", "-c", _SCRIPT, str(file)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": "/"}
    with subprocess.Popen(words, **pipes) as process:  # type: ignore[call-overload]
        holder = Holder(process)
        try:
            assert holder.line() == "open\n"
            yield holder
        finally:
            process.kill()


def texts(answers: Answers) -> dict[str, str]:
    """Return the texts that came, by way."""
    return {way: text for way, (_, text) in answers.items() if text and not way.startswith("size")}


def check_nothing(holders: list[Holder], errno: str) -> None:
    for holder in holders:
        answers = holder.ask()
        assert texts(answers) == {}
        hows = {how for way, (how, _) in answers.items() if way.startswith(_ANSWERED)}
        assert hows == {errno}


def check_all(holder: Holder, text: str) -> Answers:
    answers = holder.ask()
    came = texts(answers)
    assert set(came.values()) == {text}
    assert len(came) >= 18, came.keys()
    return answers


def round_of(home: Home, uid: int, readers: int, event: str, number: int) -> None:
    """Let readers hold what they may, take it from them, write something new that another reads, and try."""
    file, new = home.view("/shop"), f"SECRET=new-{number}-{'x' * 40}\n"
    write(home, f"SECRET=old-{number}\n")
    home.envfs("grant", "/shop", "--uid", str(uid))
    with ExitStack() as stack:
        if event == "ttl":
            holders = _held_for_a_while(stack, home, uid, readers)
        else:
            holders = [stack.enter_context(holding(uid, file)) for _ in range(readers)]
            check_all(holders[0], file_text(uid, file))
        if event == "change":
            old_text = file_text(uid, file)
            write(home, new)
            _fill(home, file)
            for holder in holders:
                _check_changed(holder, old_text, file_text(uid, file))
            home.envfs("revoke", "/shop", "--uid", str(uid))
            return
        if event == "lock":
            home.envfs("lock")
            check_nothing(holders, "ENOKEY")
            home.envfs("unlock")
        elif event == "revoke":
            home.envfs("revoke", "/shop", "--uid", str(uid))
        else:
            eventually(lambda: not any(texts(holder.ask()) for holder in holders), "the grant ends")
        write(home, new)
        _fill(home, file)
        check_nothing(holders, "ENOKEY" if event == "lock" else "EACCES")


def _check_changed(holder: Holder, old_text: str, new_text: str) -> None:
    answers = check_all(holder, old_text)
    assert [answers[f"size {at}"] for at in range(2)] == [("ok", str(len(old_text.encode())))] * 2
    came = texts(holder.ask("again"))
    assert {text for way, text in came.items() if way.endswith(("0", "1"))} == {old_text}
    assert {text for way, text in came.items() if way.endswith(("2", "3"))} == {new_text}
    assert len(came) >= 36


def _held_for_a_while(stack: ExitStack, home: Home, uid: int, readers: int) -> list[Holder]:
    # a busy machine takes its time to start so many: where the grant was over before, a longer one is given
    file = home.view("/shop")
    for seconds in (2, 8, 32):
        begun = time.monotonic()
        home.envfs("grant", "/shop", "--uid", str(uid), "--ttl", f"{seconds}s")
        with ExitStack() as attempted, suppress(AssertionError):
            holders = [attempted.enter_context(holding(uid, file)) for _ in range(readers)]
            check_all(holders[0], file_text(uid, file))
            if time.monotonic() - begun < seconds:
                stack.enter_context(attempted.pop_all())
                return holders
        assert time.monotonic() - begun > seconds, "it was not given all while the grant lasted"
    raise AssertionError("the machine is too slow")


def write(home: Home, text: str) -> None:
    home.envfs("import", "-", "/shop", "--replace", given=text)


def file_text(uid: int, file: Path) -> str:
    ended = attempt(uid, "read", file)
    assert ended.how == "ok", ended
    return str(ended.found)


def _fill(home: Home, file: Path) -> None:
    # another reader, who may, has the kernel keep pages of the new text
    if home.uid == 0:
        with holding(_OTHER, file) as other:
            check_all(other, file_text(_OTHER, file))


EVENTS = ["revoke", "lock", "ttl", "change"]


@pytest.fixture(scope="module")
def everybodys(new_home: Homes, stocked: Home) -> Iterator[Home]:
    """Give a mount of root's with a reader who stays approved. Each round takes back what it grants."""
    home = new_home(stocked)
    with home.served():
        home.envfs("grant", "/", "--uid", str(_OTHER))
        yield home


@pytest.fixture(scope="module")
def users_own(user_home: Home) -> Iterator[Home]:
    """Give a user's own mount, on which the one reader has no grant but those of the rounds."""
    user_home.envfs("revoke", "/", "--uid", str(OWNER), status=None)
    with user_home.served():
        yield user_home
    user_home.envfs("grant", "/", "--uid", str(OWNER))


@pytest.mark.parametrize("event", EVENTS)
def test_what_was_open_gives_nothing_more_on_a_mount_for_all(everybodys: Home, event: str) -> None:
    for number in range(2):
        round_of(everybodys, _READER, 3, event, number)


@pytest.mark.parametrize("event", EVENTS)
def test_what_was_open_gives_nothing_more_on_a_users_own_mount(users_own: Home, event: str) -> None:
    for number in range(2):
        round_of(users_own, OWNER, 2, event, number)


@pytest.mark.soak
@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("mount", ["everybodys", "users_own"])
def test_twenty_rounds_of_sixteen_readers(request: pytest.FixtureRequest, mount: str, event: str) -> None:
    home = request.getfixturevalue(mount)
    for number in range(20):
        round_of(home, home.uid or _READER, 16, event, number)


def test_a_grant_that_comes_and_goes_between_two_looks_leaves_no_pages(everybodys: Home) -> None:
    without = everybodys.settings.read_text(encoding="utf-8")
    granted = f'{without}[[grant]]\nlevel = "/shop"\nuid = {_READER}\n'
    everybodys.edit_settings(granted)
    write(everybodys, "SECRET=old\n")
    with holding(_READER, everybodys.view("/shop")) as holder:
        text = file_text(_READER, everybodys.view("/shop"))
        for _ in range(3):
            check_all(holder, text)
            everybodys.edit_settings(without)
            eventually(lambda: not texts(holder.ask()), "the look that the mount has once a second")
            check_nothing([holder], "EACCES")
            everybodys.edit_settings(granted)
