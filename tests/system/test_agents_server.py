"""`envfs mcp` with the library's own client, over standard streams: as the owner, and as a user with names alone.

A vault full of values that are known is served. None of them is in an answer, a refusal or the log.
"""

import asyncio
import json
import os
import secrets
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from envfs_cli.agents.tool_table import TOOLS
from tests.system.answering import Seat
from tests.system.home import ENVFS, SECONDS, Home, as_user, eventually

Homes = Callable[..., Home]
ANA = 61_101
_PAUSE = 0.3  # between two looks for a question
SEED = secrets.token_hex(4)
KINDS = ("sk_live_{}", "postgres://user:{}@db.example.com/shop", "{}\\nline two of {}", "${{PATH}}-{}")
VALUES = {f"KEY_{number}": f"{number}z{SEED}" for number in range(40)}
REFUSED = ("/none", "/..", "", "$(id)")
LEVELS = ("/app", "/app/web", "/", "app", "/app@1", *REFUSED)
NAME = next(iter(VALUES))


class Told(NamedTuple):
    """An answer of a tool: whether it is a refusal, and all of it as text."""

    tool: str
    refused: bool
    text: str
    data: object


@pytest.fixture(scope="module")
def served(new_home: Homes) -> Iterator[Home]:
    """Give the module a vault with values, also in what is no value: comments and messages."""
    home = new_home()
    filled = enumerate(VALUES.items())
    lines = [f'{name}="{KINDS[at % len(KINDS)].replace("{}", value)}"' for at, (name, value) in filled]
    old = "\n".join(line.replace(SEED, f"{SEED}old") for line in lines)
    home.envfs("import", "-", "/app", "-m", f"why {SEED}", given=f"# words {SEED}\n{old}\n")
    with home.mounted():
        home.envfs("import", "-", "/app", given="\n".join(lines) + "\n")
        home.envfs("import", "-", "/app/web", given=f"# @rotate 1s\n# @rotate-with deploy {SEED}\nWEB='{SEED}'\nE=\n")
        home.envfs("import", "-", "/app/web", given="A=${NOBODY}\n")
        home.envfs("grant", "/app", "--uid", str(ANA), "--can", "names")
        yield home


def ask(home: Home, calls: list[tuple[str, dict[str, object]]], uid: int = 0) -> tuple[list[Told], str]:
    """Call tools one after the other, by one server. Return the answers, and what it wrote to standard error."""
    command, *words = (*as_user(uid), ENVFS, "mcp")
    with open(home.path / f"told-{uid}", "w+", encoding="utf-8") as errors:

        async def talk() -> list[Told]:
            server = StdioServerParameters(command=command, args=words, env=home.environ({"HOME": "/"}), cwd="/")
            told = []
            async with Client(stdio_client(server, errlog=errors), read_timeout_seconds=SECONDS) as client:
                assert {tool.name for tool in (await client.list_tools()).tools} == {tool.name for tool in TOOLS}
                for name, given in calls:
                    result = await client.call_tool(name, given)
                    data = (result.structured_content or {}).get("result")
                    told.append(Told(name, bool(result.is_error), result.model_dump_json(), data))
            return told

        told = asyncio.run(talk())
        errors.seek(0)
        return told, errors.read()


def test_no_tool_tells_a_value_whatever_it_is_asked(served: Home) -> None:
    calls: list[tuple[str, dict[str, object]]] = [("no-such-tool", {}), ("presence", {"level": "/app", "value": "x"})]
    for tool in TOOLS:
        for level in LEVELS if tool.only_looks else REFUSED:  # the others ask a person, and wait
            given: dict[str, object] = {"level": level, "names": [*VALUES, "WEB", "E"], "name": NAME, "reason": "x"}
            calls.append((tool.name, {word: given[word] for word in tool.takes if word in given}))
        calls += [(tool.name, {}), (tool.name, {"level": ["/app"]}), (tool.name, {"level": "/app", "names": [""]})]
    before = len(served.log())
    told, errors = ask(served, calls)
    for answer in told:
        assert SEED not in answer.text, answer.tool
    assert errors == ""
    assert SEED not in json.dumps(served.log()[before:])
    assert {answer.tool for answer in told if not answer.refused} == {tool.name for tool in TOOLS if tool.only_looks}
    assert any(f'\\"name\\": \\"{NAME}\\"' in answer.text for answer in told if answer.tool == "presence")
    formats = {entry["format"] for entry in served.log()[before:] if entry["event"] == "read"}
    assert formats == {"names", "presence", "history"}


