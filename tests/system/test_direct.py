"""`exec`, `get` and completion with an interpreter and without: the same is asked, once, and the same is done with the
answer.

`ENVFS_CLIENT` is a variable of ours that the program before the interpreter does not know, so it leaves the line to
Python. A daemon that is none gives the answers.
"""

import itertools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from envfs.errors import NotApproved
from tests.conftest import Homes
from tests.selection import spread
from tests.system.fake_daemon import HELLO, VIEW, FakeDaemon, Talk, answer
from tests.system.home import ENVFS, OWNER, SECONDS, Home, as_user

PYTHON = {"ENVFS_CLIENT": "python"}
_TRIES = 20
NUL = b"A=1\0B=two words\0"
MANY = b"".join(b"N%d=%d\0" % (number, number) for number in range(2000))
LINE = ("exec", "/shop", "--", "env")
EXEC = answer(HELLO) + answer(VIEW, NUL, b".")
GET = answer(HELLO) + answer(VIEW, b"value", b".")


def ended(
    path: Path, words: Sequence[str], answers: Sequence[Sequence[bytes]], environ: Mapping[str, str], shell: str = ""
) -> tuple[tuple[int, bytes, bytes], list[Talk]]:
    """Run a line with a daemon of such answers. Return how it ended and what it printed, and what it said."""
    base = {"PATH": os.environ["PATH"], "ENVFS_HOME": str(path), "LC_ALL": "C.UTF-8"}
    with FakeDaemon(path / "run/control.sock", answers) as daemon:
        done = subprocess.run(
            ["sh", "-c", f'exec "$@" {shell}', "sh", ENVFS, *words],
            env={**base, **environ},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=3 * SECONDS,
        )
    own = [line for line in done.stdout.splitlines() if not line.startswith((b"ENVFS_CLIENT=", b"_="))]
    return (done.returncode, b"\n".join(own), done.stderr), daemon.talks


def is_direct(once: Callable[[], list[Talk]]) -> bool:
    """Tell whether a line is carried out without an interpreter, be it at a second try."""
    return any(talks[0].program == "envfs" for talks in (once() for _ in range(_TRIES)))


# -- lines -------------------------------------------------------------------------------------------------------------

DIRECT = [
    ("exec", "/shop", "--", "env"),
    ("exec", "/shop", "--", "sh", "-c", "echo $B; exit 7", "--", "--help", ""),
    ("exec", "/shop", "--only", "A,B", "--", "env"),
    ("exec", "/shop", "--", "/usr/bin/env"),
    ("get", "/shop", "A"),
]
LEFT_TO_PYTHON = [
    ("exec", "/shop@2", "--", "env"),
    ("exec", "shop", "--", "env"),
    ("exec", "/shop", "--only", "A, B", "--", "env"),
    ("exec", "/shop", "--only", "A", "--only", "B", "--", "env"),
    ("exec", "/shop", "--only", "A,B,A", "--", "env"),
    ("exec", "/shop", "--reason", "why", "--", "env"),
    ("exec", "--only", "A", "/shop", "--", "env"),
    ("run", "/shop", "--", "env"),
    ("get", "/shop", "A", "--version", "2"),
    ("get", "/shop@-1", "A"),
]


@pytest.mark.parametrize("words", [*DIRECT, *LEFT_TO_PYTHON], ids=" ".join)
def test_the_same_is_asked_with_an_interpreter_and_without(words: tuple[str, ...], tmp_path: Path) -> None:
    answers = [[GET if words[0] == "get" else EXEC]]
    direct, direct_talks = ended(tmp_path, words, answers, {})
    python, python_talks = ended(tmp_path, words, answers, PYTHON)
    assert direct == python
    assert [talk.said for talk in direct_talks] == [talk.said for talk in python_talks]
    assert len(direct_talks) == 1
    assert python_talks[0].program.startswith("python")
    if words in DIRECT:
        assert is_direct(lambda: ended(tmp_path, words, answers, {})[1])
    else:
        assert direct_talks[0].program.startswith("python")


