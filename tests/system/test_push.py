"""Values go to real tools, where they are there, and to stand-ins of those that reach nothing but their own service.

Docker and Kubernetes are as much of their interfaces as a secret takes. `gh`, `vercel` and `fly` log in to their
services before anything else, so programs of these names stand in for them.
"""

import base64
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Homes
from tests.system.home import Home
from tests.system.push_services import serving

VALUES = {"STRIPE_KEY": "sk_live_Zq8vTt0", "TAKEN": "swordfish-17", "DB_URL": "postgres://u:p4ss-w0rd@db/x"}
STAND_IN = """#!/bin/sh
printf '%s\\n' "$0 $*" >>"$TOLD"; tr '\\0' '?' >"$TOLD.value"; cat "$TOLD.value" >>"$TOLD"
env | grep -c ENVFS_TOKEN >>"$TOLD"
case "$*" in *TAKEN*) echo "cannot take"; cat "$TOLD.value" >&2; exit 7;; esac
"""
ANA = 61_201


@pytest.fixture(scope="module")
def served(new_home: Homes) -> Iterator[Home]:
    """Give the module a vault, and a user who may have placeholders and one who may have names."""
    home = new_home()
    with home.mounted():
        home.envfs("import", "-", "/app", given="".join(f"{name}='{value}'\n" for name, value in VALUES.items()))
        home.envfs("grant", "/app", "--uid", str(ANA), "--can", "names")
        home.envfs("grant", "/app", "--uid", str(ANA + 1), "--decision", "mask")
        yield home


@pytest.fixture
def tools(served: Home) -> dict[str, str]:
    """Give an environment in which stand-ins are found first, and write what they are told to a file."""
    folder = served.path / "tools"
    folder.mkdir(exist_ok=True)
    (folder / "told").unlink(missing_ok=True)
    for name in ("gh", "vercel", "fly"):
        path = folder / name
        path.write_text(STAND_IN, encoding="utf-8")
        path.chmod(0o755)
    return {"PATH": f"{folder}:/usr/bin:/bin", "TOLD": str(folder / "told")}


def hidden(text: str) -> bool:
    return not any(value in text for value in VALUES.values())


def test_each_value_goes_by_standard_input_and_no_output_has_one(served: Home, tools: dict[str, str]) -> None:
    before = len(served.log())
    said = served.envfs(
        "push", "gh", "/app", "STRIPE_KEY,TAKEN", "--json", "--", "-R", "a/b", status=100, environ=tools
    )
    assert hidden(said.text + said.complaint)
    assert [(row["name"], row["target"], row["state"]) for row in json.loads(said.text)] == [
        ("STRIPE_KEY", "gh", "pushed"),
        ("TAKEN", "gh", "failed"),
    ]
    assert "cannot take" in json.loads(said.text)[1]["text"]
    told = Path(tools["TOLD"]).read_text().splitlines()
    assert [line.partition(" ")[2] for line in (told[0], told[1].removeprefix(VALUES["STRIPE_KEY"]))] == [
        "secret set STRIPE_KEY -R a/b",
        "",
    ]
    reads = [entry for entry in served.log()[before:] if entry["event"] == "read"]
    assert [(row["channel"], row["format"], row["operation"]) for row in reads] == [("push", "environ", "gh")]
    assert hidden(json.dumps(served.log()[before:]))


def test_all_variables_of_one_run_are_pushed_or_none(served: Home, tools: dict[str, str]) -> None:
    served.envfs("push", "fly", "/app", "STRIPE_KEY,DB_URL", "--", "--stage", environ=tools)
    told = Path(tools["TOLD"]).read_text()
    assert "secrets import --stage\n" in told
    assert f"STRIPE_KEY={VALUES['STRIPE_KEY']}\nDB_URL={VALUES['DB_URL']}\n" in told
    served.envfs("push", "vercel", "/app", "STRIPE_KEY", status=2, environ=tools)
    served.envfs("push", "vercel", "/app", "STRIPE_KEY", "--", "production", environ=tools)
    assert "env add STRIPE_KEY production\n" in Path(tools["TOLD"]).read_text()


def test_names_are_enough_for_a_dry_run_and_for_nothing_else(served: Home, tools: dict[str, str]) -> None:
    said = served.envfs("push", "gh", "/app", "STRIPE_KEY", "--dry-run", "--", "-R", "a/b", uid=ANA, environ=tools)
    assert said.text == "STRIPE_KEY\tgh secret set STRIPE_KEY -R a/b\n"
    served.envfs("push", "gh", "/app", "NOPE", "--dry-run", uid=ANA, status=104, environ=tools)
    served.envfs("push", "gh", "/app", "STRIPE_KEY", uid=ANA, status=102, environ=tools)
    refused = served.envfs("push", "gh", "/app", "STRIPE_KEY", uid=ANA + 1, status=102, environ=tools)
    assert "placeholders" in refused.complaint
    served.envfs("push", "gh", "/app", "a-b", status=106, environ=tools)
    served.envfs("push", "gh", "/app", "A,,B", status=105, environ=tools)
    assert not Path(tools["TOLD"]).exists()


def test_a_tool_that_is_not_there_is_told_before_a_value_is_read(served: Home) -> None:
    before = len(served.log())
    said = served.envfs("push", "vercel", "/app", "STRIPE_KEY", "--", "x", status=100, environ={"PATH": "/nowhere"})
    assert "there is no command vercel" in said.complaint
    assert served.log()[before:] == []


@pytest.mark.skipif(not shutil.which("docker"), reason="there is no docker here")
def test_dockers_own_client_stores_secrets(served: Home, tmp_path: Path) -> None:
    with serving(tmp_path / "docker.sock") as (address, received):
        environ = {
            "DOCKER_HOST": address,
            "HOME": str(tmp_path),
            "PATH": f"{Path(shutil.which('docker') or '').parent}",
        }
        said = served.envfs("push", "docker", "/app", "STRIPE_KEY,TAKEN", status=100, environ=environ)
    bodies = [json.loads(body) for _, body in received]
    assert {body["Name"]: base64.b64decode(body["Data"]).decode() for body in bodies} == {
        name: VALUES[name] for name in ("STRIPE_KEY", "TAKEN")
    }
    assert said.text == "STRIPE_KEY\tdocker\tpushed\nTAKEN\tdocker\tfailed\n"
    assert "it has ••••••" in said.complaint
    assert hidden(said.complaint)


@pytest.mark.skipif(not shutil.which("kubectl"), reason="there is no kubectl here")
def test_kubectls_own_client_applies_a_secret(served: Home, tmp_path: Path) -> None:
    with serving() as (address, received):
        environ = {"HOME": str(tmp_path), "PATH": f"{Path(shutil.which('kubectl') or '').parent}:/usr/bin:/bin"}
        more = ("--", "--server", address, "--validate=false")
        served.envfs("push", "kubectl", "/app", "STRIPE_KEY,DB_URL", *more, environ=environ)
    ((path, body),) = received
    assert path.startswith("/api/v1/namespaces/default/secrets/app?fieldManager=envfs")
    data = json.loads(body)["data"]
    assert {name: base64.b64decode(value).decode() for name, value in data.items()} == {
        name: VALUES[name] for name in ("STRIPE_KEY", "DB_URL")
    }