def test_a_user_with_names_alone_gets_names_and_presence_and_a_person_to_ask(served: Home) -> None:
    asked: dict[str, object] = {"level": "/app/web", "name": "ASKED", "reason": "the build needs it"}
    calls: list[tuple[str, dict[str, object]]] = [
        ("list_levels", {}),
        ("list_names", {"level": "/app/web"}),
        ("presence", {"level": "/app/web", "names": ["WEB", "E", NAME, "NOPE"]}),
        ("check", {"level": "/app/web"}),
        ("history", {"level": "/app"}),
        ("stale", {}),
        ("list_names", {"level": "/other"}),
        ("request_value", asked),
        ("request_value", asked),
    ]
    shown: list[str] = []
    with Seat(served) as seat:

        def set_it(question: str) -> None:
            shown.append(seat.run(ENVFS, "approvals", "show", question))
            shown.append(seat.run(ENVFS, "approvals", "respond", question, "yes", status=101))
            served.envfs("set", "/app/web", "ASKED", given=f"typed-{SEED}")

        person = Person(served, set_it, lambda question: seat.run(ENVFS, "approvals", "respond", question, "no"))
        person.start()
        told, errors = ask(served, calls, ANA)
        person.join()
    levels, names, presence, checked, history, due, other, done, refused = told
    assert [row["level"] for row in rows(levels)] == ["/", "/app", "/app/web"]
    assert {(row["version"], row["values_allowed"]) for row in rows(levels)} == {(0, False)}
    assert {row["name"] for row in rows(names)} == {*VALUES, "WEB", "E", "A"}
    assert [(row["state"], row["set_by"], row["since"]) for row in rows(presence)] == [
        ("set", "/app/web", ""),
        ("empty", "/app/web", ""),
        ("set", "/app", ""),
        ("not-set", "", ""),
    ]
    assert (rows(checked), rows(due)) == ([], [])
    assert (history.refused, other.refused) == (True, True)
    assert "not-approved" in history.text
    assert rows(done)[0]["state"] == "done"
    assert "that you set ASKED" in shown[0]
    assert "the build needs it" in shown[0]
    assert "envfs set /app/web ASKED" in shown[1]
    assert refused.refused
    assert "a person refused" in refused.text
    assert errors == ""
    assert SEED not in "".join(answer.text for answer in told)


def rows(answer: Told) -> list[dict[str, object]]:
    assert not answer.refused, answer.text
    assert isinstance(answer.data, list)
    return answer.data


def test_no_tool_takes_a_value() -> None:
    for tool in TOOLS:
        assert tool.schema["additionalProperties"] is False
        assert not {"value", "values", "secret", "password"} & set(tool.takes)


def test_a_person_at_a_terminal_is_told_who_starts_it(new_home: Homes) -> None:
    leader, terminal = os.openpty()
    with open(leader, "rb"), open(terminal, "rb") as given:
        ran = subprocess.run(
            [ENVFS, "mcp"],
            stdin=given,
            capture_output=True,
            text=True,
            env=new_home().environ(),
            check=False,
            timeout=SECONDS,
        )
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "a coding agent starts this" in ran.stderr


def _line(**fields: object) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": 7, "method": "tools/call", **fields}).encode()


def _call(tool: object, given: object) -> bytes:
    return _line(params={"name": tool, "arguments": given})