@pytest.mark.parametrize(
    ("environ", "shell"),
    [
        ({"ENVFS_REASON": ""}, ""),
        ({"ENVFS_REASON": 'a "reason"'}, ""),
        ({"ENVFS_OF_TOMORROW": "1"}, ""),
        ({}, "<&-"),
        ({}, "2<."),
    ],
    ids=str,
)
def test_what_takes_more_care_is_left_to_python(environ: dict[str, str], shell: str, tmp_path: Path) -> None:
    ending, talks = ended(tmp_path, ("exec", "/shop", "--", "true"), [[EXEC]], environ, shell)
    assert ending == (0, b"", b"")
    assert [talk.program.startswith("python") for talk in talks] == [True]


@pytest.mark.parametrize(
    ("variable", "below"),
    [("XDG_RUNTIME_DIR", "envfs"), ("XDG_STATE_HOME", "envfs"), ("HOME", ".local/state/envfs"), ("ENVFS_HOME", "run")],
)
def test_the_daemon_is_looked_for_in_the_same_place(variable: str, below: str, ground: Path) -> None:
    with tempfile.TemporaryDirectory(dir=ground) as folder:
        os.chmod(folder, 0o755)
        path = Path(folder) / below / "control.sock"

        def once(environ: Mapping[str, str]) -> list[Talk]:
            with FakeDaemon(path, [[GET]]) as daemon:
                path.chmod(0o777)
                words = [*as_user(OWNER), ENVFS, "get", "/shop", "A"]
                environ = {variable: folder, **environ}
                done = subprocess.run(words, env=environ, capture_output=True, check=True, timeout=3 * SECONDS)
            assert done.stdout == b"value\n"
            return daemon.talks

        assert len(once(PYTHON)) == 1
        assert is_direct(lambda: once({}))


def test_a_token_is_shown_before_anything_is_asked(tmp_path: Path) -> None:
    ended(tmp_path, ("get", "/shop", "A"), [[answer(HELLO)]], {"ENVFS_TOKEN": "t"})
    _, talks = ended(tmp_path, ("get", "/shop", "A"), [[answer(HELLO)]], {"ENVFS_TOKEN": "envfs-token"})
    assert not any(b"read-view" in talk.said for talk in talks)


# -- answers -----------------------------------------------------------------------------------------------------------

FAILED = answer({"type": "failed", "code": "not-approved", "text": "uid 0 may not", "hint": "ask", "about": ""})
WAITING = answer({"type": "waiting-row", "question": "q1", "seconds": 5})
SIZES = (
    *(
        "[3,,1]",
        "[,1]",
        "[3,1,]",
        "[3,1",
        "3,1",
        "[]",
        "[3]",
        "[-3,1]",
        "[3,-1]",
        "[0,1]",
        "[03,1]",
        "[3.0,1]",
        "[3e0,1]",
    ),
    *(
        "[1,1,1,1]",
        "[4,1]",
        '["3",1]',
        "[null,1]",
        "[true,1]",
        "[3,[1]]",
        "{}",
        "[18446744073709551616,1]",
        "[99999999,1]",
    ),
    *("[4294967299,1]", "[60000000,1]", f"[{'9' * 5000},1]"),
)


def _framed(text: bytes) -> bytes:
    return len(text).to_bytes(4, "big") + text


def _blobs(sizes: str) -> bytes:
    text = answer(VIEW)[4:-1] + b',"blobs":' + sizes.encode() + b"}"
    return answer(HELLO) + _framed(text) + b"A=1\0."


def _version(number: str) -> bytes:
    text = answer(VIEW, NUL, b".")
    return (
        answer(HELLO)
        + _framed(text[4 : -len(NUL) - 1].replace(b'"version":3', b'"version":' + number.encode()))
        + NUL
        + b"."
    )


