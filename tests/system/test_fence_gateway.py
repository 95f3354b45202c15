"""An agent in a fence looks at names, asks a person, and works with what the person said yes to, and has no value."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.component.proxying import HOST, Upstream
from tests.conftest import Homes
from tests.system.answering import Person
from tests.system.home import ENVFS, SECONDS, Home, eventually
from tests.system.ruled import KEY, OTHER, rule_text, ruled

NEW = "value-that-was-approved-0123456789"
AGENT = """
import json, os, subprocess, sys
server = subprocess.Popen([sys.argv[1], "mcp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

def ask(number, method, **params):
    message = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
    server.stdin.write(json.dumps(message).encode() + b"\\n")
    server.stdin.flush()
    while True:
        answer = json.loads(server.stdout.readline())
        if answer.get("id") == number:
            return answer["result"]

def call(tool, **given):
    result = ask(2, "tools/call", name=tool, arguments=given)
    while '"waiting"' in result["content"][0]["text"]:
        result = ask(3, "tools/call", name=tool, arguments=given)
    return result["content"][0]["text"]

ask(1, "initialize", protocolVersion="2025-06-18", capabilities={}, clientInfo={"name": "x", "version": "1"})
told = {
    "levels": call("list_levels", level="/shop"),
    "all": call("list_levels"),
    "names": call("list_names", level="/shop"),
    "presence": call("presence", level="/shop", names=["SHOP_KEY", "NONE"]),
    "history": call("history", level="/shop"),
    "refused": call("request_access", level="/shop", names=["OTHER"], reason="to look"),
    "access": call("request_access", level="/shop", names=["NEW_KEY"], reason="to pay"),
    "value": call("request_value", level="/shop", **{"name": "LATER", "reason": "to build"}),
}
line = json.loads(told["access"])[0]["next"].replace("envfs exec", sys.argv[1] + " exec")
client = 'curl -sS "$URL/key" -H "Authorization: Bearer $NEW_KEY"; echo; env'
told["ran"] = subprocess.run(
    ["sh", "-c", line.replace("COMMAND", "sh -c '" + client + "'")], capture_output=True, text=True
).stdout
told["get"] = subprocess.run([sys.argv[1], "get", "/shop", "SHOP_KEY"], capture_output=True, text=True).stderr
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def shop(new_home: Homes, upstream: Upstream) -> Iterator[Home]:
    """Give the module a home with two rules, and a daemon."""
    probe = ["bwrap", "--unshare-all", "--ro-bind", "/", "/", "--proc", "/proc", "true"]
    if subprocess.run(probe, check=False, stderr=subprocess.DEVNULL).returncode:
        pytest.skip("no namespaces can be made here")
    levels = {"/shop": f"SHOP_KEY={KEY}\nNEW_KEY={NEW}\nOTHER={OTHER}\n", "/keys": "A=1\n"}
    rules = rule_text(upstream, name="shop"), rule_text(upstream, "NEW_*", name="new")
    with ruled(new_home(), upstream, *rules, '\n[approvals]\nwait = "60s"\n', levels=levels) as home:
        yield home


def _answer_all(shop: Home, person: Person) -> None:
    answered: set[object] = set()

    def is_asked() -> bool:
        return bool({row["question"] for row in person.questions()} - answered)

    for scope in ("", "once"):
        eventually(is_asked, "the agent asks")
        (question,) = {row["question"] for row in person.questions()} - answered
        person.answer(str(question), scope)
        answered.add(question)
    eventually(is_asked, "the agent asks for a value")
    shop.envfs("set", "/shop", "LATER", given="value-of-later-0123")


def test_an_agent_asks_a_person_and_works_with_the_yes(shop: Home, upstream: Upstream, tmp_path: Path) -> None:
    words = [ENVFS, "agent", "run", "/shop", "--only", "SHOP_KEY", "--", sys.executable, "-c", AGENT, ENVFS]
    environ = shop.environ({"URL": f"https://{HOST}:{upstream.port}", "HOME": str(tmp_path)})
    with Person(shop.socket) as person:
        person.questions()
        pipe = subprocess.PIPE
        with subprocess.Popen(
            words, env=environ, cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, start_new_session=True
        ) as agent:
            _answer_all(shop, person)
            out, err = agent.communicate(timeout=SECONDS)
    told = json.loads(out)
    text = out.decode() + err.decode()
    assert [value for value in (KEY, NEW, OTHER, "value-of-later") if value in text] == []
    assert {row["level"] for row in json.loads(told["levels"])} == {"/shop"}
    assert told["all"].startswith("not-approved: this fence is for /shop")
    assert [row["name"] for row in json.loads(told["names"])] == ["SHOP_KEY", "NEW_KEY", "OTHER"]
    assert [row["state"] for row in json.loads(told["presence"])] == ["set", "not-set"]
    assert "a person refused" in told["refused"]
    assert json.loads(told["value"])[0]["state"] == "done"
    answer, _, environment = told["ran"].partition("\n")
    entries = dict(line.split("=", 1) for line in environment.splitlines() if "=" in line)
    assert json.loads(answer) == {"you": f"Bearer {entries['NEW_KEY']}"}
    assert [seen.headers["authorization"] for seen in upstream.seen] == [f"Bearer {NEW}"]
    assert "this request does not leave the fence" in told["get"]