_BEGIN = _line(
    id="begin",
    method="initialize",
    params={"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}},
)
_DEEP = b'{"jsonrpc": "2.0", "id": 7, "method": "ping", "params": {"a": ' + b"[" * 900 + b"]" * 900 + b"}}"
_ANSWERED: dict[str, tuple[bytes, int | None, int]] = {
    "half of a pair": (_call("list_names", {"level": "/\ud800"}), 7, -32602),
    "half of a pair as a tool": (_call("\ud800", {}), 7, -32602),
    "half of a pair as a method": (_line(method="\ud800"), 7, -32602),
    "half of a pair as the id": (_line(id="\ud800"), None, -32600),
    "no JSON": (b"hello", None, -32700),
    "a NUL": (b"\0", None, -32700),
    "two": (_line() + _line(), None, -32700),
    "a mark before it": (b"\xef\xbb\xbf" + _line(), None, -32700),
    "deep": (b"[" * 100_000 + b"]" * 100_000, None, -32700),
    "deep parameters": (_DEEP, 7, -32602),
    "a number of 5000 digits": (_line(id=8).replace(b"8", b"8" * 5000), None, -32700),
    "larger than a message": (_call("list_names", {"level": "x" * (2 << 20)}), None, -32600),
    "a number": (b"7", None, -32600),
    "null": (b"null", None, -32600),
    "a batch": (b"[" + _line() + b"]", None, -32600),
    "no method": (_line(method=None), 7, -32600),
    "an unknown method": (_line(method="none"), 7, -32601),
    "another version": (_line(jsonrpc="1.0"), 7, -32600),
    **{f"the id {json.dumps(number)}": (_line(id=number), None, -32600) for number in (None, 1.5, True, [], {})},
    **{f"parameters {json.dumps(given)}": (_line(params=given), 7, -32602) for given in (1, [1], "x", {})},
    "a name that is none": (_call(3, {}), 7, -32602),
    "a list as arguments": (_call("list_names", []), 7, -32602),
    "an end in its middle": (_line()[:30], None, -32700),
}
_PASSED_OVER = (b"", b" ", _line(id=9, method=None, result={}), b'{"jsonrpc": "2.0", "method": "none"}')


def test_each_line_of_an_agent_gets_an_answer_and_ends_no_server(served: Home) -> None:
    bad = [line for line, _, _ in _ANSWERED.values()]
    lines = [_BEGIN, *_PASSED_OVER[:3], *bad[:-1], _call("list_names", {"level": "/\0"}), _PASSED_OVER[3]]
    pipe = subprocess.PIPE
    with subprocess.Popen([ENVFS, "mcp"], env=served.environ(), stdin=pipe, stdout=pipe, stderr=pipe) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(b"\n".join([*lines, _line(id="end", method="ping"), b""]))
        server.stdin.flush()
        answers: list[dict[str, Any]] = []
        while {"end", 7} - {answer["id"] for answer in answers if "error" not in answer}:
            answers.append(json.loads(server.stdout.readline()))
        rest, told = server.communicate(bad[-1], SECONDS)
    answers += map(json.loads, rest.splitlines())
    assert (server.returncode, told) == (0, b"")
    errors = [(answer["id"], answer["error"]["code"]) for answer in answers if "error" in answer]
    assert Counter(errors) == Counter((number, code) for _, number, code in _ANSWERED.values())


@pytest.mark.parametrize("streams", ["0<&-", "1>&-"])
def test_a_stream_that_is_closed_is_refused(new_home: Homes, streams: str) -> None:
    line = f'"$0" mcp {streams}'
    ping = b'{"jsonrpc": "2.0", "id": 1, "method": "ping"}\n'
    done = subprocess.run(
        ["bash", "-c", line, ENVFS], input=ping, capture_output=True, check=False, env=new_home().environ()
    )
    assert done.returncode == 100
    assert done.stderr.startswith(b"envfs: error: cannot speak to the agent: ")


def test_without_the_library_the_command_says_how_to_get_it(tmp_path: Path) -> None:
    lines = "import sys\nsys.modules['anyio'] = None\nfrom envfs_cli.main import main\nsys.argv = ['envfs', 'mcp']\n"
    script = tmp_path / "without.py"
    script.write_text(f"{lines}raise SystemExit(main())\n", encoding="utf-8")
    ran = subprocess.run(
        [str(Path(ENVFS).with_name("python")), "-I", str(script)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert ran.returncode == 100
    assert "pip install 'envfs[mcp]'" in ran.stderr


class Person(threading.Thread):
    """A person who acts on the questions of an agent, one after the other."""

    def __init__(self, home: Home, *acts: Callable[[str], object]) -> None:
        super().__init__()
        self._home = home
        self._acts = acts
        self._done: set[str] = set()
        home.envfs("approvals")  # somebody is there

    def run(self) -> None:
        for act in self._acts:
            eventually(self._asked, "the person is asked", pause=_PAUSE)
            act(self._question)

    def _asked(self) -> bool:
        names = [row["question"] for row in self._home.rows("approvals", "--json") if row["question"] not in self._done]
        self._question = names[0] if names else ""
        self._done.update(names[:1])
        return bool(names)


def test_a_yes_gives_an_agents_commands_some_variables_and_the_agent_none(served: Home) -> None:
    given = {"level": "/app", "names": [NAME], "reason": "to deploy"}
    lines: list[str] = []

    async def talk(seat: Seat) -> list[str]:
        command, *words = (*as_user(ANA), ENVFS, "mcp")
        server = StdioServerParameters(command=command, args=words, env=served.environ({"HOME": "/"}), cwd="/")
        async with Client(server, read_timeout_seconds=SECONDS) as client:
            served.envfs("approvals")
            asked = asyncio.create_task(client.call_tool("request_access", given))
            names: list[str] = []
            while not (names or asked.done()):
                await asyncio.sleep(_PAUSE)
                names = [row["question"] for row in await asyncio.to_thread(served.rows, "approvals", "--json")]
            await asyncio.to_thread(seat.run, ENVFS, "approvals", "respond", names[0], "yes")
            result = await asked
            line = str(result.structured_content["result"][0]["next"])  # type: ignore[index]
            lines.append(line.replace("envfs exec", f"{ENVFS} exec").replace("COMMAND", "env"))
            runs = [await asyncio.to_thread(run_as_ana) for _ in range(2)]
            return [result.model_dump_json(), *runs]

    def run_as_ana() -> str:
        ran = subprocess.run(
            [*as_user(ANA), "sh", "-c", lines[0]],
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
            env=served.environ({"HOME": "/"}),
        )
        return ran.stdout + ran.stderr

    with Seat(served) as seat:
        answer, *environments = asyncio.run(talk(seat))
    assert SEED not in str(answer)
    for environment in environments:
        assert f"{NAME}=" in str(environment)
        assert VALUES[NAME] in str(environment)
        assert "KEY_1=" not in str(environment)
    served.envfs("get", "/app", NAME, uid=ANA, status=102)
    eventually(lambda: served.rows("token", "ls", "--json") == [], "the token ends with the server")
    assert VALUES[NAME] not in run_as_ana()


def test_questions_that_wait_keep_no_other_tool_waiting(served: Home) -> None:
    async def talk() -> list[object]:
        command, *words = (*as_user(ANA), ENVFS, "mcp")
        server = StdioServerParameters(command=command, args=words, env=served.environ({"HOME": "/"}), cwd="/")
        async with Client(server, read_timeout_seconds=SECONDS) as client:
            served.envfs("approvals")
            given = [
                {"level": "/app", "names": [NAME], "reason": "why"},
                {"level": "/app/", "names": [NAME], "reason": "why"},
            ]
            given += [{**each, "names": [NAME, NAME]} for each in given] + [{**given[0], "names": [NAME] * 3}]
            asked = [asyncio.create_task(client.call_tool("request_access", each)) for each in given]
            listed: list[object] = []
            while not (listed or asked[0].done()):
                await asyncio.sleep(_PAUSE)
                listed += await asyncio.to_thread(served.rows, "approvals", "--json")
            result = await client.call_tool("presence", {"level": "/app", "names": [NAME]})
            waiting = [not task.done() for task in asked]
            for row in await asyncio.to_thread(served.rows, "approvals", "--json"):
                await asyncio.to_thread(served.envfs, "approvals", "respond", str(row["question"]), "no", status=None)
            await asyncio.gather(*asked)
            return [result.is_error, *waiting]

    failed, *waiting = asyncio.run(talk())
    assert not failed
    assert sum(map(bool, waiting)) >= 4