ANSWERS: dict[str, bytes | list[bytes]] = {
    "nothing of the value is left out": EXEC,
    "in single bytes": [EXEC[at : at + 1] for at in range(len(EXEC))],
    "no view": answer(HELLO) + answer(VIEW, b"", b"."),
    "refused": answer(HELLO) + FAILED,
    "refused without a greeting": FAILED,
    "a sign of life": answer(HELLO) + answer({"type": "working-row"}) + answer(VIEW, NUL, b"."),
    "a person decides": answer(HELLO) + WAITING + FAILED,
    "dangerous names": answer(HELLO) + answer({**VIEW, "dangerous": ["PATH"]}, NUL, b"."),
    "placeholders": answer(HELLO) + answer({**VIEW, "masked": True}, NUL, b"."),
    "a dialect": answer(HELLO) + answer({**VIEW, "dialect": "node"}, NUL, b"."),
    "another level": answer(HELLO) + answer({**VIEW, "level": "/shop/prod"}, NUL, b"."),
    "for the environment to complete": answer(HELLO) + answer(VIEW, NUL, b"\0", b'{"B":["completed"]}', b"."),
    "names one by one": answer(HELLO) + answer(VIEW, b"A=", b"1", b"\0", b"B=", b"", b"\0", b"."),
    "no NUL at the end": answer(HELLO) + answer(VIEW, b"A=1", b"."),
    "no variables": answer(HELLO) + answer(VIEW, b"no equals sign\0", b"."),
    "cut in the view": EXEC[:-9],
    "cut before the last dot": EXEC[:-1],
    "cut in a length": EXEC[:2],
    "another dot": EXEC[:-1] + b"!",
    "more than was asked": EXEC + answer(HELLO),
    "another protocol": answer({**HELLO, "protocol": 2}) + answer(VIEW, NUL, b"."),
    "an unknown field": answer(HELLO) + answer({**VIEW, "more": 1}, NUL, b"."),
    "a large view": answer(HELLO) + answer(VIEW, MANY, b"."),
    "a size that is missing": _blobs("[3,,1]"),
    "a size with a sign": _blobs("[-3,1]"),
    "a version that is missing": _version(""),
    "what is no completion": answer(HELLO) + answer(VIEW, NUL, b"\0", b'{"B":7}', b"."),
    "a frame of 4 GB": answer(HELLO) + b"\xff" * 400,
    "fields that are missing": answer(HELLO) + answer({"type": "view-sent"}),
    "no frame": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "nothing": b"",
}


LIES: dict[str, bytes | list[bytes]] = {
    **{f"blobs {sizes}": _blobs(sizes) for sizes in SIZES},
    **{f"a version {number}": _version(number) for number in ("", "-1", "01", "1.5", "1e2", '"1"', "9" * 400)},
    "no JSON as a completion": answer(HELLO) + answer(VIEW, NUL, b"\0", b"{", b"."),
    "a frame of 16 MB that is cut": answer(HELLO) + (1 << 24).to_bytes(4, "big") + b"{" * 1000,
    "a frame that is nested deeply": answer(HELLO) + _framed(b'{"type":' + b"[" * 9000),
    "an empty frame": answer(HELLO) + _framed(b""),
    "a frame that is a list": answer(HELLO) + _framed(b"[]"),
    "a frame that is no text": answer(HELLO) + _framed(b'{"type":"\xff"}'),
    "half of a surrogate pair": answer(HELLO) + _framed(b'{"type":"failed","text":"\\ud800"}'),
    "another kind": answer(HELLO) + answer({"type": "status"}),
    "no kind": answer(HELLO) + answer({}),
    "fields of other types": answer(HELLO) + answer({**VIEW, "variables": [], "level": None}),
    "a code that there is not": answer(HELLO) + FAILED.replace(b"not-approved", b"gone-fishing"),
    "two greetings": answer(HELLO) + EXEC,
}


@pytest.mark.parametrize(("which", "line"), spread(ANSWERS, [LINE, ("get", "/shop", "A")]))
def test_an_answer_is_the_same_to_both(which: str, line: tuple[str, ...], tmp_path: Path) -> None:
    _check_both(ANSWERS[which], line, tmp_path)


@pytest.mark.soak
@pytest.mark.parametrize("which", LIES)
def test_a_lie_is_told_by_both_in_the_same_words(which: str, tmp_path: Path) -> None:
    _check_both(LIES[which], LINE, tmp_path)


def _check_both(said: bytes | list[bytes], line: tuple[str, ...], tmp_path: Path) -> None:
    answers = [[said] if isinstance(said, bytes) else said, [EXEC]]
    direct, direct_talks = ended(tmp_path, line, answers, {})
    python, python_talks = ended(tmp_path, line, answers, PYTHON)
    assert direct == python
    assert b"Traceback" not in python[2]
    assert [talk.said for talk in direct_talks] == [talk.said for talk in python_talks]


def test_a_silent_daemon_is_left_to_python_which_waits_longer(tmp_path: Path) -> None:
    ending, talks = ended(tmp_path, LINE, [[answer(HELLO), FakeDaemon.UNTIL_PYTHON, FAILED]], {})
    assert (ending[0], len(talks)) == (NotApproved.status, 1)


@pytest.mark.parametrize(
    "words",
    [
        ("exec", "/shop", "--", "no-such-command-here"),
        ("exec", "/shop", "--", "/etc"),
        ("exec", "/shop", "--", "./nothing/here"),
        ("exec", "/shop", "--", "{folder}/script", "a"),
        ("exec", "/shop", "--", "{folder}/no-interpreter"),
    ],
    ids=" ".join,
)
def test_what_does_not_start_at_once_is_not_asked_for_again(words: tuple[str, ...], tmp_path: Path) -> None:
    for name, text in (("script", "echo $1 $B\n"), ("no-interpreter", "#!/nonexistent/interpreter\n")):
        (tmp_path / name).write_text(text, encoding="ascii")
        (tmp_path / name).chmod(0o755)
    line = [word.format(folder=tmp_path) for word in words]
    direct, talks = ended(tmp_path, line, [[EXEC]], {})
    python, _ = ended(tmp_path, line, [[EXEC]], PYTHON)
    assert direct == python
    assert len(talks) == 1


@pytest.mark.parametrize("shell", [">/dev/full", ">&-", "1</dev/null", "| true"])
def test_a_value_that_cannot_be_written_is_told_in_the_same_way(shell: str, tmp_path: Path) -> None:
    line = ("get", "/shop", "A")
    assert ended(tmp_path, line, [[GET]], {}, shell)[0] == ended(tmp_path, line, [[GET]], PYTHON, shell)[0]


def test_a_view_decides_where_the_command_is_looked_for(tmp_path: Path) -> None:
    tool = tmp_path / "bin/tool"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\necho $A\n", encoding="ascii")
    tool.chmod(0o755)
    view = b"A=1\0PATH=/nonexistent:" + os.fsencode(tool.parent) + b"\0"
    line, answers = ("exec", "/shop", "--", "tool"), [[answer(HELLO) + answer(VIEW, view, b".")]]
    for environ in ({}, PYTHON):
        assert ended(tmp_path, line, answers, environ)[0] == (0, b"1", b"")


# -- completion --------------------------------------------------------------------------------------------------------


def rows(kind: str, *fields: dict[str, object]) -> bytes:
    """Return the answer to a request for rows."""
    each = (answer({"type": kind, **row}) for row in fields)
    return answer(HELLO) + b"".join(each) + DONE


DONE = answer({"type": "done", "notes": []})
FACTS = {"version": 1, "time": "2026-11-30T09:43:51.671795Z", "allowed": True}
UNKNOWN = {"version": 0, "time": "", "allowed": False}
TREE = ("/", "/shop", "/shop/prod", "/shop/prod/eu", "/shop-2", "/shop/pre", "/_a.b-c", "/z/only/below", "/shop")
LEVELS = rows("level-row", *({"level": level, **(FACTS if level < "/shop/q" else UNKNOWN)} for level in TREE))
NAMES = rows("variable-row", {"name": "B", "level": "/"}, {"name": "A_1", "level": "/shop"})
COMPLETED = [
    *(("level", word) for word in ("", "/", "s", "/sh", "shop", "/shop/", "shop/p", "/shop/prod/", "shop/prod/eu/")),
    *(("level", word) for word in ("/shop/x", "z/only", "_a.", "/none/", "/shop/prod/e", "a_b", "Z")),
    *(("here", word) for word in ("s", "/shop/p")),
    *(("project", word) for word in ("", "s", "shop-", "none")),
    *(("name", word) for word in ("/shop", "shop/", "/shop/prod@2", "shop@", "/")),
]
UNUSUAL = [
    ("level",),
    *(
        ("level", word)
        for word in ("/../s", "./", "//", "/shop//", "-x", "a b", "shop@", "shop/é", "a" * 2000, "a/" * 20)
    ),
    *(("here", word) for word in ("", "no")),
    ("project", "/shop"),
    *(("name", word) for word in ("", "@2", ".", "/-x", "/shop/../a", "//", "/a" * 17, "b" * 65)),
    *(("version", word) for word in ("/shop@", "/shop@1")),
    ("what", "x"),
    ("level", "/", "more"),
]
NO_ROWS: dict[str, bytes | list[bytes]] = {
    "none": answer(HELLO) + DONE,
    "refused": answer(HELLO) + FAILED,
    "in single bytes": [LEVELS[at : at + 1] for at in range(len(LEVELS))],
    "a damaged level": LEVELS[: -len(DONE)] + answer({"type": "fault-row", "path": "a", "about": "b"}) + DONE,
    "a sign of life": answer(HELLO) + answer({"type": "working-row"}) + LEVELS[len(answer(HELLO)) :],
    "notes": LEVELS[: -len(DONE)] + answer({"type": "done", "notes": ["a note"]}),
    "no end": LEVELS[: -len(DONE)],
    "cut in a row": LEVELS[:-40],
    "more than was asked": LEVELS + DONE,
    "another field": rows("level-row", {"level": "/shop", **FACTS, "more": 1}),
    "a level that is none": rows("level-row", {"level": "/a b\u00e9", **FACTS}),
    "an empty level": rows("level-row", {"level": "", **FACTS}),
    "a name in their place": NAMES,
    "a frame that is too long": answer(HELLO) + (1 << 30).to_bytes(4, "big") + b"{}",
    "nothing": b"",
}


@pytest.mark.parametrize("words", [*COMPLETED, *UNUSUAL], ids=lambda words: " ".join(words)[:20])
def test_a_word_is_completed_in_the_same_way(words: tuple[str, ...], tmp_path: Path) -> None:
    line, answers = ("__complete", *words), [[NAMES if words[0] == "name" else LEVELS]]
    direct, direct_talks = ended(tmp_path, line, answers, {})
    python, python_talks = ended(tmp_path, line, answers, PYTHON)
    assert direct == python
    assert [talk.said for talk in direct_talks] == [talk.said for talk in python_talks]
    if words in COMPLETED and direct_talks[0].program != "envfs":
        assert is_direct(lambda: ended(tmp_path, line, answers, {})[1])


ASKING = [("level", "/shop/"), ("name", "/shop"), ("here", "s"), ("project", "")]


@pytest.mark.parametrize(("which", "line"), spread(NO_ROWS, ASKING))
def test_an_answer_offers_the_same(which: str, line: tuple[str, ...], tmp_path: Path) -> None:
    said = NO_ROWS[which]
    answers = [[said] if isinstance(said, bytes) else said]
    direct, direct_talks = ended(tmp_path, ("__complete", *line), answers, {})
    python, python_talks = ended(tmp_path, ("__complete", *line), answers, PYTHON)
    assert direct == python
    assert [talk.said for talk in direct_talks] == [talk.said for talk in python_talks]


@pytest.mark.parametrize("shell", [">/dev/full", ">&-", "1</dev/null", "| true"])
def test_offers_that_cannot_be_written_are_told_in_the_same_way(shell: str, tmp_path: Path) -> None:
    line = ("__complete", "level", "/")
    assert ended(tmp_path, line, [[LEVELS]], {}, shell)[0] == ended(tmp_path, line, [[LEVELS]], PYTHON, shell)[0]


def test_a_silent_daemon_has_nothing_to_offer(tmp_path: Path) -> None:
    ending, talks = ended(tmp_path, ("__complete", "level", "/"), [[answer(HELLO), FakeDaemon.UNTIL_GONE]], {})
    assert (ending, len(talks)) == ((0, b"", b""), 1)


# -- the daemon itself -------------------------------------------------------------------------------------------------


def test_a_refusal_and_a_read_are_one_entry_each(new_home: Homes, stocked: Home) -> None:
    home = new_home(stocked)
    with home.mounted():
        for environ in ({}, PYTHON):
            before = len(events(home))
            home.envfs("get", "/shop", "COMPANY_NAME", environ=environ)
            home.envfs("exec", "/shop", "--", "no-such-command-here", environ=environ, status=127)
            home.envfs("get", "/shop", "COMPANY_NAME", uid=1234, environ=environ, status=NotApproved.status)
            assert events(home)[before:] == ["read", "read", "refuse"]


def events(home: Home) -> list[object]:
    entries = map(json.loads, home.log_file.read_bytes().splitlines())
    return [entry["event"] for entry in entries if entry["event"] != "checkpoint"]


# of callers, each a user: how one differs from the others
RULES: dict[int, tuple[str, ...]] = {
    1301: (),
    1302: ("--can", "names"),
    1303: ("--decision", "mask"),
    1304: ("--only", "COMPANY_*"),
    1305: ("--decision", "deny"),
    1306: ("--exe", ENVFS),
    1307: ("--exe", os.path.realpath(sys.executable)),
    1308: ("--can", "history"),
}
ASKED = (
    ("get", "/shop", "COMPANY_NAME"),
    ("exec", "/shop", "--", "sh", "-c", "echo $COMPANY_NAME $CURRENCY"),
    ("__complete", "name", "/shop"),
)


def test_each_rule_decides_the_same_with_an_interpreter_and_without(new_home: Homes, stocked: Home) -> None:
    home = new_home(stocked)
    with home.mounted():
        for uid, words in RULES.items():
            home.envfs("grant", "/shop", "--uid", str(uid), *words)
        for uid, words in itertools.product((*RULES, 1309, 0), ASKED):
            before = len(decisions(home))
            (direct, of_direct), (python, of_python) = (
                (home.envfs(*words, uid=uid, environ=environ, status=None), decisions(home)) for environ in ({}, PYTHON)
            )
            assert direct == python, (uid, words)
            middle = len(of_direct)
            assert of_direct[before:] == of_python[middle:], (uid, words)
            assert middle > before, (uid, words)


OF_A_PROCESS = ("seq", "time", "pid", "executable", "command", "process", "script", "prev", "hash")


def decisions(home: Home) -> list[dict[str, object]]:
    """Return what the log says of each access, but for what differs between two of them, or two programs."""
    entries = [json.loads(line) for line in home.log_file.read_bytes().splitlines()]
    return [
        {key: value for key, value in entry.items() if key not in OF_A_PROCESS}
        for entry in entries
        if entry["event"] in ("read", "refuse")
    ]
